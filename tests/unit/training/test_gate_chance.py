"""How often chance decides a promotion: releases whose quality is known, drawn many times."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval", reason="needs the training extra")

from numpy.typing import NDArray

from streetsight.models.comparison import Row, worse_beyond_chance
from streetsight.training.evaluation.scored import Scored
from streetsight.training.gate import Subject, compare_scored

pytestmark = pytest.mark.training

Floats = NDArray[np.float64]
Photos = NDArray[np.int64]

CLASSES = ("garbage", "overflowing_bin", "pothole", "road_crack", "damaged_manhole", "street_vendor")
POOLED = {"exposed_garbage": CLASSES[:2], "broken_facility": CLASSES[2:5], "street_vending": CLASSES[5:]}
PLACES, LABELS = 20, 30  # of each class, on photos of its own
SUBJECTS = [
    *(Subject("class", name, (name,), True) for name in CLASSES),
    *(Subject("condition", name, members, True) for name, members in POOLED.items()),
]


def labels(rng: np.random.Generator) -> dict[str, tuple[Photos, Floats]]:
    """Photo of each label, and how easy it is: by its place, and by itself."""
    found = {}
    for index, name in enumerate(CLASSES):
        places = np.sort(np.concatenate([np.arange(PLACES), rng.integers(0, PLACES, LABELS - PLACES)]))
        ease = 1 + 0.7 * rng.normal(size=PLACES)[places] + 0.7 * rng.normal(size=LABELS)
        found[name] = (places + index * PLACES, ease)
    return found


def scored(
    truth: Mapping[str, tuple[Photos, Floats]], names: tuple[str, ...], seen: Mapping[str, Floats]
) -> Scored:
    """What a release sees: labels that it finds easy, and a false alarm on every other photo."""
    photos = np.concatenate([truth[name][0] for name in names])
    ease = np.concatenate([seen[name][:LABELS] for name in names])
    alarms = np.concatenate([seen[name][LABELS:] for name in names])
    alarm_photos = np.concatenate([np.unique(truth[name][0]) for name in names])
    taken, alarming = ease > 0, alarms > 0
    scores = np.concatenate([ease[taken], alarms[alarming]]).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    hits = np.repeat(np.arange(len(scores)) < taken.sum(), 10).reshape(-1, 10)[order]
    count = PLACES * len(CLASSES)
    return Scored(
        name=names[0],
        scores=scores[order],
        photos=np.concatenate([photos[taken], alarm_photos[alarming]])[order],
        boxes_xyxy_px=np.zeros((len(scores), 4), np.float32),
        shares=np.zeros(len(scores), np.float32),
        hits=hits,
        taken=np.full(len(scores), -1, np.int64),
        label_photos=photos,
        label_boxes_xyxy_px=np.zeros((len(photos), 4), np.float32),
        label_shares=np.zeros(len(photos), np.float32),
        judged=np.ones(count, bool),
        groups=np.arange(count),
    )


def comparisons(count: int, handicap: Mapping[str, float] | None = None) -> Iterator[list[Row]]:
    """Rows of comparisons of two releases that are equally good but for a handicap of the challenger."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        truth, sides = labels(rng), []
        for lacks in ({}, handicap or {}):
            seen = {
                name: np.concatenate(
                    [
                        truth[name][1] - lacks.get(name, 0) + rng.normal(size=LABELS),
                        rng.normal(size=PLACES),
                    ]
                )
                for name in CLASSES
            }
            sides.append({each.name: scored(truth, each.classes, seen) for each in SUBJECTS})
        champion, challenger = sides
        yield list(compare_scored(SUBJECTS, CLASSES, champion, challenger, draws=300, seed=seed))


def test_an_equal_challenger_is_refused_about_once_in_twenty() -> None:
    equals = list(comparisons(60))
    assert all(len(rows) == 1 + len(SUBJECTS) for rows in equals)
    alone = sum(any(row.verdict == "worse" for row in rows) for rows in equals)
    assert alone >= 8, "each row by itself would refuse many"
    assert sum(bool(worse_beyond_chance(rows)) for rows in equals) <= 5


def test_a_clearly_worse_class_is_refused_and_named() -> None:
    for rows in comparisons(10, {"street_vendor": 2.5}):
        assert {"street_vendor", "street_vending"} <= {row.name for row in worse_beyond_chance(rows)}


def test_what_is_refused_grows_with_what_is_lost() -> None:
    refused = [
        sum("pothole" in {row.name for row in worse_beyond_chance(rows)} for rows in comparisons(12, lost))
        for lost in ({}, {"pothole": 1.0}, {"pothole": 2.0})
    ]
    assert all(less <= more for less, more in pairwise(refused))
    assert refused[0] <= 1 < refused[2]
