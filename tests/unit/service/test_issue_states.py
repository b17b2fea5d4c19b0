"""The table of an issue's life."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streetsight.service.issues.effects import EFFECTS
from streetsight.service.issues.states import (
    ENDED,
    KINDS,
    NEEDS,
    OPEN,
    RUNNING,
    STATES,
    TRANSITIONS,
    Hanging,
    after,
    possible,
    replayed,
)
from streetsight.service.issues.words import ACTS
from streetsight.service.issues.words import STATES as WORDS


@dataclass
class Some:
    """An issue as the table sees it."""

    state: str
    shelved_from: str | None = None
    hanging: frozenset[str] = frozenset()

    def hangs(self, what: Hanging) -> bool:
        return what in self.hanging


def test_the_table_is_whole() -> None:
    assert {kind for _, kind in TRANSITIONS} == set(KINDS) == set(EFFECTS)
    assert {state for state, _ in TRANSITIONS} == set(STATES) == OPEN | ENDED
    assert set(TRANSITIONS.values()) - {"back"} == set(STATES)
    assert RUNNING < OPEN
    assert set(NEEDS) <= set(KINDS)
    assert set(ACTS) >= set(KINDS)
    assert set(WORDS) == set(STATES)


def test_what_is_withdrawn_can_only_be_talked_about() -> None:
    assert possible(Some("withdrawn")) == ("comment",)


def test_what_hangs_on_it_says_what_is_possible() -> None:
    assert "grant_extension" not in possible(Some("dispatched"))
    assert "grant_extension" in possible(Some("dispatched", hanging=frozenset({"extension"})))
    assert "ask_extension" not in possible(Some("dispatched"))  # there is no deadline
    assert "ask_extension" in possible(Some("dispatched", hanging=frozenset({"deadline"})))
    assert "pause" not in possible(Some("dispatched", hanging=frozenset({"deadline", "pause"})))
    assert "appeal" not in possible(Some("closed", hanging=frozenset({"appeal"})))


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_any_way_can_be_replayed(kinds: list[str]) -> None:
    """Whatever is done in whatever order: a state of the table, and the same when it is read back."""
    issue, done = Some("filed", hanging=frozenset({"deadline", "extension", "appeal", "proposal"})), []
    for kind in kinds:
        to = after(issue, kind)  # type: ignore[arg-type]
        if to is None:
            continue
        if kind == "shelve":
            issue.shelved_from = issue.state
        issue.state = to
        done.append(kind)
        assert issue.state in STATES
    assert replayed("filed", done) == issue.state  # type: ignore[arg-type]


def test_every_state_but_withdrawn_leads_to_closed() -> None:
    for state in STATES:
        seen, todo = set[str](), [state]
        while todo:
            here = todo.pop()
            if here not in seen:
                seen.add(here)
                todo += [to for (of, _), to in TRANSITIONS.items() if of == here and to != "back"]
        assert ("closed" in seen) is (state != "withdrawn")
