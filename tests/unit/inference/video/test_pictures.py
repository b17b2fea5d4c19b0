from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from streetsight.inference.video.pictures import read_display, to_upright_rgb

RED_RGB = (200, 40, 60)
ImageRgb = NDArray[np.uint8]


def corners(size_wh: tuple[int, int] = (96, 64)) -> ImageRgb:
    """Red in the top left, green in the top right, blue in the bottom left, black in the bottom right."""
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2, 0] = 255
    image[: height // 2, width // 2 :, 1] = 255
    image[height // 2 :, : width // 2, 2] = 255
    return image


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def named_corners(image: ImageRgb) -> str:
    """Colours of the corners in reading order."""
    height, width, _ = image.shape
    spots = [image[y, x] for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return "".join("rgb"[int(spot.argmax())] if spot.max() > 128 else "-" for spot in spots)


@pytest.mark.parametrize(
    ("degrees", "hflip", "vflip", "shown"),  # FFmpeg turns counter-clockwise, after mirroring
    [
        (0, False, False, "rgb-"),
        (90, False, False, "g-rb"),
        (-90, False, False, "br-g"),
        (180, False, False, "-bgr"),
        (0, True, False, "gr-b"),
        (0, False, True, "b-rg"),
        (90, True, False, None),
        (-90, False, True, None),
    ],
)
def test_pictures_are_turned_as_the_display_matrix_says(
    film: Any, tmp_path: Path, degrees: int, hflip: bool, vflip: bool, shown: str | None
) -> None:
    def setup(stream: Any) -> None:
        stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)

    frame = first_frame(film(tmp_path / "a.mp4", [corners()], setup=setup))
    image = to_upright_rgb(frame, read_display(frame))
    assert image.shape == ((96, 64, 3) if degrees % 180 else (64, 96, 3))
    assert image.flags.c_contiguous
    if shown is None:  # the matrix itself, pixel by pixel, judges what is both
        shown = named_corners(_displayed(frame))
    assert named_corners(image) == shown


def _displayed(frame: av.VideoFrame) -> ImageRgb:
    """By the matrix, pixel by pixel: x' = a x + c y, y' = b x + d y around the middle."""
    a, b, _, c, d = np.frombuffer(read_display(frame) or b"", np.int32)[:5] // 65536
    source = frame.to_ndarray(format="rgb24")
    height, width, _ = source.shape
    y, x = np.mgrid[:height, :width]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    image = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    image[to_y, to_x] = source
    return image


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(
    ("matrix", "size_wh", "said"),
    [
        ("709", (320, 192), True),
        ("601", (320, 192), True),
        ("601", (1280, 720), True),
        ("601", (320, 192), False),  # what players take for small pictures that do not say
        ("709", (1280, 720), False),  # and for large ones
    ],
)
def test_colours_come_back(matrix: str, size_wh: tuple[int, int], said: bool, full_range: bool) -> None:
    plain = np.full((size_wh[1], size_wh[0], 3), RED_RGB, np.uint8)
    frame = av.VideoFrame.from_ndarray(plain, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709 if matrix == "709" else Colorspace.ITU601,
        dst_color_range=2 if full_range else 1,
    )
    frame.colorspace = {"709": 1, "601": 6}[matrix] if said else 2
    frame.color_range = 2 if full_range else 1
    assert np.abs(to_upright_rgb(frame)[50, 50].astype(int) - RED_RGB).max() <= 3


def test_wide_pixels_become_square() -> None:
    frame = av.VideoFrame.from_ndarray(corners((144, 108)), format="rgb24")
    image = to_upright_rgb(frame, pixel_aspect=Fraction(4, 3))
    assert image.shape == (108, 192, 3)
    assert named_corners(image) == "rgb-"
