"""Films made for the purpose: every picture says which one it is."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

ImageRgb = NDArray[np.uint8]
Film = Callable[..., Path]

BITS = 8
SIZE_WH = (160, 96)


def numbered_picture(number: int, size_wh: tuple[int, int] = SIZE_WH) -> ImageRgb:
    """A moving gradient; eight bars at the top spell the number in black and white."""
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = (np.arange(width) + 3 * number) % 200
    image[..., 1] = np.linspace(30, 200, height, dtype=np.uint8)[:, None]
    image[..., 2] = 90
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[: height // 3, left:right] = 255 if number >> bit & 1 else 0
    return image


def spelled_number(image: ImageRgb) -> int:
    """What the bars of a picture say, whatever compression did to it."""
    height, width, _ = image.shape
    middles = [(2 * bit + 1) * width // (2 * BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, x in enumerate(middles) if image[height // 6, x].mean() > 128)


@pytest.fixture(scope="session")
def spelled() -> Callable[[ImageRgb], int]:
    """Reads the number that a picture of a film says it has."""
    return spelled_number


@pytest.fixture(scope="session")
def film() -> Film:
    """Writes a video: 25 pictures a second, one key frame a second, two B-frames in a row."""

    def write(
        path: Path,
        pictures: int | Iterable[ImageRgb] = 50,
        codec: str = "libx264",
        rate: int = 25,
        ticks: Sequence[int] | None = None,
        codec_options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        setup: Callable[[Any], None] = lambda stream: None,
        pix_fmt: str = "yuv420p",
    ) -> Path:
        images = map(numbered_picture, range(pictures)) if isinstance(pictures, int) else pictures
        with av.open(str(path), "w", options=container_options or {}) as container:
            container.metadata.update(tags or {})
            stream: Any = container.add_stream(codec, rate=rate)
            stream.options = {"g": "25", "bf": "0" if codec == "mjpeg" else "2", **(codec_options or {})}
            stream.pix_fmt = pix_fmt
            for index, image in enumerate(images):
                if not index:
                    stream.width, stream.height = image.shape[1], image.shape[0]
                    setup(stream)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts = ticks[index] if ticks else index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
