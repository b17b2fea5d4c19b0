"""Calendars and deadlines as they are written: TOML files, and the same as JSON over HTTP."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from streetsight.inference.rules.settings import Level
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.calendar.clocks import BY_DAYS, Clock, Limit
from streetsight.service.calendar.working import Season, Shift, WorkingCalendar, Year
from streetsight.service.dependencies import Text
from streetsight.service.documents.reading import Name, Strict

EXAMPLES = Path(__file__).with_name("examples")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_DAYS = 366


def _clock_time(text: object) -> time:
    hour, _, minute = str(text).partition(":")
    if not (hour.isdigit() and minute.isdigit()):
        raise SpokenError("expected a time as 08:30, got {text}", text=text)
    return time(int(hour) % 24 if (int(hour), int(minute)) == (24, 0) else int(hour), int(minute))


def _shift(sent: object) -> Shift:
    begin, dash, end = str(sent).partition("-")
    if not dash:
        raise SpokenError("expected hours as 08:00-12:00, got {sent}", sent=sent)
    opens, closes = _clock_time(begin.strip()), _clock_time(end.strip())
    if opens >= closes and closes != time.min:
        raise SpokenError(
            "{sent} ends before it begins; hours past midnight are two: 22:00-24:00, 00:00-06:00", sent=sent
        )
    return opens, closes


def _shift_text(shift: Shift) -> str:
    return f"{shift[0]:%H:%M}-{'24:00' if shift[1] == time.min else f'{shift[1]:%H:%M}'}"


def _days(sent: object) -> list[str]:
    """Each `2026-10-01`, and each of `2026-10-01/2026-10-07`."""
    if not isinstance(sent, list):
        raise SpokenError("expected a list of days")
    found: list[str] = []
    for each in sent:
        first, _, last = str(each).partition("/")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        if not 0 <= (end - day).days <= LONGEST_DAYS:
            raise SpokenError("{each} ends before it begins, or is longer than a year", each=each)
        found += [(day + timedelta(days=number)).isoformat() for number in range((end - day).days + 1)]
    return found


Hours = Annotated[
    Shift, BeforeValidator(_shift), PlainSerializer(_shift_text, str),
    Field(json_schema_extra={"type": "string", "examples": ["08:00-12:00"]}),
]  # fmt: skip
Days = Annotated[list[date], BeforeValidator(_days)]


class SeasonSent(Strict):
    """Hours from a day of the year on (`"05-01"`), until those of the next entry."""

    begins: Annotated[str, Field(pattern=r"^\d\d-\d\d$")]
    shifts: Annotated[list[Hours], Field(min_length=1, max_length=6)]

    @field_validator("begins")
    @classmethod
    def _is_a_day(cls, text: str) -> str:
        date.fromisoformat(f"2024-{text}")
        return text

    @model_validator(mode="after")
    def _in_order(self) -> "SeasonSent":
        if any(
            one[1] > two[0] or one[1] == time.min
            for one, two in zip(self.shifts, self.shifts[1:], strict=False)
        ):
            raise SpokenError("expected shifts one after the other, none into the next")
        return self


class YearSent(Strict):
    """A year's holidays, and the weekends that are worked for them; `"2026-10-01/2026-10-07"` is a week."""

    holidays: Days
    work_days: Days = Field(default=[])

    @model_validator(mode="after")
    def _apart(self) -> "YearSent":
        if both := sorted(set(self.holidays) & set(self.work_days)):
            raise SpokenError("{value} is a holiday and a working day", value=both[0])
        return self


class CalendarDocument(Strict):
    """A city's working time.

    Attributes:
        example: shipped as one; a city checks it before it goes by it.
        weekend: names of the days.
        hours: by season; the last one of a year goes on into the next.
        years: by number. Working time in other years is refused: a guess would be wrong by a week.
    """

    name: Name
    source: Annotated[Text, Field(max_length=500)] | None = None
    example: bool = False
    time_zone: Annotated[str, Field(max_length=60)] = "Asia/Shanghai"
    weekend: list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]] = (
        Field(default=["saturday", "sunday"])
    )
    hours: Annotated[list[SeasonSent], Field(min_length=1, max_length=12)]
    years: Annotated[dict[Annotated[int, Field(ge=1970, le=2200)], YearSent], Field(min_length=1)]

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SpokenError(
                "no time zone is called {name}; expected one as Asia/Shanghai", name=name
            ) from error
        return name

    @model_validator(mode="after")
    def _days_of_their_years(self) -> "CalendarDocument":
        if len(set(self.weekend)) > 6:
            raise SpokenError("weekend: some day must be worked")
        for number, year in self.years.items():
            for day in (*year.holidays, *year.work_days):
                if day.year != number:
                    raise SpokenError("years.{number}: {day} is of another year", number=number, day=day)
        return self

    def made(self) -> WorkingCalendar:
        """The calendar as clocks use it."""
        seasons = sorted(
            (Season((int(each.begins[:2]), int(each.begins[3:])), tuple(each.shifts)) for each in self.hours),
            key=lambda each: each.begins,
        )
        years = {
            number: Year(frozenset(each.holidays), frozenset(each.work_days))
            for number, each in self.years.items()
        }
        weekend = frozenset(WEEKDAYS.index(each) + 1 for each in self.weekend)
        return WorkingCalendar(self.name, ZoneInfo(self.time_zone), weekend, tuple(seasons), years)


class LimitSent(Strict):
    """How long something may take: a clock, and one of minutes, hours and days."""

    clock: Clock
    minutes: Annotated[int, Field(ge=0, le=5_000_000)] | None = None
    hours: Annotated[int, Field(ge=0, le=80_000)] | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "LimitSent":
        given = [name for name in ("minutes", "hours", "days") if getattr(self, name) is not None]
        wanted = ["days"] if self.clock in BY_DAYS else ["minutes", "hours"]
        if len(given) != 1 or given[0] not in wanted:
            raise SpokenError(
                "clock {clock}: expected one of {names}", clock=self.clock, names=", ".join(wanted)
            )
        return self

    def made(self) -> Limit:
        """The limit as clocks use it."""
        minutes = self.minutes if self.minutes is not None else (self.hours or 0) * 60
        return Limit(self.clock, self.days if self.days is not None else minutes)


class LimitRow(LimitSent):
    """A line of the table: a limit, and what it is for. What is not said, fits all.

    Attributes:
        code, scheme: of a national table; code may be several by comma.
        area: path or beginning of one; area_type: the city's own word.
        note: which case of the code it is for, for people who choose.
        source: where it was read.
    """

    code: Annotated[Text, Field(max_length=200)] | None = None
    scheme: Annotated[Text, Field(max_length=60)] | None = None
    condition: Annotated[str, Field(max_length=60)] | None = None
    class_name: Annotated[str, Field(max_length=60)] | None = Field(default=None, alias="class")
    severity: Level | None = None
    area: Annotated[Text, Field(max_length=200)] | None = None
    area_type: Annotated[Text, Field(max_length=40)] | None = None
    note: Annotated[Text, Field(max_length=200)] | None = None
    source: Annotated[Text, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _known(self) -> "LimitRow":
        if self.code and not self.scheme:
            raise SpokenError("code {code}: say of which scheme; a bare code means nothing", code=self.code)
        if self.condition not in (None, "other", *default_taxonomy().conditions):
            raise SpokenError(
                "condition: expected one of {names}", names=", ".join(default_taxonomy().conditions)
            )
        return self

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(part.strip() for part in (self.code or "").split(",") if part.strip())


class StepSent(Strict):
    """A supervision step: its colour, how long after the deadline, and what the order says."""

    name: Name
    colour: Literal["white", "yellow", "red"]
    after: LimitSent
    text: Annotated[Text, Field(min_length=1, max_length=500)]


class DeadlineDocument(Strict):
    """A city's deadlines. The first limit that fits counts.

    Attributes:
        extensions: how often a deadline may be put off.
        shelving_days: for how long something may be shelved, at most.
        supervision: in the order in which they are reached.
    """

    name: Name
    source: Annotated[Text, Field(max_length=500)] | None = None
    example: bool = False
    extensions: Annotated[int, Field(ge=0, le=100)] = 2
    shelving_days: Annotated[int, Field(ge=1, le=3650)] = 365
    limits: Annotated[list[LimitRow], Field(max_length=5000)] = Field(default=[])
    supervision: Annotated[list[StepSent], Field(max_length=10)] = Field(default=[])

    @model_validator(mode="after")
    def _can_be_reached(self) -> "DeadlineDocument":
        for number, row in enumerate(self.limits[:-1], 1):
            said = row.model_dump(exclude={"clock", "minutes", "hours", "days", "note", "source", "scheme"})
            if not any(said.values()):
                raise SpokenError(
                    "limits: entry {number} fits all, so those after it count for nothing", number=number
                )
        return self


def example_files(prefix: str) -> dict[str, Path]:
    """Shipped examples by name: `calendar` or `deadlines`."""
    found = sorted(EXAMPLES.glob(f"{prefix}-*.toml"))
    return {path.stem.removeprefix(f"{prefix}-"): path for path in found}
