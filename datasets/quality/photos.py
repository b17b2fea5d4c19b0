"""Checks of photos: decodable, large enough, of a usual shape, showing something; and what is missing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from streetsight.datasets.fingerprints import Fingerprint, Fingerprints
from streetsight.datasets.near_duplicates import MIN_CONTRAST
from streetsight.datasets.quality.problems import Problem
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import photo_paths

SMALL_PX = 160
NARROW = 3.0  # longer side to shorter
RARE = 30  # boxes


def check_photos(fingerprints: Fingerprints) -> Iterator[Problem]:
    """Photos that cannot be decoded, and odd ones."""
    for path, reason in sorted(fingerprints.faults.items()):
        yield Problem("cannot be decoded ({reason})", "photo_unreadable", path, reason=reason)
    for path, each in sorted(fingerprints.of.items(), key=lambda pair: pair[0]):
        yield from _odd(path, each)


def check_sources(records: Sequence[LabelRecord], folders: Iterable[Path]) -> Iterator[Problem]:
    """What is missing: groups, photos of labels, boxes of classes."""
    of: dict[Path, list[LabelRecord]] = {folder: [] for folder in folders}
    for record in records:
        of[record.image.parent.parent].append(record)
    for folder, inside in of.items():
        alone = [record.image for record in inside if not record.group]
        if alone:
            yield Problem(
                "{count} of {all} photos have no group; a split will keep their near-duplicates together",
                "group_missing", folder / "groups.csv", photos=alone, count=len(alone), all=len(inside),
            )  # fmt: skip
        stems = {path.stem for path in photo_paths(folder)}
        for label in sorted((folder / "labels").glob("*.txt")):
            if label.stem not in stems:
                yield Problem("labels a photo that is not there", "photo_missing", label)
        labelled = {name for record in inside for name in record.labelled_classes}
        for name in sorted(labelled - {name for record in inside for name in record.class_names}):
            yield Problem(
                "looked for {name} in {count} photos and found none: negatives, or labels that were lost",
                "class_absent", folder / "SOURCE.json", name=name, count=len(inside),
            )  # fmt: skip


def check_rare(records: Sequence[LabelRecord]) -> Iterator[Problem]:
    """Classes with too few boxes to learn from or to judge by."""
    boxes = Counter(name for record in records for name in record.class_names)
    photos: dict[str, list[Path]] = defaultdict(list)
    for record in records:
        for name in set(record.class_names):
            photos[name].append(record.image)
    for name, count in sorted(boxes.items()):
        if count < RARE:
            folder = photos[name][0].parent.parent
            yield Problem(
                "{name} has {count} boxes in all; below {enough} neither learning nor judging is reliable",
                "class_rare", folder, photos=photos[name], name=name, count=count, enough=RARE,
            )  # fmt: skip


def _odd(path: Path, each: Fingerprint) -> Iterator[Problem]:
    width, height = each.size_wh
    if min(each.size_wh) < SMALL_PX:
        yield Problem(
            "{width} x {height} pixels", "photo_small", path, photos=[path], width=width, height=height
        )
    if max(each.size_wh) > NARROW * min(each.size_wh):
        yield Problem(
            "{width} x {height} pixels", "photo_narrow", path, photos=[path], width=width, height=height
        )
    if each.contrast < MIN_CONTRAST:
        yield Problem(
            "brightness varies by {contrast} of 255 grey levels", "photo_flat", path, photos=[path],
            contrast=round(each.contrast, 1),
        )  # fmt: skip
