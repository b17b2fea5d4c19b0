"""Covering parts of a picture so that nothing can be read there again."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture.

    Attributes:
        box_xyxy_px: pixels; may reach over the picture's edge.
        cell_px: least side of a cell of its mosaic.
    """

    box_xyxy_px: Rectangle
    cell_px: float


def cover(image_rgb_hwc: NDArray[np.uint8], regions: Iterable[Region]) -> NDArray[np.uint8]:
    """The picture with a blurred mosaic over each region: a new (h, w, 3) uint8 array.

    Each cell holds the mean of what was there and nothing else; the blur hides the cells' edges, on which
    eyes and programs would otherwise fasten.
    """
    covered = image_rgb_hwc.copy()
    for region in regions:
        left, top, right, bottom = inside(region.box_xyxy_px, image_rgb_hwc.shape)
        if right > left and bottom > top:
            part = covered[top:bottom, left:right]
            part[:] = _blurred_mosaic(part, region.cell_px)
    return covered


def inside(box_xyxy_px: Rectangle, shape_hwc: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Whole pixels that a box touches, inside a picture of this shape."""
    x0, y0, x1, y1 = box_xyxy_px
    height, width = shape_hwc[:2]
    return (
        max(0, int(np.floor(x0))), max(0, int(np.floor(y0))),
        min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1))),
    )  # fmt: skip


def _blurred_mosaic(part: NDArray[np.uint8], cell_px: float) -> NDArray[np.uint8]:
    height, width = part.shape[:2]
    cell_px = max(1.0, cell_px)  # a box at the picture's edge may have no width
    cells_wh = (max(1, int(width / cell_px)), max(1, int(height / cell_px)))
    cells = cv2.resize(part, cells_wh, interpolation=cv2.INTER_AREA)
    mosaic = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    side = max(3, round(cell_px / 2) * 2 + 1)
    return np.asarray(cv2.blur(mosaic, (side, side), borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)
