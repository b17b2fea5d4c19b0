"""The four clocks of a deadline: when so much of one has passed since a moment, and how much is left of it.

A deadline is a moment. It lies inside working time, or at the end of it, for the two clocks of working time;
what falls outside begins with the next working moment, so that nobody loses time that they do not have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.faults import Invalid
from streetsight.service.moments import LATEST

Clock = Literal["continuous", "working_hours", "working_days", "calendar_days"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
BY_DAYS: frozenset[Clock] = frozenset({"working_days", "calendar_days"})
BY_CALENDAR: frozenset[Clock] = frozenset({"working_hours", "working_days"})
FARTHEST = date(9999, 1, 1)


class TooFar(Invalid):
    """A limit that ends where the calendar does not go."""

    code = "too_far"


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take.

    Attributes:
        clock: continuous (紧急工作时) never stops; working_hours (工作时) runs in working hours alone;
            working_days (工作日) and calendar_days (自然日) count days, to the same time of day.
        amount: minutes, or days for the clocks that count days.
    """

    clock: Clock
    amount: int

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Limit":
        return cls(row["clock"], row["amount"])

    def as_json(self) -> dict[str, Any]:
        return {"clock": self.clock, "amount": self.amount}

    def say(self, language: Language) -> str:
        """In words, as `4 h of working time`."""
        if self.clock == "working_days":
            return translate("{count} working day(s)", language, count=self.amount)
        if self.clock == "calendar_days":
            return translate("{count} day(s)", language, count=self.amount)
        if self.clock == "working_hours" and self.amount % 60:
            return translate("{count} min of working time", language, count=self.amount)
        if self.clock == "working_hours":
            return translate("{count} h of working time", language, count=self.amount // 60)
        if self.amount % 60:
            return translate("{count} min", language, count=self.amount)
        return translate("{count} h, day and night", language, count=self.amount // 60)


def due(limit: Limit, start: datetime, calendar: WorkingCalendar) -> datetime:
    """When the limit ends that begins at `start`; UTC.

    Raises:
        CalendarLacksYear: for working time in a year that the calendar does not have.
        TooFar: beyond the last year that there is.
    """
    if limit.clock == "continuous":
        return _later(start.astimezone(UTC), timedelta(minutes=limit.amount))
    if limit.clock == "working_hours":
        return after_working(calendar, start, timedelta(minutes=limit.amount))
    if limit.clock == "calendar_days":
        return _later(start.astimezone(calendar.zone), timedelta(days=limit.amount))
    return _after_working_days(calendar, start, limit.amount)


def resumed(
    clock: Clock, due_at: datetime, paused: datetime, again: datetime, calendar: WorkingCalendar
) -> datetime:
    """The deadline after a pause: what was left of it at `paused` is left at `again`.

    One that had passed before the pause stays where it is. Raises CalendarLacksYear.
    """
    if due_at <= paused or again <= paused:
        return due_at
    if clock in BY_CALENDAR:
        return after_working(calendar, again, working_time(calendar, paused, due_at))
    return due_at + (again - paused)


def working_time(calendar: WorkingCalendar, start: datetime, end: datetime) -> timedelta:
    """Working time between two moments. Raises CalendarLacksYear."""
    total = timedelta(0)
    for opens, closes in _shifts_from(calendar, start):
        if opens >= end:
            break
        total += max(timedelta(0), min(closes, end) - max(opens, start))
    return total


def after_working(calendar: WorkingCalendar, start: datetime, length: timedelta) -> datetime:
    """The moment by which so much working time has passed; at the end of a shift, that end.

    Raises:
        CalendarLacksYear: when it would lie beyond the years of the calendar.
    """
    left = length
    for opens, closes in _shifts_from(calendar, start):
        begin = max(opens, start)
        if begin <= closes and left <= closes - begin:
            return (begin + left).astimezone(UTC)
        left -= max(timedelta(0), closes - begin)
    raise AssertionError("the calendar ends before the years do")


def _later(start: datetime, length: timedelta) -> datetime:
    """So much later on the clock of `start`; UTC. Raises TooFar."""
    if start > LATEST - length:
        raise TooFar("the limit ends after the year 9999; name an earlier start, or a shorter limit")
    return (start + length).astimezone(UTC)


def _after_working_days(calendar: WorkingCalendar, start: datetime, days: int) -> datetime:
    """The same time of day so many working days later, within that day's hours."""
    begin = after_working(calendar, start, timedelta(0)).astimezone(calendar.zone)
    day = begin.date()
    for _ in range(days):
        day = calendar.next_working_day(day)
    return _clamped(calendar, day, begin.time()).astimezone(UTC)


def _clamped(calendar: WorkingCalendar, day: date, clock: time) -> datetime:
    """A time of day within a working day's shifts; in a break, when work begins again."""
    wanted = datetime.combine(day, clock, calendar.zone).astimezone(UTC)
    shifts = calendar.shifts(day)
    for opens, closes in shifts:
        if wanted <= closes:
            return max(wanted, opens)
    return shifts[-1][1]


def _shifts_from(calendar: WorkingCalendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Shifts that end at `start` or later, in UTC, without end."""
    day = start.astimezone(calendar.zone).date()
    while day < FARTHEST:
        yield from (shift for shift in calendar.shifts(day) if shift[1] >= start)
        day += timedelta(days=1)
