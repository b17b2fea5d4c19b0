"""A month of duties: each of its periods, by person."""

from datetime import date, timedelta
from itertools import chain

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.calendar.service import calendar_in_force
from streetsight.service.campaigns.phases import moments_of
from streetsight.service.quotas.counting import periods_in
from streetsight.service.quotas.rules import rules_in_force
from streetsight.service.quotas.schemas import OutingShown, PeriodStanding, PersonMonth, QuotaMonth
from streetsight.service.quotas.service import oversees
from streetsight.service.quotas.standing import (
    Standing,
    evidence_of,
    people_of,
    seen_by,
    standing_in,
    without_account,
)
from streetsight.service.scoring.spans import span_of
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession


def read_month(
    session: ReadSession, actor: Actor, code: str | None, month: str, settings: Settings, language: Language
) -> list[QuotaMonth]:
    """Duties in the periods that begin in a month (as 2026-11), of people whom the actor may see.

    Raises:
        NoCalendar, CalendarLacksYear: for a duty of working days.
        BadPeriod: for a month that is not reckoned with.
    """
    rules = rules_in_force(session)
    if rules is None:
        return []
    calendar, zone = calendar_in_force(session, settings.zone), settings.zone
    span = span_of(month)
    first, last = span.starts, span.ends - timedelta(days=1)
    found = []
    for quota in rules.quotas:
        if code not in (None, quota.code):
            continue
        periods = periods_in(quota.per, first, last)
        people = [each for each in people_of(session, quota) if seen_by(actor, each)]
        evidence = evidence_of(session, rules, people, *moments_of((first, periods[-1].last), zone))
        rows = [standing_in(rules, quota, each, people, evidence, calendar, zone) for each in periods]
        spans = [(each.first, each.last) for each in periods]
        found.append(
            QuotaMonth(
                code=quota.code, label=quota.label(language), per=quota.per,
                people=[_month(spans, list(mine)) for mine in zip(*rows, strict=True)],
                without_account=without_account(session, actor, quota) if oversees(actor) else None,
            )
        )  # fmt: skip
    return found


def _month(spans: list[tuple[date, date]], mine: list[Standing]) -> PersonMonth:
    person = mine[0].person
    periods = [
        PeriodStanding(first=first, last=last, needed=each.needed, done=each.done, state=each.state)
        for (first, last), each in zip(spans, mine, strict=True)
    ]
    outings = chain.from_iterable(each.outings for each in mine)
    return PersonMonth(
        person_id=person.id, name=person.name, unit=person.unit, needed=sum(each.needed for each in mine),
        done=sum(min(each.done, each.needed) for each in mine),
        missed=sum(each.state in ("missed", "behind") for each in mine), periods=periods,
        outings=[*map(OutingShown.of, outings)],
    )  # fmt: skip
