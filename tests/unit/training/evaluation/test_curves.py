"""Weighted average precision: equal to faster-coco-eval's, and true to what AP must be."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.models.boxes import iou
from streetsight.models.detections import Detections, concatenate
from streetsight.training.evaluation.curves import ap50, ap50_95, curve, recall_at, unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import average_precision
from streetsight.training.evaluation.scored import Category, score

Photo = Callable[..., Judged]

GARBAGE = Category("garbage", {"garbage": 0})


def street(seed: int, photos: int, photo: Photo) -> list[Judged]:
    """Photos of random labels; detections are shifted labels and some that hit nothing."""
    random, judged = np.random.default_rng(seed), []
    for index in range(photos):
        corners = random.uniform(0, 60, (random.integers(0, 5), 2))
        labels = np.concatenate([corners, corners + random.uniform(8, 40, corners.shape)], axis=1)
        shifted = labels + random.normal(0, 3, labels.shape).clip(-3.9, 3.9)  # no box turns inside out
        stray = random.uniform(0, 60, (random.integers(0, 4), 2))
        seen = np.concatenate([shifted, shifted + 1, np.concatenate([stray, stray + 20], axis=1)])
        seen = seen[random.random(len(seen)) < 0.7]
        judged.append(
            photo(
                [("garbage", box) for box in labels],
                [("garbage", box, random.random()) for box in seen],
                group=str(index // 2),
            )
        )
    return judged


def ap(judged: Sequence[Judged]) -> tuple[float, float]:
    scored = score(judged, GARBAGE)
    once = unit_weights(scored)
    return float(ap50(scored, once)[0]), float(ap50_95(scored, once)[0])


SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(1, 12))
def test_unit_weights_give_what_faster_coco_eval_gives(photo: Photo, seed: int, photos: int) -> None:
    judged = street(seed, photos, photo)
    if any(len(one.labelled("garbage")) for one in judged):
        assert ap(judged) == pytest.approx(average_precision(score(judged, GARBAGE)), abs=1e-6)


@given(SEEDS, st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_weight_counts_a_photo_that_many_times(photo: Photo, seed: int, weights: list[int]) -> None:
    judged = street(seed, 6, photo)
    repeated = [one for one, weight in zip(judged, weights, strict=True) for _ in range(weight)]
    scored = score(judged, GARBAGE)
    weighted = ap50_95(scored, np.array([weights], np.int64))[0]
    if any(len(one.labelled("garbage")) for one in repeated):
        assert weighted == pytest.approx(ap(repeated)[1], abs=1e-9)
    else:
        assert np.isnan(weighted)


@given(SEEDS)
def test_only_the_order_of_scores_counts(photo: Photo, seed: int) -> None:
    judged = street(seed, 6, photo)
    squared = [
        replace(one, seen=Detections(one.seen.boxes_xyxy_px, one.seen.scores**2, one.seen.class_ids))
        for one in judged
    ]
    assert ap(squared) == pytest.approx(ap(judged), nan_ok=True)


@given(SEEDS)
def test_the_order_of_photos_does_not_count(photo: Photo, seed: int) -> None:
    judged = street(seed, 8, photo)
    shuffled = [judged[index] for index in np.random.default_rng(seed).permutation(len(judged))]
    assert ap(shuffled) == pytest.approx(ap(judged), nan_ok=True)


@given(SEEDS)
def test_seeing_a_thing_twice_never_helps(photo: Photo, seed: int) -> None:
    judged = [
        one
        for one in street(seed, 8, photo)  # where no box could take either of two labels
        if ((iou(one.seen.boxes_xyxy_px, one.labelled("garbage")) >= 0.5).sum(axis=1) <= 1).all()
    ]
    doubled = []
    for one in judged:
        again = Detections(one.seen.boxes_xyxy_px, one.seen.scores * np.float32(0.999), one.seen.class_ids)
        both = concatenate([one.seen, again])
        doubled.append(replace(one, seen=both[np.argsort(-both.scores, kind="stable")]))
    if any(len(one.labelled("garbage")) for one in judged):
        assert ap(doubled)[0] <= ap(judged)[0] + 1e-9


def test_without_detections_precision_is_zero_and_without_labels_there_is_none(photo: Photo) -> None:
    assert ap([photo([("garbage", [0, 0, 9, 9])])]) == (0.0, 0.0)
    assert np.isnan(ap([photo([], [("garbage", [0, 0, 9, 9], 0.5)])])).all()


def test_a_curve_has_a_point_for_each_distinct_score(photo: Photo) -> None:
    here, away = [0, 0, 20, 20], [50, 50, 80, 80]
    judged = [photo([("garbage", here)], [("garbage", here, 0.5), ("garbage", away, 0.5)])]
    points = curve(score(judged, GARBAGE))
    assert (points.precision.tolist(), points.recall.tolist()) == ([0.5], [1.0])


@given(SEEDS, st.sampled_from([0.3, 0.5, 0.8]))
def test_recall_at_a_precision_is_the_best_point_of_the_curve(
    photo: Photo, seed: int, precision: float
) -> None:
    scored = score(street(seed, 8, photo), GARBAGE)
    points = curve(scored)
    if len(scored.label_photos):
        best = points.recall[points.precision >= precision].max(initial=0.0)
        assert recall_at(scored, unit_weights(scored), precision)[0] == pytest.approx(best)
