"""A candidate with all that it rests on, in a handful of queries however much that is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.candidates.schemas import (
    CandidateTraced,
    Detected,
    FindingShown,
    FrameTaken,
    RecheckShown,
    ReportShown,
    SightingTraced,
    fields_of,
)
from streetsight.service.candidates.tables import (
    Candidate,
    CandidateRecheck,
    CandidateReport,
    CandidateSighting,
)
from streetsight.service.decisions.schemas import DecisionShown
from streetsight.service.decisions.service import decisions_of
from streetsight.service.decisions.states import possible
from streetsight.service.decisions.tables import Decision
from streetsight.service.detections.service import results_of
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.service import issue_of
from streetsight.service.issues.tables import Issue
from streetsight.service.sightings import schemas as sightings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.sessions import ReadSession


def trace(session: ReadSession, actor: Actor, candidate: Candidate, language: Language) -> CandidateTraced:
    """All that is known of a candidate that the actor may see."""
    parts = _parts(session, candidate.id)
    traced = _sightings(session, candidate.id)
    reports = _reports(session, [candidate.id, *parts])
    decisions = decisions_of(session, actor, candidate.id)
    frames = _frames(session, _frame_ids(candidate, traced, reports))
    result_id = next((each.result_id for each in frames if each.id == candidate.best_frame_id), None)
    issue = issue_of(session, candidate.id)
    return CandidateTraced.model_validate(
        {
            **fields_of(candidate),
            "findings": [FindingShown.of(each, language) for each in candidate.findings],
            "proposal": candidate.proposal,
            "alternatives": candidate.alternatives,
            "evidence": candidate.evidence,
            "area_m2": candidate.area_m2,
            "traced": traced,
            "frames_shown": {each.id: FrameTaken.of(each) for each in frames},
            "result": results_of(session, [result_id]).get(result_id) if result_id else None,
            "rechecks": _rechecks(session, candidate.id),
            "reports": reports,
            "decisions": [DecisionShown.of(each, language) for each in decisions],
            "parts": parts,
            "detected": _detected(decisions, candidate.id),
            "issue": IssueShown.of(issue) if issue else None,
            "possible": possible(candidate.state) if may(actor, Permission.DECIDE) else [],  # type: ignore[arg-type]
        }
    )


def attached(session: ReadSession, candidate_id: str) -> int:
    """How much is attached to a candidate that may come without a new version of it."""
    kinds = (CandidateSighting, CandidateRecheck, CandidateReport)
    counts = [
        select(func.count()).where(kind.candidate_id == candidate_id).scalar_subquery() for kind in kinds
    ]
    of_issue = select(Issue.version).where(Issue.candidate_id == candidate_id).scalar_subquery()
    return session.scalar(select(sum(counts, func.coalesce(of_issue, 0)))) or 0


def _parts(session: ReadSession, candidate_id: str) -> list[str]:
    """Candidates that were merged into it, and those that were merged into them."""
    parts = select(Candidate.id).where(Candidate.merged_into_id == candidate_id).cte(recursive=True)
    deeper = select(Candidate.id).join(parts, Candidate.merged_into_id == parts.c.id)
    return list(session.scalars(select(parts.union(deeper).c.id)))


def _sightings(session: ReadSession, candidate_id: str) -> list[SightingTraced]:
    rows = session.execute(
        select(Sighting, CandidateSighting.late, CandidateSighting.pinned)
        .join(CandidateSighting, CandidateSighting.sighting_id == Sighting.id)
        .where(CandidateSighting.candidate_id == candidate_id)
        .order_by(Sighting.score.desc(), Sighting.id)
    )
    return [
        SightingTraced.model_validate({**sightings.fields_of(row), "late": late, "pinned": pinned})
        for row, late, pinned in rows
    ]


def _reports(session: ReadSession, ids: Sequence[str]) -> list[ReportShown]:
    reports = select(CandidateReport).where(CandidateReport.candidate_id.in_(ids))
    return [ReportShown.of(row) for row in session.scalars(reports.order_by(CandidateReport.id))]


def _rechecks(session: ReadSession, candidate_id: str) -> list[RecheckShown]:
    rechecks = select(CandidateRecheck).where(CandidateRecheck.candidate_id == candidate_id)
    return [RecheckShown.of(row) for row in session.scalars(rechecks.order_by(CandidateRecheck.at))]


def _frame_ids(
    candidate: Candidate, traced: Sequence[SightingTraced], reports: Sequence[ReportShown]
) -> set[str]:
    """Frames that a reader will want to see: the best of each sighting, evidence, and what was reported."""
    ids = {each.best.frame_id for each in traced} | {one for each in reports for one in each.frame_ids}
    ids |= _named_frames(candidate.evidence)
    return ids | {candidate.best_frame_id} if candidate.best_frame_id else ids


def _named_frames(evidence: Any) -> set[str]:
    """Every `frame` that the evidence names, however deep."""
    if isinstance(evidence, dict):
        here = {evidence["frame"]} if isinstance(evidence.get("frame"), str) else set()
        return here.union(*map(_named_frames, evidence.values()))
    return set().union(*map(_named_frames, evidence)) if isinstance(evidence, list) else set()


def _frames(session: ReadSession, ids: set[str]) -> Sequence[Frame]:
    return session.scalars(select(Frame).where(Frame.id.in_(ids)).order_by(Frame.id)).all() if ids else ()


def _detected(decisions: Sequence[Decision], candidate_id: str) -> Detected | None:
    """The first word on everything that was corrected since."""
    first: dict[str, Any] = {}
    for each in decisions:
        if each.kind == "correct" and each.candidate_id == candidate_id:
            first = {**each.before, **first}
    if not first:
        return None
    renamed = {**first, "class": first.get("class_name")}
    known = {field.alias or name for name, field in Detected.model_fields.items()}
    return Detected.model_validate({name: value for name, value in renamed.items() if name in known})
