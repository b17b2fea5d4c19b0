"""A label record contradicts neither itself nor its source."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord


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
