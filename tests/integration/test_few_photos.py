"""Ten confirmed photos to a better model, and a new class by data alone: every step as an analyst types it.

Rendered frames carry an orange cone, which no release knows. A file of additions names the class, the
labels come in from a YOLO folder, the shipped release is the start, and the new one finds cones at
places it never saw without forgetting what it knew.
"""

import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.models.releases import load_release

pytestmark = pytest.mark.training

ADDITIONS = """
[conditions.loose_cone]
zh = "锥桶散落"
en = "stray cone"
colour = "#FF8B3E"

[[classes]]
id = 1000
name = "traffic_cone"
zh = "锥桶"
en = "traffic cone"
colour = "#FF8B3E"
condition = "loose_cone"
"""
RECIPE = """
reason = "a test: as the shipped recipe `few`, smaller and shorter"
epochs = 16
learning_rate = 0.002
image_size = 320
batch = 4
nominal_batch = 4
warmup_epochs = 1
frozen_layers = 11
heads = "one_to_many"
teacher_release = "start"
mosaic = 0.5
close_mosaic = 6
"""
PLACES, FRAMES = 10, 2  # a place is a patrol of its own, hence a group


def run(environment: dict[str, str], *arguments: object, status: int = 0) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "streetsight", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == status, answer.stdout + answer.stderr
    return answer.stdout


def draw_cone(photo: Path, rng: np.random.Generator) -> str:
    """Put an orange cone with a white band into a picture; its YOLO line."""
    image = cv2.imread(str(photo))
    assert image is not None
    height, width = image.shape[:2]
    tall = int(rng.integers(60, 110))
    left = int(rng.integers(10, width - tall))
    bottom = int(rng.integers(height // 2 + 40, height - 4))
    right, top, middle = left + tall * 2 // 3, bottom - tall, left + tall // 3
    cv2.fillPoly(image, [np.array([[left, bottom], [right, bottom], [middle, top]])], (30, 110, 240))
    cv2.line(
        image, (left + tall // 6, bottom - tall // 3), (right - tall // 6, bottom - tall // 3), (240,) * 3, 6
    )
    cv2.imwrite(str(photo), image)
    centre = ((left + right) / 2 / width, (top + bottom) / 2 / height)
    return f"0 {centre[0]:.6f} {centre[1]:.6f} {(right - left) / width:.6f} {tall / height:.6f}\n"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO folder as labelling tools write it: photos of ten places, one class."""
    root, rng = tmp_path_factory.mktemp("labelled"), np.random.default_rng(3)
    for part in ("images", "labels"):
        (root / part / "train").mkdir(parents=True)
    for place in range(PLACES):
        folder = root / "patrols" / str(place)
        deque(simulate_patrol(folder, 50 + place, FRAMES, Camera((640, 360)), step_m=25), maxlen=0)
        for index, frame in enumerate(sorted((folder / "frames").glob("*.jpg"))):
            name = f"place{place}_{index}"
            photo = root / "images" / "train" / f"{name}.jpg"
            photo.write_bytes(frame.read_bytes())
            (root / "labels" / "train" / f"{name}.txt").write_text(draw_cone(photo, rng))
    (root / "data.yaml").write_text("train: images/train\nnames: [cone]\n")
    return root


def test_ten_places_teach_a_class_that_nobody_coded(labelled: Path, tmp_path: Path) -> None:
    additions = tmp_path / "city.toml"
    additions.write_text(ADDITIONS, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    environment = {**os.environ, "STREETSIGHT_TAXONOMY": str(additions)}
    data, trained, releases = tmp_path / "data", tmp_path / "run", tmp_path / "releases"

    run(
        environment, "dataset", "import", labelled, "--to", data, "--name", "cones",
        "--classes", "cone=traffic_cone", "--group-by", r"(place\d+)_", "--licence", "ours",
    )  # fmt: skip
    run(environment, "dataset", "check", data)
    run(
        environment, "train", "--weights", load_release().card.name, "--run", trained,
        "--photos", data, "--recipe", tmp_path / "recipe.toml",
    )  # fmt: skip
    run(
        environment, "export", trained, "--name", "cones-1", "--photos", data, "--size", 320,
        "--output", releases,
    )  # fmt: skip

    card = json.loads((releases / "cones-1" / "card.json").read_text(encoding="utf-8"))
    names = {each["name"] for each in card["classes"]}
    assert names == {*load_release().card.class_names, "traffic_cone"}  # nothing is unlearned by name
    (test,) = (each for each in card["evaluations"] if each["part"] == "test")
    (cones,) = (row for row in test["classes"] if row["name"] == "traffic_cone")
    assert cones["ap50"] > 0.5, cones

    run(
        environment,
        "detect",
        labelled / "images",
        "--release",
        releases / "cones-1",
        "--output",
        tmp_path / "out",
    )
    lines = (tmp_path / "out" / "detections.jsonl").read_text().splitlines()
    seen = [each["class"] for line in lines for each in json.loads(line)["detections"]]
    assert seen.count("traffic_cone") >= PLACES
    assert set(seen) - {"traffic_cone"}, "everything else is forgotten"
