"""Which limit an issue has by the city's table, and which supervision steps follow its deadline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streetsight.service.calendar.clocks import due
from streetsight.service.calendar.reading import DeadlineDocument, LimitRow, StepSent
from streetsight.service.calendar.working import CalendarLacksYear, NoCalendar, WorkingCalendar


class Subject(Protocol):
    """What of an issue its limit depends on."""

    @property
    def code(self) -> dict[str, Any] | None: ...
    @property
    def condition(self) -> str: ...
    @property
    def class_name(self) -> str | None: ...
    @property
    def severity(self) -> str | None: ...
    @property
    def area_path(self) -> str | None: ...
    @property
    def area_type(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Described:
    """A subject that is no issue yet."""

    code: dict[str, Any] | None = None
    condition: str = ""
    class_name: str | None = None
    severity: str | None = None
    area_path: str | None = None
    area_type: str | None = None


def limit_for(table: DeadlineDocument, subject: Subject) -> LimitRow | None:
    """The first line that fits; None when none does."""
    return next((row for row in table.limits if fits(row, subject)), None)


def fits(row: LimitRow, subject: Subject) -> bool:
    """Whether a line of the table is for this."""
    code = subject.code or {}
    return (
        (not row.codes or (code.get("code") in row.codes and code.get("scheme") == row.scheme))
        and row.condition in (None, subject.condition)
        and row.class_name in (None, subject.class_name)
        and row.severity in (None, subject.severity)
        and row.area_type in (None, subject.area_type)
        and (row.area is None or (subject.area_path or "").startswith(row.area))
    )


@dataclass(frozen=True, slots=True)
class Steps:
    """Supervision steps after a deadline, as of a moment.

    Attributes:
        reached: in the order of the table.
        following: when the next one is, of those whose moment is known.
        unknown: why the moment of others cannot be reckoned; None when all are known.
    """

    reached: Sequence[StepSent]
    following: datetime | None
    unknown: CalendarLacksYear | NoCalendar | None


def steps_until(
    table: DeadlineDocument, due_at: datetime, calendar: WorkingCalendar, moment: datetime
) -> Steps:
    """Supervision steps that a deadline has reached, and when the next one is.

    A step in working time that the calendar does not have holds no other step up.
    """
    moments, unknown = list[tuple[datetime, StepSent]](), None
    for step in table.supervision:
        try:
            moments.append((due(step.after.made(), due_at, calendar), step))
        except (CalendarLacksYear, NoCalendar) as error:
            unknown = error
    reached = [step for at, step in moments if at < moment]
    return Steps(reached, min((at for at, _ in moments if at >= moment), default=None), unknown)
