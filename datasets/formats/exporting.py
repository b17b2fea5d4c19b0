"""Records of a dataset to another tool's format: complete, or not at all."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from streetsight.datasets.formats import coco, cvat, labelstudio, voc, yolo
from streetsight.datasets.formats.export import Export, ExportPhoto, Recorder, Writer, open_writer
from streetsight.datasets.formats.labels import ExchangeError, FormatName, Unreadable, UsageError
from streetsight.datasets.formats.photos import inspect_photo
from streetsight.datasets.formats.placing import clear_abandoned, drafts, place, refuse_existing
from streetsight.datasets.formats.sidecar import FILE_NAME, describe
from streetsight.datasets.groups import GroupError, read_grouped
from streetsight.datasets.licences import read_terms
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import LabelError, scan_sources
from streetsight.datasets.splits import Parts, read_split, split_by_group
from streetsight.models.taxonomy import Taxonomy

_WRITE: dict[FormatName, Callable[[Export, Writer], None]] = {
    "yolo": yolo.write,
    "coco": coco.write,
    "voc": voc.write,
    "cvat": cvat.write,
    "labelstudio": labelstudio.write,
}

Watch = Callable[[list[tuple[str, LabelRecord]]], Iterable[tuple[str, LabelRecord]]]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written: photos by part, boxes; and how many drafts of killed commands were cleared away."""

    photos: dict[str, int]
    boxes: int
    cleared: int


def chosen_records(
    dataset: Path,
    sources: frozenset[str] | None = None,
    part: str | None = None,
    split: Path | None = None,
    cache: PhotoCache | None = None,
) -> Parts:
    """Part -> records of a dataset, of these sources (None: all) and of this part (None: all).

    The whole dataset is split, as `streetsight dataset split` does it, so that a photo's part does not depend
    on what is chosen. Groups stay as they were given.

    Args:
        split: a split as CSV, instead of making one.
        cache: see `digest_photos`.

    Raises:
        ExchangeError: when a label file is missing or wrong: an export is complete or not at all.
        UsageError: for a source or part that is not there.
        SplitError: for a CSV that does not fit.
    """
    try:
        given = {record.image: record for record in scan_sources(dataset).records}
        records = read_grouped(dataset, cache)
    except (LabelError, GroupError) as error:
        raise ExchangeError("{reason}", reason=error) from error
    known = {record.source for record in records}
    if sources is not None and sources - known:
        missing, there = ", ".join(sorted(sources - known)), ", ".join(sorted(known))
        raise UsageError("no source {names} here; there are {known}", names=missing, known=there)
    parts = read_split(split, records) if split else split_by_group(records)
    unfit = [name for name in parts if not re.fullmatch(r"[\w-]+", name)]
    if unfit or (part is not None and part not in parts):
        there = ", ".join(parts)
        raise UsageError(
            "no part {part} here, or no name for a file; there are {known}",
            part=part or unfit[0],
            known=there,
        )
    return {
        name: [given[each.image] for each in some if sources is None or each.source in sources]
        for name, some in parts.items()
        if part in (None, name)
    }


def export_labels(
    parts: Mapping[str, Sequence[LabelRecord]], target: Path, form: FormatName, taxonomy: Taxonomy,
    classes: frozenset[str] | None = None, replace_existing: bool = False, watch: Watch = iter,
) -> ExportSummary:  # fmt: skip
    """Write records with their photos to a folder, or to an archive when `target` ends in .zip.

    Args:
        parts: name -> records.
        classes: keep only boxes of these; sources that label none of them are left out.
        watch: told of the photos that are gone through, for a progress bar.

    Raises:
        ExchangeError: nothing was written.
        UsageError: when nothing is chosen.
    """
    cleared = clear_abandoned(target.parent)
    refuse_existing(target, replace_existing)
    chosen = [(part, each) for part, records in parts.items() for each in _restricted(records, classes)]
    if not chosen:
        raise UsageError("nothing to export: no photo of these sources, parts and classes")
    chosen.sort(key=lambda each: (each[1].source, each[1].image.name))
    terms = {folder: read_terms(folder) for folder in {each.image.parent.parent for _, each in chosen}}
    photos = tuple(
        _read_photo(record, part, terms[record.image.parent.parent].of(record.image))
        for part, record in watch(chosen)
    )
    export = Export(photos, _descriptions(photos, classes), taxonomy)
    with drafts(target.parent) as folder:
        draft = folder / target.name
        with open_writer(draft, as_zip=target.suffix.lower() == ".zip") as writer:
            recorder = Recorder(writer)
            _WRITE[form](export, recorder)
            writer.text(FILE_NAME, describe(export, form, recorder.places))
        place([(draft, target)], folder)
    counts = {part: sum(photo.part == part for photo in photos) for part in parts}
    return ExportSummary(counts, sum(len(photo.record) for photo in photos), cleared)


def _restricted(records: Sequence[LabelRecord], classes: frozenset[str] | None) -> Sequence[LabelRecord]:
    if classes is None:
        return records
    kept = []
    for record in records:
        if record.labelled_classes & classes:
            inside = np.array([name in classes for name in record.class_names], dtype=bool)
            names = tuple(name for name in record.class_names if name in classes)
            boxes = record.boxes_cxcywh_norm[inside]
            labelled = record.labelled_classes & classes
            kept.append(
                replace(record, labelled_classes=labelled, class_names=names, boxes_cxcywh_norm=boxes)
            )
    return kept


def _read_photo(record: LabelRecord, part: str, licence: str) -> ExportPhoto:
    name = record.image.name
    if not name.isprintable():  # also surrogates: names that are no UTF-8
        raise ExchangeError(
            "{path}: other tools cannot take this file name; rename it", path=repr(str(record.image))
        )
    try:
        facts = inspect_photo(record.image.read_bytes())
    except (OSError, Unreadable) as error:
        message = "{path}: the photo cannot be read ({reason}); an export is complete or not at all"
        raise ExchangeError(message, path=record.image, reason=error) from error
    return ExportPhoto(record, part, licence, facts.upright_wh, facts.sha256)


def _descriptions(
    photos: tuple[ExportPhoto, ...], classes: frozenset[str] | None
) -> dict[str, dict[str, Any]]:
    """Source -> its SOURCE.json, with the classes that are exported."""
    found: dict[str, dict[str, Any]] = {}
    for photo in photos:
        record = photo.record
        if record.source not in found:
            path = record.image.parent.parent / "SOURCE.json"
            about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
            found[record.source] = {**about, "labelled_classes": sorted(record.labelled_classes)}
    return found
