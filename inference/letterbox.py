"""Fit a picture into the model's input and bring boxes back: one class owns both directions.

Sizes and padding round as ultralytics' LetterBox does, so that exported models see what they trained on.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streetsight.models.boxes import Boxes, clip_xyxy


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies inside the input.

    Attributes:
        size_wh: of the original, pixels.
        inner_wh: of the scaled picture inside the input.
        offset_xy: of its top left corner.
        input_wh: of the whole input.
    """

    size_wh: tuple[int, int]
    inner_wh: tuple[int, int]
    offset_xy: tuple[int, int]
    input_wh: tuple[int, int]

    @property
    def input_scale(self) -> tuple[float, float]:
        """Input pixels per original pixel, along x and y (they differ by rounding only)."""
        return self.inner_wh[0] / self.size_wh[0], self.inner_wh[1] / self.size_wh[1]

    def inner(self, padded: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture without its border, a view of the padded input."""
        (x, y), (width, height) = self.offset_xy, self.inner_wh
        return padded[y : y + height, x : x + width]

    def to_image(self, boxes_xyxy: Boxes) -> Boxes:
        """Boxes (n, 4) float32 xyxy from input pixels to pixels of the original, limited to it."""
        offset = np.array([*self.offset_xy, *self.offset_xy], dtype=np.float32)
        scale = np.array([*self.input_scale, *self.input_scale], dtype=np.float32)
        return clip_xyxy((boxes_xyxy - offset) / scale, self.size_wh)

    def to_input(self, boxes_xyxy_px: Boxes) -> Boxes:
        """Boxes (n, 4) float32 xyxy from pixels of the original to input pixels."""
        offset = np.array([*self.offset_xy, *self.offset_xy], dtype=np.float32)
        scale = np.array([*self.input_scale, *self.input_scale], dtype=np.float32)
        return boxes_xyxy_px * scale + offset


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Scale to a longest side, pad evenly with grey.

    Attributes:
        size: longest side of the input, pixels.
        stride: sides of the input are multiples of this.
        pad: grey value of the border.
        rectangular: pad only up to the stride; otherwise to a square.
    """

    size: int
    stride: int = 32
    pad: int = 114
    rectangular: bool = True

    def place(self, size_wh: tuple[int, int]) -> Placement:
        """Where a picture of this original size will lie."""
        width, height = size_wh
        scale = min(self.size / width, self.size / height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        spare = [self.size - inner[0], self.size - inner[1]]
        if self.rectangular:
            spare = [each % self.stride for each in spare]
        offset = (round(spare[0] / 2 - 0.1), round(spare[1] / 2 - 0.1))
        return Placement(size_wh, inner, offset, (inner[0] + spare[0], inner[1] + spare[1]))

    def apply(
        self, image_rgb_hwc: NDArray[np.uint8], size_wh: tuple[int, int] | None = None
    ) -> tuple[NDArray[np.uint8], Placement]:
        """The padded picture, (h, w, 3) uint8, and its placement.

        Args:
            image_rgb_hwc: (h, w, 3) uint8, the original or a smaller decode of it.
            size_wh: size of the original; the picture's own size when None.
        """
        size_wh = size_wh or (image_rgb_hwc.shape[1], image_rgb_hwc.shape[0])
        placement = self.place(size_wh)
        shrinks_much = image_rgb_hwc.shape[1] >= 2 * placement.inner_wh[0]
        method = cv2.INTER_AREA if shrinks_much else cv2.INTER_LINEAR  # linear would skip pixels
        inner = image_rgb_hwc
        if (image_rgb_hwc.shape[1], image_rgb_hwc.shape[0]) != placement.inner_wh:
            resized = cv2.resize(image_rgb_hwc, placement.inner_wh, interpolation=method)
            inner = np.asarray(resized, dtype=np.uint8)
        padded = np.full((placement.input_wh[1], placement.input_wh[0], 3), self.pad, dtype=np.uint8)
        placement.inner(padded)[:] = inner
        return padded, placement


def to_tensor(padded_rgb_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, h, w) float32 in [0, 1], contiguous, from (h, w, 3) uint8."""
    return np.asarray(cv2.dnn.blobFromImage(padded_rgb_hwc, scalefactor=1 / 255), dtype=np.float32)
