"""Moments that are sent to us, within what every clock of a city can show.

The calendar goes from year 1 to 9999. A moment at either end of it lies in no year on some other clock, and
cannot be reckoned over: whoever names one is told, or, where it only bounds a search, gets what there is.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

EARLIEST, LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]
"""One that is kept or reckoned with; refused beyond the ends."""


def within(moment: datetime) -> datetime:
    """The moment, or the end of the calendar that it lies beyond: on the same side of all that is kept."""
    return min(max(moment, EARLIEST), LATEST)


Bound = Annotated[AwareDatetime, AfterValidator(within)]
"""From when on, or before when, something is looked for."""

Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 12, 31))]
"""One whose week, month or year is reckoned with; the years of scores."""


def morning(day: date, zone: tzinfo, days: int = 0) -> datetime:
    """When a day begins on the clock of a city, or one so many days later; UTC, and as `within`."""
    try:
        return within(datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC))
    except OverflowError:
        return EARLIEST if day.year < LATEST.year else LATEST
