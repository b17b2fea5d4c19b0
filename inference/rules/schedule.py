"""Hours of the week in which a zone counts: 17:00 to 22:00 on working days, or 20:00 to 07:00 every night."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Window:
    """From one time of day to another, on some days.

    Attributes:
        days: 0 Monday to 6 Sunday: the days on which it begins.
        start, end: minutes from midnight of such a day; the end is not in it, and lies beyond 1440 when
            the window goes over midnight.
    """

    days: frozenset[int]
    start: int
    end: int

    def contains(self, weekday: int, minute: float) -> bool:
        """Whether a moment of a day lies in it, also in what began the day before."""
        return any(
            (weekday - before) % 7 in self.days and self.start <= minute + before * DAY_MINUTES < self.end
            for before in (0, 1)
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows on the clocks of a place."""

    windows: tuple[Window, ...]
    zone: tzinfo

    def in_force(self, moment: datetime) -> bool:
        """At an aware moment of any offset."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
        return any(window.contains(local.weekday(), minute) for window in self.windows)


def parse_window(entry: Any) -> Window:
    """Read {"days": "mon-fri" | ["mon", "sat"] | "daily", "from": "17:00", "to": "22:00"}.

    `to` before `from` ends on the next day; `days` may be missing for every day; "24:00" is the end of a day.

    Raises:
        ValueError: saying what was expected and what it is.
    """
    if not isinstance(entry, dict) or not {"from", "to"} <= entry.keys() <= {"days", "from", "to"}:
        raise ValueError(f"expected days, from and to, got {entry!r}")
    start, end = _minutes(entry["from"]), _minutes(entry["to"])
    if start in (end, DAY_MINUTES):
        raise ValueError(f"from {entry['from']} to {entry['to']} has no length; 00:00 to 24:00 is all day")
    return Window(_days(entry.get("days", "daily")), start, end if end > start else end + DAY_MINUTES)


def parse_zone(name: Any) -> tzinfo:
    """Read "+08:00" or "Asia/Shanghai".

    Raises:
        ValueError: for what is neither.
    """
    if isinstance(name, str) and (match := _OFFSET.fullmatch(name)):
        sign, hours, minutes = match.groups()
        return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, TypeError, ValueError) as error:  # not found is a KeyError
        raise ValueError(f"expected a time zone such as +08:00 or Asia/Shanghai, got {name!r}") from error


def _minutes(text: Any) -> int:
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        raise ValueError(f"expected a time such as 07:30, got {text!r}")
    return int(text[:2]) * 60 + int(text[3:])


def _days(entry: Any) -> frozenset[int]:
    if entry == "daily":
        return frozenset(range(7))
    names = [entry] if isinstance(entry, str) else entry
    if not isinstance(names, list) or not names:
        raise ValueError(f"expected days such as mon-fri, got {entry!r}")
    return frozenset(day for name in names for day in _day_range(name))


def _day_range(name: Any) -> list[int]:
    ends = name.lower().split("-") if isinstance(name, str) else []
    if len(ends) not in (1, 2) or not set(ends) <= set(DAYS):
        raise ValueError(f"expected days such as mon-fri or sat, got {name!r}")
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]
