"""Read source folders: one collection of photos with YOLO labels, groups and a SOURCE.json.

    <source>/images/*.{jpg,jpeg,png,webp}  labels/*.txt  classes.txt  groups.csv (image,group)  SOURCE.json

Photos and their label files share a stem. `SOURCE.json` must list `labelled_classes`. A missing label file
is an error, an empty one says that nothing of the labelled classes is present.
"""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.models.language import SpokenError, translate
from streetsight.models.taxonomy import Language, Taxonomy, default_taxonomy

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

# Collections that were gathered together name their groups by one hash, so that the same
# photographer or place is recognised across them; other sources number groups for themselves.
SHARED_GROUP_LENGTH = 6


class LabelError(SpokenError):
    """A label file or source folder cannot be read as what it claims to be.

    Attributes:
        path: the file or folder at fault; the text begins with it.
        line: 1-based, where one line is at fault.
        reason: what is wrong, without the place.
    """

    def __init__(self, message: str, /, path: Path, line: int | None = None, **values: object) -> None:
        self.reason = SpokenError(message, **values)
        self.path, self.line = path, line
        if line is None:
            super().__init__("{path}: {reason}", path=path, reason=self.reason)
        else:
            super().__init__("{path}, line {line}: {reason}", path=path, line=line, reason=self.reason)

    def say(self, language: Language) -> str:
        values = {**self.values, "reason": self.reason.say(language)}
        return translate(self.message, language, **values)


@dataclass(frozen=True, slots=True)
class Scan:
    """What could be read of source folders, and what could not.

    Attributes:
        records: in order of source and image name; `group` is "" where none is given.
        faults: one per file that could not be used.
    """

    records: tuple[LabelRecord, ...]
    faults: tuple[LabelError, ...]


def read_sources(root: Path, taxonomy: Taxonomy | None = None) -> list[LabelRecord]:
    """All records of all source folders under `root/sources`, in order of source and image name.

    Raises:
        LabelError: naming the file, the line and what was expected.
    """
    return _all_or_error(scan_sources(root, taxonomy))


def read_source(folder: Path, taxonomy: Taxonomy | None = None) -> list[LabelRecord]:
    """The records of one source folder, ordered by image name.

    Raises:
        LabelError: naming the file, the line and what was expected.
    """
    return _all_or_error(scan_source(folder, taxonomy))


def scan_sources(root: Path, taxonomy: Taxonomy | None = None) -> Scan:
    """All that can be read under `root/sources`: a bad file costs only itself, and a group may be missing.

    Raises:
        LabelError: when there are no source folders at all.
    """
    folders = sorted(path for path in (root / "sources").glob("*") if path.is_dir())
    if not folders:
        raise LabelError("no source folders; expected <source>/images, /labels", path=root / "sources")
    scans = [scan_source(folder, taxonomy) for folder in folders]
    return Scan(
        tuple(record for scan in scans for record in scan.records),
        tuple(fault for scan in scans for fault in scan.faults),
    )


def scan_source(folder: Path, taxonomy: Taxonomy | None = None) -> Scan:
    """All that can be read of one source folder, ordered by image name."""
    try:
        names, labelled = _read_classes(folder, taxonomy or default_taxonomy())
        images = photo_paths(folder)
    except LabelError as error:
        return Scan((), (error,))
    records, faults = [], []
    try:
        groups = _read_groups(folder / "groups.csv")
    except LabelError as error:
        groups = {}
        faults.append(error)
    for image in images:
        try:
            class_ids, boxes = read_yolo_labels(label_path(image), len(names))
            records.append(
                LabelRecord(
                    image=image,
                    source=folder.name,
                    group=_group_key(folder.name, groups.get(image.stem, "")),
                    labelled_classes=labelled,
                    class_names=tuple(names[index] for index in class_ids),
                    boxes_cxcywh_norm=boxes,
                )
            )
        except LabelError as error:
            faults.append(error)
        except ValueError as error:  # the record contradicts its source
            faults.append(LabelError("{error}", path=label_path(image), error=error))
    return Scan(tuple(records), tuple(faults))


def label_path(image: Path) -> Path:
    """The label file of a photo in a source folder."""
    return image.parent.parent / "labels" / f"{image.stem}.txt"


def photo_paths(folder: Path) -> list[Path]:
    """The photos of one source folder, ordered by name.

    Raises:
        LabelError: when two of them would share a label file.
    """
    photos = sorted(
        path
        for path in (folder / "images").glob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    stems: dict[str, Path] = {}
    for path in photos:
        if stems.setdefault(path.stem, path) != path:
            raise LabelError(
                "{one} and {other} would share labels/{stem}.txt; rename one of them",
                path=folder, one=stems[path.stem].name, other=path.name, stem=path.stem,
            )  # fmt: skip
    return photos


def read_yolo_labels(path: Path, class_count: int) -> tuple[list[int], NDArray[np.float32]]:
    """Class indices and (n, 4) float32 cxcywh boxes (fractions) of one YOLO label file.

    Raises:
        LabelError: with file, line number and what was expected.
    """
    rows = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            index, box = int(fields[0]), [float(field) for field in fields[1:]]
        except ValueError:
            index, box = -1, []
        fractions = len(box) == 4 and all(0 <= side <= 1 for side in box)  # not NaN, not pixels
        if not fractions or not 0 <= index < class_count:
            raise LabelError(
                "expected a class index below {count} and four numbers (cx cy w h) from 0 to 1, got {text}",
                path=path, line=number, count=class_count, text=repr(line),
            )  # fmt: skip
        rows.append((index, box))
    boxes = np.array([box for _, box in rows], dtype=np.float32).reshape(-1, 4)
    return [index for index, _ in rows], boxes


def _read_groups(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    rows = csv.DictReader(io.StringIO(_read_text(path), newline=""))
    if not {"image", "group"} <= set(rows.fieldnames or ()):
        raise LabelError(
            "expected the columns image,group, got {columns}", path=path, columns=rows.fieldnames
        )
    return {Path(row["image"]).stem: row["group"] or "" for row in rows}


def _group_key(source: str, group: str) -> str:
    return group if not group or len(group) >= SHARED_GROUP_LENGTH else f"{source}:{group}"


def _all_or_error(scan: Scan) -> list[LabelRecord]:
    if scan.faults:
        raise scan.faults[0]
    for record in scan.records:
        if not record.group:
            path = record.image.parent.parent / "groups.csv"
            raise LabelError("no group for {photo}", path=path, photo=record.image.name)
    return list(scan.records)


def _read_classes(folder: Path, taxonomy: Taxonomy) -> tuple[list[str], frozenset[str]]:
    """Class names in order of their index, and which of them the source labels wherever they occur."""
    labelled = frozenset(_read_json(folder / "SOURCE.json")["labelled_classes"])
    names = _read_text(folder / "classes.txt").split()
    unknown = (labelled | set(names)) - set(taxonomy.names)
    if unknown:
        raise LabelError(
            "classes {names} are not in taxonomy version {version}",
            path=folder, names=sorted(unknown), version=taxonomy.version,
        )  # fmt: skip
    return names, labelled


def _read_json(path: Path) -> dict[str, list[str]]:
    try:
        content: dict[str, list[str]] = json.loads(_read_text(path))
        content["labelled_classes"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise LabelError(
            "expected JSON with a list `labelled_classes` ({error})", path=path, error=error
        ) from error
    return content


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LabelError("cannot be read as UTF-8 text ({reason})", path=path, reason=reason) from error
