"""A label record contradicts neither itself nor its source."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord, data_digest


def record(
    class_names: tuple[str, ...] = ("garbage",),
    boxes: NDArray[np.floating] | None = None,
    labelled: frozenset[str] = frozenset({"garbage", "pothole"}),
) -> LabelRecord:
    if boxes is None:
        boxes = np.full((len(class_names), 4), 0.5, np.float32)
    return LabelRecord(Path("a/1.jpg"), "a", "a:1", labelled, class_names, boxes)


def test_a_photo_may_show_nothing() -> None:
    assert len(record(())) == 0
    assert len(record(("garbage", "garbage"))) == 2


@pytest.mark.parametrize(
    ("boxes", "complaint"),
    [
        (np.zeros((1, 5), np.float32), r"a/1\.jpg: boxes_cxcywh_norm must be \(n, 4\) float32, got \(1, 5\)"),
        (np.zeros((1, 4)), r"a/1\.jpg: .* got \(1, 4\) float64"),
        (np.zeros((2, 4), np.float32), r"a/1\.jpg: 1 class names for 2 boxes"),
    ],
)
def test_wrong_boxes_are_refused_by_photo(boxes: NDArray[np.floating], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        record(boxes=boxes)


def test_a_box_of_a_class_that_its_source_does_not_label_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a/1\.jpg: has boxes of \['car'\], which its source 'a' says"):
        record(("garbage", "car"))


def test_the_digest_follows_what_is_learned_and_not_where_it_lies() -> None:
    one, other = record(), replace(record(()), image=Path("a/2.jpg"))
    digest = data_digest([one, other])
    assert data_digest([other, replace(one, image=Path("elsewhere/1.jpg"))]) == digest
    changed = [
        replace(one, image=Path("a/3.jpg")),
        replace(one, source="b"),
        replace(one, group="a:2"),
        replace(one, labelled_classes=frozenset({"garbage"})),
        replace(one, class_names=("pothole",)),
        replace(one, boxes_cxcywh_norm=one.boxes_cxcywh_norm + np.float32(0.01)),
    ]
    assert len({digest, *(data_digest([each, other]) for each in changed)}) == 1 + len(changed)
