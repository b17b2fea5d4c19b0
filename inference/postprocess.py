"""From a model's raw output to detections, by the card's head and the output's shape.

Anything that is neither is refused: a wrong guess here gives plausible nonsense.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streetsight.models.boxes import Boxes, cxcywh_to_xyxy, xyxy_to_xywh
from streetsight.models.card import Card
from streetsight.models.detections import Detections, concatenate
from streetsight.models.releases import ReleaseError

MAX_CANDIDATES = 30_000  # of a group of competing classes


def check_output(shape: tuple[int, ...], card: Card) -> None:
    """Refuse an output that the card's head does not describe.

    Raises:
        ReleaseError: with the expected and the actual shape.
    """
    rows = 4 + len(card.classes)
    fits = {
        "end_to_end": len(shape) == 3 and shape[2] == 6,
        "one_to_many": len(shape) == 3 and shape[1] == rows and shape[2] > rows,
    }[card.output.head]
    if not fits:
        expected = "(n, rows, 6)" if card.output.head == "end_to_end" else f"(n, {rows}, anchors)"
        raise ReleaseError(
            "release {name}: the model's output has shape {shape}, but a card with head {head} and {count} "
            "classes means {expected}; the card belongs to another model",
            name=card.name, shape=shape, head=card.output.head, count=len(card.classes), expected=expected,
        )  # fmt: skip


def decode(output: NDArray[np.float32], card: Card, min_score: float | None = None) -> Detections:
    """Detections of one picture, best first, in input pixels.

    Args:
        output: (rows, 6) for the end-to-end head, (4 + classes, anchors) for one-to-many.
        min_score: replaces the card's per-class thresholds.
    """
    thresholds = _thresholds(card, min_score)
    if card.output.head == "end_to_end":
        found = _decode_end_to_end(output, len(card.classes))
        found = _kept(found, thresholds, card)
    else:
        groups = (_decode_one_to_many(output, ids, thresholds) for ids in competing(card))
        found = concatenate([_kept(each, thresholds, card) for each in groups])
    return found[np.argsort(-found.scores, kind="stable")]


def competing(card: Card) -> list[NDArray[np.int64]]:
    """Class ids in groups: of a group the best class of an anchor counts, each group for itself."""
    together = [each.id for each in card.classes if not each.apart]
    return [np.array(ids) for ids in (together, *([each.id] for each in card.classes if each.apart)) if ids]


def _kept(found: Detections, thresholds: NDArray[np.float32], card: Card) -> Detections:
    """The best above the thresholds, without those suppressed, and no more than the card allows."""
    found = found[found.scores >= thresholds[found.class_ids]]
    if card.output.nms_iou is not None:
        found = found[nms_by_class(found, card.output.nms_iou)]
    return found[np.argsort(-found.scores, kind="stable")[: card.output.max_detections]]


def nms_by_class(detections: Detections, iou: float) -> NDArray[np.int64]:
    """Indices that survive non-maximum suppression within each class, best first."""
    if not len(detections):
        return np.zeros(0, np.int64)
    boxes_xywh_px: Any = xyxy_to_xywh(detections.boxes_xyxy_px)  # OpenCV reads left, top, width, height
    scores: Any = detections.scores  # its stubs ask for lists, it takes arrays
    class_ids: Any = detections.class_ids.astype(np.int32)
    kept = cv2.dnn.NMSBoxesBatched(boxes_xywh_px, scores, class_ids, 0.0, iou)
    return np.asarray(kept, dtype=np.int64).reshape(-1)


def _thresholds(card: Card, min_score: float | None) -> NDArray[np.float32]:
    return np.array([each.threshold if min_score is None else min_score for each in card.classes], np.float32)


def _decode_end_to_end(rows: NDArray[np.float32], class_count: int) -> Detections:
    """(n, 6) rows xyxy, score, class; unused rows have score 0."""
    rows = rows[rows[:, 4] > 0]
    class_ids = rows[:, 5].astype(np.int64)
    known = class_ids < class_count
    return Detections(_boxes(rows[known, :4]), np.clip(rows[known, 4], 0, 1), class_ids[known])


def _decode_one_to_many(
    output: NDArray[np.float32], ids: NDArray[np.int64], thresholds: NDArray[np.float32]
) -> Detections:
    """(4 + classes, anchors): the best of these classes at each anchor, boxes cxcywh."""
    scores_of = output[4:][ids]
    best = scores_of.max(axis=0)
    keep = np.flatnonzero(best >= thresholds[ids].min())
    if len(keep) > MAX_CANDIDATES:
        keep = keep[np.argsort(-best[keep], kind="stable")[:MAX_CANDIDATES]]
    class_ids = ids[scores_of[:, keep].argmax(axis=0)]
    boxes = cxcywh_to_xyxy(_boxes(output[:4, keep].T))
    return Detections(boxes, np.clip(best[keep], 0, 1), class_ids)


def _boxes(values: NDArray[np.float32]) -> Boxes:
    return np.ascontiguousarray(values, dtype=np.float32)
