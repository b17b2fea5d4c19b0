"""`streetsight.json` beside every export: what the format cannot carry, so that our own import loses nothing.

It names each photo's source, group and digest, each source's description, and, for formats that round, the
exact boxes. Labels are always read from the format itself, so that what was edited since counts.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streetsight.datasets.formats.export import Export, ExportPhoto
from streetsight.datasets.formats.labels import ExchangeError, FormatName, Unreadable
from streetsight.datasets.formats.trees import Tree, read_text

FILE_NAME = "streetsight.json"


class SidecarPhoto(BaseModel):
    """One photo of an export."""

    model_config = ConfigDict(extra="forbid")

    file: str
    source: str
    group: str
    part: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    exact_boxes_cxcywh_norm: list[tuple[float, float, float, float]] | None = None

    def exact_boxes(self) -> NDArray[np.float32] | None:
        """(n, 4) float32 cxcywh fractions, where the format rounded them."""
        if self.exact_boxes_cxcywh_norm is None:
            return None
        return np.array(self.exact_boxes_cxcywh_norm, dtype=np.float32).reshape(-1, 4)


class Sidecar(BaseModel):
    """What an export says of itself."""

    model_config = ConfigDict(extra="forbid")

    streetsight_export: int = Field(default=1, ge=1, le=1)
    format: FormatName
    taxonomy_version: str
    sources: dict[str, dict[str, object]]
    photos: list[SidecarPhoto]

    def labelled_classes(self, source: str) -> frozenset[str]:
        """Classes that a source labelled wherever they occur."""
        listed = self.sources[source].get("labelled_classes")
        return frozenset(str(each) for each in listed) if isinstance(listed, list) else frozenset()


@dataclass(frozen=True, slots=True)
class FoundSidecar:
    """A sidecar, and the folder it lies in: "" or a path with a slash at its end."""

    content: Sidecar
    folder: str


def describe(export: Export, form: FormatName, places: list[tuple[str, ExportPhoto]]) -> str:
    """The sidecar's text."""
    return Sidecar(
        format=form,
        taxonomy_version=export.taxonomy.version,
        sources={name: dict(about) for name, about in export.about.items()},
        photos=[
            SidecarPhoto(
                file=path,
                source=photo.record.source,
                group=photo.record.group,
                part=photo.part,
                sha256=photo.sha256,
                exact_boxes_cxcywh_norm=[
                    (float(x), float(y), float(w), float(h)) for x, y, w, h in photo.record.boxes_cxcywh_norm
                ]
                if form == "voc"
                else None,
            )
            for path, photo in places
        ],
    ).model_dump_json(indent=1, exclude_none=True)


def read_sidecar(tree: Tree) -> FoundSidecar | None:
    """The sidecar of a tree, or None when there is none.

    Raises:
        ExchangeError: when there is one that cannot be used.
    """
    name = next((each for each in tree.files if PurePosixPath(each).name == FILE_NAME), None)
    if name is None:
        return None
    try:
        sidecar = Sidecar.model_validate_json(read_text(tree, name))
    except (ValidationError, Unreadable) as error:
        reason = re.sub(r"\s+", " ", str(error))[:300]
        message = "{file}: cannot be read by this version ({reason}); export again, or add --ignore-sidecar"
        raise ExchangeError(message, file=name, reason=reason) from error
    return FoundSidecar(sidecar, name[: -len(FILE_NAME)])
