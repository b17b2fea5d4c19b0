"""Two releases on the same frames: what is compared, what is proved about training, what is refused."""

import json
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("faster_coco_eval", reason="needs the training extra")

from streetsight.cli import app
from streetsight.datasets.records import LabelRecord, data_digest
from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.models.comparison import Comparison
from streetsight.models.language import SpokenError
from streetsight.models.promotion import objections
from streetsight.models.releases import Release, file_sha256
from streetsight.training.gate import Frozen, GateError, check_leaks, compare, frozen_part

pytestmark = pytest.mark.training

CopyRelease = Callable[..., Release]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[LabelRecord]:
    """Rendered frames in five groups."""
    found = []
    for seed in range(5):
        folder = tmp_path_factory.mktemp("patrol")
        deque(simulate_patrol(folder, seed, 2, Camera((480, 270)), step_m=20, weathers=("day",)), maxlen=0)
        found += read_patrol(folder)
    return found


@pytest.fixture(scope="module")
def frozen(records: list[LabelRecord]) -> Frozen:
    """Four groups to judge on, one that was trained on."""
    train = [each for each in records if each.group == "simulated:4"]
    judged = [each for each in records if each not in train]
    return Frozen(None, "test", judged, train)


@pytest.fixture(scope="module")
def worse(
    release: Release, copy_with: CopyRelease, frozen: Frozen, tmp_path_factory: pytest.TempPathFactory
) -> Comparison:
    challenger = copy_with(
        tmp_path_factory.mktemp("made") / "worse", noise=0.2, trained_on=[("a" * 64, "elsewhere")]
    )
    return compare(challenger, release, frozen, draws=200)


def test_both_are_judged_on_the_same_photos(worse: Comparison, frozen: Frozen) -> None:
    assert (worse.frozen_set.photos, worse.frozen_set.groups) == (8, 4)
    assert worse.frozen_set.digest == data_digest(frozen.records)
    labelled = {name for record in frozen.records for name in record.class_names}
    by_kind = {kind: [row.name for row in worse.rows if row.kind == kind] for kind in ("class", "condition")}
    assert set(by_kind["class"]) == labelled & {*worse.champion.classes}
    assert "illegal_parking" in by_kind["condition"]
    counts = {row.name: row.boxes for row in worse.rows}
    assert counts["pothole"] == sum(record.class_names.count("pothole") for record in frozen.records)


def test_noisier_weights_are_found_worse(worse: Comparison) -> None:
    mean = worse.rows[0]
    assert (mean.kind, mean.verdict) == ("mean", "worse")
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low <= mean.difference <= mean.high < 0
    assert mean.champion > 0.1


def test_curves_are_for_drawing(worse: Comparison) -> None:
    names = {curve.name for curve in worse.curves}
    assert {"pothole", "broken_facility"} <= names
    assert "car" not in names, "context"
    for curve in worse.curves:
        assert 0 < len(curve.champion_recall) <= 100
        assert len(curve.champion_recall) == len(curve.champion_precision)
        assert list(curve.champion_recall) == sorted(curve.champion_recall)


def test_the_same_photos_give_the_same_evidence(
    worse: Comparison, release: Release, copy_with: CopyRelease, frozen: Frozen, tmp_path: Path
) -> None:
    again = copy_with(tmp_path / "worse", noise=0.2, trained_on=[("a" * 64, "elsewhere")])
    moment = {"created": worse.created}
    repeated = compare(again, release, frozen, draws=200)
    assert repeated.model_copy(update=moment) == worse
    assert Comparison.model_validate_json(worse.model_dump_json()) == worse


def test_a_challenger_trained_on_other_classes_is_told_so(
    release: Release, copy_with: CopyRelease, frozen: Frozen, tmp_path: Path
) -> None:
    challenger = copy_with(tmp_path / "other", names={"pothole": "tricycle"})
    evidence = compare(challenger, release, frozen, draws=200)
    assert evidence.missing_classes == ("pothole",)
    (pothole,) = [row for row in evidence.rows if row.name == "pothole"]
    assert pothole.challenger == 0 < pothole.champion
    said = [str(each) for each in objections(challenger, release.address, evidence)]
    assert any("it lacks pothole, which the release in force has" in each for each in said)


def test_a_model_is_not_compared_with_itself(release: Release, frozen: Frozen) -> None:
    with pytest.raises(GateError, match="the same model; there is nothing to compare"):
        compare(release, release, frozen)


def test_a_list_of_other_photos_proves_it(copy_with: CopyRelease, frozen: Frozen, tmp_path: Path) -> None:
    trained_on = [(file_sha256(record.image), record.group) for record in frozen.train]
    challenger = copy_with(tmp_path / "clean", trained_on=trained_on)
    leak = check_leaks(challenger, frozen)
    assert (leak.proof, leak.clean) == ("photo list", True)


def test_photos_and_groups_that_were_trained_on_are_named(
    copy_with: CopyRelease, frozen: Frozen, tmp_path: Path
) -> None:
    copied = frozen.records[4].image
    trained_on = [(file_sha256(copied), "under another name"), ("c" * 64, "simulated:2")]
    challenger = copy_with(tmp_path / "leaking", trained_on=trained_on)
    leak = check_leaks(challenger, frozen)
    assert (leak.shared_photos, leak.photos) == (1, (f"simulated/{copied.name}",))
    assert (leak.shared_groups, leak.groups) == (1, ("simulated:2",))
    assert not leak.clean


def test_without_a_list_the_split_made_again_proves_it(
    copy_with: CopyRelease, frozen: Frozen, tmp_path: Path
) -> None:
    card_says = data_digest(frozen.train)
    challenger = copy_with(tmp_path / "old", train_digest=card_says)
    leak = check_leaks(challenger, frozen)
    assert (leak.proof, leak.clean) == ("recomputed split", True)
    image = tmp_path / "copy.jpg"
    shutil.copyfile(frozen.train[0].image, image)
    doubled = replace(frozen, records=[*frozen.records, replace(frozen.records[0], image=image)])
    leak = check_leaks(challenger, doubled)
    assert (leak.shared_photos, leak.clean) == (1, False), "a copy of a training photo under another name"


def test_what_cannot_be_proved_is_said(copy_with: CopyRelease, frozen: Frozen, tmp_path: Path) -> None:
    leak = check_leaks(copy_with(tmp_path / "unlisted"), frozen)
    assert (leak.proof, leak.clean) == ("none", False)


def test_a_champion_that_has_learned_the_photos_is_said_to_be_flattered(
    copy_with: CopyRelease, render_dataset: Callable[[Path, int, tuple[int, int]], Path], tmp_path: Path
) -> None:
    photos = render_dataset(tmp_path / "photos", 2, (480, 270))
    (judged,) = {record.group for record in frozen_part(photos, "test").records}
    champion = copy_with(tmp_path / "knows", noise=0.05, trained_on=[("a" * 64, judged)])
    challenger = copy_with(tmp_path / "fresh", trained_on=[("a" * 64, "elsewhere")])
    (tmp_path / "registry").mkdir()
    command = ["models", "compare", str(challenger.folder), str(champion.folder), "--photos", str(photos)]
    said = CliRunner().invoke(
        app, [*command, "--registry", str(tmp_path / "registry"), "--draws", "200", "--lang", "en"]
    )
    assert said.exit_code == 0, said.output
    assert f"{champion.address} has learned 0 of these photos and 1 of their groups" in said.output
    assert "hardly judged" in said.output


def test_a_part_that_is_not_there_is_said(tmp_path: Path, records: list[LabelRecord]) -> None:
    source = tmp_path / "sources" / "one"
    for folder in ("images", "labels"):
        (source / folder).mkdir(parents=True)
    shutil.copyfile(records[0].image, source / "images" / "a.jpg")
    (source / "labels" / "a.txt").write_text("")
    (source / "classes.txt").write_text("pothole")
    (source / "groups.csv").write_text("image,group\na.jpg,square")
    (source / "SOURCE.json").write_text(json.dumps({"labelled_classes": ["pothole"]}))
    with pytest.raises(SpokenError, match="no photos in the part exam; parts: train"):
        frozen_part(tmp_path, "exam")
