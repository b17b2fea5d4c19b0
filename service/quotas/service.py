"""Patrol duties: how people stand, outings entered by hand, what was missed."""

from datetime import date, timedelta

from sqlalchemy import select

from streetsight.models.taxonomy import Language
from streetsight.service.areas.service import area_path_at
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.calendar.service import calendar_in_force
from streetsight.service.faults import Invalid
from streetsight.service.issues.entering import wgs84
from streetsight.service.people.tables import Person
from streetsight.service.privacy.service import frame_for
from streetsight.service.quotas.counting import period_of
from streetsight.service.quotas.rules import rules_in_force
from streetsight.service.quotas.schemas import MissPage, MissShown, OutingSent, QuotaShown
from streetsight.service.quotas.standing import OLDEST, seen_by, standings, without_account
from streetsight.service.quotas.tables import Outing, QuotaMiss, QuotaPeriod
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

SKEW = timedelta(minutes=5)


class NotThen(Invalid):
    """An outing that has not happened yet, or too long ago."""

    code = "not_then"


def read_quotas(
    session: ReadSession,
    actor: Actor,
    code: str | None,
    day: date | None,
    settings: Settings,
    language: Language,
) -> list[QuotaShown]:
    """How people stand in the period that a day (today) lies in, of those that the actor may see.

    Raises:
        NoCalendar, CalendarLacksYear: for a duty of working days.
    """
    rules = rules_in_force(session)
    if rules is None:
        return []
    calendar, zone = calendar_in_force(session, settings.zone), settings.zone
    wanted, found = day or now().astimezone(zone).date(), []
    for quota in rules.quotas:
        if code not in (None, quota.code):
            continue
        period = period_of(quota.per, wanted)
        people = standings(session, rules, quota, period, calendar, zone)
        mine = [each for each in people if seen_by(actor, each.person)]
        without = without_account(session, actor, quota) if oversees(actor) else None
        found.append(QuotaShown.of(quota, period, mine, without, language))
    return found


def enter_outing(session: WriteSession, actor: Actor, sent: OutingSent, settings: Settings) -> Outing:
    """Write an outing of one's own down. Raises NotThen, and what `frame_for` raises of its photos."""
    moment = now()
    at = sent.at or moment
    if not moment - OLDEST <= at <= moment + SKEW:
        raise NotThen(
            "at={at} has not come yet, or is more than {days} days ago; say when you were there",
            at=at.isoformat(), days=OLDEST.days,
        )  # fmt: skip
    lon, lat = wgs84(sent.position)
    frames = [frame_for(session, actor, each, settings).id for each in dict.fromkeys(sent.photos)]
    row = Outing(
        person_id=actor.id, at=at, lon=lon, lat=lat, area_path=area_path_at(session, lon, lat),
        text=sent.text, frame_ids=frames,
    )  # fmt: skip
    session.add(row)
    session.flush()
    said = {"at": at.isoformat(), "lon": lon, "lat": lat, "text": sent.text, "photos": frames}
    record(session, actor, "outing.entered", f"outing/{row.id}", said)
    return row


def list_misses(
    session: ReadSession, actor: Actor, code: str | None, limit: int, cursor: str | None
) -> MissPage:
    """Who has missed what, the latest first, of those that the actor may see."""
    found = (
        select(QuotaMiss, QuotaPeriod, Person)
        .join(QuotaPeriod, QuotaPeriod.id == QuotaMiss.period_id)
        .join(Person, Person.id == QuotaMiss.person_id)
        .order_by(QuotaMiss.id.desc())
    )
    if code is not None:
        found = found.where(QuotaPeriod.quota == code)
    if cursor is not None:
        found = found.where(QuotaMiss.id < cursor)
    rows = [row for row in session.execute(found) if seen_by(actor, row[2])]
    items = [
        MissShown(
            id=miss.id, quota=period.quota, first=period.first, last=period.last, person_id=person.id,
            name=person.name, needed=miss.needed, done=miss.done, told_at=period.created_at,
        )
        for miss, period, person in rows[:limit]
    ]  # fmt: skip
    return MissPage(items=items, next_cursor=items[-1].id if len(rows) > limit else None)


def oversees(actor: Actor) -> bool:
    """Whether an actor sees others than themselves."""
    return may(actor, Permission.MANAGE_ISSUES) or may(actor, Permission.ANALYSE)
