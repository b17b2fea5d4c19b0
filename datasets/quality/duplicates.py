"""Checks between photos: copies and near-duplicates that leak, or contradict each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from streetsight.datasets.fingerprints import Fingerprint
from streetsight.datasets.groups import has_group
from streetsight.datasets.manifest import canonical_boxes
from streetsight.datasets.near_duplicates import clusters, near_duplicates
from streetsight.datasets.quality.problems import Problem
from streetsight.datasets.records import LabelRecord

ONE_PICTURE = 0.985

Parts = Mapping[Path, str]  # photo -> its part; empty where no split is given


def check_copies(
    records: Sequence[LabelRecord], digests: Mapping[Path, str], parts: Parts
) -> Iterator[Problem]:
    """Files with one content."""
    copies: dict[str, list[LabelRecord]] = defaultdict(list)
    for record in records:
        if record.image in digests:
            copies[digests[record.image]].append(record)
    for sha256, same in copies.items():
        if len(same) < 2:
            continue
        first, *others = (record.image for record in same)
        names = ", ".join(f"{each.parent.parent.name}/{each.name}" for each in others)
        photos = [first, *others]
        if any(_differ(one, other) for one in same for other in same):
            yield Problem(
                "is the same file as {names}, with other labels", "duplicate_contradicts", first,
                photos=photos, names=names,
            )  # fmt: skip
        places = _parts(same, parts) or _groups((record, sha256) for record in same)
        if len(places) > 1:
            yield Problem(
                "is the same file as {names}, but they are in {places}", "duplicate_apart", first,
                photos=photos, names=names, places=", ".join(places),
            )  # fmt: skip
        else:
            yield Problem("is the same file as {names}", "duplicate", first, photos=photos, names=names)


def check_near_duplicates(
    records: Sequence[LabelRecord], fingerprints: Mapping[Path, Fingerprint], parts: Parts
) -> Iterator[Problem]:
    """Different files of one picture."""
    seen = [record for record in records if record.image in fingerprints]
    prints = [fingerprints[record.image] for record in seen]
    pairs = [(i, j) for i, j in near_duplicates(prints) if prints[i].sha256 != prints[j].sha256]
    for some in clusters(sorted({index for pair in pairs for index in pair}), pairs):
        members = [seen[index] for index in some]
        photos = [record.image for record in members]
        names = ", ".join(f"{each.parent.parent.name}/{each.name}" for each in photos[1:])
        torn = _parts(members, parts)
        places = torn or _groups((seen[index], prints[index].sha256) for index in some)
        if len(places) > 1:
            yield Problem(
                "shows the same as {names}, but they are in {places}",
                "near_duplicate_leaks" if torn else "near_duplicate_apart",
                photos[0], photos=photos, names=names, places=", ".join(places),
            )  # fmt: skip
    # Two stretches of one road can look alike and differ in their cracks: this takes closer likeness.
    close = sorted({index for pair in pairs for index in pair})
    for i, j in near_duplicates([prints[index] for index in close], min_correlation=ONE_PICTURE):
        one, other = seen[close[i]], seen[close[j]]
        names_of = [
            set(each.class_names) & one.labelled_classes & other.labelled_classes for each in (one, other)
        ]
        for name in sorted(names_of[0] ^ names_of[1]):
            there, missing = (one, other) if name in names_of[0] else (other, one)
            yield Problem(
                "shows the same as {other}, but only that one has {name}", "near_duplicate_contradicts",
                missing.image, photos=[missing.image, there.image], name=name,
                other=f"{there.source}/{there.image.name}",
            )  # fmt: skip


def _parts(records: Iterable[LabelRecord], parts: Parts) -> list[str]:
    """The parts that these are in, where they are in more than one."""
    found = sorted({parts[record.image] for record in records if record.image in parts})
    return found if len(found) > 1 else []


def _groups(photos: Iterable[tuple[LabelRecord, str]]) -> list[str]:
    """The groups that these were given; a photo without one is nowhere yet."""
    return sorted({record.group for record, sha256 in photos if has_group(record, sha256)})


def _differ(one: LabelRecord, other: LabelRecord) -> bool:
    shared = one.labelled_classes & other.labelled_classes
    mine, theirs = (
        [box for box in canonical_boxes(each.class_names, each.boxes_cxcywh_norm) if box[0] in shared]
        for each in (one, other)
    )
    return mine != theirs
