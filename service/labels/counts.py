"""What decisions have taught so far, and which leads would teach most next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, literal, select

from streetsight.models.card import CardClass
from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.queries import visible
from streetsight.service.candidates.tables import Candidate
from streetsight.service.store.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class LabelCount:
    """Candidates of one class. Attributes: rejected: examples of what only looks like it."""

    class_name: str
    confirmed: int
    rejected: int
    open: int


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A lead that nobody has decided.

    Attributes:
        doubt: 1 where its score is just at the class's threshold, 0 at a score of 1.
        decided: candidates of its class that were decided.
    """

    candidate: Candidate
    doubt: float
    decided: int


def label_counts(session: ReadSession, actor: Actor) -> list[LabelCount]:
    """By class, the best known first."""
    found = (
        select(Candidate.class_name, Candidate.state, func.count())
        .where(visible(actor), Candidate.class_name.is_not(None))
        .where(Candidate.state.in_(("open", "confirmed", "rejected")))
        .group_by(Candidate.class_name, Candidate.state)
    )
    counted = {(str(name), state): count for name, state, count in session.execute(found)}
    counts = [
        LabelCount(name, *(counted.get((name, state), 0) for state in ("confirmed", "rejected", "open")))
        for name in {name for name, _ in counted}
    ]
    return sorted(counts, key=lambda each: (-each.confirmed - each.rejected, each.class_name))


def most_doubtful(
    session: ReadSession, actor: Actor, classes: Sequence[CardClass], limit: int
) -> list[Doubtful]:
    """Open leads whose decision teaches most: doubt of the release in its score, divided by what is decided
    of the class already, because accuracy grows about with the logarithm of examples (docs/labelling.md).

    Args:
        classes: of the release in force; a score at the threshold is the one that it doubts most.
    """
    decided = {each.class_name: each.confirmed + each.rejected for each in label_counts(session, actor)}
    threshold = _by_class({each.name: each.threshold for each in classes}, 0.5)
    distance = func.abs(Candidate.score - threshold)
    doubt = 1 - distance / case((threshold > 0.5, threshold), else_=1 - threshold)
    worth = doubt / (1 + _by_class({name: float(count) for name, count in decided.items()}, 0.0))
    found = (
        select(Candidate, doubt)
        .where(visible(actor), Candidate.state == "open", Candidate.score.is_not(None))
        .order_by(worth.desc(), Candidate.id)
        .limit(limit)
    )
    return [
        Doubtful(candidate, float(share), decided.get(candidate.class_name or "", 0))
        for candidate, share in session.execute(found)
    ]


def _by_class(values: Mapping[str, float], otherwise: float) -> ColumnElement[float]:
    if not values:
        return literal(otherwise)
    return case(values, value=Candidate.class_name, else_=otherwise)
