"""Whatever is done in whatever order, also killed half way: one champion, and a history that explains it."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streetsight.models.comparison import Comparison
from streetsight.models.history import read_history
from streetsight.models.promotion import PromotionRefused
from streetsight.models.registry import Registry, RegistryError, load_only

pytestmark = pytest.mark.training  # the releases are made with onnx

NAMES = ("a", "b", "c", "d")


class PowerCutError(Exception):
    """The process ends here."""


def machine(made: Path, make_evidence: Callable[..., Comparison]) -> type[Any]:
    """The rules, over releases that were made in a folder."""

    class Machine(RuleBasedStateMachine):
        """`champion`, `before` and `evidence` are what the registry ought to know."""

        @initialize()
        def begin(self) -> None:
            self.root = Path(tempfile.mkdtemp())
            self.registered: set[str] = set()
            self.champion: str | None = None
            self.before: list[str] = []
            self.evidence: set[tuple[str, str]] = set()
            self.events = 0

        @property
        def registry(self) -> Registry:
            return Registry((self.root,))  # as a new process would see it

        @rule(name=st.sampled_from(NAMES))
        def register(self, name: str) -> None:
            new = self.registry.register(made / name, load_only, "x")
            assert new == (name not in self.registered)
            self.registered.add(name)
            self.events += new

        @precondition(lambda self: self.champion and self.registered - {self.champion})
        @rule(data=st.data())
        def compare(self, data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(sorted(self.registered - {self.champion})))
            self.registry.record(make_evidence(self.registry.champion(), self.registry.release(name)), "x")
            self.evidence.add((str(self.champion), name))
            self.events += 1

        @precondition(lambda self: self.registered)
        @rule(data=st.data(), force=st.booleans(), cut=st.sampled_from([None, "before", "after"]))
        def promote(self, data: st.DataObject, force: bool, cut: str | None) -> None:
            name = data.draw(st.sampled_from(sorted(self.registered)))
            allowed = force or self.champion is None or (self.champion, name) in self.evidence
            if name == self.champion:
                assert self.registry.promote(name, load_only, "x", "why", force) is None
            elif not allowed:
                with pytest.raises(PromotionRefused):
                    self.registry.promote(name, load_only, "x", "why", force)
            elif self.done(lambda: self.registry.promote(name, load_only, "x", "why", force), cut):
                self.before += [self.champion] if self.champion else []
                self.champion = name
                self.events += 1

        @precondition(lambda self: self.champion)
        @rule(cut=st.sampled_from([None, "before", "after"]))
        def rollback(self, cut: str | None) -> None:
            if not self.before:
                with pytest.raises(RegistryError, match="nothing to roll back to"):
                    self.registry.rollback(load_only, "x", "why")
            elif self.done(lambda: self.registry.rollback(load_only, "x", "why"), cut):
                self.champion = self.before.pop()
                self.events += 1

        def done(self, change: Callable[[], object], cut: str | None) -> bool:
            """Do it, cut off before or after `current` is renamed; whether it counts as done.

            Cut off while it still finishes what an earlier cut left, it has not begun.
            """
            unfinished = read_history(self.root).unwritten is not None
            with pytest.MonkeyPatch.context() as patch:
                if cut == "before":
                    patch.setattr("os.replace", cut_off)
                elif cut == "after":
                    patch.setattr("streetsight.models.registry.append_line", cut_off)
                try:
                    change()
                except PowerCutError:
                    return cut == "after" and not unfinished
            return True

        @invariant()
        def one_champion_that_loads(self) -> None:
            assert self.registry.champion_name() == self.champion
            if self.champion:
                assert self.registry.champion().card.name == self.champion

        @invariant()
        def the_history_explains_it(self) -> None:
            events = self.registry.history()
            assert len(events) == self.events
            changes = [each for each in events if each.action in ("promote", "force", "rollback")]
            names = [each.release_name for each in changes]
            assert (names[-1] if names else None) == self.champion
            assert [(e.from_address or "").partition("@")[0] for e in changes] == ["", *names][: len(names)]

        @invariant()
        def everything_taken_in_is_there(self) -> None:
            assert set(self.registry.names()) == self.registered

        def teardown(self) -> None:
            shutil.rmtree(self.root)

    return Machine


def cut_off(*arguments: object) -> None:
    raise PowerCutError


def test_any_order_of_commands(
    make_complete: Callable[..., Path], make_evidence: Callable[..., Comparison], tmp_path: Path
) -> None:
    for name in NAMES:
        make_complete(tmp_path, name)
    run_state_machine_as_test(
        machine(tmp_path, make_evidence),
        settings=settings(
            max_examples=20, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
