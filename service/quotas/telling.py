"""Tell of duties that were not met, once for each period, when it is over."""

from datetime import timedelta

from sqlalchemy import select

from streetsight.service.calendar.service import calendar_in_force
from streetsight.service.calendar.working import CalendarLacksYear, NoCalendar, WorkingCalendar
from streetsight.service.documents.service import version_of
from streetsight.service.events.service import publish
from streetsight.service.quotas.counting import Period, period_of
from streetsight.service.quotas.rules import Quota, QuotaRules, rules_in_force
from streetsight.service.quotas.standing import standings
from streetsight.service.quotas.tables import QuotaMiss, QuotaPeriod, QuotaRulesVersion
from streetsight.service.settings import Settings
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert


def tell_of_missed(session: WriteSession, settings: Settings) -> int:
    """Look at the last period of each duty that is over; gives how many were looked at now.

    Several workers may do this at once: each period is told of by one. Without a calendar for it, a duty of
    working days is left alone; `GET /v1/quotas` says so.
    """
    rules, version = rules_in_force(session), version_of(session, QuotaRulesVersion)
    if rules is None or version is None:
        return 0
    day = (now() - timedelta(hours=rules.grace_hours)).astimezone(settings.zone).date()
    since, calendar = version.created_at.astimezone(settings.zone).date(), None
    told = 0
    for quota in rules.quotas:
        period = period_of(quota.per, period_of(quota.per, day).first - timedelta(days=1))
        if period.first < since or _is_told(session, quota, period):
            continue  # nobody is told of a time before the duty
        calendar = calendar or calendar_in_force(session, settings.zone)
        try:
            told += _tell(session, rules, quota, period, calendar, settings)
        except (NoCalendar, CalendarLacksYear):
            continue
    return told


def _tell(
    session: WriteSession,
    rules: QuotaRules,
    quota: Quota,
    period: Period,
    calendar: WorkingCalendar,
    settings: Settings,
) -> bool:
    found = standings(session, rules, quota, period, calendar, settings.zone)
    row = {
        "id": new_id(), "created_at": now(), "quota": quota.code, "first": period.first, "last": period.last,
        "people": len(found),
    }  # fmt: skip
    written = upsert(session, QuotaPeriod).values(row).on_conflict_do_nothing().returning(QuotaPeriod.id)
    period_id = session.scalar(written)
    if period_id is None:  # another worker was quicker
        return False
    missed = [each for each in found if each.state != "met"]
    session.add_all(
        QuotaMiss(period_id=period_id, person_id=each.person.id, needed=each.needed, done=each.done)
        for each in missed
    )
    session.flush()
    if missed:
        data = {
            "quota": quota.code, "label": quota.zh, "first": period.first, "last": period.last,
            "needed": missed[0].needed, "people": len(found), "missed": len(missed),
        }  # fmt: skip
        publish(session, "quota.missed", f"quota/{quota.code}", data, None)
    return True


def _is_told(session: ReadSession, quota: Quota, period: Period) -> bool:
    known = select(QuotaPeriod.id).where(QuotaPeriod.quota == quota.code, QuotaPeriod.first == period.first)
    return session.scalar(known) is not None
