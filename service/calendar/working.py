"""Working days and hours of a city, as far as its calendar goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from streetsight.service.faults import Conflict

Shift = tuple[time, time]
"""From, until; both 00:00 stands for the whole day."""
Span = tuple[datetime, datetime]


class CalendarLacksYear(Conflict):
    """Working time in a year whose holidays nobody has told."""

    code = "calendar_lacks_year"


class NoCalendar(Conflict):
    """Working time, and no calendar was brought in."""

    code = "no_calendar"


@dataclass(frozen=True, slots=True)
class Year:
    """Attributes: holidays: days off; work_days: weekends that are worked (调休上班)."""

    holidays: frozenset[date]
    work_days: frozenset[date]


@dataclass(frozen=True, slots=True)
class Season:
    """Hours from a day of the year on, until the next season. Attributes: begins: (month, day)."""

    begins: tuple[int, int]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, eq=False)
class WorkingCalendar:
    """Which days are worked, and when.

    Attributes:
        weekend: days of the week, Monday is 1.
        seasons: in the order of the year.
        years: those whose holidays are known; others are refused.
    """

    name: str
    zone: ZoneInfo
    weekend: frozenset[int]
    seasons: tuple[Season, ...]
    years: Mapping[int, Year]

    def is_working_day(self, day: date) -> bool:
        """Raises CalendarLacksYear."""
        year = self.years.get(day.year)
        if year is None:
            raise self._lacks(day.year)
        if day in year.work_days:
            return True
        return day not in year.holidays and day.isoweekday() not in self.weekend

    def next_working_day(self, day: date) -> date:
        """The first working day after a day. Raises CalendarLacksYear."""
        day += timedelta(days=1)
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def shifts(self, day: date) -> tuple[Span, ...]:
        """When it is worked on a day, UTC; empty on a day off. Raises CalendarLacksYear."""
        return _spans(self, day) if self.is_working_day(day) else ()

    def hours_of(self, day: date) -> tuple[Shift, ...]:
        """The hours of the season that a day lies in."""
        before = [each for each in self.seasons if each.begins <= (day.month, day.day)]
        return (before or self.seasons)[-1].shifts

    def _lacks(self, year: int) -> CalendarLacksYear:
        if not self.years:
            return CalendarLacksYear(
                "the calendar {name} has no years; add their holidays and bring it in again with "
                "`streetsight calendar import`",
                name=self.name,
            )
        return CalendarLacksYear(
            "the calendar {name} has the years {years}, not {year}; add its holidays and bring it in again "
            "with `streetsight calendar import`, or name a deadline by its moment",
            name=self.name, years=", ".join(map(str, sorted(self.years))), year=year,
        )  # fmt: skip


class Uncalendared(WorkingCalendar):
    """In place of a calendar that nobody has brought in: knows the zone, and no working time."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__("-", zone, frozenset(), (), {})

    def is_working_day(self, day: date) -> bool:
        """Raises NoCalendar."""
        raise NoCalendar(
            "there is no calendar, so working time is not known; bring one in with `streetsight calendar "
            "import`, or name a deadline by its moment"
        )


@lru_cache(maxsize=4096)
def _spans(calendar: WorkingCalendar, day: date) -> tuple[Span, ...]:
    def moment(clock: time, ends: bool) -> datetime:
        there = day + timedelta(days=1) if ends and clock == time.min else day
        return datetime.combine(there, clock, calendar.zone).astimezone(UTC)

    return tuple((moment(begin, False), moment(end, True)) for begin, end in calendar.hours_of(day))
