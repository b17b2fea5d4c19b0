"""Write one source folder in our own layout, photo by photo, somewhere it is not looked for yet."""

import csv
import json
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetsight.models.taxonomy import Taxonomy

_UNFIT = re.compile(r"[\x00-\x1f\x7f/\\]")
_LONGEST_STEM_BYTES = 200  # file systems take 255 with the suffix


@dataclass(slots=True)
class SourceDraft:
    """A source folder that is being written.

    Attributes:
        classes: names of the label files' indices.
    """

    folder: Path
    classes: tuple[str, ...]
    boxes: Counter[str] = field(default_factory=Counter)
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for part in ("images", "labels"):
            (self.folder / part).mkdir(parents=True)

    def add(
        self, name: str, data: bytes, link_to: Path | None, class_names: tuple[str, ...],
        boxes_cxcywh_norm: NDArray[np.float32], group: str, original: str,
    ) -> None:  # fmt: skip
        """One photo with its labels; the photo is a hard link where one was asked for and is possible."""
        put_photo(self.folder / "images" / name, data, link_to)
        rows = zip(class_names, boxes_cxcywh_norm, strict=True)
        # str of a float32 is the shortest text that reads back as the same float32
        lines = [" ".join([str(self.classes.index(each)), *map(str, box)]) + "\n" for each, box in rows]
        (self.folder / "labels" / f"{PurePosixPath(name).stem}.txt").write_text(
            "".join(lines), encoding="utf-8"
        )
        self.boxes.update(class_names)
        self.rows.append((name, group, original))

    def finish(self, about: dict[str, Any]) -> None:
        """The files that describe the folder; counts in `about` are brought up to date."""
        with (self.folder / "groups.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("image", "group", "original"))
            writer.writerows(self.rows)
        (self.folder / "classes.txt").write_text(
            "".join(f"{each}\n" for each in self.classes), encoding="utf-8"
        )
        counts = {
            "images": len(self.rows),
            "groups": len({row[1] for row in self.rows}),
            "boxes": dict(self.boxes),
        }
        text = json.dumps({**about, **counts}, ensure_ascii=False, indent=1)
        (self.folder / "SOURCE.json").write_text(f"{text}\n", encoding="utf-8")


def put_photo(target: Path, data: bytes, link_to: Path | None) -> None:
    """Write the bytes, or link to the file that holds them."""
    if link_to is not None:
        try:
            os.link(link_to, target)
        except OSError:  # another disc, or a file system without links
            link_to = None
    if link_to is None:
        target.write_bytes(data)


def in_taxonomy_order(names: Iterable[str], taxonomy: Taxonomy) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: taxonomy[name].id))


def names_for(photos: Iterable[str]) -> dict[str, str]:
    """Path -> file name within one folder, such that no two photos share a label file.

    A name that occurs once is kept; photos of the same stem are told apart by their folders. Case does not
    tell names apart, since on some file systems it does not.
    """
    photos = sorted(photos)
    by_stem: dict[str, list[str]] = defaultdict(list)
    for photo in photos:
        by_stem[_key(_fit(PurePosixPath(photo).name))].append(photo)
    names = {photo: _fit(PurePosixPath(photo).name) for photo in photos}
    for same in by_stem.values():
        if len(same) > 1:
            names.update({photo: _fit(photo) for photo in same})
    taken: set[str] = set()
    for photo in photos:
        first, number = PurePosixPath(names[photo]), 1
        while _key(names[photo]) in taken:
            number += 1
            names[photo] = f"{first.stem}-{number}{first.suffix}"
        taken.add(_key(names[photo]))
    return names


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", PurePosixPath(name).stem).casefold()


def _fit(path: str) -> str:
    """A file name from a path."""
    plain = PurePosixPath(_UNFIT.sub("_", path))
    stem = plain.stem.encode("utf-8", "replace")[-_LONGEST_STEM_BYTES:].decode("utf-8", "ignore")
    return f"{stem}{plain.suffix}"
