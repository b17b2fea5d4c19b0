"""The shipped release on rendered frames: the same things at the same places as when it was released.

Record anew after a release changes: STREETSIGHT_RECORD=1 make test ARGS=tests/golden
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.inference.pipeline import detect_photos
from streetsight.inference.session import Detector
from streetsight.inference.sources import find_photos
from streetsight.inference.writers import to_json
from streetsight.models.boxes import iou
from streetsight.models.releases import load_release

EXPECTED = Path(__file__).with_name("rendered.json")
FRAMES, STEP_M, SEED = 6, 24.0, 0
SCORE_TOLERANCE, MIN_IOU = 0.05, 0.9
SURE = 0.5  # weaker detections may come and go with rounding

pytestmark = pytest.mark.golden


def test_release_sees_what_it_saw(tmp_path: Path) -> None:
    frames = list(simulate_patrol(tmp_path, SEED, FRAMES, Camera((960, 540)), STEP_M))
    release = load_release()
    results = detect_photos(find_photos([str(tmp_path / "frames")]), Detector(release, provider="onnx"), 2)
    seen = {
        Path(row["image"]).name: row["detections"]
        for row in (to_json(result, release.card) for result in results)
    }
    assert set(seen) == {frame.name for frame in frames}
    if os.environ.get("STREETSIGHT_RECORD"):
        EXPECTED.write_text(json.dumps(seen, indent=1) + "\n")
    expected = json.loads(EXPECTED.read_text())
    for name, rows in expected.items():
        for row in rows:
            if row["score"] >= SURE:
                _assert_seen(row, seen[name], name)


def test_every_condition_is_seen_on_the_demo_patrol() -> None:
    seen = {
        row["condition"]
        for rows in json.loads(EXPECTED.read_text()).values()
        for row in rows
        if row["score"] >= SURE
    }
    assert seen >= {"exposed_garbage", "street_vending", "broken_facility"}


def _assert_seen(row: dict[str, object], there: list[dict[str, object]], name: str) -> None:
    same = [each for each in there if each["class"] == row["class"]]
    assert same, f"{name}: {row} is no longer seen"
    boxes = np.array([each["box_xyxy_px"] for each in same], np.float32)
    overlap = iou(np.array([row["box_xyxy_px"]], np.float32), boxes)[0]
    best = same[int(overlap.argmax())]
    assert overlap.max() >= MIN_IOU, f"{name}: {row} moved to {best}"
    assert best["score"] == pytest.approx(row["score"], abs=SCORE_TOLERANCE)
