"""What time itself does to issues: deadlines pass, and supervision steps are reached."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from streetsight.service.auth.actor import SYSTEM
from streetsight.service.calendar.deadlines import steps_until
from streetsight.service.calendar.reading import DeadlineDocument, StepSent
from streetsight.service.calendar.service import calendar_in_force, deadlines_in_force
from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.issues.acting import add_act, facts
from streetsight.service.issues.orders import issue_order, orders_of
from streetsight.service.issues.service import tell
from streetsight.service.issues.tables import Issue
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

AT_ONCE = 200
LOOK_AGAIN = timedelta(hours=1)
"""After so long, at a step whose moment the calendar does not tell: somebody may have brought the year in."""

log = structlog.get_logger(__name__)


def look_after_deadlines(session: WriteSession, settings: Settings) -> int:
    """Tell of deadlines that have passed, once each, and give the orders that are due; gives of how many.

    Several workers may do this at once: each issue is looked at by one.
    """
    moment = now()
    due = select(Issue).where(Issue.attention_at <= moment).order_by(Issue.attention_at).limit(AT_ONCE)
    issues = session.scalars(due.with_for_update(skip_locked=True)).all()
    if issues:
        calendar, table = calendar_in_force(session, settings.zone), deadlines_in_force(session)
        for issue in issues:
            _look_at(session, issue, calendar, table, moment)
    return len(issues)


def _look_at(
    session: WriteSession, issue: Issue, calendar: WorkingCalendar, table: DeadlineDocument, moment: datetime
) -> None:
    assert issue.due_at is not None
    if issue.overdue_told != issue.due_at:
        issue.overdue_told = issue.due_at
        issue.news += 1
        done = add_act(session, SYSTEM, issue, "overdue", facts(issue), details={"due_at": issue.due_at})
        tell(session, "issue.overdue", issue, done)
    steps = steps_until(table, issue.due_at, calendar, moment)
    issue.attention_at = steps.following
    if steps.unknown is not None:
        log.warning("supervision_unknown", issue=issue.number, reason=str(steps.unknown))
        issue.attention_at = min(filter(None, (steps.following, moment + LOOK_AGAIN)))
    given = {order.step for order in orders_of(session, issue.id) if order.due_at == issue.due_at}
    for number, step in enumerate(steps.reached, 1):
        if step.name not in given:
            overtaken = any(each.name in given for each in steps.reached[number:])
            _supervise(session, issue, step, issue.supervision if overtaken else step.colour)
    session.flush()


def _supervise(session: WriteSession, issue: Issue, step: StepSent, colour: str | None) -> None:
    """Give the order of a step. `colour`: of the issue from then on; of a later step if that was first."""
    before = facts(issue)
    issue.supervision = colour
    issue.news += 1
    details = {"colour": step.colour, "step": step.name}
    act = add_act(session, SYSTEM, issue, "supervise", before, text=step.text, details=details)
    issue_order(session, SYSTEM, issue, act, step.text, step.colour, step.name)
