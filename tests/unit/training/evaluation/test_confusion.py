"""The matrix counts every label and every detection once, and its diagonal is what the figures count."""

from collections.abc import Callable

import numpy as np
import pytest

from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.confusion import confusion
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import class_categories, score

Photo = Callable[..., Judged]

HERE, AWAY, FAR = [10, 10, 50, 50], [60, 60, 90, 90], [0, 60, 20, 90]


@pytest.fixture(scope="module")
def card() -> Card:
    return load_release().card


def test_hits_swaps_misses_and_false_alarms(photo: Photo, card: Card) -> None:
    judged = [
        photo(
            [("garbage", HERE), ("garbage", AWAY), ("pothole", FAR)],
            [("garbage", HERE, 0.9), ("pothole", AWAY, 0.9), ("pothole", [90, 0, 99, 9], 0.9)],
        )
    ]
    matrix = confusion(judged, card, draws=10)
    assert matrix.names == ("garbage", "pothole")
    assert matrix.counts.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(matrix.shares()[0], [0.5, 0.5, 0])
    assert (matrix.low <= matrix.high).all()


def test_a_class_that_the_source_does_not_label_is_left_out(photo: Photo, card: Card) -> None:
    judged = [photo([("garbage", HERE)], [("pothole", HERE, 0.9)], labelled=["garbage"])]
    matrix = confusion(judged, card, draws=10)
    assert matrix.names == ("garbage",)
    assert matrix.counts.tolist() == [[0, 1], [0, 0]]


def test_the_diagonal_is_what_the_figures_count(photo: Photo, card: Card) -> None:
    random = np.random.default_rng(0)
    names, judged = ["garbage", "overflowing_bin", "pothole"], []
    for _ in range(30):
        corners = random.uniform(0, 60, (4, 2))
        boxes = np.concatenate([corners, corners + random.uniform(15, 40, (4, 2))], axis=1)
        labels = [(str(random.choice(names)), box) for box in boxes]
        judged.append(photo(labels, [(str(random.choice(names)), box + 1, random.random()) for box in boxes]))
    matrix = confusion(judged, card, draws=10)
    floors = {each.name: each.threshold for each in card.classes}
    for category in class_categories(card):
        if category.name in matrix.names:
            hits, row = score(judged, category, floors).hits[:, 0], matrix.names.index(category.name)
            assert matrix.counts[row, row] == hits.sum()
            assert matrix.counts[:, row].sum() == len(hits)
            assert matrix.counts[row].sum() == sum(len(one.labelled(category.name)) for one in judged)
