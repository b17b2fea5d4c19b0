"""The life of an issue, and which act leads from which state to which: the only place that says so.

filed 已确认        confirmed, and nobody's task yet
dispatched 已派遣   a unit has to handle it, by a deadline
to_check 待核查     the unit has answered (处置反馈); somebody has to look
rework 返工         the answer was not accepted: the same unit once more
shelved 挂账        cannot be handled now; to be looked at again on a day
closed 已销号       handled on the spot (现场处置), checked, or found to be gone
not_pursued 不予立案  looked into, and no issue after all
withdrawn 已撤销    the confirmation was undone, which is a decision of the candidate and no act

Whether an act is possible is also a matter of what hangs on the issue: an extension that was asked for, an
appeal, a pause, a supervision order, a proposal. `NEEDS` says which.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol, get_args

State = Literal[
    "filed", "dispatched", "to_check", "rework", "shelved", "closed", "not_pursued", "withdrawn"
]  # fmt: skip
Kind = Literal[
    "dispatch", "handle", "answer", "return", "close", "rework", "ask_extension", "grant_extension",
    "refuse_extension", "pause", "resume", "shelve", "unshelve", "appeal", "uphold_appeal", "refuse_appeal",
    "look_back", "reopen", "drop", "supervise", "end_supervision", "keep", "comment",
]  # fmt: skip
Recorded = Literal[Kind, "enter", "overdue"]
"""Acts in the timeline: what people ask for, and what is written beside it."""

STATES: tuple[State, ...] = get_args(State)
KINDS: tuple[Kind, ...] = get_args(Kind)

OPEN: frozenset[State] = frozenset({"filed", "dispatched", "to_check", "rework", "shelved"})
"""Somebody still has something to do."""
RUNNING: frozenset[State] = frozenset({"dispatched", "rework"})
"""The deadline's clock runs, unless it is paused."""
ENDED: frozenset[State] = frozenset({"closed", "not_pursued", "withdrawn"})

# "back": to the state that it was shelved from
_MOVES: dict[Kind, Mapping[State, State | Literal["back"]]] = {
    "dispatch": dict.fromkeys(("filed", "dispatched", "to_check", "rework"), "dispatched"),
    "handle": {"filed": "closed"},
    "answer": {"dispatched": "to_check", "rework": "to_check"},
    "return": {"dispatched": "filed", "rework": "filed"},
    "close": dict.fromkeys(OPEN, "closed"),
    "rework": {"to_check": "rework"},
    "shelve": dict.fromkeys(("filed", "dispatched", "rework"), "shelved"),
    "unshelve": {"shelved": "back"},
    "reopen": {"closed": "filed", "not_pursued": "filed"},
    "drop": dict.fromkeys(OPEN, "not_pursued"),
}
_STAYING: dict[Kind, frozenset[State]] = {
    "ask_extension": RUNNING,
    "grant_extension": RUNNING,
    "refuse_extension": RUNNING,
    "pause": RUNNING,
    "resume": RUNNING,
    "appeal": frozenset({"dispatched", "to_check", "rework", "shelved", "closed"}),
    "uphold_appeal": OPEN | {"closed"},
    "refuse_appeal": OPEN | {"closed"},
    "look_back": frozenset({"closed"}),
    "supervise": OPEN,
    "end_supervision": OPEN,
    "keep": OPEN | {"closed"},
    "comment": frozenset(STATES),
}
TRANSITIONS: dict[tuple[State, Kind], State | Literal["back"]] = {
    **{(state, kind): to for kind, moves in _MOVES.items() for state, to in moves.items()},
    **{(state, kind): state for kind, states in _STAYING.items() for state in states},
}

Hanging = Literal["extension", "appeal", "pause", "deadline", "supervision", "proposal"]
NEEDS: dict[Kind, tuple[Hanging, bool]] = {
    "ask_extension": ("extension", False),
    "grant_extension": ("extension", True),
    "refuse_extension": ("extension", True),
    "pause": ("pause", False),
    "resume": ("pause", True),
    "appeal": ("appeal", False),
    "uphold_appeal": ("appeal", True),
    "refuse_appeal": ("appeal", True),
    "end_supervision": ("supervision", True),
    "keep": ("proposal", True),
}
"""What has to hang on an issue for an act, or must not."""
TIMED: frozenset[Kind] = frozenset({"ask_extension", "pause"})
"""Acts on a deadline, which there must be."""


class Standing(Protocol):
    """What of an issue says which acts are possible."""

    state: str
    shelved_from: str | None

    def hangs(self, what: Hanging) -> bool:
        """Whether this hangs on it."""


def after(issue: Standing, kind: Kind) -> State | None:
    """The state that an act leads to; None when it is not possible as the issue stands."""
    to = TRANSITIONS.get((issue.state, kind))  # type: ignore[arg-type]
    needed = NEEDS.get(kind)
    if to is None or (needed and issue.hangs(needed[0]) != needed[1]):
        return None
    if kind in TIMED and not issue.hangs("deadline"):
        return None
    return (issue.shelved_from or "filed") if to == "back" else to  # type: ignore[return-value]


def possible(issue: Standing) -> tuple[Kind, ...]:
    """Acts that are possible as the issue stands."""
    return tuple(kind for kind in KINDS if after(issue, kind) is not None)


def replayed(first: State, kinds: Iterable[Kind]) -> State:
    """The state that acts lead to, one after the other.

    Raises:
        KeyError: when one of them was not possible.
    """
    state, shelved_from = first, first
    for kind in kinds:
        to = TRANSITIONS[state, kind]
        shelved_from = state if kind == "shelve" else shelved_from
        state = shelved_from if to == "back" else to
    return state
