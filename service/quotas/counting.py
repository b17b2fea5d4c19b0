"""Periods of a duty, how often it is due in one, and outings out of single moments: pure functions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.quotas.rules import Per, Quota

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Each of them."""
        return (self.first + DAY * number for number in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Something that shows that somebody was outside. kind: enter, ..., check, patrol or by_hand."""

    at: datetime
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Outing:
    """What followed one another closely. Attributes: counts: False beyond what counts of one day."""

    began: datetime
    ended: datetime
    evidence: tuple[Evidence, ...]
    counts: bool


def period_of(per: Per, day: date) -> Period:
    """The period that a day lies in; weeks begin on Monday."""
    if per == "day":
        return Period(day, day)
    if per == "week":
        first = day - DAY * (day.isoweekday() - 1)
        return Period(first, first + DAY * 6)
    first = day.replace(day=1)
    return Period(first, (first + DAY * 31).replace(day=1) - DAY)


def periods_in(per: Per, first: date, last: date) -> list[Period]:
    """Periods that begin on one of the days, in their order."""
    found, day = list[Period](), first
    while day <= last:
        period = period_of(per, day)
        if period.first >= first:
            found.append(period)
        day = period.last + DAY
    return found


def due_days(quota: Quota, days: Iterable[date], calendar: WorkingCalendar) -> list[date]:
    """Days on which a duty is due. Raises NoCalendar, CalendarLacksYear."""
    return [day for day in days if quota.days == "all" or calendar.is_working_day(day)]


def needed_in(quota: Quota, period: Period, calendar: WorkingCalendar) -> int:
    """How often it is due in a period: never more than its days allow. As `due_days`."""
    days = len(due_days(quota, period.days(), calendar))
    if quota.most_a_day is None:
        return quota.count if days else 0
    return min(quota.count, days * quota.most_a_day)


def outings_of(
    evidence: Iterable[Evidence], apart_minutes: int, most_a_day: int | None, zone: tzinfo
) -> list[Outing]:
    """Outings in their order: what lies no farther apart than so many minutes is one.

    The order of what comes in, and the same twice, change nothing. An outing is of the day it began on.
    """
    apart, groups = timedelta(minutes=apart_minutes), list[list[Evidence]]()
    for each in sorted(set(evidence)):
        if groups and each.at - groups[-1][-1].at <= apart:
            groups[-1].append(each)
        else:
            groups.append([each])
    of_day: Counter[date] = Counter()
    found = []
    for group in groups:
        day = group[0].at.astimezone(zone).date()
        of_day[day] += 1
        counts = most_a_day is None or of_day[day] <= most_a_day
        found.append(Outing(group[0].at, group[-1].at, tuple(group), counts))
    return found
