"""What is exported, and where it is written to: a folder or a zip archive, whole or not at all."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.manifest import USUAL_PARTS
from streetsight.datasets.records import LabelRecord
from streetsight.models.taxonomy import Taxonomy

_DATE = (2020, 1, 1, 0, 0, 0)  # the same dataset exports to the same bytes


@dataclass(frozen=True, slots=True)
class ExportPhoto:
    """One photo with its labels.

    Attributes:
        part: train, val, test, or as a split names it.
        licence: of the photo, as its source states it.
        size_wh: of the upright picture, pixels.
        sha256: of the file's bytes, hex.
    """

    record: LabelRecord
    part: str
    licence: str
    size_wh: tuple[int, int]
    sha256: str

    @property
    def inner(self) -> str:
        """`<source>/<name>`, unique within a dataset."""
        return f"{self.record.source}/{self.record.image.name}"

    def boxes_xyxy_px(self) -> NDArray[np.float64]:
        """(n, 4) float64 xyxy, pixels of the upright picture."""
        return corners_px(self.record.boxes_cxcywh_norm, self.size_wh)


@dataclass(frozen=True, slots=True)
class Export:
    """What a format writes.

    Attributes:
        photos: in order of source and name.
        about: source -> its SOURCE.json.
    """

    photos: tuple[ExportPhoto, ...]
    about: dict[str, dict[str, Any]]
    taxonomy: Taxonomy

    @property
    def parts(self) -> dict[str, list[ExportPhoto]]:
        """Part -> its photos, for parts that have any; train, val and test first."""
        present = {photo.part for photo in self.photos}
        order = [*(part for part in USUAL_PARTS if part in present), *sorted(present - set(USUAL_PARTS))]
        return {part: [photo for photo in self.photos if photo.part == part] for part in order}


class Writer(Protocol):
    """Takes files by relative path."""

    def photo(self, photo: ExportPhoto, path: str) -> None:
        """Put the photo there, byte for byte."""

    def text(self, path: str, text: str) -> None:
        """Put a UTF-8 text there."""


class FolderWriter:
    """Writes below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def photo(self, photo: ExportPhoto, path: str) -> None:
        shutil.copyfile(photo.record.image, self._place(path))

    def text(self, path: str, text: str) -> None:
        self._place(path).write_text(text, encoding="utf-8", newline="\n")

    def _place(self, path: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


class ZipWriter:
    """Writes into an archive: photos stored, since they do not shrink, texts deflated."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive

    def photo(self, photo: ExportPhoto, path: str) -> None:
        with photo.record.image.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            with self.archive.open(_entry(path, zipfile.ZIP_STORED, size), "w") as target:
                shutil.copyfileobj(source, target)

    def text(self, path: str, text: str) -> None:
        self.archive.writestr(_entry(path, zipfile.ZIP_DEFLATED), text.encode("utf-8"))


@contextmanager
def open_writer(draft: Path, as_zip: bool) -> Iterator[Writer]:
    """A writer into a new folder or archive at `draft`."""
    if as_zip:
        with zipfile.ZipFile(draft, "x", allowZip64=True) as archive:
            yield ZipWriter(archive)
    else:
        draft.mkdir()
        yield FolderWriter(draft)


class Recorder:
    """Remembers where each photo was put, for the sidecar."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.places: list[tuple[str, ExportPhoto]] = []

    def photo(self, photo: ExportPhoto, path: str) -> None:
        self.writer.photo(photo, path)
        self.places.append((path, photo))

    def text(self, path: str, text: str) -> None:
        self.writer.text(path, text)


def corners_px(boxes_cxcywh_norm: NDArray[np.float32], size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 4) float32 cxcywh fractions to (n, 4) float64 xyxy pixels, so exact that the same come back."""
    boxes = boxes_cxcywh_norm.astype(np.float64)
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    pixels: NDArray[np.float64] = np.concatenate([low, high], axis=1) * np.tile(size_wh, 2)
    return pixels


def to_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def rounded(values: NDArray[np.float64]) -> list[Any]:
    """As lists, without the noise of the last bits: 12 decimals tell any two float32 fractions apart."""
    plain: list[Any] = (np.round(values, 12) + 0.0).tolist()  # + 0.0: no "-0.0"
    return plain


def _entry(path: str, compression: int, size: int = 0) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _DATE)
    entry.compress_type, entry.file_size = compression, size  # the size decides on Zip64
    entry.external_attr = 0o644 << 16
    return entry
