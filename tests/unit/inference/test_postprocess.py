"""From raw output to detections, for both heads; outputs that the card does not describe are refused."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streetsight.inference.postprocess import check_output, decode, nms_by_class
from streetsight.models.boxes import iou
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.releases import ReleaseError

BuildCard = Callable[..., Card]
Raw = NDArray[np.float32]


def rows(*values: tuple[float, ...]) -> Raw:
    """End-to-end output: xyxy, score, class."""
    return np.array(values, np.float32).reshape(-1, 6)


def anchors(*values: tuple[float, ...]) -> Raw:
    """One-to-many output: each anchor's cxcywh and a score per class, given row by row."""
    return np.ascontiguousarray(np.array(values, np.float32).T)


def detections(*values: tuple[float, float, float, float, float, int]) -> Detections:
    """Rows of xyxy, score, class."""
    table = np.array(values, np.float32).reshape(-1, 6)
    return Detections(table[:, :4].copy(), table[:, 4].copy(), table[:, 5].astype(np.int64))


def test_end_to_end_rows(build_card: BuildCard) -> None:
    output = rows((10, 20, 30, 40, 0.6, 1), (1, 2, 3, 4, 0.9, 0), (5, 5, 9, 9, 0, 0))
    found = decode(output, build_card())
    assert found.boxes_xyxy_px.tolist() == [[1, 2, 3, 4], [10, 20, 30, 40]], "best first"
    assert found.class_ids.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])


def test_one_to_many_anchors(build_card: BuildCard) -> None:
    output = anchors(
        (20, 30, 20, 20, 0.1, 0.7),
        (21, 30, 20, 20, 0.1, 0.6),  # the same thing again
        (80, 30, 20, 20, 0.9, 0.2),
        (80, 30, 20, 20, 0.1, 0.1),  # nothing
    )
    found = decode(output, build_card("one_to_many"))
    assert found.boxes_xyxy_px.tolist() == [[70, 20, 90, 40], [10, 20, 30, 40]]
    assert found.class_ids.tolist() == [0, 1]


def test_a_class_apart_takes_nothing_from_the_others(build_card: BuildCard) -> None:
    output = anchors((20, 30, 20, 20, 0.5, 0.7), (80, 30, 20, 20, 0.1, 0.6))
    card = build_card("one_to_many", max_detections=2)
    rider = card.classes[1].model_copy(update={"apart": True})
    apart = card.model_copy(update={"classes": (card.classes[0], rider)})
    assert decode(output, card, 0.05).class_ids.tolist() == [1, 1]
    assert decode(output, apart, 0.3).class_ids.tolist() == [1, 1, 0], "two of the one, and one of the other"


@pytest.mark.parametrize("head", ["end_to_end", "one_to_many"])
def test_thresholds_are_those_of_each_class(head: str, build_card: BuildCard) -> None:
    card = build_card(head, thresholds=(0.3, 0.8))
    if head == "end_to_end":
        output = rows((0, 0, 9, 9, 0.5, 0), (40, 0, 49, 9, 0.5, 1), (80, 0, 89, 9, 0.85, 1))
    else:
        output = anchors((5, 5, 9, 9, 0.5, 0), (45, 5, 9, 9, 0, 0.5), (85, 5, 9, 9, 0, 0.85))
    assert decode(output, card).class_ids.tolist() == [1, 0]
    assert len(decode(output, card, min_score=0.6)) == 1, "min_score replaces every threshold"
    assert len(decode(output, card, min_score=0.0)) == 3


def test_no_more_than_the_card_allows(build_card: BuildCard) -> None:
    output = rows(*[(0, 0, 9, 9, 0.5 + i / 100, 0) for i in range(30)])
    found = decode(output, build_card(max_detections=5))
    assert len(found) == 5
    assert found.scores.min() == pytest.approx(0.75), "the best ones stay"


def test_nothing_found(build_card: BuildCard) -> None:
    assert len(decode(np.zeros((300, 6), np.float32), build_card())) == 0
    assert len(decode(np.zeros((6, 100), np.float32), build_card("one_to_many"))) == 0


def test_classes_beyond_the_card_are_dropped(build_card: BuildCard) -> None:
    assert len(decode(rows((0, 0, 9, 9, 0.9, 7)), build_card())) == 0


def test_rounding_above_one_is_no_error(build_card: BuildCard) -> None:
    assert decode(rows((0, 0, 9, 9, 1.0001, 0)), build_card()).scores.tolist() == [1.0]


REFUSED = [
    ("end_to_end", (1, 6, 8400), "rows where columns belong"),
    ("end_to_end", (300, 6), "no batch"),
    ("one_to_many", (1, 300, 6), "the other head"),
    ("one_to_many", (1, 7, 8400), "one class more than the card"),
    ("one_to_many", (1, 5, 8400), "one class less than the card"),
    ("one_to_many", (1, 8400, 6), "transposed"),
]


@pytest.mark.parametrize(("head", "shape", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_other_outputs_are_refused(
    head: str, shape: tuple[int, ...], why: str, build_card: BuildCard
) -> None:
    with pytest.raises(ReleaseError, match="the card belongs to another model") as caught:
        check_output(shape, build_card(head))
    assert str(shape) in str(caught.value), "the actual shape"
    assert "(n, " in str(caught.value), "the expected shape"
    assert "属于另一个模型" in caught.value.say("zh")


@pytest.mark.parametrize(("head", "shape"), [("end_to_end", (2, 300, 6)), ("one_to_many", (2, 6, 8400))])
def test_matching_outputs_pass(head: str, shape: tuple[int, ...], build_card: BuildCard) -> None:
    check_output(shape, build_card(head))


def test_neighbours_that_do_not_touch_are_both_kept() -> None:
    """Boxes read as left, top, right, bottom where width and height belong would overlap here."""
    pair = detections((1000, 0, 1100, 100, 0.9, 0), (1110, 0, 1210, 100, 0.8, 0))
    assert nms_by_class(pair, 0.5).tolist() == [0, 1]


def test_classes_do_not_suppress_each_other() -> None:
    pair = detections((0, 0, 100, 100, 0.9, 0), (0, 0, 100, 100, 0.8, 1), (1, 0, 100, 100, 0.7, 0))
    assert nms_by_class(pair, 0.5).tolist() == [0, 1]


def reference_nms(found: Detections, limit: float) -> list[int]:
    """What non-maximum suppression is, in plain Python."""
    overlap = iou(found.boxes_xyxy_px, found.boxes_xyxy_px)
    kept: list[int] = []
    for index in np.argsort(-found.scores, kind="stable").tolist():
        rivals = [other for other in kept if found.class_ids[other] == found.class_ids[index]]
        if all(overlap[index, other] <= limit for other in rivals):
            kept.append(index)
    return kept


@st.composite
def crowds(draw: st.DrawFn) -> Detections:
    """Up to 25 boxes with whole sides and different scores, in up to three classes."""
    count = draw(st.integers(0, 25))
    box = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40))
    boxes = draw(st.lists(box, min_size=count, max_size=count))
    classes = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    scores = draw(st.permutations([(i + 1) / 100 for i in range(count)]))
    return detections(
        *((x, y, x + w, y + h, s, c) for (x, y, w, h), s, c in zip(boxes, scores, classes, strict=True))
    )


# No pair of boxes with whole sides this small has exactly this overlap, so rounding decides nothing.
LIMIT = 0.45001


@given(crowds())
def test_nms_is_what_plain_python_does(found: Detections) -> None:
    assert sorted(nms_by_class(found, LIMIT).tolist()) == sorted(reference_nms(found, LIMIT))


@given(crowds())
def test_nms_twice_is_nms_once(found: Detections) -> None:
    once = found[nms_by_class(found, LIMIT)]
    assert len(nms_by_class(once, LIMIT)) == len(once)


@given(crowds(), st.integers(0, 1000))
def test_nms_does_not_depend_on_the_order(found: Detections, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(found))
    kept, kept_of_shuffled = nms_by_class(found, LIMIT), order[nms_by_class(found[order], LIMIT)]
    assert sorted(kept.tolist()) == sorted(kept_of_shuffled.tolist())


@pytest.mark.parametrize("head", ["end_to_end", "one_to_many"])
def test_the_output_is_left_alone(head: str, build_card: BuildCard) -> None:
    output = np.abs(np.random.default_rng(0).normal(0.5, 0.3, (6, 6))).astype(np.float32)
    output[:, 5] = np.arange(6) % 2
    before = output.copy()
    decode(output, build_card(head), min_score=0.1)
    assert np.array_equal(output, before)
