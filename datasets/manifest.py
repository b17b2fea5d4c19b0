"""The manifest of a dataset version: one canonical text, whose sha256 is the version's address.

JSON lines: first what holds for all photos, then a line per photo. Keys, photos, boxes and labelled classes
are sorted and numbers have one spelling, so the same content gives the same bytes whatever the order it
was read in, the machine, or the folder it lies in.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = "streetsight-dataset-version/1"
ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
USUAL_PARTS = ("train", "val", "test")

Box = tuple[str, float, float, float, float]  # class name, then cx cy w h as fractions of the upright picture


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a version.

    Attributes:
        file: path below the dataset folder, with forward slashes.
        sha256, size: of the file, hex and bytes.
        labelled: classes looked for in it, sorted.
        boxes: sorted; the order of lines in a label file means nothing.
        licence: as its source states it.
    """

    part: str
    source: str
    file: str
    sha256: str
    size: int
    group: str
    labelled: tuple[str, ...]
    boxes: tuple[Box, ...]
    licence: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset version.

    Attributes:
        taxonomy: version of the taxonomy that the class names belong to.
        parts: their names, also of empty ones.
        origins: source -> where it comes from.
        photos: ordered by source and file.
    """

    taxonomy: str
    parts: tuple[str, ...]
    origins: dict[str, dict[str, str]]
    photos: tuple[Photo, ...]

    def encode(self) -> bytes:
        """The canonical text, UTF-8."""
        head = {
            "format": FORMAT,
            "taxonomy": self.taxonomy,
            "parts": sorted(self.parts, key=_usual_order),
            "origins": self.origins,
        }
        photos = sorted(self.photos, key=lambda photo: (photo.source, photo.file))
        return b"".join(_line(each) for each in (head, *map(_row, photos)))


def address_of(content: bytes) -> str:
    """The address of a version, from its canonical text."""
    return hashlib.sha256(content).hexdigest()


def decode(content: bytes) -> Manifest:
    """Read a canonical text.

    Raises:
        ValueError: for anything else, saying what was expected.
    """
    try:
        head, *rows = [json.loads(line) for line in content.decode("utf-8").splitlines()]
        if head["format"] != FORMAT:
            raise ValueError(f"expected the format {FORMAT}, got {head['format']}")
        photos = tuple(_photo(row) for row in rows)
        return Manifest(head["taxonomy"], tuple(head["parts"]), head["origins"], photos)
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected a manifest of the format {FORMAT} ({error!r})") from error


def canonical_boxes(class_names: Iterable[str], boxes_cxcywh_norm: NDArray[np.float32]) -> tuple[Box, ...]:
    """Boxes sorted, each number the shortest decimal that reads back as the same float32.

    Args:
        boxes_cxcywh_norm: (n, 4) float32.
    """
    return tuple(
        sorted((name, *sides) for name, sides in zip(class_names, _shortest(boxes_cxcywh_norm), strict=True))
    )


def _shortest(numbers: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    # Label files have six decimals: nearly always those six are it already.
    rounded = numbers.astype(np.float64).round(6)
    if not np.array_equal(rounded.astype(np.float32), numbers):
        rounded = np.array([float(str(each)) for each in numbers.ravel()]).reshape(numbers.shape)
    return [tuple(row) for row in (rounded + 0.0).tolist()]  # + 0.0: no minus zero


def _usual_order(part: str) -> tuple[int, str]:
    """Train, val and test first, then others by name."""
    return USUAL_PARTS.index(part) if part in USUAL_PARTS else len(USUAL_PARTS), part


def _row(photo: Photo) -> dict[str, Any]:
    return {name: getattr(photo, name) for name in Photo.__slots__}


def _photo(row: dict[str, Any]) -> Photo:
    boxes = tuple((str(box[0]), *map(float, box[1:])) for box in row.pop("boxes"))
    return Photo(**{**row, "labelled": tuple(row["labelled"]), "boxes": boxes})


def _line(content: dict[str, Any]) -> bytes:
    return f"{ENCODER.encode(content)}\n".encode()
