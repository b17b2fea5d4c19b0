"""Scores that mean what they say have no calibration error; others have as much as they are off."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.training.evaluation.calibration import FLOOR, ece, reliability
from streetsight.training.evaluation.curves import unit_weights
from streetsight.training.evaluation.scored import Category, Scored, score


def scored(scores: np.ndarray, right: np.ndarray) -> Scored:
    """Detections on one photo that are right or not."""
    nothing = score([], Category("garbage", {"garbage": 0}))
    order = np.argsort(-scores, kind="stable")
    return replace(
        nothing,
        scores=scores[order].astype(np.float32),
        photos=np.zeros(len(scores), np.int64),
        hits=np.repeat(right[order, None], 10, axis=1),
        judged=np.ones(1, bool),
        groups=np.zeros(1, np.int64),
    )


def error(one: Scored) -> float:
    return float(ece(one, unit_weights(one))[0])


@given(st.integers(0, 1000))
def test_scores_that_mean_what_they_say_are_calibrated(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.uniform(FLOOR, 1, 20_000)
    assert error(scored(scores, random.random(20_000) < scores)) < 0.02


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.9), (0.5, 0.4), (0.9, 0.0), (1.0, 0.1)])
def test_the_error_is_the_distance_of_score_and_precision(share: float, expected: float) -> None:
    right = np.arange(100) < 100 * share
    assert error(scored(np.full(100, 0.9), right)) == pytest.approx(expected, abs=1e-6)


def test_what_nobody_would_show_does_not_count() -> None:
    few = scored(np.array([0.9, 0.9]), np.array([True, False]))
    many = scored(np.append([0.9, 0.9], np.full(1000, 0.01)), np.append([True], np.zeros(1001, bool)))
    assert error(many) == pytest.approx(error(few))
    assert np.isnan(error(scored(np.array([0.05]), np.array([False]))))


def test_bins_hold_what_they_say() -> None:
    bins = reliability(scored(np.array([0.95, 1.0, 0.15, 0.05]), np.array([True, True, False, False])))
    assert [(each.detections, each.precision) for each in bins] == [(1, 0.0), (2, 1.0)]
    assert all(each.low <= each.score <= each.high for each in bins)
