"""Issues and leads as the contract has them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from streetsight.service.campaigns.ledger import photos_of
from streetsight.service.candidates.queries import visible as visible_candidate
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions.tables import Decision
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.service import visible as visible_issue
from streetsight.service.issues.tables import Issue
from streetsight.service.outside.contract import CandidateV1, IssueV1, Photo, PlaceOf
from streetsight.service.outside.pulling import Noun
from streetsight.service.places.tables import IssuePlace
from streetsight.service.store.sessions import ReadSession

NONE_STATES = ("withdrawn", "not_pursued")


def issues_shown(session: ReadSession, rows: Sequence[Issue]) -> list[IssueV1]:
    """Issues with what they rest on."""
    ids, leads = [row.id for row in rows], [row.candidate_id for row in rows]
    decisions, places = _decisions(session, leads), _places(session, ids)
    seen = dict(
        session.execute(select(Candidate.id, Candidate.first_seen_at).where(Candidate.id.in_(leads))).all()
    )
    photos = _photos(session, rows)
    return [
        IssueV1.model_validate({
            **_plain(row, IssueV1), "decision_id": decisions.get(row.candidate_id),
            "counts": row.state not in NONE_STATES and row.appeal != "upheld",
            "found_at": seen.get(row.candidate_id) or row.confirmed_at, "places": places[row.id],
            "photos": photos[row.id],
        })
        for row in rows
    ]  # fmt: skip


def candidates_shown(_session: ReadSession, rows: Sequence[Candidate]) -> list[CandidateV1]:
    """Leads."""
    return [CandidateV1.model_validate(_plain(row, CandidateV1)) for row in rows]


ISSUES = Noun(Issue, "issue", visible_issue, issues_shown)
CANDIDATES = Noun(Candidate, "candidate", visible_candidate, candidates_shown)


def _plain(row: Any, shape: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shape.model_fields if hasattr(row, name)}


def _decisions(session: ReadSession, candidates: Sequence[str]) -> dict[str, str]:
    """Candidate -> the last confirmation of it."""
    found = (
        select(Decision.candidate_id, func.max(Decision.id))
        .where(Decision.candidate_id.in_(candidates), Decision.kind == "confirm")
        .group_by(Decision.candidate_id)
    )
    return dict(session.execute(found).all())


def _places(session: ReadSession, issues: Sequence[str]) -> dict[str, list[PlaceOf]]:
    found: dict[str, list[PlaceOf]] = defaultdict(list)
    rows = select(IssuePlace).where(IssuePlace.issue_id.in_(issues))
    for row in session.scalars(rows.order_by(IssuePlace.issue_id, IssuePlace.kind, IssuePlace.code)):
        found[row.issue_id].append(PlaceOf(kind=row.kind, code=row.code))
    return found


def _photos(session: ReadSession, issues: Sequence[Issue]) -> dict[str, list[Photo]]:
    """The picture that shows it best, those of before, those of after."""
    of_acts = photos_of(session, [row.id for row in issues])
    frames: dict[str, list[tuple[str, str]]] = {}
    for row in issues:
        before, after = of_acts.get(row.id, ([], []))
        best = [row.best_frame_id] if row.best_frame_id else []
        frames[row.id] = [(each, "before") for each in dict.fromkeys([*best, *before])]
        frames[row.id] += [(each, "after") for each in dict.fromkeys(after)]
    ids = {frame for some in frames.values() for frame, _ in some}
    digests = dict(session.execute(select(Frame.id, Frame.sha256).where(Frame.id.in_(ids))).all())
    return {
        issue: [Photo.model_validate({"frame_id": frame, "sha256": digests[frame], "when": when})
                for frame, when in some if frame in digests]
        for issue, some in frames.items()
    }  # fmt: skip
