"""Detections are checked when they are made and never change afterwards."""

from typing import Any

import numpy as np
import pytest

from streetsight.models.detections import Detections, concatenate


def three() -> Detections:
    return Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([0.9, 0.5, 0.1], np.float32),
        np.array([2, 0, 2], np.int64),
    )


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("boxes_xyxy_px", np.zeros((3, 5), np.float32), r"boxes_xyxy_px must be .*\(n, 4\), got \(3, 5\)"),
        ("boxes_xyxy_px", np.zeros((3, 4)), "boxes_xyxy_px must be float32, got float64"),
        ("boxes_xyxy_px", [[0, 0, 1, 1]] * 3, "boxes_xyxy_px must be an array"),
        ("scores", np.zeros(2, np.float32), r"scores must have shape \(3,\), got \(2,\)"),
        ("scores", np.zeros(3), "scores must be float32, got float64"),
        ("scores", np.array([0, 0.5, 1.5], np.float32), r"scores must lie in \[0, 1\], got 0 to 1.5"),
        ("scores", np.array([0, np.nan, 1], np.float32), r"scores must lie in \[0, 1\]"),
        ("class_ids", np.zeros((3, 1), np.int64), r"class_ids must have shape \(3,\), got \(3, 1\)"),
        ("class_ids", np.zeros(3, np.int32), "class_ids must be int64, got int32"),
    ],
)
def test_wrong_arrays_are_refused_by_name(field: str, value: Any, complaint: str) -> None:
    whole = three()
    fields: dict[str, Any] = {
        "boxes_xyxy_px": whole.boxes_xyxy_px,
        "scores": whole.scores,
        "class_ids": whole.class_ids,
    }
    with pytest.raises(ValueError, match=complaint):
        Detections(**{**fields, field: value})


@pytest.mark.parametrize(
    ("keep", "scores"),
    [
        (np.array([True, False, True]), [0.9, 0.1]),
        (np.array([2, 0]), [0.1, 0.9]),
        (slice(0, 2), [0.9, 0.5]),
        (np.zeros(3, bool), []),
    ],
)
def test_selecting_keeps_rows_together(keep: Any, scores: list[float]) -> None:
    whole = three()
    part = whole[keep]
    assert part.scores.tolist() == pytest.approx(scores)
    np.testing.assert_array_equal(part.boxes_xyxy_px, whole.boxes_xyxy_px[keep])
    np.testing.assert_array_equal(part.class_ids, whole.class_ids[keep])
    assert len(part) == len(scores)


def test_concatenate_keeps_order_and_leaves_its_input_alone() -> None:
    first, second = three(), three()[:1]
    joined = concatenate([first, Detections.empty(), second])
    assert joined.scores.tolist() == pytest.approx([0.9, 0.5, 0.1, 0.9])
    assert joined.class_ids.tolist() == [2, 0, 2, 2]
    joined.boxes_xyxy_px[:] = -1
    np.testing.assert_array_equal(first.boxes_xyxy_px, three().boxes_xyxy_px)


def test_nothing_concatenates_to_nothing() -> None:
    assert len(concatenate([])) == len(Detections.empty()) == 0


def test_fields_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        three().scores = np.zeros(3, np.float32)  # type: ignore[misc]
