"""Figures on hand-made photos, where one can count along, and on a card."""

from collections.abc import Callable

import numpy as np
import pytest

from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.curves import unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import (
    average_precision,
    evaluation,
    false_alarms_per_100,
    precision,
    recall,
    see,
)
from streetsight.training.evaluation.scored import Category, score

pytestmark = pytest.mark.training

Photo = Callable[..., Judged]

HERE, AWAY = [10.0, 10.0, 50.0, 50.0], [60.0, 60.0, 90.0, 90.0]
GARBAGE = Category("garbage", {"garbage": 0})
LABEL = [("garbage", HERE)]


@pytest.fixture(scope="module")
def card() -> Card:
    """The shipped card, whose first classes are the ones that `photo` builds; all thresholds 0.5."""
    card = load_release().card
    assert card.class_names[:3] == ("garbage", "overflowing_bin", "pothole")
    return card.model_copy(
        update={"classes": tuple(each.model_copy(update={"threshold": 0.5}) for each in card.classes)}
    )


def test_perfect_detections_have_precision_one(photo: Photo) -> None:
    photos = [photo(LABEL, [("garbage", HERE, 0.9)]), photo([("garbage", AWAY)], [("garbage", AWAY, 0.8)])]
    assert average_precision(score(photos, GARBAGE)) == pytest.approx((1.0, 1.0))


def test_nothing_seen_is_zero(photo: Photo) -> None:
    assert average_precision(score([photo(LABEL)], GARBAGE)) == (0.0, 0.0)


def test_a_better_scored_mistake_halves_precision(photo: Photo) -> None:
    photos = [photo(LABEL, [("garbage", AWAY, 0.9), ("garbage", HERE, 0.8)])]
    assert average_precision(score(photos, GARBAGE))[0] == pytest.approx(0.5)


def test_counts_at_the_deployed_threshold(photo: Photo) -> None:
    seen = [("garbage", HERE, 0.9), ("garbage", AWAY, 0.8), ("garbage", AWAY, 0.2)]
    photos = [photo(LABEL, seen), photo(), photo([("garbage", AWAY)]), photo(labelled=["pothole"])]
    deployed = score(photos, GARBAGE, {"garbage": 0.5})
    once = unit_weights(deployed)
    assert precision(deployed, once)[0] == 0.5
    assert recall(deployed, once)[0] == 0.5
    assert false_alarms_per_100(deployed, once)[0] == pytest.approx(100 / 3)  # the fourth is not judged


def test_figures_have_counts_and_intervals(photo: Photo, card: Card) -> None:
    photos = [
        photo(LABEL, [("garbage", HERE if index % 3 else AWAY, 0.9)], group=str(index)) for index in range(30)
    ]
    figures = evaluation(photos, card, "val", "digest", draws=200)
    (row,) = figures.classes
    assert (row.photos, row.boxes, row.groups, row.rough) == (30, 30, 30, False)
    assert row.precision == row.recall == pytest.approx(20 / 30, abs=1e-4)
    assert row.false_alarms_per_100 == pytest.approx(1000 / 30, abs=1e-3)
    assert set(row.intervals) == {
        "ap50", "ap50_95", "precision", "recall", "recall_at_p80", "recall_at_p90", "false_alarms_per_100",
        "ece",
    }  # fmt: skip
    for figure in ("ap50", "precision", "recall", "false_alarms_per_100"):
        low, high = row.intervals[figure]
        assert low < getattr(row, figure) < high
    assert figures.condition_map50 == figures.map50 == row.ap50
    assert [each.name for each in figures.conditions] == ["exposed_garbage"]


def test_recall_is_told_by_size(photo: Photo, card: Card) -> None:
    small = [80.0, 5.0, 84.0, 10.0]  # 0.2 % of the picture
    photos = [photo([("garbage", HERE), ("garbage", small)], [("garbage", HERE, 0.9)]), photo(LABEL)]
    (row,) = evaluation(photos, card, "val", "digest", draws=10).classes
    found = {name: (each.boxes, each.recall) for name, each in row.recall_by_size.items()}
    assert found == {"small": (1, 0.0), "large": (2, 0.5)}


def test_a_condition_pools_its_classes(photo: Photo, card: Card) -> None:
    photos = [
        photo(LABEL, [("overflowing_bin", HERE, 0.9)]),  # wrong class, right lead
        photo([("overflowing_bin", AWAY)], [("overflowing_bin", AWAY, 0.8)]),
    ]
    figures = evaluation(photos, card, "val", "digest", draws=10)
    assert [row.recall for row in figures.classes] == [0.0, 1.0]
    assert [row.recall for row in figures.conditions] == [1.0]


def test_few_boxes_are_called_rough(photo: Photo, card: Card) -> None:
    figures = evaluation([photo(LABEL, [("garbage", HERE, 0.9)])], card, "val", "digest", draws=10)
    assert figures.classes[0].rough


def test_a_class_that_was_never_seen_has_no_precision(photo: Photo, card: Card) -> None:
    row = evaluation([photo(LABEL)], card, "val", "digest", draws=10).classes[0]
    assert (row.precision, row.recall, row.ece) == (None, 0.0, None)
    assert "precision" not in row.intervals


def test_nothing_labelled_has_no_rows(photo: Photo, card: Card) -> None:
    figures = evaluation([photo(labelled=[])], card, "val", "digest", draws=10)
    assert (figures.classes, figures.conditions, figures.map50, figures.condition_map50) == (
        (),
        (),
        0.0,
        None,
    )
    assert evaluation([], card, "val", "digest", draws=10).photos == 0


def test_classes_come_before_conditions(photo: Photo, card: Card) -> None:
    photos = [photo([("garbage", HERE), ("pothole", AWAY)])]
    assert list(see(photos, card)) == ["garbage", "pothole", "exposed_garbage", "broken_facility"]
    assert np.isnan(precision(see(photos, card)["garbage"].deployed, np.ones((1, 1), np.int64)))[0]
