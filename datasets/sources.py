"""Read source folders: one collection of photos with YOLO labels, groups and a SOURCE.json.

    <source>/images/*.jpg  labels/*.txt  classes.txt  groups.csv (image,group)  SOURCE.json

`SOURCE.json` must list `labelled_classes`. A missing label file is an error, an empty one says that
nothing of the labelled classes is present.
"""

import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.models.taxonomy import Taxonomy, default_taxonomy

# Collections that were gathered together name their groups by one hash, so that the same
# photographer or place is recognised across them; other sources number groups for themselves.
SHARED_GROUP_LENGTH = 6


class LabelError(ValueError):
    """A label file or source folder cannot be read as what it claims to be."""


def read_sources(root: Path, taxonomy: Taxonomy | None = None) -> list[LabelRecord]:
    """All records of all source folders under `root/sources`, in order of source and image name.

    Raises:
        LabelError: naming the file, the line and what was expected.
    """
    folders = sorted(path for path in (root / "sources").glob("*") if path.is_dir())
    if not folders:
        raise LabelError(f"{root / 'sources'}: no source folders; expected <source>/images, /labels")
    return [record for folder in folders for record in read_source(folder, taxonomy)]


def read_source(folder: Path, taxonomy: Taxonomy | None = None) -> list[LabelRecord]:
    """The records of one source folder, ordered by image name.

    Raises:
        LabelError: naming the file, the line and what was expected.
    """
    taxonomy = taxonomy or default_taxonomy()
    labelled = frozenset(_read_json(folder / "SOURCE.json")["labelled_classes"])
    names = _read_text(folder / "classes.txt").split()
    unknown = (labelled | set(names)) - set(taxonomy.names)
    if unknown:
        raise LabelError(
            f"{folder}: classes {sorted(unknown)} are not in taxonomy version {taxonomy.version}"
        )
    groups = _read_groups(folder / "groups.csv")
    records = []
    for image in sorted((folder / "images").glob("*.jpg")):
        class_ids, boxes = read_yolo_labels(folder / "labels" / f"{image.stem}.txt", len(names))
        records.append(
            LabelRecord(
                image=image,
                source=folder.name,
                group=_group_key(folder.name, groups, image.name),
                labelled_classes=labelled,
                class_names=tuple(names[index] for index in class_ids),
                boxes_cxcywh_norm=boxes,
            )
        )
    return records


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
                f"{path}, line {number}: expected a class index below {class_count} and four "
                f"numbers (cx cy w h) from 0 to 1, got {line!r}"
            )
        rows.append((index, box))
    boxes = np.array([box for _, box in rows], dtype=np.float32).reshape(-1, 4)
    return [index for index, _ in rows], boxes


def _read_groups(path: Path) -> dict[str, str]:
    rows = csv.DictReader(_read_text(path).splitlines())
    if not {"image", "group"} <= set(rows.fieldnames or ()):
        raise LabelError(f"{path}: expected the columns image,group, got {rows.fieldnames}")
    return {Path(row["image"]).stem: row["group"] or "" for row in rows}


def _group_key(source: str, groups: dict[str, str], image: str) -> str:
    group = groups.get(Path(image).stem, "")
    if not group:
        raise LabelError(f"{source}/groups.csv has no group for {image}")
    return group if len(group) >= SHARED_GROUP_LENGTH else f"{source}:{group}"


def _read_json(path: Path) -> dict[str, list[str]]:
    try:
        content: dict[str, list[str]] = json.loads(_read_text(path))
        content["labelled_classes"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise LabelError(f"{path}: expected JSON with a list `labelled_classes` ({error})") from error
    return content


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{path}: cannot be read as UTF-8 text ({error})") from error
