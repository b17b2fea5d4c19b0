"""What each decision does to the candidate, and to the other one where there is one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from sqlalchemy import select

from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.areas.service import area_path_at
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.candidates.queries import NoCandidate, find
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions import evidence
from streetsight.service.decisions.schemas import (
    BoxCorrected,
    Confirm,
    Correct,
    Merge,
    PositionCorrected,
    Reject,
    Reopen,
    Split,
    code_in_full,
)
from streetsight.service.decisions.states import RECEIVING, Kind
from streetsight.service.decisions.tables import Decision
from streetsight.service.faults import Conflict, Forbidden, Invalid
from streetsight.service.issues.service import file_issue, follow_correction, withdraw_issue
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

SETTLING: tuple[Kind, ...] = ("confirm", "reject", "merge")


class Unfit(Invalid):
    """A correction that does not go together with what is there."""

    code = "unfit"


class OutsideAreas(Forbidden):
    """It would leave the areas of who decides."""

    code = "outside_areas"


class NotYours(Forbidden):
    """Somebody else's decision."""

    code = "not_yours"


class CannotMerge(Conflict):
    """The other candidate cannot take this one in."""

    code = "cannot_merge"


class CannotSplit(Conflict):
    """These sightings cannot be taken away."""

    code = "cannot_split"


class CannotReopen(Conflict):
    """There is no decision to take back."""

    code = "cannot_reopen"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a decision is made of: who, about which candidate. `zone`: the city's, for the days of issues."""

    session: WriteSession
    actor: Actor
    candidate: Candidate
    zone: tzinfo


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What a decision did besides changing the candidate.

    Attributes:
        other: the candidate that was merged into, split off, or freed of what it had taken in.
        undoes: the decision that was taken back.
        notes: for `Decision.after`.
    """

    other: Candidate | None = None
    undoes: Decision | None = None
    notes: dict[str, Any] = field(default_factory=dict)


def confirm(case: Case, asked: Confirm) -> Effect:
    """An issue from now on."""
    case.candidate.decided_at = now()
    file_issue(case.session, case.actor, case.candidate, asked.unit, case.zone)
    return Effect()


def reject(case: Case, _asked: Reject) -> Effect:
    """No issue."""
    case.candidate.decided_at = now()
    return Effect()


def correct(case: Case, asked: Correct) -> Effect:
    """A person's word in place of the detector's, which stays in `Decision.before`.

    Raises:
        Unfit, OutsideAreas: for what cannot be.
    """
    candidate = case.candidate
    if asked.class_name or asked.condition:
        _rename(candidate, asked.class_name, asked.condition)
    if asked.code is not None:
        candidate.code = code_in_full(asked.code)
    if asked.severity is not None:
        candidate.severity = asked.severity
    if asked.position is not None:
        _move(case, asked.position)
    if asked.box is not None:
        _redraw(case, asked.box)
    candidate.decided_at = now()
    if candidate.state == "confirmed":
        follow_correction(case.session, candidate)
    return Effect()


def merge(case: Case, asked: Merge) -> Effect:
    """What the candidate rests on goes to the other one as well; itself, it is no case any more.

    Raises:
        CannotMerge, NoCandidate: when there is no other one that can take it in.
    """
    candidate = case.candidate
    target = find(case.session, case.actor, asked.into)
    if target.id == candidate.id or target.state not in RECEIVING:
        raise CannotMerge(
            "candidate {id} is {state} and cannot take another one in; choose one that is {states}",
            id=target.id, state=target.state if target.id != candidate.id else "the same one",
            states=", ".join(sorted(RECEIVING)),
        )  # fmt: skip
    if target.condition != candidate.condition:
        raise CannotMerge(
            "this candidate is {this}, the other one {other}; correct the condition of one of them first",
            this=candidate.condition, other=target.condition,
        )  # fmt: skip
    moved = evidence.share(case.session, candidate, target)
    candidate.merged_into_id, candidate.decided_at = target.id, now()
    return Effect(target, notes={"sightings": moved})


def split(case: Case, asked: Split) -> Effect:
    """A new candidate from some of the sightings. Raises CannotSplit."""
    candidate = case.candidate
    held, wanted = evidence.held_by(case.session, candidate.id), set(asked.sightings)
    if not wanted < held:
        raise CannotSplit(
            "{wanted} of {held} sightings were chosen, {foreign} of them not of this candidate; "
            "choose some of its own and leave some",
            wanted=len(wanted), held=len(held), foreign=len(wanted - held),
        )  # fmt: skip
    fresh = evidence.take_away(case.session, candidate, wanted)
    return Effect(fresh, notes={"sightings": sorted(wanted)})


def reopen(case: Case, _asked: Reopen) -> Effect:
    """Undo the decision that settled it. Raises NotYours, CannotReopen, CannotMerge."""
    session, candidate = case.session, case.candidate
    undone = settling_decision(session, candidate.id)
    if undone is None:
        raise CannotReopen(
            "nobody decided this: its place turned out to be that of candidate {id}; split that one instead",
            id=candidate.merged_into_id,
        )
    if undone.actor_id != case.actor.id and case.actor.role is not Role.ADMIN:
        raise NotYours("{name} has decided this; they or an admin can reopen it", name=undone.actor_name)
    other = None
    if undone.kind == "confirm":
        withdraw_issue(session, candidate)
    if undone.kind == "merge":
        other = _freed(session, undone)
    candidate.merged_into_id = None
    # what a person has corrected stays as they said it: nothing else may change the row
    candidate.decided_at = candidate.decided_at if _was_corrected(session, candidate.id) else None
    return Effect(other, undone)


ACTS: dict[Kind, Callable[[Case, Any], Effect]] = {
    "confirm": confirm, "reject": reject, "correct": correct,
    "merge": merge, "split": split, "reopen": reopen,
}  # fmt: skip


def settling_decision(session: ReadSession, candidate_id: str) -> Decision | None:
    """The latest decision that settled a candidate."""
    found = select(Decision).where(Decision.candidate_id == candidate_id, Decision.kind.in_(SETTLING))
    return session.scalars(found.order_by(Decision.id.desc()).limit(1)).first()


def _rename(candidate: Candidate, class_name: str | None, condition: str | None) -> None:
    name = class_name or candidate.class_name
    leads = default_taxonomy().leads_of(name) if name else ()
    if condition is None and candidate.condition not in leads:
        condition = leads[0] if leads else None
    if name and (condition or candidate.condition) not in leads:
        raise Unfit(
            "class {name} is no {condition}; it can be {leads}: correct the condition or the class as well",
            name=name, condition=condition or candidate.condition, leads=", ".join(leads) or "no issue",
        )  # fmt: skip
    candidate.class_name, candidate.condition = name, condition or candidate.condition


def _move(case: Case, position: PositionCorrected) -> None:
    path = area_path_at(case.session, position.lon, position.lat)
    if not case.actor.sees(path):
        raise OutsideAreas(
            "the corrected position lies in {area}, which is not among your areas; ask whoever decides there",
            area=path or "no area",
        )
    candidate = case.candidate
    candidate.lon, candidate.lat, candidate.area_path = position.lon, position.lat, path
    candidate.covariance_m2 = None  # a person's pin has no measured one


def _redraw(case: Case, box: BoxCorrected) -> None:
    frames = evidence.frames_of(case.session, case.candidate.id)
    if box.frame_id not in frames:
        raise Unfit("frame {id} does not show this candidate; choose one of its frames", id=box.frame_id)
    size = evidence.size_of(case.session, box.frame_id)
    if size is not None and (box.box_xyxy_px[2] > size[0] or box.box_xyxy_px[3] > size[1]):
        raise Unfit(
            "the box {box} is not inside the picture, which is {width} x {height} pixels",
            box=box.box_xyxy_px, width=size[0], height=size[1],
        )  # fmt: skip
    case.candidate.best_frame_id, case.candidate.best_box = box.frame_id, list(box.box_xyxy_px)


def _freed(session: WriteSession, undone: Decision) -> Candidate:
    target = session.get(Candidate, undone.other_id, with_for_update=True)
    if target is None:
        raise NoCandidate("there is no candidate {id}, or not in your areas", id=undone.other_id)
    if target.state not in RECEIVING:
        raise CannotMerge(
            "candidate {id}, which took this one in, is {state} itself by now; reopen that one first",
            id=target.id, state=target.state,
        )  # fmt: skip
    evidence.take_back(session, target, undone.after.get("sightings", ()))
    return target


def _was_corrected(session: ReadSession, candidate_id: str) -> bool:
    found = select(Decision.id).where(Decision.candidate_id == candidate_id, Decision.kind == "correct")
    return session.scalar(found.limit(1)) is not None
