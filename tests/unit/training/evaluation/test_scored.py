"""Matching, pooling and slicing, on photos where one can count along."""

from collections.abc import Callable

import numpy as np

from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import (
    Category,
    class_categories,
    condition_categories,
    condition_classes,
    score,
)

Photo = Callable[..., Judged]

HERE, NEAR, AWAY = [10, 10, 50, 50], [10, 10, 50, 44], [60, 60, 90, 90]
GARBAGE = Category("garbage", {"garbage": 0})
EXPOSED = Category("exposed_garbage", {"garbage": 0, "overflowing_bin": 1})


def test_one_label_is_taken_once_and_by_the_better_score(photo: Photo) -> None:
    scored = score([photo([("garbage", HERE)], [("garbage", HERE, 0.6), ("garbage", NEAR, 0.9)])], GARBAGE)
    assert scored.hits[:, 0].tolist() == [True, False]
    assert scored.taken.tolist() == [0, -1]


def test_tighter_overlaps_are_hit_by_better_boxes_only(photo: Photo) -> None:
    scored = score([photo([("garbage", HERE)], [("garbage", NEAR, 0.9)])], GARBAGE)  # IoU 0.85
    assert scored.hits[0].tolist() == [True] * 8 + [False] * 2


def test_a_photo_whose_source_does_not_label_the_class_is_not_judged(photo: Photo) -> None:
    scored = score([photo([], [("garbage", HERE, 0.9)], labelled=["pothole"])], GARBAGE)
    assert len(scored.scores) == 0
    assert not scored.judged.any()


def test_two_classes_of_a_condition_on_one_thing_are_one_detection(photo: Photo) -> None:
    seen = [("garbage", HERE, 0.9), ("overflowing_bin", NEAR, 0.8), ("overflowing_bin", AWAY, 0.7)]
    scored = score([photo([("overflowing_bin", HERE), ("garbage", AWAY)], seen)], EXPOSED)
    np.testing.assert_array_equal(scored.scores, np.array([0.9, 0.7], np.float32))
    assert scored.hits[:, 0].all()


def test_a_condition_is_judged_only_by_the_classes_that_the_source_labelled(photo: Photo) -> None:
    seen = [("garbage", HERE, 0.9), ("overflowing_bin", AWAY, 0.8)]
    scored = score([photo([("garbage", HERE)], seen, labelled=["garbage"])], EXPOSED)
    assert scored.judged.all()
    assert scored.hits[:, 0].tolist() == [True]


def test_floors_are_per_class_and_come_before_pooling(photo: Photo) -> None:
    one = photo([("garbage", HERE)], [("garbage", HERE, 0.4), ("overflowing_bin", NEAR, 0.5)])
    assert score([one], EXPOSED, {"overflowing_bin": 0.6}).scores.tolist() == [np.float32(0.4)]


def test_size_of_a_detection_is_that_of_the_label_it_takes(photo: Photo) -> None:
    seen = [("garbage", NEAR, 0.9), ("garbage", AWAY, 0.8)]
    scored = score([photo([("garbage", HERE)], seen)], GARBAGE)  # label 16 %, its detection 13.6 %
    large, small = scored.of_size(0.15, 1.1), scored.of_size(0, 0.15)
    assert (large.taken.tolist(), len(large.label_photos)) == ([0], 1)
    assert (small.taken.tolist(), len(small.label_photos)) == ([-1], 0)


def test_photos_are_left_out_with_all_that_is_on_them(photo: Photo) -> None:
    photos = [
        photo([("garbage", HERE)], [("garbage", HERE, 0.9)], group="a"),
        photo([("garbage", AWAY), ("garbage", HERE)], [("garbage", HERE, 0.8)], group="b"),
    ]
    scored = score(photos, GARBAGE)
    second = scored.on_photos(np.array([False, True]))
    assert second.judged.tolist() == [False, True]
    assert second.labels_per_photo().tolist() == [0, 2]
    assert second.taken.tolist() == [1]
    assert second.missed().tolist() == [0]


def test_nothing_judged_is_empty_not_an_error(photo: Photo) -> None:
    assert len(score([], GARBAGE).scores) == 0
    assert len(score([photo()], EXPOSED).label_photos) == 0


def test_categories_come_from_the_card_and_the_taxonomy() -> None:
    card = load_release().card
    assert tuple(each.name for each in class_categories(card)) == card.class_names
    pooled = {each.name: set(each.class_ids) for each in condition_categories(card)}
    assert pooled["exposed_garbage"] == {"garbage", "overflowing_bin"}
    assert pooled["broken_facility"] == {"pothole", "road_crack", "damaged_manhole", "damaged_sign"}
    assert set(condition_classes(card)) == set().union(*pooled.values())
