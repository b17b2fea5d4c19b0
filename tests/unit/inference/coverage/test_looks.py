"""Which frames should have shown a thing, and the chance that all of them missed it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streetsight.inference.coverage.looks import Looks, chances_of, look_at, spread_points, thing_of
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.rules import default_rules
from streetsight.inference.sightings.frame import PatrolFrame

BuildFrame = Callable[..., PatrolFrame]
RULES, SURE = default_rules(), np.eye(2) * 0.01
RECALL = Recall(0.4, {"garbage": 0.8})

shares = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def look(
    frames: list[PatrolFrame], places_m: list[list[float]], covariance: NDArray[np.float64] = SURE
) -> Looks:
    return look_at(
        thing_of("garbage", RULES, 1.0), frames, np.array(places_m, float), covariance, RECALL, RULES
    )


@given(shares, st.floats(0, 1))
def test_misses_and_single_detections_are_probabilities(recalls: list[float], correlation: float) -> None:
    none, one = chances_of(np.array(recalls)[:, None], correlation)
    assert 0 <= none[0] <= 1
    assert none[0] <= 1 - max(recalls) + 1e-9  # never worse than its best look
    assert none[0] >= np.prod(1 - np.array(recalls)) - 1e-9  # never better than independent looks
    assert 0 <= one[0] <= 1 + 1e-9


@given(shares, st.floats(0, 1), st.floats(0, 1))
def test_another_look_never_makes_a_miss_likelier(
    recalls: list[float], more: float, correlation: float
) -> None:
    before, _ = chances_of(np.array(recalls)[:, None], correlation)
    after, _ = chances_of(np.array([*recalls, more])[:, None], correlation)
    assert after[0] <= before[0] + 1e-9


@pytest.mark.parametrize(("recall", "looks", "rho"), [(0.5, 4, 0.25), (0.8, 6, 0.1), (0.3, 3, 0.6)])
def test_equal_looks_follow_the_beta_binomial_distribution(recall: float, looks: int, rho: float) -> None:
    random = np.random.default_rng(0)
    size = 1 / rho - 1
    chance = random.beta(recall * size, (1 - recall) * size, 400_000)
    hits = random.binomial(looks, chance)
    none, one = chances_of(np.full((looks, 1), recall), rho)
    assert none[0] == pytest.approx((hits == 0).mean(), abs=0.004)
    assert one[0] == pytest.approx((hits == 1).mean(), abs=0.004)


def test_no_look_misses_for_certain() -> None:
    none, one = chances_of(np.zeros((0, 3)), 0.25)
    assert none.tolist() == [1, 1, 1]
    assert one.tolist() == [0, 0, 0]


def test_points_stand_for_the_distribution() -> None:
    covariance = np.array([[9.0, 3.0], [3.0, 4.0]])
    points = spread_points(covariance)
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.cov(points.T, bias=True) == pytest.approx(covariance, rel=0.2)


def test_frames_say_why_they_do_not_count(build_frame: BuildFrame) -> None:
    frames = [
        build_frame(name="good"),
        build_frame(name="dark", faults=("too_dark",)),
        build_frame(name="lost", heading_deg=None),
        build_frame(name="behind", heading_deg=180.0),
        build_frame(name="far"),
        build_frame(name="lorry", boxes=(("car", (540.0, 200.0, 760.0, 560.0)),)),
    ]
    looks = look(frames, [[0, 12], [0, 12], [0, 12], [0, 12], [0, 40], [0, 12]])
    assert [each.frame_id for each in looks.used] == ["good"]
    assert dict(looks.unused) == {
        "dark": "too_dark", "lost": "no_heading", "behind": "out_of_view", "far": "too_far",
        "lorry": "hidden",
    }  # fmt: skip
    assert looks.used[0].distance_m == 12
    assert looks.used[0].size_px == pytest.approx(914 / 12, rel=0.05)
    assert looks.used[0].recall == pytest.approx(0.8)
    assert looks.missed == pytest.approx(0.2)
    assert looks.covered == 1


def test_a_car_behind_the_thing_hides_nothing(build_frame: BuildFrame) -> None:
    behind = build_frame(boxes=(("car", (540.0, 200.0, 760.0, 400.0)),))
    assert look([behind], [[0, 12]]).covered == 1


def test_a_small_thing_far_off_is_too_small(build_frame: BuildFrame) -> None:
    tiny = thing_of("garbage", RULES, 0.3)
    small = look_at(tiny, [build_frame()], np.array([[0.0, 24.0]]), SURE, RECALL, RULES)
    assert dict(small.unused) == {"frame at 0.0, 0.0": "too_small"}


def test_unsure_places_are_missed_more_easily(build_frame: BuildFrame) -> None:
    frames, places = [build_frame(), build_frame(4.0)], [[4.0, 12.0], [4.0, 8.0]]
    sure, unsure = (look(frames, places, np.eye(2) * sigma**2) for sigma in (0.1, 5.0))
    assert sure.missed < unsure.missed < 1
    assert unsure.covered < 1
