"""What decisions say of the boxes that were shown: there, not there, or something else."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.candidates.claims import MOST_IDS, batched
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.decisions.reasons import Label, reasons
from streetsight.service.decisions.tables import Decision
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.sessions import ReadSession

Box = tuple[float, float, float, float]
DECIDED = ("confirmed", "rejected")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person said of one box on one frame; boxes are xyxy, pixels of the upright original.

    Attributes:
        detected, detected_box: the detector's word; None where it had none.
        said, said_box: what is there by the person's word; None for nothing of that kind.
        known: whether the person could tell at all.
        reason: of a rejection.
        shown: the frame that the person was shown first.
    """

    frame_id: str
    candidate_id: str
    detected: str | None
    detected_box: Box | None
    said: str | None
    said_box: Box | None
    known: bool
    reason: str | None
    shown: bool


def marks_of(session: ReadSession, wanted: ColumnElement[bool]) -> list[Mark]:
    """Marks of all decided candidates that are wanted. What came after a decision was not looked at."""
    columns = (
        Candidate.id, Candidate.state, Candidate.class_name, Candidate.best_frame_id, Candidate.best_box,
        Candidate.source, Candidate.score,
    )  # fmt: skip
    decided = select(*columns).where(Candidate.state.in_(DECIDED), wanted).order_by(Candidate.id)
    marks: list[Mark] = []
    for some in batched(session.execute(decided).all(), MOST_IDS):
        ids = [row.id for row in some]
        decisions, sightings = _decisions(session, ids), _sightings(session, ids)
        for row in some:
            marks += _marks(row, decisions[row.id], sightings[row.id])
    return marks


def _decisions(session: ReadSession, ids: Sequence[str]) -> Mapping[str, list[Decision]]:
    telling = Decision.kind.in_(("reject", "correct"))
    found = select(Decision).where(Decision.candidate_id.in_(ids), telling).order_by(Decision.id)
    return _by_candidate((row.candidate_id, row) for row in session.scalars(found))


def _sightings(session: ReadSession, ids: Sequence[str]) -> Mapping[str, list[Any]]:
    found = (
        select(CandidateSighting.candidate_id, Sighting.class_name, Sighting.glimpses)
        .join(Sighting, Sighting.id == CandidateSighting.sighting_id)
        .where(CandidateSighting.candidate_id.in_(ids), CandidateSighting.late.is_(False))
        .order_by(Sighting.id)
    )
    return _by_candidate((row.candidate_id, row) for row in session.execute(found))


def _by_candidate(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for candidate_id, row in pairs:
        found[candidate_id].append(row)
    return found


def _marks(candidate: Any, decisions: Sequence[Decision], sightings: Sequence[Any]) -> Iterator[Mark]:
    reason = next((each.reason for each in reversed(decisions) if each.kind == "reject"), None)
    reason = reason if candidate.state == "rejected" else None
    label = _label(candidate, reason)
    said = candidate.class_name if label == "positive" else None
    redrawn = any("best_box" in each.after for each in decisions if each.kind == "correct")
    entered = candidate.source == "inspector" and candidate.best_box is not None
    drawn = _box(candidate.best_box) if (redrawn or entered) and said else None
    for sighting in sightings:
        for glimpse in sighting.glimpses:
            shown, box = glimpse["frame"] == candidate.best_frame_id, _box(glimpse["box_xyxy_px"])
            yield Mark(
                glimpse["frame"], candidate.id, sighting.class_name, box,
                said, (drawn if shown and drawn else box) if said else None, label != "none", reason, shown,
            )  # fmt: skip
            drawn = None if shown else drawn
    if drawn and candidate.best_frame_id:  # entered by hand, or drawn where the detector saw nothing
        proposed = entered and not redrawn and candidate.score is not None
        yield Mark(
            candidate.best_frame_id, candidate.id, said if proposed else None, drawn if proposed else None,
            said, drawn, True, reason, True,
        )  # fmt: skip


def _label(candidate: Any, reason: str | None) -> Label:
    if candidate.class_name is None or candidate.class_name not in default_taxonomy():
        return "none"
    if candidate.state == "confirmed":
        return "positive"
    found = reasons().get(reason or "")
    if found is None:
        return "none"
    by_rule = default_taxonomy()[candidate.class_name].condition is None
    return found.label_by_rule if by_rule and found.label_by_rule else found.label


def _box(values: Sequence[float]) -> Box:
    x1, y1, x2, y2 = values
    return x1, y1, x2, y2
