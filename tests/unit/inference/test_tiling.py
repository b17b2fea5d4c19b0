"""Tiles cover the photo, and what two tiles saw of one thing becomes one box."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sahi.postprocess.combine import GreedyNMMPostprocess
from sahi.prediction import ObjectPrediction

from streetsight.inference.session import Detector
from streetsight.inference.tiling import Tiling, detect_tiled, merge_by_class, tile_origins
from streetsight.models.detections import Detections

FEW = 0.05  # a score at which any release says something


def detections(*values: tuple[float, float, float, float, float, int]) -> Detections:
    """Rows of xyxy, score, class."""
    table = np.array(values, np.float32).reshape(-1, 6)
    return Detections(table[:, :4].copy(), table[:, 4].copy(), table[:, 5].astype(np.int64))


@given(side=st.integers(1, 9000), tile=st.integers(1, 1500), overlap=st.floats(0, 0.9))
def test_tiles_cover_everything(side: int, tile: int, overlap: float) -> None:
    tile = min(max(tile, side // 50), side)  # as callers do; and no more than some thousand tiles
    origins = tile_origins(side, tile, overlap)
    assert origins[0] == 0
    assert origins[-1] + tile == side
    assert all(0 < right - left <= tile for left, right in pairwise(origins))
    asked = tile - int(tile * overlap)
    assert all(right - left <= max(1, asked) for left, right in pairwise(origins)), (
        "overlap at least as asked"
    )


@pytest.mark.parametrize(
    ("side", "tile", "overlap", "origins"),
    [
        (640, 640, 0.2, [0]),
        (641, 640, 0.2, [0, 1]),
        (1920, 640, 0.2, [0, 512, 1024, 1280]),
        (1280, 640, 0.0, [0, 640]),
    ],
)
def test_tile_origins(side: int, tile: int, overlap: float, origins: list[int]) -> None:
    assert tile_origins(side, tile, overlap) == origins


def test_a_thing_cut_by_a_tiles_edge_becomes_one_box_again() -> None:
    halves = detections((0, 0, 60, 50, 0.6, 0), (30, 0, 100, 50, 0.8, 0))
    merged = merge_by_class(halves, 0.5)
    assert merged.boxes_xyxy_px.tolist() == [[0, 0, 100, 50]]
    assert merged.scores.tolist() == pytest.approx([0.8])


def test_other_classes_and_strangers_stay_apart() -> None:
    three = detections((0, 0, 50, 50, 0.9, 0), (0, 0, 50, 50, 0.8, 1), (200, 0, 250, 50, 0.7, 0))
    merged = merge_by_class(three, 0.5)
    assert merged.scores.tolist() == pytest.approx([0.9, 0.8, 0.7])
    assert merged.class_ids.tolist() == [0, 1, 0]


def test_merging_nothing() -> None:
    assert len(merge_by_class(Detections.empty(), 0.5)) == 0


def by_sahi(found: Detections, threshold: float) -> Detections:
    predictions = [
        ObjectPrediction(bbox=box, category_id=int(label), category_name=str(label), score=float(score))
        for box, score, label in zip(found.boxes_xyxy_px.tolist(), found.scores, found.class_ids, strict=True)
    ]
    merged = GreedyNMMPostprocess(threshold, match_metric="IOS", class_agnostic=False)(predictions)
    merged.sort(key=lambda each: -each.score.value)
    return detections(*((*each.bbox.to_xyxy(), each.score.value, each.category.id) for each in merged))


@st.composite
def crowds(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(1, 20))
    box = st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(3, 90), st.integers(3, 90))
    boxes = draw(st.lists(box, min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    scores = draw(st.permutations([(i + 1) / 100 for i in range(count)]))
    return detections(
        *((x, y, x + w, y + h, s, c) for (x, y, w, h), s, c in zip(boxes, scores, labels, strict=True))
    )


@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])  # sahi is too slow to shrink with
@given(crowds())
def test_merging_is_sahis(found: Detections) -> None:
    """The same things with the same scores, in boxes that hold sahi's.

    Not always the same boxes: before it joins a member of a group, sahi compares it once more with the box
    grown so far and throws it away when that has become too large to match. We join the whole group.
    """
    ours, theirs = merge_by_class(found, 0.50001), by_sahi(found, 0.50001)
    assert np.allclose(ours.scores, theirs.scores)
    assert np.array_equal(ours.class_ids, theirs.class_ids)
    assert (ours.boxes_xyxy_px[:, :2] <= theirs.boxes_xyxy_px[:, :2]).all()
    assert (ours.boxes_xyxy_px[:, 2:] >= theirs.boxes_xyxy_px[:, 2:]).all()


PAIRS = [
    ((0, 0, 60, 50), (30, 0, 100, 50), "halves at a tile's edge: half of the smaller is shared"),
    ((0, 0, 60, 50), (32, 0, 100, 50), "less than half is shared"),
    ((0, 0, 100, 100), (40, 40, 60, 60), "one inside the other"),
    ((0, 0, 50, 50), (50, 0, 100, 50), "side by side"),
    ((0, 0, 50, 50), (0, 0, 50, 50), "the same twice"),
]


@pytest.mark.parametrize(("first", "second", "why"), PAIRS, ids=[row[2] for row in PAIRS])
def test_of_two_boxes_sahi_makes_the_same(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float], why: str
) -> None:
    pair = detections((*first, 0.9, 0), (*second, 0.8, 0))
    ours, theirs = merge_by_class(pair, 0.5), by_sahi(pair, 0.5)
    assert np.array_equal(ours.boxes_xyxy_px, theirs.boxes_xyxy_px)
    assert np.allclose(ours.scores, theirs.scores)


def test_one_tile_is_one_look(detector: Detector, street_rgb: NDArray[np.uint8]) -> None:
    whole = merge_by_class(detector.detect(street_rgb, min_score=FEW), Tiling().merge_threshold)
    tiled = detect_tiled(detector, street_rgb, Tiling(size=1000), min_score=FEW)
    assert np.array_equal(tiled.boxes_xyxy_px, whole.boxes_xyxy_px)
    assert np.array_equal(tiled.scores, whole.scores)
    assert np.array_equal(tiled.class_ids, whole.class_ids)


def test_tiles_find_what_the_whole_is_too_large_for(
    detector: Detector, street_rgb: NDArray[np.uint8]
) -> None:
    """A large grey field with the street in its lower right corner, as a tile there would see it."""
    large = np.full((720, 1280, 3), 114, np.uint8)
    large[360:, 640:] = street_rgb
    before = large.copy()
    found = detect_tiled(detector, large, Tiling(size=640, overlap=0.2, batch=3), min_score=FEW)
    alone = detector.detect(street_rgb, min_score=FEW)
    assert (found.scores[:-1] >= found.scores[1:]).all()
    assert len(alone) == 0 or found.scores.max() >= 0.5 * alone.scores.max()
    assert (found.boxes_xyxy_px >= 0).all()
    assert (found.boxes_xyxy_px <= [1280, 720, 1280, 720]).all()
    assert np.array_equal(large, before)
