"""From photos to a release that detects, for real and small: rendered frames, one epoch, 64 pixels."""

import json
from collections import deque
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

from ultralytics import YOLO

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.inference.pipeline import detect_photos
from streetsight.inference.session import Detector
from streetsight.inference.sources import find_photos
from streetsight.models.releases import load_release
from streetsight.training.export import MAX_BOX_DIFFERENCE_PX, MAX_SCORE_DIFFERENCE
from streetsight.training.recipe import Recipe
from streetsight.training.release import make_release
from streetsight.training.train import train

pytestmark = pytest.mark.training

RECIPE = Recipe(
    name="tiny", reason="a test", epochs=1, learning_rate=0.001, image_size=64, batch=8, close_mosaic=0
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source folder made of rendered frames, two groups of ten and more photos a group."""
    root = tmp_path_factory.mktemp("photos")
    source = root / "sources" / "rendered"
    for part in ("images", "labels"):
        (source / part).mkdir(parents=True)
    rows, names = ["image,group"], None
    for seed in range(6):
        folder = root / "patrols" / str(seed)
        deque(simulate_patrol(folder, seed, 4, Camera((256, 144)), step_m=20), maxlen=0)
        for record in read_patrol(folder):
            names = names or sorted(record.labelled_classes)
            name = f"{seed}-{record.image.stem}"
            (source / "images" / f"{name}.jpg").write_bytes(record.image.read_bytes())
            lines = [
                f"{names.index(each)} " + " ".join(f"{value:.6f}" for value in box)
                for each, box in zip(record.class_names, record.boxes_cxcywh_norm.tolist(), strict=True)
            ]
            (source / "labels" / f"{name}.txt").write_text("\n".join(lines))
            rows.append(f"{name},{seed}")
    (source / "groups.csv").write_text("\n".join(rows))
    (source / "classes.txt").write_text("\n".join(names or []))
    (source / "SOURCE.json").write_text(json.dumps({"labelled_classes": names, "license": "ours"}))
    return root


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    start = folder / "start.pt"
    YOLO("yolo26n.yaml").save(str(start))
    train(RECIPE, photos, start, start, folder / "run")
    return folder / "run"


def test_a_run_describes_itself(run: Path) -> None:
    description = json.loads((run / "run.json").read_text())
    assert description["recipe"]["name"] == "tiny"
    assert len(description["train_digest"]) == 64
    assert set(description["versions"]) >= {"torch", "ultralytics"}


@pytest.mark.parametrize("head", ["one_to_many", "end_to_end"])
def test_a_release_comes_out_and_detects(run: Path, photos: Path, tmp_path: Path, head: str) -> None:
    folder = make_release(run, f"tiny-{head.replace('_', '-')}", photos, head, 64, tmp_path)  # type: ignore[arg-type]
    release = load_release(folder)
    assert release.card.output.head == head
    assert release.card.parity is not None
    assert release.card.parity.max_score_difference <= MAX_SCORE_DIFFERENCE
    assert release.card.parity.max_box_difference_px <= MAX_BOX_DIFFERENCE_PX
    assert {each.part for each in release.card.evaluations} == {"val", "test"}
    frames = find_photos([str(photos / "sources" / "rendered" / "images")])
    results = list(detect_photos(frames, Detector(release), 2))
    assert all(result.error is None for result in results)


def test_a_release_is_never_overwritten(run: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(FileExistsError, match="immutable"):
        make_release(run, "taken", photos, "one_to_many", 64, tmp_path)
