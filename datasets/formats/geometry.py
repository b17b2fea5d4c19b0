"""From a label file's boxes to fractions of the upright picture, checked against its edges."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.formats.labels import ForeignLabels, Problem
from streetsight.datasets.formats.photos import PhotoFacts, turn_upright

Orientation = Literal["auto", "upright", "stored"]

# A box may reach over an edge by this much, which is how tools round; it is cut off there.
OVER_EDGE_PX, OVER_EDGE_SHARE = 1.0, 0.005
_ROUNDING = 1e-4  # of a side: what labels of four decimals lose; a box so little over the edge stays as it is
_NOTHING = 1e-7  # of a side
_SAME_SHAPE = 0.01

SizeWh = tuple[int, int]


def upright_fractions(
    labels: ForeignLabels, facts: PhotoFacts, orientation: Orientation
) -> NDArray[np.float64]:
    """(n, 4) float64 xyxy, fractions of the upright picture, not yet checked against its edges.

    `auto` goes by the width and height that the file states: those of the upright picture or, for a photo
    that is stored turned, those of its raster. Without any it takes the labels for upright, as people see it.

    Raises:
        Problem: when the stated size has neither shape.
    """
    boxes = np.array([box.xyxy for box in labels.boxes], dtype=np.float64).reshape(-1, 4)
    frame = orientation if orientation != "auto" else _frame(labels, facts, boxes)
    whole = facts.stored_wh if frame == "stored" else facts.upright_wh
    if labels.unit == "px":
        boxes = boxes / np.tile(_divisor(labels, whole), 2)
    return turn_upright(boxes, facts.orientation) if frame == "stored" else boxes


def _frame(
    labels: ForeignLabels, facts: PhotoFacts, boxes: NDArray[np.float64]
) -> Literal["upright", "stored"]:
    stated = labels.stated_wh
    if stated is None or _same_shape(stated, facts.upright_wh):
        return "upright"
    if not _same_shape(stated, facts.stored_wh):
        raise _misfit(labels, facts.upright_wh)
    # Label Studio's COCO export gives the raster's size beside upright boxes (its issue 6608).
    upright_only = labels.unit == "px" and not _fits(boxes, stated) and _fits(boxes, stated[::-1])
    return "upright" if upright_only else "stored"


def _divisor(labels: ForeignLabels, whole: SizeWh) -> SizeWh:
    """The size that the boxes' pixels refer to: the photo may have been scaled since."""
    for size in (labels.stated_wh, labels.stated_wh and labels.stated_wh[::-1]):
        if size and _same_shape(size, whole):
            return size
    if labels.stated_wh:
        raise _misfit(labels, whole)
    return whole


def _same_shape(a: SizeWh, b: SizeWh) -> bool:
    return a == b or abs(a[0] * b[1] - a[1] * b[0]) <= _SAME_SHAPE * a[1] * b[0]


def _fits(boxes: NDArray[np.float64], size_wh: SizeWh) -> bool:
    return bool(np.all(boxes[:, 2:] <= np.array(size_wh) + OVER_EDGE_PX))


def _misfit(labels: ForeignLabels, whole: SizeWh) -> Problem:
    width, height = labels.stated_wh or (0, 0)
    return Problem(
        labels.file, "", "labels are for {width} x {height} pixels, the photo has "
        "{photo_width} x {photo_height}: not the photo that was labelled",
        width=width, height=height, photo_width=whole[0], photo_height=whole[1],
    )  # fmt: skip


def checked(
    boxes_xyxy: NDArray[np.float64], labels: ForeignLabels, size_wh: SizeWh, as_they_are: bool = False
) -> tuple[NDArray[np.float32], int, list[Problem]]:
    """Boxes as records hold them, how many were cut at an edge, and what is wrong with others.

    Args:
        boxes_xyxy: (n, 4) float64, fractions of the upright picture.
        size_wh: of the upright picture, pixels.
        as_they_are: leave boxes that reach a little over an edge uncut: they are our own.

    Returns:
        (n, 4) float32 cxcywh fractions in [0, 1].
    """
    allowed = np.tile(np.maximum(OVER_EDGE_PX / np.array(size_wh), OVER_EDGE_SHARE), 2)
    over = np.maximum(-boxes_xyxy, boxes_xyxy - 1)
    cutting = (over > _ROUNDING) & (not as_they_are)
    inside = np.where(cutting, np.clip(boxes_xyxy, 0, 1), boxes_xyxy)
    sides = inside[:, 2:] - inside[:, :2]
    problems = []
    for index, box in enumerate(labels.boxes):
        if np.any(over[index] > allowed):
            far = float(np.max(over[index] * np.tile(size_wh, 2)))
            problems.append(
                Problem(
                    labels.file,
                    box.place,
                    "the box reaches {far} pixels out of the picture",
                    far=f"{far:.4g}",
                )
            )
        elif np.any(sides[index] < _NOTHING):
            problems.append(Problem(labels.file, box.place, "the box has no area"))
    cut = int(np.any(cutting & (over <= allowed), axis=1).sum())
    cxcywh = np.concatenate([(inside[:, :2] + inside[:, 2:]) / 2, sides], axis=1)
    return np.clip(cxcywh, 0, 1).astype(np.float32), cut, problems
