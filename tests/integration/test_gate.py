"""The way of an analyst on real photos: refused with numbers, forced, rolled back, promoted when as good."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("faster_coco_eval", reason="needs the training extra")

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.models.promotion import MIN_BOXES, MIN_GROUPS
from streetsight.models.registry import Registry
from streetsight.models.releases import Release, search_path
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.gate import Frozen, compare

pytestmark = [pytest.mark.training, pytest.mark.photos]

REFUSED = 3
CopyRelease = Callable[..., Release]


@pytest.fixture(scope="module")
def frozen(photos_root: Path) -> Frozen:
    """Just enough photos of places never trained on for every condition to be judged."""
    parts = split_by_group(read_sources(photos_root))
    conditions = list(default_taxonomy().conditions)
    few = {record.image: record for name in conditions for record in enough(parts["test"], name)}
    return Frozen(None, "test", list(few.values()), parts["train"])


def enough(records: list[LabelRecord], condition: str) -> list[LabelRecord]:
    """The fewest records with half again the labels and groups that a promotion asks for."""
    taxonomy = default_taxonomy()
    chosen: list[LabelRecord] = []
    boxes = 0
    for record in sorted(records, key=lambda each: -len(each)):
        count = sum(condition in taxonomy.leads_of(name) for name in record.class_names)
        groups = {each.group for each in chosen}
        if (
            count
            and (boxes < 1.5 * MIN_BOXES or len(groups) < 1.5 * MIN_GROUPS)
            and record.group not in groups
        ):
            chosen.append(record)
            boxes += count
    return chosen


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def registry(own: Path, release: Release, copy_with: CopyRelease, frozen: Frozen) -> Registry:
    """`worse` and `equal` are registered and compared with the shipped release on real photos."""
    registry = Registry(search_path(own))
    for name, noise in (("worse", 0.1), ("equal", 0.0)):
        challenger = copy_with(own.with_name(f"{own.name}-made") / name, noise=noise)
        done = streetsight(own, "register", str(challenger.folder), "--by", "anna")
        assert done.returncode == 0, done.stderr
        registry.record(compare(challenger, release, frozen, draws=300), "anna")
    return registry


def streetsight(own: Path, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "STREETSIGHT_RELEASES": str(own),
        "STREETSIGHT_LANG": language,
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "streetsight", "models", *arguments],
        capture_output=True, encoding="utf-8", env=environment, check=False, timeout=600,
    )  # fmt: skip


def test_a_worse_release_is_refused_with_numbers(registry: Registry, own: Path) -> None:
    done = streetsight(own, "promote", "worse")
    assert done.returncode == REFUSED
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Error: worse is not promoted; reasons: ")
    mean = next(line for line in lines if line.startswith("- mean is worse: AP50 0."))
    assert "with a 95 % interval of -0." in mean
    assert not any("cannot show" in line for line in lines), "the split made again proves that nothing leaks"
    assert not any("hardly judged" in line for line in lines)
    assert "mean 变差:AP50 0." in streetsight(own, "promote", "worse", language="zh").stderr


def test_forced_and_rolled_back_it_stays_in_the_history(registry: Registry, own: Path) -> None:
    shipped = registry.champion().address
    assert "needs a reason" in streetsight(own, "promote", "worse", "--force").stderr
    done = streetsight(own, "promote", "worse", "--force", "--reason", "a drill", "--by", "ben")
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(streetsight(own, "list", "--json").stdout)
    assert [row["name"] for row in listed if row["in_force"]] == ["worse"]
    done = streetsight(own, "rollback", "--reason", "the drill is over")
    assert f"{shipped} is in force; before it was worse@" in done.stdout
    events = json.loads(streetsight(own, "history", "--json").stdout)
    assert [(each["action"], each["reason"]) for each in events[-2:]] == [
        ("force", "a drill"), ("rollback", "the drill is over"),
    ]  # fmt: skip
    shown = streetsight(own, "history").stdout
    assert "(ben)" in shown
    assert "forced against: mean is worse" in shown


def test_what_is_as_good_is_promoted(registry: Registry, own: Path) -> None:
    done = streetsight(own, "promote", "equal", "--reason", "the same weights")
    assert (done.returncode, done.stderr) == (0, "")
    assert registry.champion().card.name == "equal"
    assert registry.history()[-1].action == "promote"


def test_what_cannot_be_done_is_said(registry: Registry, own: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["promote", "nobody"], "no release nobody is registered; known: equal, "),
        (["register", str(tmp_path)], "card.json: the card cannot be read"),
        (["rollback", "--reason", "x", "--to", "nobody"], "nothing to roll back to"),
        (["list", "--registry", str(tmp_path / "absent")], "no such registry folder; make it"),
    ):
        done = streetsight(own, *arguments)
        assert (done.returncode, done.stdout) == (REFUSED, ""), arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr
