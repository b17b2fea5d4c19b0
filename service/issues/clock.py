"""The clock of an issue's task: started, stopped, set on again, put off."""

from datetime import datetime

from streetsight.service.calendar.clocks import Limit, due, resumed
from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.issues.states import RUNNING
from streetsight.service.issues.tables import Issue

CONTINUOUS = Limit("continuous", 0)
"""The clock of a deadline that was named by its moment."""


def start(
    issue: Issue, limit: Limit | None, due_at: datetime | None, calendar: WorkingCalendar, moment: datetime
) -> None:
    """A task is given: by when it has to be answered. Raises CalendarLacksYear, NoCalendar."""
    issue.clock_limit = limit.as_json() if limit else None
    issue.due_at = due_at or (due(limit, moment, calendar) if limit else None)
    issue.paused_at = issue.overdue_told = None
    look_again(issue)


def stop(issue: Issue, moment: datetime) -> None:
    """The clock stands still from now; if it does already, from then."""
    issue.paused_at = issue.paused_at or moment
    look_again(issue)


def go_on(issue: Issue, calendar: WorkingCalendar, moment: datetime) -> None:
    """The clock goes on with what was left. Raises CalendarLacksYear, NoCalendar."""
    if issue.paused_at is not None and issue.due_at is not None:
        clock = limit_of(issue).clock
        issue.due_at = resumed(clock, issue.due_at, issue.paused_at, moment, calendar)
    issue.paused_at = None
    look_again(issue)


def put_off(issue: Issue, limit: Limit | None, due_at: datetime | None, calendar: WorkingCalendar) -> None:
    """A later deadline: a moment, or so much after the one there is. Raises CalendarLacksYear, NoCalendar."""
    assert issue.due_at is not None
    issue.due_at = due_at or due(limit or limit_of(issue), issue.due_at, calendar)
    look_again(issue)


def take_away(issue: Issue) -> None:
    """Nobody has a task: no deadline."""
    issue.clock_limit = issue.due_at = issue.paused_at = issue.overdue_told = None
    look_again(issue)


def limit_of(issue: Issue) -> Limit:
    """What the task was given, by its clock."""
    return Limit.of(issue.clock_limit) if issue.clock_limit else CONTINUOUS


def look_again(issue: Issue) -> None:
    """When the program has to look at the clock next, after an act."""
    runs = issue.state in RUNNING and issue.paused_at is None
    issue.attention_at = issue.due_at if runs else None
