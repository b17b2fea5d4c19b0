"""Photos in, upright pixels out; everything else is refused with a reason a person can act on."""

import contextlib
import hashlib
import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image

from streetsight.inference.reading import MIN_SIDE_PX, Photo, PhotoError, read_photo

Pixels = NDArray[np.uint8]
RED = (230, 20, 20)


def picture(width: int = 96, height: int = 64) -> Pixels:
    """A smooth colourful picture, (h, w, 3), whose upper left quarter is red."""
    coarse = np.random.default_rng(3).integers(30, 200, (4, 6, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    image[: height // 2, : width // 2] = RED
    return image


def encoded(
    image: Pixels | Image.Image, form: str = "JPEG", orientation: int | None = None, **how: Any
) -> bytes:
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if orientation is not None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        exif[ExifTags.Base.Make] = "Maker"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:05:06 08:30:00"
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (30.0, 32.0, 24.0)
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLongitude] = (114.0, 15.0, 36.0)
        how["exif"] = exif.tobytes()  # as bytes: only then HEIC gets its own mark of the orientation
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **how)
    return buffer.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose header claims this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header claims this size."""
    data = bytearray(encoded(picture()))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def with_padding(data: bytes) -> bytes:
    """A JPEG with zeros where a marker should be, as some cameras write."""
    scan = data.rindex(b"\xff\xda")
    return data[:scan] + bytes(16) + data[scan:]


def distance(photo: Photo, expected: NDArray[np.generic]) -> float:
    """Mean difference of pixels, grey levels."""
    assert photo.image_rgb_hwc.shape == expected.shape
    return float(np.abs(photo.image_rgb_hwc.astype(float) - expected.astype(float)).mean())


JPEG, PNG, WEBP = (encoded(picture(), form, orientation=6) for form in ("JPEG", "PNG", "WEBP"))
PADDED = with_padding(JPEG)

BAD = {
    "a copy that never began": (b"", "invalid_image", "0 bytes"),
    "text named .jpg": (b"Dear all, see attachment", "invalid_image", "expected JPEG, PNG, WebP or HEIC"),
    "a page named .jpg": (b"<!doctype html><html>", "invalid_image", "not a picture"),
    "formats that patrols do not use": (encoded(picture(), "GIF"), "invalid_image", "not a picture"),
    "one pixel": (encoded(picture(1, 1)), "too_small", "1 x 1 pixels"),
    "a strip": (encoded(picture(400, MIN_SIDE_PX - 1), "PNG"), "too_small", "below 32 pixels"),
    "PNG bomb": (png_of_size(20_000, 20_000), "too_large", "150 megapixels"),
    "JPEG bomb": (jpeg_of_size(20_000, 20_000), "too_large", "scale it down"),
    "JPEG start only": (JPEG[:2], "invalid_image", "not a picture"),
    "PNG with a damaged header": (PNG[:20] + b"????" + PNG[24:], "invalid_image", "picture"),
    "JPEG without its tables": (JPEG.replace(b"\xff\xdb", b"\xff\x00"), "invalid_image", "damaged"),
    "half a JPEG": (JPEG[: len(JPEG) * 3 // 4], "truncated", "copy it again"),
    "half a PNG": (PNG[: len(PNG) // 2], "truncated", "copy it again"),
    "half a WebP": (WEBP[: len(WEBP) // 2], "truncated", "copy it again"),
    "a cut JPEG with padding": (PADDED[: len(PADDED) * 3 // 4], "truncated", "copy it again"),
}


@pytest.mark.parametrize(("data", "outcome", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_no_photo_is_refused_with_its_reason(data: bytes, outcome: str, says: str) -> None:
    with pytest.raises(PhotoError, match=says) as caught:
        read_photo(data)
    assert caught.value.outcome == outcome
    assert caught.value.say("zh") != str(caught.value), "the message must exist in Chinese"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("orientation", [None, 1])  # with EXIF at its end, a cut HEIC does not even open
def test_a_cut_heic_is_truncated(share: float, orientation: int | None) -> None:
    data = encoded(picture(), "HEIF", orientation)
    with pytest.raises(PhotoError) as caught:
        read_photo(data[: int(len(data) * share)])
    assert caught.value.outcome == "truncated"


WHOLE = {
    "jpeg": JPEG,
    "progressive jpeg": encoded(picture(), progressive=True),
    "grey jpeg": encoded(picture()[..., 0]),
    "padded jpeg": PADDED,
    "png": PNG,
    "webp": WEBP,
    "lossless webp": encoded(picture(), "WEBP", lossless=True),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
@settings(max_examples=60)
@given(share=st.floats(0.3, 0.95), min_side=st.sampled_from([None, 40]))
def test_a_cut_photo_never_yields_a_picture(data: bytes, share: float, min_side: int | None) -> None:
    with pytest.raises(PhotoError):
        read_photo(data[: int(len(data) * share)], min_side)


@pytest.mark.parametrize("whole", [JPEG, PADDED], ids=["plain", "padded"])
def test_a_cut_photo_does_not_show_the_one_before_it(whole: bytes) -> None:
    """Decoders that leave the rest of a reused buffer alone show the previous photo there."""
    for share in (0.5, 0.7, 0.9):
        read_photo(encoded(np.full((64, 96, 3), 255, np.uint8)))
        with pytest.raises(PhotoError):
            read_photo(whole[: int(len(whole) * share)])


damage = st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12)


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
@settings(max_examples=200)
@given(flips=damage, near_start=st.booleans(), keep=st.floats(0.2, 1))
def test_damage_gives_a_photo_or_a_reason_and_nothing_else(
    data: bytes, flips: list[tuple[float, int]], near_start: bool, keep: float
) -> None:
    changed = bytearray(data)
    for place, value in flips:
        changed[int(place * min(len(data), 400 if near_start else len(data)))] = value
    with contextlib.suppress(PhotoError):
        photo = read_photo(bytes(changed[: int(len(changed) * keep)]))
        height, width, channels = photo.image_rgb_hwc.shape
        assert ((width, height), channels) == (photo.size_wh, 3)
        assert photo.image_rgb_hwc.dtype == np.uint8


def sixteen_bit(image: Pixels) -> bytes:
    """PNG with 16 bits a channel, which Pillow cannot write in colour."""
    return cv2.imencode(".png", image.astype(np.uint16) * 257)[1].tobytes()


GREY = np.repeat(picture()[..., :1], 3, axis=2)
ALPHA = np.dstack([picture(), np.full((64, 96), 255, np.uint8)])

# Name: (file, expected pixels, tolerated mean difference in grey levels)
ODD: dict[str, tuple[bytes, Pixels, float]] = {
    "cmyk jpeg": (encoded(Image.fromarray(picture()).convert("CMYK"), quality=95), picture(), 3),
    "grey jpeg": (encoded(picture()[..., 0], quality=95), GREY, 2),
    "progressive jpeg": (encoded(picture(), progressive=True, quality=95), picture(), 6),
    "16-bit grey png": (sixteen_bit(picture()[..., 0]), GREY, 0),
    "16-bit colour png": (sixteen_bit(picture()[..., ::-1]), picture(), 0),
    "palette png": (encoded(Image.fromarray(picture()).quantize(256), "PNG"), picture(), 12),
    "palette png with alpha": (
        encoded(Image.fromarray(picture()).quantize(256), "PNG", transparency=b"\0\x80"), picture(), 12,
    ),
    "png with alpha": (encoded(ALPHA, "PNG"), picture(), 0),
    "webp": (encoded(picture(), "WEBP", quality=95), picture(), 6),
    "webp with alpha": (encoded(ALPHA, "WEBP", lossless=True), picture(), 0),
    "bytes after the end": (encoded(picture(), quality=95) + b"\0" * 500, picture(), 6),
    "bytes before the end": (encoded(picture(), quality=95)[:-2] + b"\0" * 30 + b"\xff\xd9", picture(), 6),
    "bytes between segments": (with_padding(encoded(picture(), quality=95)), picture(), 6),
    "a phone's second picture": (
        encoded(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))], quality=95),
        picture(), 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected", "tolerance"), ODD.values(), ids=ODD.keys())
def test_odd_but_whole_photos_are_read(data: bytes, expected: Pixels, tolerance: float) -> None:
    photo = read_photo(data)
    assert photo.size_wh == (96, 64)
    assert distance(photo, expected) <= tolerance
    assert photo.sha256 == hashlib.sha256(data).hexdigest()


def test_heic_is_read() -> None:
    photo = read_photo(encoded(picture(), "HEIF", quality=95))
    assert photo.size_wh == (96, 64)
    assert distance(photo, picture()) < 6


# How an upright picture lies in a file that has this orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("orientation", STORED)
def test_photos_come_upright(form: str, orientation: int) -> None:
    turn = STORED[orientation]
    upright = Image.fromarray(picture())
    photo = read_photo(encoded(upright if turn is None else upright.transpose(turn), form, orientation))
    assert photo.size_wh == (96, 64)
    assert photo.image_rgb_hwc.flags.c_contiguous
    assert distance(photo, picture()) < 8
    assert np.abs(photo.image_rgb_hwc[8:24, 8:40].mean(axis=(0, 1)) - RED).max() < 15
    assert photo.metadata.camera == "Maker"


@pytest.mark.parametrize("value", [0, 9, 999])
def test_a_nonsense_orientation_is_no_turn(value: int) -> None:
    assert read_photo(encoded(picture(), orientation=value)).size_wh == (96, 64)


@pytest.mark.parametrize("padded", [False, True], ids=["plain", "padded"])
def test_scaled_decode_covers_what_was_asked_for(padded: bool) -> None:
    large = picture(4000, 3000)
    data = encoded(large)
    photo = read_photo(with_padding(data) if padded else data, min_side=640)
    assert photo.size_wh == (4000, 3000)
    assert 640 <= max(photo.image_rgb_hwc.shape[:2]) < 1400
    height, width = photo.image_rgb_hwc.shape[:2]
    expected = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    assert distance(photo, expected) < 3


def test_scaled_decode_turns_its_size_too() -> None:
    photo = read_photo(encoded(picture(1600, 1200), orientation=6), min_side=320)
    assert photo.size_wh == (1200, 1600)
    assert 320 <= photo.image_rgb_hwc.shape[0] < 700
    assert photo.image_rgb_hwc.shape[0] > photo.image_rgb_hwc.shape[1]


def test_a_small_photo_is_not_enlarged() -> None:
    assert read_photo(JPEG, min_side=640).image_rgb_hwc.shape == (96, 64, 3)  # orientation 6


def test_full_decode_is_libjpegs() -> None:
    data = encoded(picture())
    expected = simplejpeg.decode_jpeg(data, colorspace="RGB", fastupsample=True)
    assert np.array_equal(read_photo(data).image_rgb_hwc, expected)


@pytest.mark.training
def test_ultralytics_does_not_change_how_photos_are_read() -> None:
    """It replaces Pillow's open by one that asks for packages when a file is no picture."""
    import streetsight.training.quiet  # noqa: F401, I001
    import ultralytics.utils.patches  # noqa: F401

    with pytest.raises(PhotoError, match="not a picture"):
        read_photo(b"Dear all, see attachment")
