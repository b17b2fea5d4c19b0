"""Clocks of deadlines: on known days of the shipped calendar, and by what must hold on any."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.service.calendar.clocks import Limit, TooFar, after_working, due, resumed, working_time
from streetsight.service.calendar.deadlines import Described, limit_for, steps_until
from streetsight.service.calendar.reading import (
    CalendarDocument,
    DeadlineDocument,
    LimitSent,
    example_files,
)
from streetsight.service.calendar.working import CalendarLacksYear, NoCalendar, Uncalendared
from streetsight.service.documents.reading import DocumentRefused, read_content, read_file

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = read_file(example_files("calendar")["china-2026"], CalendarDocument).made()
HOUR = 60


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-01-02", False), ("2026-01-04", True),  # 元旦, and the Sunday worked for it
        ("2026-02-14", True), ("2026-02-16", False), ("2026-02-23", False), ("2026-02-28", True),  # 春节
        ("2026-04-06", False), ("2026-05-09", True), ("2026-06-19", False),
        ("2026-09-20", True), ("2026-09-25", False),
        ("2026-10-01", False), ("2026-10-07", False), ("2026-10-08", True), ("2026-10-10", True),  # 国庆节
        ("2026-10-11", False), ("2026-11-23", True),
    ],
)  # fmt: skip
def test_days_of_2026(day: str, working: bool) -> None:
    assert CHINA.is_working_day(date.fromisoformat(day)) is working


@pytest.mark.parametrize(
    ("clock", "amount", "start", "end"),
    [
        ("continuous", 2 * HOUR, "10-03 23:30", "10-04 01:30"),
        ("working_hours", 4 * HOUR, "11-23 09:00", "11-23 15:00"),  # over the midday rest
        ("working_hours", 4 * HOUR, "11-23 14:00", "11-23 18:00"),  # not the next morning
        ("working_hours", 4 * HOUR, "11-23 17:00", "11-24 11:00"),
        ("working_hours", 2 * HOUR, "11-23 12:30", "11-23 16:00"),
        ("working_hours", 2 * HOUR, "11-21 10:00", "11-23 10:00"),  # a Saturday
        ("working_hours", 4 * HOUR, "09-30 16:00", "10-08 10:00"),  # over National Day
        ("working_hours", 16 * HOUR, "10-09 08:00", "10-10 18:00"),  # the Saturday is worked
        ("working_days", 1, "11-20 16:00", "11-23 16:00"),
        ("working_days", 1, "11-20 22:00", "11-24 08:00"),  # begins on Monday morning
        ("working_days", 1, "09-30 18:00", "10-08 18:00"),
        ("working_days", 3, "10-08 10:00", "10-12 10:00"),
        ("working_days", 5, "09-18 09:00", "09-24 09:00"),  # with the Sunday of 调休
        ("working_days", 0, "11-22 09:00", "11-23 08:00"),
        ("calendar_days", 1, "09-30 17:00", "10-01 17:00"),
        ("calendar_days", 10, "11-20 17:00", "11-30 17:00"),
    ],
)
def test_known_deadlines(clock: Any, amount: int, start: str, end: str) -> None:
    assert due(Limit(clock, amount), moment(start), CHINA) == moment(end)


def test_a_pause_gives_back_what_was_left() -> None:
    end = moment("11-23 15:00")
    paused = moment("11-23 11:00")  # two working hours were left
    assert resumed("working_hours", end, paused, moment("11-24 17:00"), CHINA) == moment("11-25 09:00")
    assert resumed("continuous", end, paused, moment("11-24 11:00"), CHINA) == moment("11-24 15:00")
    late = moment("11-25 09:00")
    assert resumed("working_hours", end, late, moment("11-26 09:00"), CHINA) == end


def test_seasons_change_the_hours() -> None:
    seasonal = read_content(
        {
            "name": "seasons", "years": {"2026": {"holidays": []}},
            "hours": [
                {"begins": "05-01", "shifts": ["08:00-12:00", "15:00-19:00"]},
                {"begins": "10-01", "shifts": ["08:30-12:00", "13:30-17:30"]},
            ],
        },
        CalendarDocument,
    ).made()  # fmt: skip
    assert due(Limit("working_hours", HOUR), moment("07-01 18:30"), seasonal) == moment("07-02 08:30")
    # the last season of a year goes on into the next
    assert due(Limit("working_hours", HOUR), moment("01-05 17:00"), seasonal) == moment("01-06 09:00")
    # a time of day that the other season does not have
    assert due(Limit("working_days", 1), moment("09-30 18:30"), seasonal) == moment("10-01 17:30")
    assert due(Limit("working_days", 1), moment("04-30 14:00"), seasonal) == moment("05-01 15:00")


def test_a_year_that_is_missing_is_refused_with_what_to_do() -> None:
    with pytest.raises(CalendarLacksYear, match=r"has the years 2026, not 2027; add its holidays"):
        due(Limit("working_days", 2), moment("12-31 09:00"), CHINA)
    with pytest.raises(NoCalendar, match="streetsight calendar import"):
        due(Limit("working_hours", 1), moment("11-23 09:00"), Uncalendared(SHANGHAI))
    assert due(Limit("calendar_days", 2), moment("12-31 09:00"), Uncalendared(SHANGHAI)).year == 2027


STARTS = st.datetimes(datetime(2026, 1, 5), datetime(2026, 9, 1), timezones=st.just(UTC))
MINUTES = st.integers(0, 5 * 8 * HOUR)
DAYS = st.integers(0, 20)


@given(STARTS, MINUTES, MINUTES)
def test_working_hours_add_up_and_land_in_working_time(start: datetime, one: int, two: int) -> None:
    whole = due(Limit("working_hours", one + two), start, CHINA)
    assert whole == due(Limit("working_hours", two), due(Limit("working_hours", one), start, CHINA), CHINA)
    assert any(opens <= whole <= closes for opens, closes in CHINA.shifts(whole.astimezone(SHANGHAI).date()))
    assert working_time(CHINA, start, whole) == timedelta(minutes=one + two)
    assert CHINA.is_working_day(whole.astimezone(SHANGHAI).date())


@given(STARTS, DAYS, DAYS)
def test_working_days_add_up_and_land_in_working_time(start: datetime, one: int, two: int) -> None:
    whole = due(Limit("working_days", one + two), start, CHINA)
    assert whole == due(Limit("working_days", two), due(Limit("working_days", one), start, CHINA), CHINA)
    assert any(opens <= whole <= closes for opens, closes in CHINA.shifts(whole.astimezone(SHANGHAI).date()))


@given(
    STARTS, STARTS, st.sampled_from(["continuous", "working_hours", "working_days", "calendar_days"]), DAYS
)
def test_who_begins_later_is_due_no_sooner(one: datetime, two: datetime, clock: Any, amount: int) -> None:
    first, second = sorted((one, two))
    limit, longer = Limit(clock, amount), Limit(clock, amount + 1)
    assert due(limit, first, CHINA) <= due(limit, second, CHINA)
    assert first <= due(limit, first, CHINA) <= due(longer, first, CHINA)


@given(STARTS, MINUTES, st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_pause_takes_time_away(start: datetime, amount: int, begins: int, lasts: int) -> None:
    limit = Limit("working_hours", amount)
    end = due(limit, start, CHINA)
    paused = start + timedelta(minutes=begins)
    again = paused + timedelta(minutes=lasts)
    moved = resumed("working_hours", end, paused, again, CHINA)
    assert moved >= end or end <= paused
    if end > paused:
        assert working_time(CHINA, again, moved) == working_time(CHINA, paused, end)


@given(STARTS, MINUTES)
def test_working_time_and_its_end_are_inverse(start: datetime, minutes: int) -> None:
    assert working_time(CHINA, start, after_working(CHINA, start, timedelta(minutes=minutes))) == timedelta(
        minutes=minutes
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"name": "x", "hours": [{"begins": "01-01", "shifts": ["08:00-12:00"]}], "years": {}}, "years"),
        ({"years": {"2026": {"holidays": ["2027-01-01"]}}}, "is of another year"),
        ({"years": {"2026": {"holidays": ["2026-01-01"], "work_days": ["2026-01-01"]}}}, "a holiday and a"),
        ({"years": {"2026": {"holidays": ["2026-02-30"]}}}, "years.2026.holidays"),
        ({"hours": [{"begins": "01-01", "shifts": ["12:00-08:00"]}]}, "ends before it begins"),
        ({"hours": [{"begins": "01-01", "shifts": ["08:00-12:00", "11:00-13:00"]}]}, "one after the other"),
        ({"hours": [{"begins": "13-01", "shifts": ["08:00-12:00"]}]}, "hours.0.begins"),
        ({"time_zone": "Asia/Nowhere"}, "no time zone is called"),
        ({"holiday": []}, "holiday"),
    ],
)  # fmt: skip
def test_a_bad_calendar_is_refused_by_name(content: dict[str, Any], message: str) -> None:
    whole = {
        "name": "x", "hours": [{"begins": "01-01", "shifts": ["08:00-12:00"]}],
        "years": {"2026": {"holidays": []}}, **content,
    }  # fmt: skip
    with pytest.raises(DocumentRefused, match=message):
        read_content(whole, CalendarDocument)


def test_the_first_line_that_fits_counts() -> None:
    table = read_file(example_files("deadlines")["main-roads"], DeadlineDocument)
    litter = Described(condition="exposed_garbage", area_type="主次干道")
    row = limit_for(table, litter)
    assert row is not None
    assert row.made() == Limit("continuous", 10)
    assert limit_for(table, Described(condition="exposed_garbage")) is None
    lamp = Described({"scheme": "GB/T 47678.5-2026", "code": "01037"}, "broken_facility")
    assert (found := limit_for(table, lamp)) is not None
    assert found.made() == Limit("continuous", 24 * HOUR)
    assert limit_for(table, Described({"scheme": "GB/T 30428.2-2013", "code": "01037"})) is None


@pytest.mark.parametrize("name", sorted(example_files("deadlines")))
def test_every_shipped_table_can_be_used_and_says_that_it_is_an_example(name: str) -> None:
    table = read_file(example_files("deadlines")[name], DeadlineDocument)
    assert table.example
    assert table.source
    assert all(row.source for row in table.limits)


def test_a_line_that_hides_all_others_is_refused() -> None:
    rows = [
        {"clock": "continuous", "hours": 1},
        {"condition": "defacement", "clock": "continuous", "hours": 2},
    ]
    with pytest.raises(DocumentRefused, match="entry 1 fits all"):
        read_content({"name": "x", "limits": rows}, DeadlineDocument)
    with pytest.raises(DocumentRefused, match="a bare code means nothing"):
        read_content({"name": "x", "limits": [{"code": "0110", **rows[0]}]}, DeadlineDocument)
    with pytest.raises(DocumentRefused, match="expected one of minutes, hours"):
        read_content({"name": "x", "limits": [{"clock": "continuous", "days": 1}]}, DeadlineDocument)


def test_steps_are_reached_one_after_the_other() -> None:
    table = read_file(example_files("deadlines")["yuncheng"], DeadlineDocument)
    end = moment("11-20 16:00")
    steps = steps_until(table, end, CHINA, moment("11-20 16:30"))
    assert ([each.colour for each in steps.reached], steps.following) == (["white"], moment("11-23 16:00"))
    steps = steps_until(table, end, CHINA, moment("11-26 16:00"))
    assert ([each.colour for each in steps.reached], steps.following) == (["white", "yellow", "red"], None)
    assert steps.unknown is None


def test_a_step_that_the_calendar_does_not_know_holds_no_other_one_up() -> None:
    def step(name: str, **after: Any) -> dict[str, Any]:
        return {"name": name, "colour": "white", "after": after, "text": "x"}

    supervision = [
        step("in working time", clock="working_days", days=2),
        step("at once", clock="continuous", minutes=0), step("a day on", clock="continuous", hours=24),
    ]  # fmt: skip
    table = read_content({"name": "x", "supervision": supervision}, DeadlineDocument)
    steps = steps_until(table, moment("12-31 12:00"), CHINA, moment("12-31 13:00"))
    assert [each.name for each in steps.reached] == ["at once"]
    assert steps.following == moment("12-31 12:00") + timedelta(days=1)
    assert isinstance(steps.unknown, CalendarLacksYear)


@pytest.mark.parametrize("limit", [Limit("continuous", 100_000), Limit("calendar_days", 100_000)])
def test_limits_that_end_beyond_the_last_year_are_refused(limit: Limit) -> None:
    with pytest.raises(TooFar, match="after the year 9999"):
        due(limit, datetime(9999, 12, 1, tzinfo=UTC), CHINA)
    assert due(limit, datetime(9000, 12, 1, tzinfo=UTC), CHINA) > datetime(9000, 12, 1, tzinfo=UTC)


def test_limits_say_themselves_in_both_languages() -> None:
    assert LimitSent(clock="working_hours", hours=4).made().say("zh") == "4 工作时"
    assert Limit("continuous", 120).say("zh") == "2 紧急工作时"
    assert Limit("continuous", 10).say("en") == "10 min"
    assert Limit("working_days", 5).say("en") == "5 working day(s)"
