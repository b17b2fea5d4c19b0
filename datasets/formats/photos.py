"""Photos of what is imported: finding the one a label speaks of, and its size, orientation and digest."""

import hashlib
import io
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from streetsight.datasets.formats.labels import Unreadable

MAX_PIXELS = 150_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")  # Pillow would open some fifty

# Pillow's own guard warns at a size of its choosing; ours is checked from the header before any decode.
Image.MAX_IMAGE_PIXELS = None

# What Pillow raises on damaged pictures and on a maker's broken EXIF.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What labels need to know of a photo.

    Attributes:
        stored_wh: width and height of the raster as stored, pixels.
        orientation: EXIF orientation 1-8, 1 when absent.
        sha256: of the file's bytes, hex.
    """

    stored_wh: tuple[int, int]
    orientation: int
    sha256: str

    @property
    def upright_wh(self) -> tuple[int, int]:
        """Width and height as shown, pixels."""
        return self.stored_wh[::-1] if self.orientation >= 5 else self.stored_wh


def inspect_photo(data: bytes) -> PhotoFacts:
    """Decode a photo, to be sure that it is whole, and say what it is.

    Raises:
        Unreadable: when it is no picture, damaged, cut off or too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of much that is harmless
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                size_wh, orientation = image.size, _orientation(image)
                if size_wh[0] * size_wh[1] > MAX_PIXELS:
                    raise _too_large(size_wh)
                image.draft("RGB", (1, 1))  # JPEG: an eighth of the size, yet every byte is looked at
                image.load()
        except Unreadable:
            raise
        except _BROKEN as error:
            raise Unreadable("not a whole JPEG, PNG or WebP picture ({reason})", reason=error) from error
    return PhotoFacts(size_wh, orientation, hashlib.sha256(data).hexdigest())


def _too_large(size_wh: tuple[int, int]) -> Unreadable:
    return Unreadable(
        "{width} x {height} pixels is more than the limit of {limit} megapixels; scale it down",
        width=size_wh[0], height=size_wh[1], limit=MAX_PIXELS // 1_000_000,
    )  # fmt: skip


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(xyxy: NDArray[np.float64], orientation: int) -> NDArray[np.float64]:
    """Boxes on the stored raster to boxes on the upright picture.

    Args:
        xyxy: (n, 4) float64, fractions of the stored raster.
        orientation: EXIF orientation 1-8 (CIPA DC-008, tag 0x0112).

    Returns:
        (n, 4) float64 xyxy, fractions of the upright picture.
    """
    x, y = xyxy[:, [0, 2]], xyxy[:, [1, 3]]
    turned_x, turned_y = {
        1: (x, y), 2: (1 - x, y), 3: (1 - x, 1 - y), 4: (x, 1 - y),
        5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x),
    }[orientation]  # fmt: skip
    turned_x, turned_y = np.sort(turned_x, axis=1), np.sort(turned_y, axis=1)
    return np.stack([turned_x[:, 0], turned_y[:, 0], turned_x[:, 1], turned_y[:, 1]], axis=1)


class PhotoIndex:
    """Finds the photo that a label file means, by the end of its path, whatever the tool put before it."""

    def __init__(self, photos: Iterable[str]) -> None:
        self.photos = tuple(photos)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for photo in self.photos:
            name = _parts(photo)[-1]
            self._by_name[name].append(photo)
            self._by_stem[PurePosixPath(name).stem].append(photo)

    def find(self, reference: str, beside: str = "", by_name: bool = False) -> str | None:
        """The photo, or None when there is none, or no telling which.

        Args:
            reference: path in the label file's words: relative, absolute, of another machine.
            beside: the label file; of several photos the one nearest to it is meant.
            by_name: folders in the reference mean nothing (an upload's path).
        """
        wanted = _parts(reference)
        if not wanted:
            return None
        candidates = self._by_name.get(wanted[-1], [])
        if not by_name:
            ending = [each for each in candidates if _parts(each)[-len(wanted) :] == wanted]
            held = [each for each in candidates if wanted[-len(_parts(each)) :] == _parts(each)]
            candidates = ending or held
        return _nearest(candidates, reference, beside)

    def with_stem(self, label_file: str) -> str | None:
        """The photo of the same stem, nearest to this label file."""
        return _nearest(self._by_stem.get(PurePosixPath(_parts(label_file)[-1]).stem, []), "", label_file)


def _parts(path: str) -> tuple[str, ...]:
    """Folders and name; spelling that differs by Unicode form or letter case is the same."""
    plain = unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()
    return tuple(part for part in plain.split("/") if part not in ("", ".", ".."))


def _nearest(candidates: list[str], reference: str, beside: str) -> str | None:
    """The candidate whose folders are most like those of `beside`, from either end; None for a tie."""
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    name, folders = reference.rpartition("/")[2], beside.split("/")[:-1]

    def closeness(photo: str) -> tuple[bool, int]:
        own = photo.split("/")
        return own[-1] == name, _shared(own[:-1], folders) + _shared(own[-2::-1], folders[::-1])

    first, second = sorted(candidates, key=closeness, reverse=True)[:2]
    return None if closeness(first) == closeness(second) else first


def _shared(a: list[str], b: list[str]) -> int:
    """How many parts two paths have in common from their beginning."""
    return next(
        (count for count, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
