"""From bytes to an upright RGB picture and its metadata, strictly and cheaply.

JPEGs are decoded at the smallest of libjpeg's scales that still covers what is asked for: a photo of
12 megapixels costs more to decode in full than to detect on. EXIF orientation is applied here, once.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from streetsight.inference.exif import pillow_warnings, read_metadata, read_orientation
from streetsight.models.frame import FrameMetadata
from streetsight.models.language import SpokenError

Outcome = Literal["invalid_image", "truncated", "too_large", "too_small", "unreadable"]
ImageRgb = NDArray[np.uint8]

MAX_PIXELS = 150_000_000
MIN_SIDE_PX = 32
EMPTY = "the file is empty (0 bytes); copy it again from the camera"
CUT_OFF = "the picture ends too early: the copy was cut off; copy it again"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")

# What Pillow and libheif raise on damaged pictures.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, RuntimeError)

# Pillow's own guard warns at a size of its choosing; ours is checked from the header before any decode.
Image.MAX_IMAGE_PIXELS = None

# numpy rotations (counter-clockwise quarter turns, then mirrored left-right) of EXIF orientations 1-8.
_TURNS: dict[int, tuple[int, bool]] = {
    1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
    5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip


class PhotoError(SpokenError):
    """A photo that cannot be used. `outcome` is the reason code, the message says what to do."""

    def __init__(self, outcome: Outcome, message: str, /, **values: object) -> None:
        super().__init__(message, **values)
        self.outcome: Outcome = outcome


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        image_rgb_hwc: (h, w, 3) uint8, upright, maybe smaller than the original.
        size_wh: of the upright original, pixels; boxes refer to this.
        sha256: of the file's bytes, hex.
        metadata: time, position, camera, as the file says.
        colour_profile: ICC, as the file holds it; None is sRGB.
    """

    image_rgb_hwc: ImageRgb
    size_wh: tuple[int, int]
    sha256: str
    metadata: FrameMetadata
    colour_profile: bytes | None = None


def read_photo(data: bytes, min_side: int | None = None) -> Photo:
    """Decode a photo.

    Args:
        data: the file's bytes: JPEG, PNG, WebP or HEIC.
        min_side: the picture may be decoded smaller as long as its longest side stays at least this,
            pixels; None decodes in full.

    Raises:
        PhotoError: for anything that is not a whole, sensibly sized photo.
    """
    if not data:
        raise PhotoError("invalid_image", EMPTY)
    with _open(data) as header:
        size_wh = header.size
        check_size(size_wh)
        # Phones and drones append depth or a preview; Pillow calls that MPO, the photo comes first.
        plain_jpeg = header.format in ("JPEG", "MPO") and header.mode in ("RGB", "L")
        image = _decode_jpeg(data, header, min_side) if plain_jpeg else _decode_other(header)
        orientation, metadata = read_orientation(header), read_metadata(header)
        profile = header.info.get("icc_profile")
    turns, mirrored = _TURNS[orientation]
    if turns or mirrored:
        image = np.rot90(image, turns)
        image = np.ascontiguousarray(image[:, ::-1] if mirrored else image)
    if turns % 2:
        size_wh = size_wh[::-1]
    return Photo(image, size_wh, hashlib.sha256(data).hexdigest(), metadata, profile or None)


def check_photo(data: bytes) -> str:
    """Find out from the header alone whether this may be a photo, and give its media type.

    Cheap enough to do while who sends it is waiting; damage further in shows only when it is read.

    Raises:
        PhotoError: for what is no picture, or of a size that is never read.
    """
    if not data:
        raise PhotoError("invalid_image", EMPTY)
    with _open(data) as header:
        check_size(header.size)
        return "image/jpeg" if header.format == "MPO" else f"image/{(header.format or '').lower()}"


def _open(data: bytes) -> Image.Image:
    """The header, lazily: nothing is decoded yet."""
    formats = ["JPEG", "PNG", "WEBP"]  # Pillow would open some fifty, a few of them with outside programs
    if data[4:8] == b"ftyp":
        _register_heif()
        formats = ["HEIF"]
    try:
        with pillow_warnings():
            return Image.open(io.BytesIO(data), formats=formats)
    except _BROKEN as error:
        if _ends_early(data):
            raise PhotoError("truncated", CUT_OFF) from error
        if not isinstance(error, UnidentifiedImageError):
            raise PhotoError(
                "invalid_image", "the picture's header is damaged ({error})", error=error
            ) from error
        raise PhotoError(
            "invalid_image",
            "not a picture: the file starts with {start}; expected JPEG, PNG, WebP or HEIC",
            start=repr(data[:12]),
        ) from None


def _ends_early(data: bytes) -> bool:
    """Whether a WebP or HEIC says that it is longer than it is; the decoders only say that they fail."""
    if data[:4] == b"RIFF":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    end = 0
    while data[4:8] == b"ftyp" and end < len(data):  # HEIC is boxes, each led by its size
        size = int.from_bytes(data[end : end + 4], "big")
        if size < 8:  # 0 and 1 stand for "to the end" and "see below": neither is worth following
            return False
        end += size
    return end > len(data)


def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def check_size(size_wh: tuple[int, int]) -> None:
    """Refuse absurd sizes.

    Raises:
        PhotoError: "too_large" or "too_small".
    """
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise PhotoError(
            "too_large",
            "{width} x {height} pixels is more than the limit of {limit} megapixels; scale it down",
            width=width, height=height, limit=MAX_PIXELS // 1_000_000,
        )  # fmt: skip
    if min(width, height) < MIN_SIDE_PX:
        raise PhotoError(
            "too_small", "{width} x {height} pixels; nothing can be told below {limit} pixels a side",
            width=width, height=height, limit=MIN_SIDE_PX,
        )  # fmt: skip


def _decode_jpeg(data: bytes, header: Image.Image, min_side: int | None) -> ImageRgb:
    need = _smallest_fast_size(header.size, min_side)
    try:
        return np.asarray(
            simplejpeg.decode_jpeg(data, colorspace="RGB", fastupsample=True, strict=True, **need)
        )
    except ValueError as error:
        reason = str(error)
    if "extraneous bytes" in reason:  # harmless padding that some cameras write; Pillow skips it
        if need:
            header.draft(None, (need["min_width"], need["min_height"]))
        return _decode_other(header)
    if "remature end" in reason:
        raise PhotoError("truncated", CUT_OFF)
    raise PhotoError("invalid_image", "the picture is damaged ({reason}); copy it again", reason=reason)


def _smallest_fast_size(size_wh: tuple[int, int], min_side: int | None) -> dict[str, int]:
    """The size to ask libjpeg for: a half, a quarter or an eighth, whichever still covers `min_side`.

    It scales by any eighth, but only these have fast code: 3/8 takes longer than 1/2.
    """
    width, height = size_wh
    for divisor in (8, 4, 2):
        if min_side is not None and max(size_wh) >= min_side * divisor:
            return {"min_width": -(-width // divisor), "min_height": -(-height // divisor)}
    return {}


def _decode_other(header: Image.Image) -> ImageRgb:
    """PNG, WebP, HEIC, and odd JPEGs, by Pillow, which refuses truncated files."""
    try:
        if header.mode.startswith("I"):  # 16 bits a channel: keep the upper eight
            return np.repeat(
                (np.asarray(header).astype(np.uint32) >> 8).astype(np.uint8)[..., None], 3, axis=2
            )
        # Pillow warns of the direct way from a palette to RGB.
        with_alpha = header.convert("RGBA") if header.mode == "P" else header
        return np.asarray(with_alpha.convert("RGB"))
    except _BROKEN as error:
        if "truncated" in str(error).lower() or "end of" in str(error).lower():
            raise PhotoError("truncated", CUT_OFF) from error
        raise PhotoError(
            "invalid_image", "the picture is damaged ({reason}); copy it again", reason=error
        ) from error
