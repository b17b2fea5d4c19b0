"""The registry keeps a champion that loads, and a history that explains it, whatever happens."""

import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.inference.trial import try_release
from streetsight.models.comparison import Comparison
from streetsight.models.history import HistoryError
from streetsight.models.listing import list_registry
from streetsight.models.promotion import PromotionRefused
from streetsight.models.registry import Registry, RegistryError, load_only
from streetsight.models.releases import ReleaseError, current_name, load_release

pytestmark = pytest.mark.training  # the releases are made with onnx

MakeRelease = Callable[..., Path]
MakeEvidence = Callable[..., Comparison]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    root = tmp_path / "registry"
    root.mkdir()
    return root


@pytest.fixture
def registry(shelf: Path, make_complete: MakeRelease, tmp_path: Path) -> Registry:
    """`first` is in force; `second` and `third` are registered."""
    registry = Registry((shelf,))
    for name in ("first", "second", "third"):
        registry.register(make_complete(tmp_path / "made", name), try_release, "anna")
    registry.promote("first", try_release, "anna")
    return registry


def judge(registry: Registry, make_evidence: MakeEvidence, challenger: str, **changes: object) -> str:
    """Record evidence of a challenger against the present champion."""
    evidence = make_evidence(registry.champion(), registry.release(challenger), **changes)
    return registry.record(evidence, "ben")


def content(root: Path) -> dict[str, str]:
    """Digest of every file that is not the lock."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*")) if path.is_file() and path.name != ".lock"
    }  # fmt: skip


# what a release must be to be taken in


def test_a_release_is_copied_whole_and_kept(shelf: Path, make_complete: MakeRelease, tmp_path: Path) -> None:
    made = make_complete(tmp_path, "first")
    registry = Registry((shelf,))
    assert registry.register(made, try_release, "anna")
    shutil.rmtree(made)
    assert registry.release("first").card.name == "first"
    assert sorted(path.name for path in (shelf / "first").iterdir()) == [
        "card.json", "model.onnx", "trained_on.txt",
    ]  # fmt: skip
    (entry,) = registry.history()
    assert (entry.action, entry.who, entry.to_address) == (
        "register",
        "anna",
        registry.release("first").address,
    )


def test_the_same_again_is_no_event(registry: Registry, shelf: Path, tmp_path: Path) -> None:
    before = content(shelf)
    assert not registry.register(tmp_path / "made" / "first", try_release, "anna")
    assert content(shelf) == before


def test_other_content_under_a_name_is_refused(
    registry: Registry, shelf: Path, make_complete: MakeRelease, tmp_path: Path
) -> None:
    before = content(shelf)
    with pytest.raises(RegistryError, match="first is registered already, with other content") as caught:
        registry.register(make_complete(tmp_path / "again", "first", mark="other"), try_release, "anna")
    assert "不可更改" in caught.value.say("zh")
    with pytest.raises(RegistryError, match="choose another name"):
        registry.register(make_complete(tmp_path / "card", "first", limits=("other",)), try_release, "anna")
    assert content(shelf) == before


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (lambda folder: (folder / "model.onnx").write_bytes(b"no"), "the card describes"),
    "no file": (lambda folder: (folder / "model.onnx").unlink(), "model file cannot be read"),
    "no card": (lambda folder: (folder / "card.json").unlink(), "the card cannot be read"),
    "half a card": (lambda folder: (folder / "card.json").write_text("{"), "not a valid card"),
    "no list of photos": (lambda folder: (folder / "trained_on.txt").unlink(), "that the card binds"),
    "another list of photos": (
        lambda folder: (folder / "trained_on.txt").write_text("0\tx\n"), "but the card binds",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_whole_is_refused_and_leaves_nothing(
    spoil: Callable[[Path], object], message: str, shelf: Path, make_complete: MakeRelease, tmp_path: Path
) -> None:
    folder = make_complete(tmp_path, "first")
    spoil(folder)
    with pytest.raises(ReleaseError, match=message):
        Registry((shelf,)).register(folder, try_release, "anna")
    assert content(shelf) == {}


def test_a_model_that_does_not_match_its_card_is_refused(
    shelf: Path, make_complete: MakeRelease, tmp_path: Path
) -> None:
    registry = Registry((shelf,))
    with pytest.raises(ReleaseError, match="head one_to_many and 2 classes means"):
        registry.register(make_complete(tmp_path, "more-classes", outputs=5), try_release, "anna")
    other_input = make_complete(tmp_path, "other-input", input={"size": 128, "rectangular": False})
    with pytest.raises(ReleaseError, match=r"the card says \[n, 3, 128, 128\]"):
        registry.register(other_input, try_release, "anna")
    assert content(shelf) == {}


@pytest.mark.parametrize("name", ["current", "history.jsonl", "comparisons"])
def test_names_that_the_registry_needs_are_refused(
    name: str, shelf: Path, make_complete: MakeRelease, tmp_path: Path
) -> None:
    with pytest.raises(RegistryError, match="cannot be named"):
        Registry((shelf,)).register(make_complete(tmp_path, name), try_release, "anna")


@pytest.mark.parametrize("name", ["../made/second", "/etc", "", ".", "..", ".lock", "nobody"])
def test_a_name_is_never_a_path(name: str, registry: Registry) -> None:
    with pytest.raises(ReleaseError, match=r"no release .* is registered"):
        registry.promote(name, try_release, "anna")


# promotion and rollback


def test_a_better_challenger_is_promoted_and_explained(
    registry: Registry, make_evidence: MakeEvidence
) -> None:
    sha256, before = judge(registry, make_evidence, "second"), registry.champion().address
    entry = registry.promote("second", try_release, "ben", "fewer missed bins")
    assert entry is not None
    assert registry.champion().card.name == "second"
    assert registry.history()[-1] == entry
    assert (entry.action, entry.who, entry.reason, entry.evidence_sha256, entry.from_address) == (
        "promote", "ben", "fewer missed bins", sha256, before,
    )  # fmt: skip
    assert registry.promote("second", try_release, "ben") is None, "in force already"
    assert registry.history()[-1] == entry


def test_a_refusal_changes_nothing(registry: Registry, shelf: Path) -> None:
    before = content(shelf)
    with pytest.raises(PromotionRefused, match="no comparison with the release in force, first@"):
        registry.promote("second", try_release, "ben")
    assert content(shelf) == before


def test_evidence_against_an_earlier_champion_does_not_count(
    registry: Registry, make_evidence: MakeEvidence
) -> None:
    for name in ("second", "third"):
        judge(registry, make_evidence, name)
    registry.promote("second", try_release, "ben")
    with pytest.raises(PromotionRefused, match="no comparison with the release in force, second@"):
        registry.promote("third", try_release, "ben")


def test_the_latest_evidence_counts(registry: Registry, make_evidence: MakeEvidence) -> None:
    judge(registry, make_evidence, "second")
    leaking = {"proof": "photo list", "shared_groups": 3, "groups": ("bridge",)}
    judge(registry, make_evidence, "second", leak=leaking)
    with pytest.raises(PromotionRefused, match="trained on what it was judged on"):
        registry.promote("second", try_release, "ben")


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text(path.read_text() + " ")])
def test_evidence_that_was_tampered_with_is_refused(
    spoil: Callable[[Path], object], registry: Registry, shelf: Path, make_evidence: MakeEvidence
) -> None:
    spoil(shelf / "comparisons" / f"{judge(registry, make_evidence, 'second')}.json")
    with pytest.raises(PromotionRefused, match="evidence is missing or was changed after it was recorded"):
        registry.promote("second", try_release, "ben")


def test_force_needs_a_reason_and_both_stay(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="a forced promotion needs a reason"):
        registry.promote("second", try_release, "ben", " ", force=True)
    entry = registry.promote("second", try_release, "ben", "the old one misses all vans", force=True)
    assert entry is not None
    assert (entry.action, entry.reason) == ("force", "the old one misses all vans")
    assert [each[:22] for each in entry.overridden] == ["there is no comparison"]


def test_force_without_objections_is_a_promotion(registry: Registry, make_evidence: MakeEvidence) -> None:
    judge(registry, make_evidence, "second")
    entry = registry.promote("second", try_release, "ben", "sure", force=True)
    assert entry is not None
    assert (entry.action, entry.overridden) == ("promote", ())


def test_no_force_puts_in_force_what_cannot_run(registry: Registry, shelf: Path) -> None:
    (shelf / "second" / "model.onnx").write_bytes(b"bit rot")
    with pytest.raises(ReleaseError, match="damaged or belongs to another card"):
        registry.promote("second", try_release, "ben", "urgent", force=True)
    assert registry.champion().card.name == "first"


def test_rollback_undoes_promotions_one_by_one(registry: Registry, make_evidence: MakeEvidence) -> None:
    for name in ("second", "third"):
        judge(registry, make_evidence, name)
        registry.promote(name, try_release, "ben")
    assert registry.rollback(try_release, "ben", "vans").to_address.startswith("second@")
    assert registry.rollback(try_release, "ben", "still").to_address.startswith("first@")
    with pytest.raises(RegistryError, match=r"nothing to roll back to: first is in force"):
        registry.rollback(try_release, "ben", "more")
    assert registry.rollback(try_release, "ben", "not that bad", to="third").action == "rollback"
    assert registry.rollback(try_release, "ben", "bad after all").to_address.startswith("first@")


def test_rollback_goes_only_where_one_was_and_says_why(registry: Registry) -> None:
    with pytest.raises(RegistryError, match=r"nothing to roll back to: first is in force, .* first@"):
        registry.rollback(try_release, "ben", "vans", to="second")
    with pytest.raises(RegistryError, match="a rollback needs a reason"):
        registry.rollback(try_release, "ben", "", to="second")


def test_rollback_gets_away_from_a_damaged_champion(
    registry: Registry, shelf: Path, make_evidence: MakeEvidence
) -> None:
    judge(registry, make_evidence, "second")
    registry.promote("second", try_release, "ben")
    shutil.rmtree(shelf / "second")
    with pytest.raises(ReleaseError, match=r"second, the release in force, is not in .*; restore its folder"):
        registry.champion()
    entry = registry.rollback(try_release, "ben", "its folder is gone")
    assert (entry.from_address, registry.champion().card.name) == ("second", "first")


def test_a_release_that_changed_since_is_not_rolled_back_to(
    registry: Registry, shelf: Path, make_complete: MakeRelease, make_evidence: MakeEvidence
) -> None:
    judge(registry, make_evidence, "second")
    registry.promote("second", try_release, "ben")
    shutil.rmtree(shelf / "first")
    make_complete(shelf, "first", mark="another")
    with pytest.raises(RegistryError, match=r"was first@.* when it was in force and is first@"):
        registry.rollback(try_release, "ben", "vans")


# the operator's registry over the shipped one


def test_shipped_releases_are_kept_when_they_leave_or_take_office(
    registry: Registry, shelf: Path, make_complete: MakeRelease, make_evidence: MakeEvidence, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    over = Registry((own, shelf))
    assert over.champion().card.name == "first"
    over.register(make_complete(tmp_path / "mine", "mine"), try_release, "anna")
    judge(over, make_evidence, "mine")
    over.promote("mine", try_release, "anna")
    shutil.rmtree(shelf)  # an update takes the shipped releases away
    shelf.mkdir()
    assert over.champion().card.name == "mine"
    over.rollback(try_release, "anna", "vans")
    assert over.champion().card.name == "first"


def test_a_listing_shows_damaged_releases_beside_the_others(registry: Registry, shelf: Path) -> None:
    (shelf / "second" / "card.json").write_text("{")
    rows = {row.name: row for row in list_registry(registry)}
    assert [name for name, row in rows.items() if row.in_force] == ["first"]
    assert rows["second"].card is None
    assert "not a valid card" in str(rows["second"].fault)
    assert all(row.registered is not None for row in rows.values())
    assert rows["first"].map50_test == 0.5


# history


def test_an_edited_history_is_found(registry: Registry, shelf: Path) -> None:
    path = shelf / "history.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0].replace("anna", "carl"), *lines[1:]]) + "\n")
    with pytest.raises(HistoryError, match=r"history\.jsonl, line 2: does not follow from the line before"):
        registry.history()
    path.write_text("\n".join([*lines[:1], *lines[2:]]) + "\n")
    with pytest.raises(HistoryError, match="line 2"):
        registry.promote("second", try_release, "ben")
    assert registry.champion().card.name == "first", "detection goes on"
    path.rename(shelf / "history.old")
    assert registry.promote("second", try_release, "ben", "begin anew", force=True)


def test_a_torn_line_is_taken_away(registry: Registry, shelf: Path) -> None:
    path, events = shelf / "history.jsonl", registry.history()
    path.write_bytes(path.read_bytes() + b'{"at":"2026')
    assert registry.history() == events
    registry.promote("second", try_release, "ben", "why not", force=True)
    assert registry.history()[:-1] == events
    assert [json.loads(line)["action"] for line in path.read_text().splitlines()][-1] == "force"


def test_a_champion_chosen_by_hand_is_respected(registry: Registry, shelf: Path) -> None:
    (shelf / "current").write_text("third\n")
    entry = registry.promote("second", try_release, "ben", "why not", force=True)
    assert entry is not None
    assert str(entry.from_address).startswith("third@")
    (shelf / "current").write_text("\n")
    with pytest.raises(ReleaseError, match="is empty; write the name"):
        registry.champion()


# crashes, full disks and rivals, with real processes


# A fork has none of a runtime's threads, so children run no trial.


def in_child(work: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> int:
    """Run in a forked process; its wait status: 0 done, 256 refused, 9 killed."""
    child = os.fork()
    if not child:
        try:
            prepare()
            work()
            os._exit(0)
        except ReleaseError:
            os._exit(1)
        except BaseException:  # noqa: BLE001 (nothing may leave the child)
            traceback.print_exc()
            os._exit(2)
    return os.waitpid(child, 0)[1]


def killed_at(step: int) -> Callable[[], None]:
    """Arm this process to be killed at its n-th touch of the disk: around a sync, before anything else."""

    def arm() -> None:
        left, sync = step, os.fsync

        def touch() -> None:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        def synced(handle: Any) -> None:
            touch()
            sync(handle)
            touch()

        def audited(event: str, arguments: tuple[object, ...]) -> None:
            writes = event == "open" and isinstance(arguments[1], str) and arguments[1] != "rb"
            if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
                touch()

        os.fsync = synced  # type: ignore[assignment]
        sys.addaudithook(audited)

    return arm


def check_sound(root: Path, champions: set[str]) -> Registry:
    """What must hold after a crash, before and after the next command."""
    registry = Registry((root,))
    for _ in range(2):
        champion = registry.champion()
        assert champion.card.name in champions
        changes = [
            each for each in registry.history() if each.action != "register" and each.action != "compare"
        ]
        assert changes[-1].to_address == champion.address, "the history explains the champion"
        for name in registry.names():
            registry.release(name)
        registry.register(root / "first", load_only, "cleaner")
    assert not [path for path in root.glob(".*") if path.is_dir()], "no drafts are left"
    return registry


CHANGES: dict[str, tuple[Callable[[Registry, Path], object], set[str]]] = {
    "register": (lambda registry, made: registry.register(made / "fourth", load_only, "ben"), {"second"}),
    "promote": (lambda registry, made: registry.promote("third", load_only, "ben"), {"second", "third"}),
    "rollback": (lambda registry, made: registry.rollback(load_only, "ben", "vans"), {"first", "second"}),
}


@pytest.mark.parametrize(("change", "champions"), CHANGES.values(), ids=CHANGES.keys())
def test_killed_at_any_step_there_is_a_champion_and_its_history(
    change: Callable[[Registry, Path], object],
    champions: set[str],
    registry: Registry,
    shelf: Path,
    make_complete: MakeRelease,
    make_evidence: MakeEvidence,
    tmp_path: Path,
) -> None:
    made = make_complete(tmp_path / "made", "fourth").parent
    judge(registry, make_evidence, "second")
    registry.promote("second", try_release, "ben")
    judge(registry, make_evidence, "third")
    seen, steps = set(), 0
    for step in range(1, 100):
        root = tmp_path / f"killed-{step}"
        shutil.copytree(shelf, root)
        status = in_child(lambda root=root: change(Registry((root,)), made), killed_at(step))  # type: ignore[misc]
        assert status in (0, signal.SIGKILL)
        after = check_sound(root, champions)
        seen.add(after.champion().card.name)
        assert "fourth" not in after.names() or after.release("fourth")
        if not status:
            break
        steps += 1
    assert steps >= 8, "it was killed at each step"
    assert seen == champions, "before the rename the old one, after it the new one"


def test_what_a_name_points_to_is_on_the_disk_first(
    registry: Registry, shelf: Path, make_evidence: MakeEvidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut keeps what was synced: the draft is, before it is renamed, and the folder after."""
    judge(registry, make_evidence, "second")
    events: list[tuple[str, str]] = []
    sync, move = os.fsync, os.replace

    def synced(handle: int) -> None:
        events.append(("sync", Path(os.readlink(f"/proc/self/fd/{handle}")).name))
        sync(handle)

    def moved(source: Path, target: Path) -> None:
        events.append(("move", target.name))
        move(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", moved)
    registry.promote("second", try_release, "ben")
    assert events == [
        ("sync", ".current.draft"), ("move", "current"), ("sync", shelf.name), ("sync", "history.jsonl"),
    ]  # fmt: skip


def small_disk(size: int) -> Callable[[], None]:
    """No file of this process can grow beyond so many bytes: its writes fail as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("size", [0, 100, 1000, 2000])
def test_a_full_disk_leaves_everything_as_it_was(
    size: int, registry: Registry, shelf: Path, make_complete: MakeRelease, tmp_path: Path
) -> None:
    made = make_complete(tmp_path / "made", "fourth")
    before = content(shelf)
    refused = in_child(lambda: registry.register(made, load_only, "ben"), small_disk(size))
    assert refused == 1 << 8
    assert content(shelf) == before
    assert registry.register(made, try_release, "ben"), "with room again it goes on"


def test_a_disk_that_fills_while_promoting_loses_no_event(
    registry: Registry, shelf: Path, make_evidence: MakeEvidence
) -> None:
    judge(registry, make_evidence, "second")
    size = (shelf / "history.jsonl").stat().st_size
    assert size > 1000, "room for `current`, none for another line of history"
    assert in_child(lambda: registry.promote("second", load_only, "ben"), small_disk(size + 20)) == 0
    assert registry.champion().card.name == "second"
    assert registry.history()[-1].action == "promote"
    assert in_child(lambda: registry.rollback(load_only, "ben", "vans"), small_disk(size + 20)) == 1 << 8
    assert registry.champion().card.name == "second"
    registry.rollback(try_release, "ben", "vans")
    assert [each.action for each in registry.history()][-2:] == ["promote", "rollback"]


def test_of_two_promoters_at_once_one_wins(
    registry: Registry, shelf: Path, make_evidence: MakeEvidence
) -> None:
    for name in ("second", "third"):
        judge(registry, make_evidence, name)
    gate, opened = os.pipe()
    children = []
    for name in ("second", "third"):
        child = os.fork()
        if not child:
            os.read(gate, 1)
            os._exit(in_child(lambda name=name: registry.promote(name, load_only, name)) >> 8)  # type: ignore[misc]
        children.append(child)
    os.write(opened, b"go")
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(codes) == [0, 1], "the other one's evidence is against a champion that is gone"
    winner = ("second", "third")[codes.index(0)]
    assert registry.champion().card.name == winner == registry.history()[-1].who


def test_a_command_that_hangs_is_named(
    registry: Registry, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr("streetsight.models.registry.LOCK_WAIT_SECONDS", 0.1)
    with (shelf / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RegistryError, match="another command has been changing this registry"):
            registry.promote("second", try_release, "ben")
    assert current_name((shelf,)) == "first"
    assert load_release("first", (shelf,)).card.name == "first"
