"""What is chosen, on hand-made scenes where one can follow it, and what holds for all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("onnx", reason="needs the training extra")

from pathlib import Path

from numpy.typing import ArrayLike, NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.models.detections import Detections
from streetsight.training.selection.choosing import (
    SAME_SCENE,
    Labelled,
    Pick,
    Pool,
    Wish,
    choose,
    odds_against_threshold,
    shows,
    strongest,
)

pytestmark = pytest.mark.training

CLASSES = 2


def f32(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def scenes(*kinds: int, seed: int = 0) -> NDArray[np.float32]:
    """Embeddings: photos of one kind point about the same way, none is another's twin."""
    noise = np.random.default_rng(seed).normal(0, 0.4, (len(kinds), 16))
    return np.asarray(np.eye(16)[list(kinds)] * 3 + noise, dtype=np.float32)


def pool(embeddings: NDArray[np.float32], detected: ArrayLike) -> Pool:
    return Pool(embeddings, np.asarray(detected, np.float32))


def labelled(
    embeddings: NDArray[np.float32] | None = None, shows: ArrayLike = (), known: ArrayLike = (0, 0)
) -> Labelled:
    rows = np.zeros((0, 16), np.float32) if embeddings is None else embeddings
    return Labelled(rows, np.asarray(shows, np.float32).reshape(-1, CLASSES), np.asarray(known, np.float32))


def wish(count: int, explore: float = 0.0, classes: tuple[bool, ...] = (True, True), seed: int = 0) -> Wish:
    return Wish(np.array(classes), count, explore, seed)


def indices(picks: list[Pick]) -> list[int]:
    return [pick.index for pick in picks]


def test_the_unsure_photo_comes_before_the_sure_and_the_empty_one() -> None:
    picks = choose(pool(scenes(0, 1, 2), [[0.99, 0], [0.5, 0], [0.01, 0]]), labelled(), wish(3))
    assert indices(picks) == [1, 0, 2]
    assert [pick.motive for pick in picks[:2]] == ["unsure", "shown"]


def test_what_is_rarely_labelled_comes_first() -> None:
    seen = [[0.6, 0.0], [0.0, 0.6]]
    (pick,) = choose(pool(scenes(0, 1), seen), labelled(known=(200, 4)), wish(1))
    assert (pick.index, pick.class_index, pick.motive) == (1, 1, "rare")


def test_each_choice_makes_the_next_of_its_kind_worth_less() -> None:
    seen = [[0.9, 0], [0.9, 0], [0.9, 0], [0, 0.6]]
    assert 3 in indices(choose(pool(scenes(0, 1, 2, 3), seen), labelled(), wish(2)))


def test_classes_that_are_not_wanted_count_for_nothing() -> None:
    seen = [[0.6, 0.0], [0.0, 0.2]]
    (pick,) = choose(pool(scenes(0, 1), seen), labelled(), wish(1, classes=(False, True)))
    assert pick.index == 1


def test_like_photos_tell_what_the_release_misses() -> None:
    """Nothing is detected anywhere; photos like the second one were labelled, and show the class."""
    known = labelled(scenes(1, 1, 1, 2, 2, 2, seed=1), [[0, 1]] * 3 + [[0, 0]] * 3, (0, 3))
    (pick,) = choose(pool(scenes(2, 1, 3), np.zeros((3, 2))), known, wish(1))
    assert (pick.index, pick.class_index) == (1, 1)
    assert pick.expected == pytest.approx(1.0, abs=0.05)


def test_what_nobody_looked_for_is_not_read_as_absent() -> None:
    near = scenes(0, 0, 0, 1, 2, 3, seed=1)
    ask = pool(scenes(0, 1, 2, 3), np.array([[0.8, 0], [0, 0], [0, 0], [0, 0]]))
    (unknown,) = choose(ask, labelled(near, [[np.nan, 0]] * 6), wish(1))
    assert (unknown.motive, unknown.expected) == ("shown", None)
    (absent,) = choose(ask, labelled(near, [[0, 0]] * 6), wish(1))
    assert absent.motive == "unsure", "the release sees what no photo of the kind has shown"
    assert absent.expected == pytest.approx(0.0, abs=1e-6)


def test_no_two_photos_of_one_scene() -> None:
    twins = scenes(0, 1)[[0, 0, 0, 1]]
    picks = choose(pool(twins, [[0.5, 0]] * 4), labelled(), wish(4))
    assert sorted(indices(picks)) in ([0, 3], [1, 3], [2, 3])


def test_no_photo_of_a_labelled_scene() -> None:
    embeddings = scenes(0, 1, 2)
    picks = choose(pool(embeddings, [[0.5, 0]] * 3), labelled(embeddings[:1], [[0, 0]]), wish(3))
    assert sorted(indices(picks)) == [1, 2]


def test_a_share_goes_to_what_nobody_knows() -> None:
    """Ten photos of a known kind, doubtful all; four of a kind never labelled, on which nothing fires."""
    embeddings = scenes(*[0] * 10, *[5] * 4)
    seen = np.array([[0.5, 0.0]] * 10 + [[0.0, 0.0]] * 4)
    known = labelled(scenes(0, 0, 0, seed=1), [[1, 0]] * 3, (3, 0))
    picks = choose(pool(embeddings, seen), known, wish(5, explore=0.2))
    strange = [pick for pick in picks if pick.motive == "unlike"]
    assert len(strange) == 1
    assert strange[0].index >= 10
    assert all(pick.index < 10 for pick in choose(pool(embeddings, seen), known, wish(5)))


def test_an_empty_pool_has_nothing_to_offer() -> None:
    assert choose(pool(np.zeros((0, 16), np.float32), np.zeros((0, 2))), labelled(), wish(3)) == []


@given(
    arrays(np.float32, (12, 4), elements=st.floats(-1, 1, width=32)),
    arrays(np.float32, (12, 2), elements=st.floats(0, 1, width=32)),
    st.integers(1, 20),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_choices_are_distinct_scenes_and_repeatable(
    embeddings: NDArray[np.float32], seen: NDArray[np.float32], count: int, explore: float, seed: int
) -> None:
    ask = wish(count, explore, seed=seed)
    known = Labelled(np.zeros((0, 4), np.float32), np.zeros((0, 2), np.float32), np.zeros(2, np.float32))
    before = embeddings.copy(), seen.copy()
    picks = choose(Pool(embeddings, seen), known, ask)
    assert 1 <= len(picks) <= count
    assert len(set(indices(picks))) == len(picks)
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    chosen = (embeddings / np.maximum(length, 1e-12))[indices(picks)]
    cosines = chosen @ chosen.T - 2 * np.eye(len(chosen))
    assert (cosines < SAME_SCENE + 1e-5).all()
    assert choose(Pool(embeddings, seen), known, ask) == picks
    assert (embeddings == before[0]).all()
    assert (seen == before[1]).all()


@given(st.floats(0.01, 0.99), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_scores_are_moved_so_that_the_threshold_is_a_half(score: float, other: float, limit: float) -> None:
    def moved(value: float) -> float:
        return float(odds_against_threshold(f32(value), f32(limit))[0])

    assert moved(limit) == pytest.approx(0.5, abs=1e-3)
    assert 0 <= moved(score) <= 1
    assert (moved(score) <= moved(other) + 1e-6) == (score <= other) or abs(score - other) < 1e-3


def test_the_best_score_of_each_class_counts() -> None:
    boxes = np.array([[0, 0, 9, 9]] * 3, np.float32)
    found = Detections(boxes, f32(0.8, 0.5, 0.25), np.array([1, 1, 0]))
    row = strongest(found, f32(0.25, 0.25, 0.25))
    assert row.tolist() == pytest.approx([0.5, 12 / 13, 0], abs=1e-4)
    assert not strongest(Detections.empty(), f32(0.3, 0.3)).any()


def test_a_record_says_what_it_shows_what_it_lacks_and_what_nobody_looked_for() -> None:
    record = LabelRecord(
        Path("a.jpg"), "s", "g", frozenset({"garbage", "pothole"}), ("garbage",),
        np.array([[0.5, 0.5, 0.1, 0.1]], np.float32),
    )  # fmt: skip
    row = shows(record, ("garbage", "pothole", "car"))
    assert row[:2].tolist() == [1, 0]
    assert np.isnan(row[2])
