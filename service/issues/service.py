"""File issues, find them, list them. What is done about them has its own place in the product's plan."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import ColumnElement, and_, false, or_, select

from streetsight.service.areas.service import path_of_area
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.candidates.queries import decided_by_the_street, in_bounds
from streetsight.service.candidates.tables import Candidate
from streetsight.service.events.service import publish
from streetsight.service.faults import NotFound
from streetsight.service.frames.service import Bounds
from streetsight.service.issues.tables import Issue, IssueCount
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

FOLLOWED = ("area_path", "condition", "class_name", "code", "severity", "lon", "lat")
"""What an issue has of its candidate, also after corrections."""


class NoIssue(NotFound):
    """No issue of this id, or none that who asks may see."""

    code = "no_issue"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which issues are wanted; None takes all.

    Attributes:
        area: path or code of an area; what lies below it belongs to it.
        number: the whole number.
        confirmed_from, confirmed_before: aware.
    """

    area: str | None = None
    condition: str | None = None
    class_name: str | None = None
    state: str | None = None
    unit: str | None = None
    number: str | None = None
    confirmed_from: datetime | None = None
    confirmed_before: datetime | None = None
    bounds: Bounds | None = None


def file_issue(
    session: WriteSession, actor: Actor, candidate: Candidate, unit: str | None, zone: tzinfo
) -> Issue:
    """The issue of a candidate that was just confirmed; one that was withdrawn is filed again as it was.

    Args:
        zone: the city's, which says what day it is.
    """
    issue = issue_of(session, candidate.id)
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
    _tell(session, "issue.created" if new else "issue.updated", issue)
    return issue


def withdraw_issue(session: WriteSession, candidate: Candidate) -> Issue | None:
    """The confirmation was undone: the issue keeps its number and counts no more."""
    issue = issue_of(session, candidate.id)
    if issue is not None:
        issue.state, issue.version = "withdrawn", issue.version + 1
        session.flush()
        _tell(session, "issue.updated", issue)
    return issue


def follow_correction(session: WriteSession, candidate: Candidate) -> Issue | None:
    """A confirmed candidate was corrected: its issue is, too."""
    issue = issue_of(session, candidate.id)
    if issue is not None:
        _follow(issue, candidate)
        issue.version += 1
        session.flush()
        _tell(session, "issue.updated", issue)
    return issue


def issue_of(session: ReadSession, candidate_id: str) -> Issue | None:
    """The issue of a candidate, also a withdrawn one."""
    return session.scalar(select(Issue).where(Issue.candidate_id == candidate_id))


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see an issue: a handler those of its own unit, outsiders only their own."""
    found = in_scope(actor, Issue.area_path)
    if actor.role is Role.HANDLER:
        found = and_(found, Issue.unit == actor.unit if actor.unit else false())
    if not may(actor, Permission.READ_STREET_ENTRIES):
        found = and_(found, ~decided_by_the_street(Issue.candidate_id))
    return found


def find(session: ReadSession, actor: Actor, id_or_number: str) -> Issue:
    """An issue that the actor may see. Raises NoIssue, also for one outside the actor's areas."""
    named = or_(Issue.id == id_or_number, Issue.number == id_or_number)
    issue = session.scalars(select(Issue).where(named, visible(actor)).order_by(Issue.id)).first()
    if issue is None:
        raise NoIssue("there is no issue {id}, or not among yours", id=id_or_number)
    return issue


def list_issues(
    session: ReadSession, actor: Actor, filters: Filters, limit: int, cursor: str | None
) -> Page[Issue]:
    """Issues that the actor may see, newest first."""
    return page(session, select(Issue).where(conditions_of(session, actor, filters)), Issue, limit, cursor)


def conditions_of(session: ReadSession, actor: Actor, wanted: Filters) -> ColumnElement[bool]:
    """What the filters ask, within what the actor may see. Raises UnknownArea."""
    found = [visible(actor)]
    equal = (
        (Issue.condition, wanted.condition), (Issue.class_name, wanted.class_name),
        (Issue.state, wanted.state), (Issue.unit, wanted.unit), (Issue.number, wanted.number),
    )  # fmt: skip
    found += [column == value for column, value in equal if value is not None]
    if wanted.area is not None:
        found.append(within((path_of_area(session, wanted.area),), Issue.area_path))
    if wanted.confirmed_from is not None:
        found.append(Issue.confirmed_at >= wanted.confirmed_from)
    if wanted.confirmed_before is not None:
        found.append(Issue.confirmed_at < wanted.confirmed_before)
    if wanted.bounds is not None:
        found.append(in_bounds(wanted.bounds, Issue.lon, Issue.lat))
    return and_(*found)


def _next_number(session: WriteSession, path: str | None, zone: tzinfo) -> dict[str, str]:
    """The next number of this day in the outermost area; nobody else can get it."""
    district, day = path.split("/")[1] if path else "", now().astimezone(zone).date()
    first = upsert(session, IssueCount).values(district=district, day=day, last=1)
    counted = first.on_conflict_do_update(
        index_elements=[IssueCount.district, IssueCount.day], set_={"last": IssueCount.last + 1}
    )
    last = session.scalar(counted.returning(IssueCount.last))
    return {"district": district, "number": f"{day:%Y%m%d}-{last:06d}"}


def _follow(issue: Issue, candidate: Candidate) -> None:
    for name in FOLLOWED:
        setattr(issue, name, getattr(candidate, name))


def _tell(session: WriteSession, kind: str, issue: Issue) -> None:
    data = {name: getattr(issue, name) for name in (*FOLLOWED, "number", "candidate_id", "state", "unit")}
    publish(session, kind, f"issue/{issue.id}", {**data, "confirmed_at": issue.confirmed_at}, issue.area_path)
