"""Hours of zones: over midnight, on days, in time zones."""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.rules.schedule import DAYS, Schedule, parse_window, parse_zone

CHINA = timezone(timedelta(hours=8))


def hours(days: Any, start: str, end: str) -> Schedule:
    return Schedule((parse_window({"days": days, "from": start, "to": end}),), CHINA)


@pytest.mark.parametrize(
    ("days", "start", "end", "moment", "counts"),
    [
        ("daily", "07:00", "09:00", "2026-05-04T07:00:00+08:00", True),  # the beginning is in it
        ("daily", "07:00", "09:00", "2026-05-04T09:00:00+08:00", False),  # the end is not
        ("daily", "07:00", "09:00", "2026-05-04T08:59:59.9+08:00", True),
        ("daily", "07:00", "09:00", "2026-05-03T23:30:00+00:00", True),  # 07:30 in China
        ("mon-fri", "07:00", "09:00", "2026-05-09T08:00:00+08:00", False),  # a Saturday
        (["sat", "sun"], "07:00", "09:00", "2026-05-09T08:00:00+08:00", True),
        ("fri", "18:00", "01:00", "2026-05-09T00:30:00+08:00", True),  # Friday's night, now Saturday
        ("fri", "18:00", "01:00", "2026-05-08T00:30:00+08:00", False),  # that was Thursday's
        ("sun", "22:00", "06:00", "2026-05-11T05:00:00+08:00", True),  # over the end of the week
        ("fri-mon", "10:00", "11:00", "2026-05-10T10:30:00+08:00", True),  # over the weekend
        ("fri-mon", "10:00", "11:00", "2026-05-12T10:30:00+08:00", False),
        ("daily", "00:00", "24:00", "2026-05-12T23:59:59+08:00", True),
    ],
)
def test_a_moment_counts_or_not(days: Any, start: str, end: str, moment: str, counts: bool) -> None:
    assert hours(days, start, end).in_force(datetime.fromisoformat(moment)) is counts


clocks = st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda d: d.replace(tzinfo=CHINA))


@given(clocks, clocks, moments)
def test_a_window_and_what_it_leaves_are_all_day(start: time, end: time, moment: datetime) -> None:
    if start == end:
        return
    one = hours("daily", f"{start:%H:%M}", f"{end:%H:%M}")
    other = hours("daily", f"{end:%H:%M}", f"{start:%H:%M}")
    assert one.in_force(moment) is not other.in_force(moment)


@given(clocks, clocks, moments, st.integers(-12, 14))
def test_the_moments_own_offset_does_not_matter(
    start: time, end: time, moment: datetime, offset: int
) -> None:
    if start == end:
        return
    schedule = hours("mon-fri", f"{start:%H:%M}", f"{end:%H:%M}")
    elsewhere = moment.astimezone(timezone(timedelta(hours=offset)))
    assert schedule.in_force(moment) is schedule.in_force(elsewhere)


@given(clocks, clocks, moments, st.sampled_from(DAYS))
def test_a_day_counts_only_on_its_own_nights(start: time, end: time, moment: datetime, day: str) -> None:
    if start == end:
        return
    schedule = hours(day, f"{start:%H:%M}", f"{end:%H:%M}")
    if schedule.in_force(moment):
        own = DAYS.index(day)
        assert moment.weekday() in (own, (own + 1) % 7)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"from": "7:00", "to": "09:00"}, "expected a time such as 07:30, got '7:00'"),
        ({"from": "07:00", "to": "07:00"}, "has no length; 00:00 to 24:00 is all day"),
        ({"from": "24:00", "to": "07:00"}, "has no length"),
        ({"from": "07:00", "to": "25:00"}, "expected a time such as 07:30"),
        ({"from": "07:00"}, "expected days, from and to"),
        ({"from": "07:00", "to": "09:00", "until": "June"}, "expected days, from and to"),
        ({"from": 7, "to": "09:00"}, "expected a time such as 07:30, got 7"),
        ({"days": "monday", "from": "07:00", "to": "09:00"}, "expected days such as mon-fri or sat"),
        ({"days": [], "from": "07:00", "to": "09:00"}, "expected days such as mon-fri"),
        ({"days": "mon-tue-wed", "from": "07:00", "to": "09:00"}, "expected days such as mon-fri or sat"),
        ("07:00-09:00", "expected days, from and to"),
    ],
)
def test_hours_that_cannot_be_read_are_refused(entry: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_window(entry)


def test_a_zone_is_an_offset_or_a_name() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert noon.astimezone(parse_zone("+08:00")).hour == 20
    assert noon.astimezone(parse_zone("-03:30")).strftime("%H:%M") == "08:30"
    assert noon.astimezone(parse_zone("Asia/Shanghai")).hour == 20
    for wrong in ("Peking", "+8", None, "../etc/passwd", 8):
        with pytest.raises(ValueError, match="expected a time zone such as"):
            parse_zone(wrong)
