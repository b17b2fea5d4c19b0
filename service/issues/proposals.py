"""What later passes propose: to close what is gone, to reopen what is back. A person decides."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select

from streetsight.inference.positions.local import LocalPlane
from streetsight.service.candidates.claims import MOST_IDS, batched, of_ids
from streetsight.service.candidates.tables import Candidate, CandidateRecheck, PlaceEnding
from streetsight.service.issues.service import tell
from streetsight.service.issues.states import OPEN
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

TELLING = ("gone", "still_present")
LOOKED_BACK = timedelta(days=90)
"""A lead that comes up so long after the closing is another case, and no failed 回头看."""


def propose_by_passes(session: WriteSession, candidate_ids: Collection[str]) -> None:
    """What the latest pass that could tell says of the issues of these candidates."""
    issues = {each.candidate_id: each for each in of_ids(session, Issue, Issue.candidate_id, candidate_ids)}
    said: dict[str, CandidateRecheck] = {}
    for row in of_ids(session, CandidateRecheck, CandidateRecheck.candidate_id, issues):
        if row.outcome in TELLING and row.at > _since(issues[row.candidate_id]):
            last = said.setdefault(row.candidate_id, row)
            said[row.candidate_id] = max(last, row, key=lambda each: (each.at, each.pass_id))
    for candidate_id, row in sorted(said.items()):
        because = {"why": "recheck", "outcome": row.outcome, "pass_id": row.pass_id, "frames": row.frames}
        issue = issues[candidate_id]
        _propose(session, issue, _proposal(issue, row.outcome), because, row.at)


def propose_by_leads(session: WriteSession, candidate_ids: Collection[str]) -> None:
    """New leads where an issue was closed: it may not have been handled."""
    for some in batched(sorted(candidate_ids), MOST_IDS):
        for lead in session.scalars(
            select(Candidate).where(Candidate.id.in_(some), Candidate.state == "open")
        ):
            if (issue := _closed_there(session, lead)) is not None:
                because = {"why": "new_lead", "candidate_id": lead.id}
                _propose(session, issue, "reopen", because, lead.first_seen_at or lead.created_at)


def _since(issue: Issue) -> datetime:
    """What was seen before this says nothing of how it stands."""
    return issue.closed_at or issue.answered_at or issue.confirmed_at


def _proposal(issue: Issue, outcome: str) -> str | None:
    if issue.state == "closed":
        return "reopen" if outcome == "still_present" else None
    if issue.state not in OPEN:
        return None
    if outcome == "gone":
        return "close"
    return "rework" if issue.state == "to_check" else None


def _propose(
    session: WriteSession, issue: Issue, proposal: str | None, because: dict[str, Any], at: datetime
) -> None:
    """A proposal, unless a person has set this very evidence aside."""
    said = {**because, "at": at.isoformat()}
    if issue.proposal == proposal and (proposal is None or issue.proposed_because == said):
        return
    if proposal is not None and issue.proposal is None and _is_known(issue, at):
        return
    issue.proposal, issue.proposed_at = proposal, now() if proposal else None
    issue.proposed_because = said if proposal else issue.proposed_because
    issue.news += 1
    session.flush()
    tell(session, "issue.updated", issue)


def _is_known(issue: Issue, at: datetime) -> bool:
    told = (issue.proposed_because or {}).get("at")
    return told is not None and at <= datetime.fromisoformat(told)


def _closed_there(session: ReadSession, lead: Candidate) -> Issue | None:
    """The closed issue whose place a lead lies at, the nearest; None where nothing was closed lately."""
    if lead.lon is None or lead.lat is None or lead.source != "patrol":
        return None
    plane = LocalPlane(lead.lon, lead.lat)
    east, north = (100.0 / each for each in plane.metres_per_degree)
    seen = lead.first_seen_at or lead.created_at
    rows = session.execute(
        select(PlaceEnding, Issue)
        .join(Issue, Issue.candidate_id == PlaceEnding.candidate_id)
        .where(
            PlaceEnding.lat.between(lead.lat - north, lead.lat + north),
            PlaceEnding.lon.between(lead.lon - east, lead.lon + east),
            PlaceEnding.class_name == lead.class_name, PlaceEnding.undone_at.is_(None), PlaceEnding.at < seen,
            PlaceEnding.at > seen - LOOKED_BACK, Issue.state == "closed", Issue.condition == lead.condition,
            Issue.candidate_id != lead.id,
        )
    ).all()  # fmt: skip
    measured = [
        (float(np.hypot(*plane.to_metres(np.array([end.lon, end.lat], np.float64)))), end, issue)
        for end, issue in rows
    ]
    near = [(away, issue) for away, end, issue in measured if away <= end.radius_m]
    return min(near, key=lambda pair: (pair[0], pair[1].id), default=(0.0, None))[1]
