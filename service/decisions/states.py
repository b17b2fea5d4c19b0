"""The states of a candidate, and which decision leads from which to which: the only place that says so.

open, gone --confirm--> confirmed        correct keeps the state; split keeps it, and makes one more
open, gone --reject---> rejected         reopen leads back to open
open, gone --merge----> merged           gone: a re-check did not find it, before anybody decided
"""

from collections.abc import Iterable
from typing import Literal, get_args

State = Literal["open", "gone", "confirmed", "rejected", "merged"]
Kind = Literal["confirm", "reject", "correct", "merge", "split", "reopen"]
STATES: tuple[State, ...] = get_args(State)
KINDS: tuple[Kind, ...] = get_args(Kind)

TRANSITIONS: dict[tuple[State, Kind], State] = {
    ("open", "confirm"): "confirmed",
    ("open", "reject"): "rejected",
    ("open", "correct"): "open",
    ("open", "merge"): "merged",
    ("open", "split"): "open",
    ("gone", "confirm"): "confirmed",
    ("gone", "reject"): "rejected",
    ("gone", "correct"): "gone",
    ("gone", "merge"): "merged",
    ("confirmed", "correct"): "confirmed",
    ("confirmed", "reopen"): "open",
    ("rejected", "reopen"): "open",
    ("merged", "reopen"): "open",
}

RECEIVING: frozenset[State] = frozenset({"open", "confirmed"})
"""States of a candidate that others may be merged into."""

SETTLED: frozenset[State] = frozenset({"confirmed", "rejected", "merged"})
"""States that a person has brought about."""


def after(state: State, kind: Kind) -> State | None:
    """The state that a decision leads to; None when it is not possible in this state."""
    return TRANSITIONS.get((state, kind))


def possible(state: State) -> tuple[Kind, ...]:
    """Decisions that can be made in a state."""
    return tuple(kind for kind in KINDS if (state, kind) in TRANSITIONS)


def replayed(first: State, kinds: Iterable[Kind]) -> State:
    """The state that decisions lead to, one after the other.

    Raises:
        KeyError: when one of them was not possible.
    """
    state = first
    for kind in kinds:
        state = TRANSITIONS[state, kind]
    return state
