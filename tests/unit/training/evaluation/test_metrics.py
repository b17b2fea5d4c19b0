"""Figures on hand-made photos, where one can count along."""

from pathlib import Path

import pytest

pytest.importorskip("faster_coco_eval", reason="needs the training extra")

import numpy as np

from streetsight.datasets.records import LabelRecord
from streetsight.models.detections import Detections
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import average_precision, best_f1_threshold, count_hits

pytestmark = pytest.mark.training

HERE, AWAY = [10.0, 10.0, 50.0, 50.0], [60.0, 60.0, 90.0, 90.0]


def judged(truth: list[list[float]], seen: list[tuple[list[float], float]]) -> Judged:
    boxes = np.array(truth, np.float32).reshape(-1, 4)
    record = LabelRecord(
        Path("a.jpg"), "s", "g", frozenset({"garbage"}), ("garbage",) * len(boxes), boxes / np.float32(100)
    )
    return Judged(
        record,
        (100, 100),
        {"garbage": boxes} if len(boxes) else {},
        Detections(
            np.array([box for box, _ in seen], np.float32).reshape(-1, 4),
            np.array([score for _, score in seen], np.float32),
            np.zeros(len(seen), np.int64),
        ),
    )


def test_perfect_detections_have_precision_one() -> None:
    photos = [judged([HERE], [(HERE, 0.9)]), judged([AWAY], [(AWAY, 0.8)])]
    assert average_precision(photos, 0, "garbage") == pytest.approx((1.0, 1.0))


def test_nothing_seen_is_zero() -> None:
    assert average_precision([judged([HERE], [])], 0, "garbage") == (0.0, 0.0)


def test_a_better_scored_mistake_halves_precision() -> None:
    photos = [judged([HERE], [(AWAY, 0.9), (HERE, 0.8)])]
    assert average_precision(photos, 0, "garbage")[0] == pytest.approx(0.5)


def test_one_label_is_matched_once() -> None:
    photos = [judged([HERE], [(HERE, 0.9), (HERE, 0.8)])]
    assert count_hits(photos, 0, "garbage", 0.5) == (1, 1)
    assert count_hits(photos, 0, "garbage", 0.85) == (1, 0)


def test_threshold_where_f1_is_best() -> None:
    photos = [
        judged([HERE], [(HERE, 0.9)]),
        judged([HERE], [(HERE, 0.6), (AWAY, 0.3)]),
        judged([], [(AWAY, 0.4)]),
    ]
    assert best_f1_threshold(photos, 0, "garbage", default=0.25) == pytest.approx(0.6)


def test_threshold_without_labels_is_the_default() -> None:
    assert best_f1_threshold([judged([], [(AWAY, 0.4)])], 0, "garbage", default=0.25) == 0.25
