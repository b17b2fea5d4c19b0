"""Tiny rendered photos and imports of what a test writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from streetsight.datasets.classes import read_class_map
from streetsight.datasets.formats.importing import import_labels
from streetsight.datasets.formats.request import ImportRequest, ImportSummary
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import scan_source
from streetsight.models.taxonomy import default_taxonomy

PhotoMaker = Callable[..., Path]
Importer = Callable[..., "Imported"]


class Imported:
    """A summary, and the records that were written."""

    def __init__(self, summary: ImportSummary, folder: Path) -> None:
        self.summary, self.folder = summary, folder
        scan = scan_source(folder)
        assert not scan.faults
        self.records = {record.image.name: record for record in scan.records}

    def boxes(self, name: str) -> list[tuple[str, list[float]]]:
        """(class, left, top, right, bottom as fractions) of one photo."""
        record: LabelRecord = self.records[name]
        cxcywh = record.boxes_cxcywh_norm.astype(float)
        corners = np.concatenate(
            [cxcywh[:, :2] - cxcywh[:, 2:] / 2, cxcywh[:, :2] + cxcywh[:, 2:] / 2], axis=1
        )
        rows = np.round(corners, 5).tolist()
        return list(zip(record.class_names, rows, strict=True))

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return [(each.file, each.place, str(each)) for _, each in self.summary.problems]


@pytest.fixture
def photo() -> PhotoMaker:
    """Writes a picture of its own colour; `orientation` is put into EXIF."""

    def make(path: Path, size_wh: tuple[int, int] = (100, 50), orientation: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(str(path).encode()[-3:])
        exif = Image.Exif()
        if orientation != 1:
            exif[0x0112] = orientation
        Image.new("RGB", size_wh, colour).save(path, exif=exif)
        return path

    return make


@pytest.fixture
def import_from(tmp_path: Path) -> Importer:
    """Imports a path as the source "town", with any fields of ImportRequest."""

    def run(path: Path, *rules: str, **fields: Any) -> Imported:
        dataset = tmp_path / "dataset"
        classes = read_class_map(rules, default_taxonomy())
        request = ImportRequest(path=path, dataset=dataset, classes=classes, **{"name": "town", **fields})
        return Imported(import_labels(request), dataset / "sources" / "town")

    return run
