"""Groups are drawn whole, two releases on the same draws, and intervals say what they should."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.training.evaluation.bootstrap import (
    MEAN,
    draw_groups,
    draw_photos,
    interval,
    mean_over_categories,
    p_value_worse,
    paired_difference,
)
from streetsight.training.evaluation.curves import ap50, unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import Category, Scored, score

Photo = Callable[..., Judged]

HERE, AWAY = [10, 10, 50, 50], [60, 60, 90, 90]
GARBAGE, POTHOLE = Category("garbage", {"garbage": 0}), Category("pothole", {"pothole": 2})


def release(photo: Photo, good: int, count: int = 40) -> dict[str, Scored]:
    """A release that sees `good` of `count` labels of garbage; each photo a place of its own."""
    judged = [
        photo(
            [("garbage", HERE)],
            [("garbage", HERE if index < good else AWAY, 0.9 - index / 1000)],
            group=f"{index:03}",
        )
        for index in range(count)
    ]
    return {"garbage": score(judged, GARBAGE), "pothole": score(judged, POTHOLE)}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(0, 99))
def test_whole_groups_are_drawn_as_many_as_there_are(groups: list[int], seed: int) -> None:
    index = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    drawn = draw_groups(index, 20, seed)
    assert drawn.shape == (20, index.max() + 1)
    assert (drawn.sum(axis=1) == index.max() + 1).all()
    photos = draw_photos(index, 20, seed)
    for group in range(index.max() + 1):
        assert (photos[:, index == group] == drawn[:, [group]]).all()


def test_the_same_seed_draws_the_same() -> None:
    groups = np.arange(9)
    np.testing.assert_array_equal(draw_groups(groups, 5, 3), draw_groups(groups, 5, 3))
    assert (draw_groups(groups, 5, 3) != draw_groups(groups, 5, 4)).any()


@pytest.mark.parametrize("good", [10, 20, 30])
def test_an_interval_holds_its_figure(photo: Photo, good: int) -> None:
    scored = release(photo, good)["garbage"]
    low, high = interval(ap50(scored, draw_photos(scored.groups)))
    assert low < ap50(scored, unit_weights(scored))[0] < high


def test_more_places_make_an_interval_narrower(photo: Photo) -> None:
    widths = []
    for count in (20, 320):
        scored = release(photo, count // 2, count)["garbage"]
        low, high = interval(ap50(scored, draw_photos(scored.groups)))
        widths.append(high - low)
    assert widths[1] < widths[0] / 2  # a fourth, by the square root


def test_draws_without_a_label_have_no_value_and_are_left_out() -> None:
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(interval(np.array([np.nan]))).all()
    means = mean_over_categories(np.array([[1.0, np.nan, np.nan], [0.0, 0.5, np.nan]]))
    np.testing.assert_array_equal(means, [0.5, 0.5, np.nan])


def test_a_release_differs_from_itself_by_nothing(photo: Photo) -> None:
    one = release(photo, 20)
    for row in paired_difference(one, one, ["garbage"]):
        assert (row.difference, row.low, row.high, row.worse, row.better) == (0, 0, 0, False, False)


def test_a_clear_difference_is_seen_with_its_sign(photo: Photo) -> None:
    weak, strong = release(photo, 10), release(photo, 30)
    (row, mean) = paired_difference(weak, strong, ["garbage", "pothole"])  # no pothole is labelled
    assert (row.name, mean.name) == ("garbage", MEAN)
    assert row.better
    assert row.low < row.difference < row.high
    assert (row.boxes, row.groups) == (40, 40)
    assert paired_difference(strong, weak, ["garbage"])[0].worse


def test_a_small_difference_is_not_told_from_chance(photo: Photo) -> None:
    row = paired_difference(release(photo, 20), release(photo, 21), ["garbage"])[0]
    assert not row.better
    assert not row.worse


def test_releases_judged_on_other_photos_are_refused(photo: Photo) -> None:
    with pytest.raises(ValueError, match="different photos or labels"):
        paired_difference(release(photo, 10), release(photo, 10, 41), ["garbage"])


def test_nothing_labelled_compares_nothing(photo: Photo) -> None:
    one = release(photo, 10)
    assert paired_difference(one, one, ["pothole"]) == ()


@pytest.mark.parametrize(
    ("groups", "p_value"),
    # t = -2 sqrt((g - 1) / g): Cauchy's distribution, the closed form of two degrees, nearly the normal one
    [(2, 0.19591), (3, 0.12204), (10_000, 0.02276)],
)
def test_few_groups_say_less(groups: int, p_value: float) -> None:
    draws = np.tile([-0.3, -0.1], 500)  # mean -0.2, spread 0.1
    assert p_value_worse(-0.2, draws, groups) == pytest.approx(p_value, abs=1e-4)


@pytest.mark.parametrize(
    ("difference", "draws", "groups", "p_value"),
    [
        (-0.2, [-0.2, -0.2], 1, 1.0),  # one place shows nothing
        (-0.2, [np.nan, np.nan], 9, 1.0),
        (-0.2, [-0.2, np.nan, -0.2], 9, 0.0),  # the same in every draw
        (0.0, [0.0, 0.0], 9, 1.0),
        (0.1, [0.2, 0.0], 9, 1.0),
    ],
)
def test_p_values_at_the_edges(difference: float, draws: list[float], groups: int, p_value: float) -> None:
    assert p_value_worse(difference, np.array(draws), groups) == p_value
