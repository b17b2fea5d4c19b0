"""What each act does to the issue, besides the state that it leads to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import delete

from streetsight.service.auth.actor import Actor
from streetsight.service.calendar.deadlines import limit_for
from streetsight.service.calendar.reading import DeadlineDocument, LimitSent
from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.candidates.endings import end_place, restore_place
from streetsight.service.candidates.tables import Candidate
from streetsight.service.faults import Conflict, Invalid
from streetsight.service.issues import clock, schemas
from streetsight.service.issues.orders import end_orders
from streetsight.service.issues.states import RUNNING, Kind
from streetsight.service.issues.tables import Issue, IssueUnit
from streetsight.service.store.sessions import WriteSession


class TooManyExtensions(Conflict):
    """The deadline was put off as often as it may be."""

    code = "too_many_extensions"


class BadDay(Invalid):
    """A day or a moment that cannot be meant."""

    code = "bad_day"


class NothingShown(Invalid):
    """It is closed without anybody having answered, seen or said anything."""

    code = "nothing_shown"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What an act is made of.

    Attributes:
        state: before the act; the issue has the new one.
        zone: the city's, for days.
        notes: for `IssueAct.details`.
    """

    session: WriteSession
    actor: Actor
    issue: Issue
    state: str
    moment: datetime
    zone: tzinfo
    calendar: WorkingCalendar
    table: DeadlineDocument
    asked_before: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def dispatch(case: Case, asked: schemas.Dispatch) -> None:
    """Raises BadDay, CalendarLacksYear, NoCalendar."""
    issue = case.issue
    issue.unit, issue.dispatched_at, issue.answered_at = asked.unit, case.moment, None
    issue.area_type = asked.area_type or issue.area_type
    issue.extension = None
    case.session.execute(delete(IssueUnit).where(IssueUnit.issue_id == issue.id))
    co_units = [each for each in dict.fromkeys(asked.co_units) if each != asked.unit]
    case.session.add_all(IssueUnit(issue_id=issue.id, unit=each) for each in co_units)
    limit = asked.limit.made() if asked.limit else None
    if limit is None and asked.due_at is None and (row := limit_for(case.table, issue)) is not None:
        limit = row.made()
        case.notes["by"] = {"table": case.table.name, "note": row.note, "source": row.source}
    clock.start(issue, limit, _later(case, asked.due_at), case.calendar, case.moment)


def handle(case: Case, asked: schemas.Handle) -> None:
    _end(case, "on_spot", asked.text)


def answer(case: Case, _asked: schemas.Answer) -> None:
    case.issue.answered_at, case.issue.extension = case.moment, None
    if case.issue.due_at is not None:
        case.notes["late"] = case.issue.due_at < (case.issue.paused_at or case.moment)
    clock.stop(case.issue, case.moment)


def give_back(case: Case, _asked: schemas.Return) -> None:
    issue = case.issue
    issue.unit = issue.dispatched_at = issue.extension = None
    case.session.execute(delete(IssueUnit).where(IssueUnit.issue_id == issue.id))
    clock.take_away(issue)


def close(case: Case, asked: schemas.Close) -> None:
    """Raises NothingShown."""
    if case.state != "to_check" and not asked.text and not asked.photos:
        raise NothingShown("the unit has not answered; say what was found there, or add a photo")
    _end(case, "checked" if case.state == "to_check" else "found_gone", asked.text)


def rework(case: Case, asked: schemas.Rework) -> None:
    """Raises BadDay, CalendarLacksYear, NoCalendar."""
    issue = case.issue
    issue.reworks, issue.answered_at = issue.reworks + 1, None
    if asked.limit is None and asked.due_at is None:
        clock.go_on(issue, case.calendar, case.moment)
    else:
        limit = asked.limit.made() if asked.limit else None
        clock.start(issue, limit, _later(case, asked.due_at), case.calendar, case.moment)


def ask_extension(case: Case, asked: schemas.AskExtension) -> None:
    """Raises TooManyExtensions, BadDay."""
    if case.issue.extensions >= case.table.extensions:
        raise TooManyExtensions(
            "the deadline was put off {count} times, which is as often as it may be",
            count=case.table.extensions,
        )
    _require_length(case, asked.limit, asked.due_at)
    case.issue.extension = "asked"


def grant_extension(case: Case, asked: schemas.GrantExtension) -> None:
    """Raises BadDay, CalendarLacksYear, NoCalendar."""
    issue = case.issue
    sent = (
        schemas.AskExtension.model_validate({"kind": "ask_extension", "text": "-", **case.asked_before})
        if asked.limit is None and asked.due_at is None
        else asked
    )
    _require_length(case, sent.limit, sent.due_at)
    limit = sent.limit.made() if sent.limit else None
    clock.put_off(issue, limit, _later(case, sent.due_at), case.calendar)
    issue.extension, issue.extensions = None, issue.extensions + 1


def refuse_extension(case: Case, _asked: schemas.RefuseExtension) -> None:
    case.issue.extension = None


def pause(case: Case, _asked: schemas.Pause) -> None:
    clock.stop(case.issue, case.moment)


def resume(case: Case, _asked: schemas.Resume) -> None:
    clock.go_on(case.issue, case.calendar, case.moment)


def shelve(case: Case, asked: schemas.Shelve) -> None:
    """Raises BadDay."""
    today = case.moment.astimezone(case.zone).date()
    if not today < asked.until <= today + timedelta(days=case.table.shelving_days):
        raise BadDay(
            "until={until}: expected a day after today, at most {days} days ahead",
            until=asked.until, days=case.table.shelving_days,
        )  # fmt: skip
    issue = case.issue
    issue.shelved_until, issue.shelved_from = asked.until, case.state
    if case.state in RUNNING:
        clock.stop(issue, case.moment)


def unshelve(case: Case, _asked: schemas.Unshelve) -> None:
    """Raises CalendarLacksYear, NoCalendar."""
    case.issue.shelved_until = case.issue.shelved_from = None
    clock.go_on(case.issue, case.calendar, case.moment)


def appeal(case: Case, _asked: schemas.Appeal) -> None:
    case.issue.appeal = "open"


def uphold_appeal(case: Case, _asked: schemas.UpholdAppeal) -> None:
    case.issue.appeal = "upheld"


def refuse_appeal(case: Case, _asked: schemas.RefuseAppeal) -> None:
    case.issue.appeal = "refused"


def look_back(case: Case, _asked: schemas.LookBack) -> None:
    case.issue.looked_back_at = case.moment
    case.issue.proposal = None


def reopen(case: Case, _asked: schemas.Reopen) -> None:
    """The place is no longer at its end: what was seen there since may belong to it again."""
    issue = case.issue
    if case.state == "closed":
        issue.looked_back_at = case.moment
        restore_place(case.session, issue.candidate_id)
    issue.closed_at = issue.closed_how = issue.answered_at = issue.dispatched_at = None
    issue.proposal = None
    issue.reopenings += 1
    clock.take_away(issue)


def drop(case: Case, asked: schemas.Drop) -> None:
    case.issue.proposal = case.issue.extension = None
    end_orders(case.session, case.issue, asked.text)
    clock.look_again(case.issue)


def supervise(case: Case, asked: schemas.Supervise) -> None:
    case.issue.supervision = asked.colour


def end_supervision(case: Case, asked: schemas.EndSupervision) -> None:
    end_orders(case.session, case.issue, asked.text)


def keep(case: Case, _asked: schemas.Keep) -> None:
    case.issue.proposal = None  # `proposed_because` stays, so that the same evidence is not proposed again


def comment(_case: Case, _asked: schemas.Comment) -> None:
    """It is said, and nothing follows."""


EFFECTS: dict[Kind, Callable[[Case, Any], None]] = {
    "dispatch": dispatch, "handle": handle, "answer": answer, "return": give_back, "close": close,
    "rework": rework, "ask_extension": ask_extension, "grant_extension": grant_extension,
    "refuse_extension": refuse_extension, "pause": pause, "resume": resume, "shelve": shelve,
    "unshelve": unshelve, "appeal": appeal, "uphold_appeal": uphold_appeal, "refuse_appeal": refuse_appeal,
    "look_back": look_back, "reopen": reopen, "drop": drop, "supervise": supervise,
    "end_supervision": end_supervision, "keep": keep, "comment": comment,
}  # fmt: skip


def _end(case: Case, how: str, text: str | None) -> None:
    """Closed: nothing seen there later is the same thing."""
    issue = case.issue
    issue.closed_at, issue.closed_how = case.moment, how
    issue.proposal = issue.extension = issue.shelved_until = issue.shelved_from = None
    end_orders(case.session, issue, text)
    clock.look_again(issue)
    candidate = case.session.get_one(Candidate, issue.candidate_id)
    end_place(case.session, candidate, case.moment)


def _later(case: Case, due_at: datetime | None) -> datetime | None:
    if due_at is not None and due_at <= case.moment:
        raise BadDay("due_at={moment} has passed; name a moment to come", moment=due_at.isoformat())
    return due_at


def _require_length(case: Case, limit: LimitSent | None, due_at: datetime | None) -> None:
    """Raises BadDay: a deadline named by its moment has no length to give once more."""
    if limit is None and due_at is None and case.issue.clock_limit is None:
        raise BadDay("the deadline was named by its moment; say until when, as due_at")
