"""Months, quarters and years by name: `2026-11`, `2026-Q4`, `2026`."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from streetsight.service.faults import Invalid
from streetsight.service.scoring.facts import Grain

_NAME = re.compile(r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2])|-Q(?P<quarter>[1-4]))?")


class BadPeriod(Invalid):
    """A name that is no period."""

    code = "bad_period"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A period. Attributes: starts, ends: its first day, and the first one after it."""

    starts: date
    ends: date
    grain: Grain

    @property
    def name(self) -> str:
        if self.grain == "month":
            return f"{self.starts:%Y-%m}"
        return f"{self.starts:%Y}-Q{self.quarter}" if self.grain == "quarter" else f"{self.starts:%Y}"

    @property
    def quarter(self) -> int:
        """Of the year, 1 to 4: the one that it starts in."""
        return (self.starts.month + 2) // 3

    @property
    def last_month(self) -> date:
        """First day of its last month, whose scheme it goes by."""
        return self.months()[-1].starts

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Its first moment and the first one after it, by the city's clock."""
        begin, end = (datetime.combine(day, time(), zone) for day in (self.starts, self.ends))
        return begin, end

    def months(self) -> list["Span"]:
        """The months in it."""
        found, start = [], self.starts
        while start < self.ends:
            found.append(month_of(start))
            start = found[-1].ends
        return found

    def before(self) -> "Span":
        """The period before it, of the same length."""
        last = self.starts - timedelta(days=1)
        if self.grain == "month":
            return month_of(last)
        return quarter_of(last) if self.grain == "quarter" else year_of(last)


def span_of(name: str) -> Span:
    """The period of a name. Raises BadPeriod."""
    found = _NAME.fullmatch(name)
    if found is None or not 1970 <= int(found["year"]) <= 2200:
        raise BadPeriod("{name} is no period; expected one as 2026-11, 2026-Q4 or 2026", name=name[:40])
    year = int(found["year"])
    if found["month"]:
        return month_of(date(year, int(found["month"]), 1))
    return (
        quarter_of(date(year, int(found["quarter"]) * 3, 1))
        if found["quarter"]
        else year_of(date(year, 1, 1))
    )


def month_of(day: date) -> Span:
    """The month that a day lies in."""
    return Span(day.replace(day=1), _first_after(day, 1), "month")


def quarter_of(day: date) -> Span:
    """The quarter that a day lies in."""
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return Span(first, _first_after(first, 3), "quarter")


def year_of(day: date) -> Span:
    """The year that a day lies in."""
    return Span(date(day.year, 1, 1), date(day.year + 1, 1, 1), "year")


def _first_after(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
