"""Leak-free splits: whole groups, stratified by class, deterministic by seed."""

import csv
import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from streetsight.datasets.records import LabelRecord
from streetsight.models.language import SpokenError

DEFAULT_FRACTIONS = {"train": 0.75, "val": 0.10, "test": 0.15}
COLUMNS = ("source", "image", "group", "part")
MOST_NAMED = 20  # offenders that a message lists; the attribute has them all

Parts = dict[str, list[LabelRecord]]


class SplitError(SpokenError):
    """A split cannot be made or read."""


class LeakError(SplitError):
    """A group straddles two parts of a split.

    Attributes:
        offenders: group -> part -> its photos there.
    """

    def __init__(
        self, message: str, /, offenders: Mapping[str, Mapping[str, Sequence[Path]]], **values: object
    ) -> None:
        super().__init__(message, **values)
        self.offenders = offenders


def split_by_group(
    records: Sequence[LabelRecord],
    fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> Parts:
    """Cut records into parts so that every group is whole and every class has its share of boxes.

    Iterative stratification over groups instead of samples: the class with the fewest boxes left is
    dealt out first, its largest groups first, each to the part that wants that class most.
    (Sechidis, Tsoumakas, Vlahavas: On the Stratification of Multi-Label Data, 2011.)

    Args:
        records: any order; the result does not depend on it.
        fractions: part name -> share, summing to 1.
        seed: decides between equal candidates.

    Returns:
        part name -> its records, in order of source and image name.

    Raises:
        SplitError: for fractions that do not sum to 1, and for records without a group.
    """
    if abs(sum(fractions.values()) - 1) > 1e-6:
        raise SplitError("fractions must sum to 1, got {given}", given=dict(fractions))
    alone = [record.image.name for record in records if not record.group]
    if alone:
        raise SplitError(
            "{count} photos have no group: {names}; find groups before splitting",
            count=len(alone), names=", ".join(some(alone)),
        )  # fmt: skip
    contents: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        contents[record.group].update(_strata(record))
    part_of = _deal(contents, fractions, seed)
    parts: Parts = {part: [] for part in fractions}
    for record in sorted(records, key=lambda each: (each.source, each.image.name)):
        parts[part_of[record.group]].append(record)
    return parts


def check_leak_free(parts: Mapping[str, Iterable[LabelRecord]]) -> None:
    """Refuse parts that share a group.

    Raises:
        LeakError: with the list of offending groups.
    """
    photos: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for part, records in parts.items():
        for record in records:
            photos[record.group][part].append(record.image)
    offenders = {group: dict(where) for group, where in sorted(photos.items()) if len(where) > 1}
    if offenders:
        photos_of = [
            f"{group} ({part}: {', '.join(some([path.name for path in paths]))})"
            for group, where in offenders.items()
            for part, paths in where.items()
        ]
        raise LeakError(
            "{count} groups straddle parts: {groups}; split again with `streetsight dataset split`, or give "
            "each group one part:\n  {photos}",
            offenders, count=len(offenders), groups=", ".join(some(list(offenders))),
            photos="\n  ".join(some(photos_of)),
        )  # fmt: skip


def write_split(parts: Mapping[str, Iterable[LabelRecord]]) -> str:
    """A split as CSV: source, image, group, part; a row per photo in order of source and image name."""
    rows = [
        (each.source, each.image.name, each.group, part)
        for part, records in parts.items()
        for each in records
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *sorted(rows)])
    return text.getvalue()


def read_split(path: Path, records: Sequence[LabelRecord]) -> Parts:
    """Records dealt out as a CSV says: image and part, and source where image names repeat.

    Photos are matched by file name, with or without suffix.

    Raises:
        SplitError: naming the file, the line or the photos, and what was expected.
        LeakError: when a group straddles parts.
    """
    part_of = _read_parts(path)
    parts: Parts = {}
    lost = []
    used = set()
    for record in sorted(records, key=lambda each: (each.source, each.image.name)):
        keys = [(record.source, record.image.stem), ("", record.image.stem)]
        key = next((each for each in keys if each in part_of), None)
        if key is None:
            lost.append(f"{record.source}/{record.image.name}")
            continue
        used.add(key)
        parts.setdefault(part_of[key], []).append(record)
    if lost:
        raise SplitError(
            "{path}: {count} photos have no part there: {names}",
            path=path, count=len(lost), names=", ".join(some(lost)),
        )  # fmt: skip
    strangers = sorted("/".join(filter(None, key)) for key in part_of.keys() - used)
    if strangers:
        raise SplitError(
            "{path}: {count} rows name photos that are not in the dataset: {names}",
            path=path, count=len(strangers), names=", ".join(some(strangers)),
        )  # fmt: skip
    check_leak_free(parts)
    return parts


def _read_parts(path: Path) -> dict[tuple[str, str], str]:
    """(source or "", stem) -> part."""
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(
            "{path}: cannot be read as UTF-8 text ({reason})", path=path, reason=error
        ) from error
    if not {"image", "part"} <= set(rows.fieldnames or ()):
        raise SplitError(
            "{path}: expected the columns image,part, got {columns}", path=path, columns=rows.fieldnames
        )
    part_of: dict[tuple[str, str], str] = {}
    for row in rows:
        key = ((row.get("source") or "").strip(), Path(row["image"] or "").stem)
        part = (row["part"] or "").strip()
        if not key[1] or not part:
            raise SplitError(
                "{path}, line {line}: expected an image and a part", path=path, line=rows.line_num
            )
        if part_of.setdefault(key, part) != part:
            raise SplitError(
                "{path}, line {line}: {image} is in {one} and in {other}",
                path=path, line=rows.line_num, image=row["image"], one=part_of[key], other=part,
            )  # fmt: skip
    return part_of


def some(names: Sequence[str]) -> list[str]:
    """The first of a long list, and how many more."""
    left = len(names) - MOST_NAMED
    return [*names[:MOST_NAMED], f"+{left}"] if left > 0 else list(names)


def _strata(record: LabelRecord) -> Counter[str]:
    """What a record counts for: its boxes by class, and itself by source (photos without boxes too)."""
    return Counter(record.class_names) + Counter({f"source:{record.source}": 1})


def _deal(contents: Mapping[str, Counter[str]], fractions: Mapping[str, float], seed: int) -> dict[str, str]:
    totals: Counter[str] = sum(contents.values(), Counter())
    wanted = {
        part: {stratum: share * count for stratum, count in totals.items()}
        for part, share in fractions.items()
    }
    left, remaining = dict(totals), set(contents)
    part_of: dict[str, str] = {}
    while remaining:
        stratum = min((s for s in left if left[s] > 0), key=lambda s: (left[s], s))
        holders = [group for group in remaining if contents[group][stratum]]
        holders.sort(key=lambda group: (-contents[group][stratum], _order(group, seed)))
        for group in holders:
            # fsum: a plain sum depends on the order of the strata, hence on that of the records
            part = max(wanted, key=lambda p: (wanted[p][stratum], math.fsum(wanted[p].values())))
            part_of[group] = part
            remaining.discard(group)
            for each, count in contents[group].items():
                wanted[part][each] -= count
                left[each] -= count
    return part_of


def _order(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{group}".encode()).hexdigest()
