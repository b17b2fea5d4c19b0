"""Leak-free splits: whole groups, stratified by class, deterministic by seed."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from streetsight.datasets.records import LabelRecord

DEFAULT_FRACTIONS = {"train": 0.75, "val": 0.10, "test": 0.15}


class LeakError(ValueError):
    """A group straddles two parts of a split."""


def split_by_group(
    records: Sequence[LabelRecord],
    fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> dict[str, list[LabelRecord]]:
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
    """
    if abs(sum(fractions.values()) - 1) > 1e-6:
        raise ValueError(f"fractions must sum to 1, got {dict(fractions)}")
    contents: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        contents[record.group].update(_strata(record))
    part_of = _deal(contents, fractions, seed)
    parts: dict[str, list[LabelRecord]] = {part: [] for part in fractions}
    for record in sorted(records, key=lambda each: (each.source, each.image.name)):
        parts[part_of[record.group]].append(record)
    return parts


def check_leak_free(parts: Mapping[str, Iterable[LabelRecord]]) -> None:
    """Refuse parts that share a group.

    Raises:
        LeakError: with the list of offending groups.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    for part, records in parts.items():
        for record in records:
            seen[record.group].add(part)
    offenders = sorted(group for group, where in seen.items() if len(where) > 1)
    if offenders:
        raise LeakError(
            f"{len(offenders)} groups straddle parts: {', '.join(offenders[:20])}; "
            "split again with `split_by_group`"
        )


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
