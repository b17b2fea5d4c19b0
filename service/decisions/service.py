"""Decide: check, change the candidate, write down what was changed, tell others. All of it, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, and_, or_, select

from streetsight.service.acts import KeyTaken, changes
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.candidates import queries
from streetsight.service.candidates.tables import Candidate
from streetsight.service.candidates.values import event_of
from streetsight.service.decisions.acts import ACTS, Case, Effect
from streetsight.service.decisions.schemas import Asked, Merge
from streetsight.service.decisions.states import after, possible
from streetsight.service.decisions.tables import Decision
from streetsight.service.etags import require_version
from streetsight.service.events.service import publish
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.files.blobs import digest_of
from streetsight.service.issues.service import issue_of
from streetsight.service.issues.tables import Issue
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.types import now

FACTS = (
    "class_name", "condition", "code", "severity", "lon", "lat", "covariance_m2", "area_path",
    "best_frame_id", "best_box", "merged_into_id", "sightings", "frames",
)  # fmt: skip
"""What of a candidate a decision can change; `Decision.before` and `after` hold those that did."""

PAST = {
    "confirm": "confirmed", "reject": "rejected", "correct": "corrected", "merge": "merged",
    "split": "split", "reopen": "reopened",
}  # fmt: skip


class NotPossible(Conflict):
    """A decision that cannot be made in this state."""

    code = "not_possible"


class NoDecision(NotFound):
    """No decision of this id, or none that who asks may see."""

    code = "no_decision"


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Attributes: new: made now, and not a repetition of an earlier request."""

    decision: Decision
    candidate: Candidate
    issue: Issue | None
    new: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for.

    Attributes:
        version: of the candidate, as they have read it.
        key: theirs for this request; the same one again is answered as it was.
    """

    candidate_id: str
    asked: Asked
    version: int
    key: str | None = None

    @property
    def digest(self) -> str:
        """Of all that the key stands for."""
        text = f"{self.candidate_id} {self.version} {self.asked.model_dump_json(exclude_none=True)}"
        return digest_of(text.encode())


def decide(session: WriteSession, actor: Actor, wish: Wish, zone: tzinfo) -> Made:
    """Make a decision.

    Args:
        zone: the city's, which says what day an issue is of.

    Raises:
        NoCandidate, Stale, NotPossible, KeyTaken, and what `acts` raise: nothing was changed.
    """
    if (before := _made_before(session, actor, wish)) is not None:
        return before
    candidate = _locked(session, actor, wish)
    if (before := _made_before(session, actor, wish)) is not None:  # while this one waited
        return before
    require_version(candidate.version, wish.version)
    kind, facts = wish.asked.kind, _facts(candidate)
    state = after(candidate.state, kind)  # type: ignore[arg-type]
    if state is None:
        raise NotPossible(
            "candidate {id} is {state}; what can be decided of it now: {kinds}",
            id=candidate.id, state=candidate.state,
            kinds=", ".join(possible(candidate.state)) or "-",  # type: ignore[arg-type]
        )  # fmt: skip
    candidate.state = state
    candidate.gone_because = candidate.gone_because if state == "gone" else None
    effect = ACTS[kind](Case(session, actor, candidate, zone), wish.asked)
    candidate.version += 1
    candidate.updated_at = now()
    decision = _written(session, actor, wish, facts, candidate, effect)
    _tell(session, decision, candidate, effect)
    record(session, actor, f"candidate.{PAST[kind]}", f"candidate/{candidate.id}", _for_audit(decision))
    return Made(decision, candidate, _filed(session, candidate), new=True)


def decisions_of(session: ReadSession, actor: Actor, candidate_id: str) -> Sequence[Decision]:
    """Decisions that concern a candidate, the first one first."""
    concerns = or_(Decision.candidate_id == candidate_id, Decision.other_id == candidate_id)
    return session.scalars(select(Decision).where(concerns, _visible(actor)).order_by(Decision.id)).all()


@dataclass(frozen=True, slots=True)
class Filters:
    """Which decisions are wanted; None takes all. made_from, made_before: aware."""

    kind: str | None = None
    reason: str | None = None
    actor_id: str | None = None
    made_from: datetime | None = None
    made_before: datetime | None = None


def list_decisions(
    session: ReadSession, actor: Actor, wanted: Filters, limit: int, cursor: str | None
) -> Page[Decision]:
    """Decisions of candidates that the actor may see, newest first."""
    seen = select(Decision).join(Candidate, Candidate.id == Decision.candidate_id)
    conditions = [queries.visible(actor), _visible(actor)]
    equal = (
        (Decision.kind, wanted.kind), (Decision.reason, wanted.reason), (Decision.actor_id, wanted.actor_id),
    )  # fmt: skip
    conditions += [column == value for column, value in equal if value is not None]
    if wanted.made_from is not None:
        conditions.append(Decision.created_at >= wanted.made_from)
    if wanted.made_before is not None:
        conditions.append(Decision.created_at < wanted.made_before)
    return page(session, seen.where(and_(*conditions)), Decision, limit, cursor)


def _visible(actor: Actor) -> ColumnElement[bool]:
    """Outsiders see what outsiders decided; candidates are scoped elsewhere."""
    own = Decision.actor_role == Role.THIRD_PARTY
    return Decision.id.is_not(None) if may(actor, Permission.READ_STREET_ENTRIES) else own


def _made_before(session: ReadSession, actor: Actor, wish: Wish) -> Made | None:
    """What came of this key before. Raises KeyTaken when it stood for something else."""
    if wish.key is None:
        return None
    mine = select(Decision).where(Decision.actor_id == actor.id, Decision.key == wish.key)
    found = session.scalar(mine)
    if found is not None and found.key_sha256 != wish.digest:
        raise KeyTaken(
            "the Idempotency-Key {key} was used for another decision; take a new key", key=wish.key
        )
    if found is None:
        return None
    candidate = queries.find(session, actor, found.candidate_id)
    return Made(found, candidate, _filed(session, candidate), new=False)


def _locked(session: WriteSession, actor: Actor, wish: Wish) -> Candidate:
    """The candidate, held until the end together with the one to merge it into. Raises NoCandidate."""
    ids = {wish.candidate_id, wish.asked.into} if isinstance(wish.asked, Merge) else {wish.candidate_id}
    # always in the order of ids: two who merge crosswise would else wait for each other
    wanted = select(Candidate).where(Candidate.id.in_(ids)).order_by(Candidate.id)
    session.scalars(locked(wanted)).all()
    return queries.find(session, actor, wish.candidate_id)


def _facts(candidate: Candidate) -> dict[str, Any]:
    facts = {name: getattr(candidate, name) for name in FACTS}
    return {"state": candidate.state, "version": candidate.version, **facts}


def _written(
    session: WriteSession,
    actor: Actor,
    wish: Wish,
    before: dict[str, Any],
    candidate: Candidate,
    effect: Effect,
) -> Decision:
    was, became = changes(before, _facts(candidate))
    decision = Decision(
        candidate_id=candidate.id, actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name,
        actor_role=actor.role.value, kind=wish.asked.kind, reason=getattr(wish.asked, "reason", None),
        text=wish.asked.text,
        before=was, after=became | to_jsonable_python(effect.notes),
        other_id=effect.other.id if effect.other else None,
        undoes_id=effect.undoes.id if effect.undoes else None,
        key=wish.key, key_sha256=wish.digest if wish.key else None,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    return decision


def _filed(session: ReadSession, candidate: Candidate) -> Issue | None:
    return issue_of(session, candidate.id) if candidate.state == "confirmed" else None


def _tell(session: WriteSession, decision: Decision, candidate: Candidate, effect: Effect) -> None:
    data = {**event_of(candidate), "decision": decision.kind, "reason": decision.reason}
    publish(session, "candidate.decided", f"candidate/{candidate.id}", data, candidate.area_path)
    if (other := effect.other) is not None:
        kind = "candidate.created" if decision.kind == "split" else "candidate.updated"
        publish(session, kind, f"candidate/{other.id}", event_of(other), other.area_path)


def _for_audit(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.id, "reason": decision.reason, "text": decision.text, "other": decision.other_id,
        "undoes": decision.undoes_id, "before": decision.before, "after": decision.after,
    }  # fmt: skip
