"""Small pictures of frames, on disk: where a frame's pose is unknown, tracking asks for its picture later."""

import tempfile
from dataclasses import dataclass

import numpy as np
import simplejpeg

from streetsight.inference.drawing import shrink
from streetsight.inference.reading import ImageRgb

SIDE_PX, QUALITY = 480, 80


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a copy lies in the file."""

    start: int
    length: int


class Copies:
    """A file without a name, gone when it is closed; memory does not grow with it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def keep(self, packed: bytes) -> Copy:
        """Put a copy that `pack` made into the file."""
        start = self._file.seek(0, 2)
        self._file.write(packed)
        return Copy(start, len(packed))

    def read(self, copy: Copy) -> ImageRgb:
        """(h, w, 3) uint8."""
        self._file.seek(copy.start)
        return np.asarray(simplejpeg.decode_jpeg(self._file.read(copy.length), colorspace="RGB"))

    def close(self) -> None:
        self._file.close()


def pack(image_rgb_hwc: ImageRgb) -> bytes:
    """A small JPEG of a picture."""
    small = np.ascontiguousarray(shrink(image_rgb_hwc, SIDE_PX))
    return bytes(simplejpeg.encode_jpeg(small, quality=QUALITY, colorspace="RGB"))
