"""Which places an issue lies in: written when it is filed, and anew where its position is corrected.

What counts is the register as it was when the thing was found, so a later boundary changes nothing of it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select

from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.tables import Issue
from streetsight.service.places.index import Ground, place_index
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.scoring.tables import ClosedPeriod
from streetsight.service.store.sessions import ReadSession, WriteSession


def assign_places(session: WriteSession, issue: Issue, candidate: Candidate) -> None:
    """Write down which places an issue lies in, in place of what was written before."""
    found_at = found_at_of(candidate.first_seen_at or candidate.created_at, issue.confirmed_at)
    lies_in: list[Ground] = []
    if issue.lon is not None and issue.lat is not None:
        lies_in = place_index(session).at(issue.lon, issue.lat, found_at)
    session.execute(delete(IssuePlace).where(IssuePlace.issue_id == issue.id))
    if lies_in:
        session.execute(insert(IssuePlace), membership_rows(issue.id, lies_in, found_at))


def places_of(session: ReadSession, issue_id: str) -> list[Place]:
    """The versions of places that an issue lies in, by kind and code."""
    found = select(Place).join(IssuePlace, IssuePlace.place_id == Place.id)
    return list(
        session.scalars(found.where(IssuePlace.issue_id == issue_id).order_by(Place.kind, Place.code))
    )


def lies_in(place: str) -> ColumnElement[bool]:
    """Condition that an issue lies in a place, named by its code or as `kind/code`."""
    kind, _, code = place.rpartition("/")
    found = select(IssuePlace.issue_id).where(IssuePlace.code == code)
    return Issue.id.in_(found.where(IssuePlace.kind == kind) if kind else found)


def frozen_before(session: ReadSession) -> datetime | None:
    """What was found before this moment belongs to months that are closed; None while none is."""
    closed = ClosedPeriod.grain == "month", ClosedPeriod.reopened_at.is_(None)
    return session.scalar(select(func.max(ClosedPeriod.ends_at)).where(*closed))


def found_at_of(seen_at: datetime, confirmed_at: datetime) -> datetime:
    """When a thing was found. A camera whose clock is ahead has not found it after it was confirmed."""
    return min(seen_at, confirmed_at)


def membership_rows(issue_id: str, lies_in: Iterable[Ground], found_at: datetime) -> list[dict[str, Any]]:
    """Rows of `IssuePlace`."""
    return [
        {
            "issue_id": issue_id, "place_id": each.place_id, "kind": each.kind, "code": each.code,
            "found_at": found_at,
        }
        for each in lies_in
    ]  # fmt: skip
