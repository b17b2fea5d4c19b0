"""Box conversions undo each other and IoU behaves as a measure of overlap."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.models.boxes import (
    Boxes,
    areas,
    check_boxes,
    clip_xyxy,
    cxcywh_to_xyxy,
    intersections,
    iou,
    norm_to_px,
    px_to_norm,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)


@st.composite
def boxes_xyxy(draw: st.DrawFn, eighths: bool = True, least: int = 0) -> Boxes:
    """(n, 4) float32 xyxy with left <= right, top <= bottom.

    Eighths of a pixel are exact in float32, so that round trips can be compared exactly.
    """
    if eighths:
        number = st.integers(-8 * 4096, 8 * 4096).map(lambda value: value / 8)
    else:
        number = st.floats(-4096, 4096, width=32)
    corners = draw(st.lists(st.tuples(number, number, number, number), min_size=least, max_size=8))
    array = np.array(corners, dtype=np.float32).reshape(-1, 4)
    low, high = np.minimum(array[:, :2], array[:, 2:]), np.maximum(array[:, :2], array[:, 2:])
    return np.concatenate([low, high], axis=1)


sizes_wh = st.tuples(st.integers(1, 8192), st.integers(1, 8192))


@pytest.mark.parametrize(("there", "back"), [(xyxy_to_xywh, xywh_to_xyxy), (xyxy_to_cxcywh, cxcywh_to_xyxy)])
@given(boxes=boxes_xyxy())
def test_formats_round_trip(
    there: Callable[[Boxes], Boxes], back: Callable[[Boxes], Boxes], boxes: Boxes
) -> None:
    before = boxes.copy()
    converted = there(boxes)
    assert converted.dtype == np.float32
    np.testing.assert_array_equal(back(converted), boxes)
    np.testing.assert_array_equal(boxes, before)


@given(boxes=boxes_xyxy(), size_wh=sizes_wh)
def test_pixels_and_fractions_round_trip(boxes: Boxes, size_wh: tuple[int, int]) -> None:
    fractions = px_to_norm(boxes, size_wh)
    assert fractions.dtype == np.float32
    np.testing.assert_allclose(norm_to_px(fractions, size_wh), boxes, rtol=1e-6)


def test_formats_by_example() -> None:
    box = np.array([[10, 20, 40, 60]], dtype=np.float32)
    assert xyxy_to_xywh(box).tolist() == [[10, 20, 30, 40]]
    assert xyxy_to_cxcywh(box).tolist() == [[25, 40, 30, 40]]
    assert px_to_norm(box, (100, 200)).tolist() == pytest.approx(np.array([[0.1, 0.1, 0.4, 0.3]]))


@given(boxes=boxes_xyxy(), size_wh=sizes_wh)
def test_clipping_keeps_boxes_inside_and_in_order(boxes: Boxes, size_wh: tuple[int, int]) -> None:
    before = boxes.copy()
    clipped = clip_xyxy(boxes, size_wh)
    assert clipped.dtype == np.float32
    assert (clipped >= 0).all()
    assert (clipped <= np.array([*size_wh, *size_wh])).all()
    assert (clipped[:, 2:] >= clipped[:, :2]).all()
    np.testing.assert_array_equal(clip_xyxy(clipped, size_wh), clipped)
    np.testing.assert_array_equal(boxes, before)


@given(a=boxes_xyxy(eighths=False), b=boxes_xyxy(eighths=False))
def test_iou_is_symmetric_and_a_share(a: Boxes, b: Boxes) -> None:
    overlap = iou(a, b)
    assert overlap.shape == (len(a), len(b))
    assert overlap.dtype == np.float32
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(overlap, iou(b, a).T)


@given(boxes=boxes_xyxy(least=1))
def test_a_box_overlaps_itself_wholly_unless_it_is_empty(boxes: Boxes) -> None:
    np.testing.assert_array_equal(np.diag(iou(boxes, boxes)), (areas(boxes) > 0).astype(np.float32))


def test_iou_by_example() -> None:
    a = np.array([[0, 0, 10, 10]], dtype=np.float32)
    b = np.array([[5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 0, 0]], dtype=np.float32)
    assert intersections(a, b).tolist() == [[50, 0, 0]]
    assert iou(a, b).tolist() == [pytest.approx([50 / 150, 0, 0])]


def test_inside_out_boxes_have_no_area() -> None:
    assert areas(np.array([[10, 10, 0, 0], [10, 0, 0, 10]], dtype=np.float32)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("boxes", "complaint"),
    [
        (np.zeros(4, np.float32), r"seen must be an array of shape \(n, 4\), got \(4,\)"),
        (np.zeros((2, 5), np.float32), r"seen must be an array of shape \(n, 4\), got \(2, 5\)"),
        (np.zeros((2, 4)), "seen must be float32, got float64"),
    ],
)
def test_other_arrays_are_refused(boxes: Boxes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_boxes("seen", boxes)
