"""The life of a campaign, and which act leads from which state to which: the only place that says so.

draft 筹备     written down; its places are not fixed yet
active 进行中  places are fixed, the ledger (台账) fills
ended 已结束   every line is struck, or left over with a reason; nothing changes any more
"""

from typing import Literal, get_args

from streetsight.service.faults import Conflict

State = Literal["draft", "active", "ended"]
Kind = Literal[
    "edit", "delete", "start", "check", "add_places", "remove_place", "add_issue", "remove_issue", "transfer",
    "end",
]  # fmt: skip
STATES: tuple[State, ...] = get_args(State)
KINDS: tuple[Kind, ...] = get_args(Kind)

_WHILE_ACTIVE: tuple[Kind, ...] = (
    "edit", "check", "add_places", "remove_place", "add_issue", "remove_issue", "transfer",
)  # fmt: skip
TRANSITIONS: dict[tuple[State, Kind], State | None] = {
    ("draft", "edit"): "draft",
    ("draft", "delete"): None,
    ("draft", "start"): "active",
    **{("active", kind): "active" for kind in _WHILE_ACTIVE},
    ("active", "end"): "ended",
}
"""What is not here is not possible; None: it is gone."""


class NotPossible(Conflict):
    """An act that cannot be done in the state of a campaign."""

    code = "not_possible"


def possible(state: str) -> tuple[Kind, ...]:
    """Acts that are possible in a state."""
    return tuple(kind for kind in KINDS if (state, kind) in TRANSITIONS)


def after(state: str, kind: Kind) -> State | None:
    """The state that an act leads to. Raises NotPossible."""
    if (state, kind) not in TRANSITIONS:
        raise NotPossible(
            "{kind} is not possible while a campaign is {state}; what is: {kinds}",
            kind=kind, state=state, kinds=", ".join(possible(state)) or "-",
        )  # fmt: skip
    return TRANSITIONS[state, kind]  # type: ignore[index]
