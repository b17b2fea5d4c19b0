"""Labels as COCO: a document with photos by sha256, or an archive that `streetsight dataset import` takes."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from streetsight.datasets.formats import coco
from streetsight.datasets.formats.export import Export, ExportPhoto
from streetsight.datasets.formats.sidecar import FILE_NAME, describe
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.files.blobs import Blobs
from streetsight.service.labels.photos import PART, Labelled, Labels


class _Draft:
    """Takes what a format writes: texts as they are, photos by name only."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.places: list[tuple[str, ExportPhoto]] = []

    def photo(self, photo: ExportPhoto, path: str) -> None:
        self.places.append((path, photo))

    def text(self, path: str, text: str) -> None:
        self.texts[path] = text


class _Sink:
    """What an archive is written into; keeps only what was not taken out yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def document(labels: Labels) -> dict[str, Any]:
    """COCO, with more of each photo: its sha256, its frame, and the boxes where nothing was."""
    draft = _draft(labels)
    content: dict[str, Any] = json.loads(draft.texts[_ANNOTATIONS]) if labels.photos else _empty()
    by_digest = {each.photo.sha256: each for each in labels.photos}
    for image in content["images"]:
        labelled = by_digest[image["file_name"].rpartition("/")[2].partition(".")[0]]
        image |= {"sha256": labelled.photo.sha256, "frame_id": labelled.frame_id}
    content["negatives"] = [each for image in content["images"] for each in _negatives(image, by_digest)]
    content["undecided_frames"] = labels.undecided
    return content


def archive(labels: Labels, blobs: Blobs) -> Iterator[bytes]:
    """A zip archive with the originals, as it is made; a photo at a time is in memory."""
    draft, sink = _draft(labels), _Sink()
    with zipfile.ZipFile(sink, "w", allowZip64=True) as made:
        for path, text in draft.texts.items():
            made.writestr(path, text.encode(), zipfile.ZIP_DEFLATED)
        yield sink.taken()
        for path, photo in draft.places:
            with made.open(zipfile.ZipInfo(path), "w", force_zip64=True) as target:
                for part in blobs.stream(photo.sha256):
                    target.write(part)
                    yield sink.taken()
    yield sink.taken()


def write_folder(
    labels: Labels, blobs: Blobs, folder: Path, going_on: Callable[[], object] = lambda: None
) -> None:
    """The same as `archive` in a folder of its own; `going_on` is called for every photo."""
    draft = _draft(labels)
    for path, text in draft.texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for path, photo in draft.places:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("wb") as target:
            for part in blobs.stream(photo.sha256):
                target.write(part)
        going_on()


_ANNOTATIONS = f"annotations/instances_{PART}.json"


def _draft(labels: Labels) -> _Draft:
    photos = sorted((each.photo for each in labels.photos), key=lambda each: each.inner)
    sources = {each.record.source: each.record.labelled_classes for each in photos}
    about = {
        name: {"name": name, "license": "unstated", "labelled_classes": sorted(classes),
               "origin": "decisions of people about candidates"}
        for name, classes in sources.items()
    }  # fmt: skip
    export, draft = Export(tuple(photos), about, default_taxonomy()), _Draft()
    coco.write(export, draft)
    draft.text(FILE_NAME, describe(export, "coco", draft.places))
    return draft


def _empty() -> dict[str, Any]:
    return {"images": [], "annotations": [], "categories": []}


def _negatives(image: dict[str, Any], by_digest: dict[str, Labelled]) -> Iterator[dict[str, Any]]:
    """Boxes that the detector drew and where, by a person's word, nothing of the class is."""
    taxonomy = default_taxonomy()
    for mark in by_digest[image["sha256"]].marks:
        if mark.known and mark.detected and mark.detected_box and mark.said != mark.detected:
            x1, y1, x2, y2 = mark.detected_box
            yield {
                "image_id": image["id"], "category_id": taxonomy[mark.detected].id,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "reason": mark.reason or "corrected",
                "candidate_id": mark.candidate_id,
            }  # fmt: skip
