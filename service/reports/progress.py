"""What became of reports: the state of the candidate that each one led to, and of its issue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.states import ENDED
from streetsight.service.issues.tables import Issue
from streetsight.service.reports.schemas import Progress, State
from streetsight.service.reports.tables import Report
from streetsight.service.store.sessions import ReadSession

MAX_MERGES = 20


@dataclass(frozen=True, slots=True)
class Became:
    """Attributes: candidate_id: the one that stands now, after merges; None while there is none."""

    state: State
    updated_at: datetime
    candidate_id: str | None


def followed(session: ReadSession, reports: Sequence[Report]) -> dict[str, Progress]:
    """What their senders may know, by the report's id."""
    became = states_of(session, [each.candidate_id for each in reports if each.candidate_id])
    return {each.id: _progress(each, became.get(each.candidate_id or "")) for each in reports}


def states_of(session: ReadSession, candidates: Sequence[str]) -> dict[str, Became]:
    """What became of candidates, by their id; of one that was merged, what became of the other."""
    found = {each.id: each for each in _candidates(session, candidates)}
    for _ in range(MAX_MERGES):
        ahead = {each.merged_into_id for each in found.values() if each.merged_into_id} - set(found)
        if not ahead:
            break
        found |= {each.id: each for each in _candidates(session, sorted(ahead))}
    issues = _issues(session, list(found))
    return {key: _became(_last(found[key], found), issues) for key in candidates if key in found}


def _last(candidate: Candidate, found: dict[str, Candidate]) -> Candidate:
    seen: set[str] = set()
    while candidate.merged_into_id in found and candidate.id not in seen:
        seen.add(candidate.id)
        candidate = found[candidate.merged_into_id]
    return candidate


def _became(candidate: Candidate, issues: dict[str, tuple[str, datetime]]) -> Became:
    state, changed_at = issues.get(candidate.id, (None, candidate.updated_at))
    return Became(_state(candidate, state), max(candidate.updated_at, changed_at), candidate.id)


def _state(candidate: Candidate, issue: str | None) -> State:
    state: State = "reviewed"
    if candidate.state == "confirmed":
        state = _of_issue(issue)
    elif candidate.state == "gone":
        state = "closed"
    elif candidate.state == "rejected":
        state = "not_followed"
    return state


def _of_issue(state: str | None) -> State:
    if state == "not_pursued":
        return "not_followed"
    return "closed" if state in ENDED else "confirmed"


def _progress(report: Report, became: Became | None) -> Progress:
    if became is not None:
        return Progress(state=became.state, received_at=report.created_at, updated_at=became.updated_at)
    return Progress(
        state="not_followed" if report.dismissed_at else "waiting", received_at=report.created_at,
        updated_at=report.dismissed_at or report.created_at,
    )  # fmt: skip


def _candidates(session: ReadSession, ids: Sequence[str]) -> Sequence[Candidate]:
    return session.scalars(select(Candidate).where(Candidate.id.in_(ids))).all() if ids else []


def _issues(session: ReadSession, ids: Sequence[str]) -> dict[str, tuple[str, datetime]]:
    """State of each candidate's issue, and since when it is as it is."""
    found = select(Issue.candidate_id, Issue.state, Issue.updated_at).where(Issue.candidate_id.in_(ids))
    return {row.candidate_id: (row.state, row.updated_at) for row in session.execute(found)} if ids else {}
