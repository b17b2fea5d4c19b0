"""File issues, find them, tell of them. What is done about them: `acting.py`; lists: `queries.py`."""

from collections.abc import Sequence
from datetime import tzinfo

from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import in_scope
from streetsight.service.candidates.queries import decided_by_the_street
from streetsight.service.candidates.tables import Candidate
from streetsight.service.events.kinds import Kind as Event
from streetsight.service.events.service import publish
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.issues import clock
from streetsight.service.issues.orders import end_orders
from streetsight.service.issues.tables import Issue, IssueAct, IssueCount, IssueUnit
from streetsight.service.places.membership import assign_places
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

FOLLOWED = (
    "area_path", "condition", "class_name", "code", "severity", "lon", "lat", "source", "best_frame_id",
    "best_box",
)  # fmt: skip
"""What an issue has of its candidate, also after corrections."""

TOLD = (
    "number", "district", "candidate_id", "state", "source", "area_path", "area_type", "condition",
    "class_name", "code", "severity", "lon", "lat", "unit", "confirmed_at", "dispatched_at", "answered_at",
    "closed_at", "closed_how", "due_at", "extension", "extensions", "appeal", "shelved_until", "reworks",
    "reopenings", "supervision", "proposal", "version",
)  # fmt: skip
"""What other systems are told of an issue: nothing that somebody has typed."""


class NoIssue(NotFound):
    """No issue of this id, or none that who asks may see."""

    code = "no_issue"


class ManyIssues(Conflict):
    """A number that several districts have given, and nothing that tells which is meant."""

    code = "many_issues"


class IssueClosed(Conflict):
    """A confirmation that cannot be undone, because its issue was closed."""

    code = "issue_closed"


def file_issue(
    session: WriteSession, actor: Actor, candidate: Candidate, unit: str | None, zone: tzinfo
) -> Issue:
    """The issue of a candidate that was just confirmed; one that was withdrawn is filed again as it was.

    Args:
        zone: the city's, which says what day it is.
    """
    issue = issue_of(session, candidate.id, lock=True)
    new = issue is None
    if issue is None:
        issue = Issue(candidate_id=candidate.id, **_next_number(session, candidate.area_path, zone))
        session.add(issue)
    else:
        issue.version += 1
    issue.state, issue.unit = "filed", unit or issue.unit
    issue.confirmed_at, issue.confirmed_by_id, issue.confirmed_by = now(), actor.id, actor.name
    _follow(issue, candidate)
    session.flush()
    assign_places(session, issue, candidate)
    tell(session, "issue.created" if new else "issue.updated", issue)
    return issue


def withdraw_issue(session: WriteSession, candidate: Candidate) -> Issue | None:
    """The confirmation was undone: the issue keeps its number and counts no more. Raises IssueClosed."""
    issue = issue_of(session, candidate.id, lock=True)
    if issue is not None:
        if issue.state == "closed":
            raise IssueClosed(
                "issue {number} is closed, and its place with it; reopen the issue first", number=issue.number
            )
        issue.state, issue.version, issue.updated_at = "withdrawn", issue.version + 1, now()
        issue.proposal = issue.extension = issue.shelved_until = issue.shelved_from = None
        clock.take_away(issue)
        end_orders(session, issue, None)
        session.flush()
        tell(session, "issue.updated", issue)
    return issue


def follow_correction(session: WriteSession, candidate: Candidate) -> Issue | None:
    """A confirmed candidate was corrected: its issue is, too."""
    issue = issue_of(session, candidate.id, lock=True)
    if issue is not None:
        _follow(issue, candidate)
        issue.version += 1
        session.flush()
        assign_places(session, issue, candidate)
        tell(session, "issue.updated", issue)
    return issue


def issue_of(session: ReadSession, candidate_id: str, *, lock: bool = False) -> Issue | None:
    """The issue of a candidate, also a withdrawn one. `lock`: as in `find`."""
    wanted = select(Issue).where(Issue.candidate_id == candidate_id)
    return session.scalar(locked(wanted) if lock else wanted)


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see an issue: a handler those of its own unit, outsiders only their own."""
    found = in_scope(actor, Issue.area_path)
    if actor.role is Role.HANDLER:
        found = and_(found, of_unit(actor.unit))
    if not may(actor, Permission.READ_STREET_ENTRIES):
        found = and_(found, ~decided_by_the_street(Issue.candidate_id))
    return found


def of_unit(unit: str | None) -> ColumnElement[bool]:
    """Condition that an issue is a unit's, as the lead or as one that co-operates."""
    if not unit:
        return false()
    helps = exists().where(IssueUnit.issue_id == Issue.id, IssueUnit.unit == unit)
    return or_(Issue.unit == unit, helps)


def find(
    session: ReadSession, actor: Actor, id_or_number: str, *, near: str | None = None, lock: bool = False
) -> Issue:
    """An issue that the actor may see.

    Args:
        near: path of an area; of several issues with a number, the one of its district is meant.
        lock: keep others from changing it until the transaction ends.

    Raises:
        NoIssue: also for one outside the actor's areas.
        ManyIssues: numbers are unique in a district only.
    """
    named = or_(Issue.id == id_or_number, Issue.number == id_or_number)
    wanted = select(Issue).where(named, visible(actor)).order_by(Issue.id)
    found = session.scalars(locked(wanted) if lock else wanted).all()
    if not found:
        raise NoIssue("there is no issue {id}, or not among yours", id=id_or_number)
    here = [each for each in found if near and each.district == _district(near)]
    return only(id_or_number, here or found)


def only(number: str, issues: Sequence[Issue]) -> Issue:
    """The one that has a number. Raises ManyIssues."""
    if len(issues) > 1:
        raise ManyIssues(
            "{count} issues have the number {number}, each in a district of its own; give the id of the one "
            "that you mean: {issues}",
            count=len(issues), number=number,
            issues=", ".join(f"{each.id} ({each.area_path or '-'})" for each in issues),
        )  # fmt: skip
    return issues[0]


def tell(session: WriteSession, kind: Event, issue: Issue, act: IssueAct | None = None) -> None:
    """Let other systems know how an issue stands, and by which act."""
    data = {"id": issue.id, **{name: getattr(issue, name) for name in TOLD}}
    if act is not None:
        data |= {"act": act.kind, "reason": act.reason}
    publish(session, kind, f"issue/{issue.id}", data, issue.area_path)


def _district(path: str | None) -> str:
    """The outermost area of a path; of none, none."""
    return path.split("/")[1] if path else ""


def _next_number(session: WriteSession, path: str | None, zone: tzinfo) -> dict[str, str]:
    """The next number of this day in the outermost area; nobody else can get it."""
    district, day = _district(path), now().astimezone(zone).date()
    first = upsert(session, IssueCount).values(district=district, day=day, last=1)
    counted = first.on_conflict_do_update(
        index_elements=[IssueCount.district, IssueCount.day], set_={"last": IssueCount.last + 1}
    )
    last = session.scalar(counted.returning(IssueCount.last))
    return {"district": district, "number": f"{day:%Y%m%d}-{last:06d}"}


def _follow(issue: Issue, candidate: Candidate) -> None:
    for name in FOLLOWED:
        setattr(issue, name, getattr(candidate, name))
    issue.updated_at = now()
