"""A decoded frame as an upright RGB picture with square pixels."""

import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

ImageRgb = NDArray[np.uint8]

_UNSAID = 2  # AVCOL_SPC_UNSPECIFIED
_HIGH_DEFINITION = 720  # lines; players take BT.709 from here on when a video does not say, BT.601 below


def read_display(frame: av.VideoFrame) -> bytes | None:
    """The display matrix, or None. Do not ask each frame of a long video: PyAV then keeps it for long."""
    side_data: Any = frame.side_data  # PyAV's types know only one of its keys
    return bytes(side_data["DISPLAYMATRIX"]) if "DISPLAYMATRIX" in side_data else None


def to_upright_rgb(
    frame: av.VideoFrame, display: bytes | None = None, pixel_aspect: Fraction | None = None
) -> ImageRgb:
    """(h, w, 3) uint8, by the frame's own colour matrix and range, turned as displayed.

    Args:
        display: FFmpeg's display matrix; None for pictures stored upright.
        pixel_aspect: width of a pixel over its height; None for square ones.
    """
    matrix = Colorspace.ITU709 if frame.colorspace == _UNSAID and frame.height >= _HIGH_DEFINITION else None
    width = max(1, round(frame.width * (pixel_aspect or 1)))
    image = np.asarray(
        frame.to_ndarray(format="rgb24", width=width, src_colorspace=matrix, threads=1), np.uint8
    )
    if display:
        image = _turn(image, display)
    return np.ascontiguousarray(image)


def _turn(image: ImageRgb, display: bytes) -> ImageRgb:
    """By FFmpeg's display matrix: a pixel at x, y is shown at (a x + c y, b x + d y); to quarter turns."""
    a, b, _, c, d, *_ = struct.unpack("=9i", display)
    if abs(b) > abs(a):  # rows become columns
        image, a, d = image.transpose(1, 0, 2), c, b
    return image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
