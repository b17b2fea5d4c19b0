"""Groups where nobody gave any: near-duplicates are found and kept together."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from streetsight.datasets.digests import Advance, digest_photos
from streetsight.datasets.fingerprints import Fingerprint, fingerprint_photos
from streetsight.datasets.near_duplicates import clusters, near_duplicates
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import scan_sources
from streetsight.models.language import SpokenError

DIGEST_PREFIX = re.compile(r"[0-9a-f]{12,64}")


class GroupError(SpokenError):
    """A photo that needs a group cannot get one."""


def has_group(record: LabelRecord, sha256: str) -> bool:
    """Whether someone said what the photo belongs with; its own digest as a group says nothing."""
    own = DIGEST_PREFIX.fullmatch(record.group) and sha256.startswith(record.group)
    return bool(record.group) and not own


def find_groups(
    records: Sequence[LabelRecord], fingerprints: Sequence[Fingerprint | None], digests: Sequence[str]
) -> list[LabelRecord]:
    """Records in the given order, each with a group.

    A photo without one joins the group of its near-duplicates, and joins groups into one that it shows to be
    one place (transitively); alone, it is a group by itself. Groups that were given are otherwise left as
    they are, so that a split once made stays. Names depend on contents only, never on order or folder.

    Args:
        records: photos, some with group "".
        fingerprints: of each record; None where the photo cannot be decoded.
        digests: sha256 of each record's file.
    """
    given = np.array([has_group(*pair) for pair in zip(records, digests, strict=True)], bool)
    if given.all():
        return list(records)
    visible = [index for index, each in enumerate(fingerprints) if each is not None]
    pairs = near_duplicates([each for each in fingerprints if each is not None], ~given[visible])
    names = [
        record.group if known else f"near:{sha256[:12]}"
        for record, known, sha256 in zip(records, given, digests, strict=True)
    ]
    made = {name for name, known in zip(names, given, strict=True) if not known}
    twins = {sha256: f"near:{sha256[:12]}" for sha256 in digests}  # one content, one group, flat ones too
    joints = [(names[visible[i]], names[visible[j]]) for i, j in pairs]
    joints += [
        (name, twins[sha256]) for name, sha256 in zip(names, digests, strict=True) if twins[sha256] in made
    ]
    joined = clusters(sorted(names), joints)
    # Among the names of one cluster a given one comes first: it is what people know.
    name_of = {name: min(some, key=lambda each: (each in made, each)) for some in joined for name in some}
    return [replace(record, group=name_of[name]) for record, name in zip(records, names, strict=True)]


def read_grouped(
    root: Path, cache: PhotoCache | None = None, advance: Advance = lambda _: None
) -> list[LabelRecord]:
    """All records of a dataset folder, each with a group; photos are opened only where one is missing.

    Args:
        cache, advance: see `digest_photos`.

    Raises:
        LabelError: when there are no source folders.
        GroupError: when a file cannot be used, or a photo cannot be decoded and nobody gave its group.
    """
    scan = scan_sources(root)
    if scan.faults:
        raise GroupError(
            "{path}: {count} files cannot be used; `streetsight dataset check` lists them. "
            "The first: {reason}",
            path=root, count=len(scan.faults), reason=scan.faults[0],
        )  # fmt: skip
    records = list(scan.records)
    if all(record.group and not DIGEST_PREFIX.fullmatch(record.group) for record in records):
        return records
    digests = digest_photos([record.image for record in records], cache, advance=advance)
    fingerprints = fingerprint_photos(
        {path: each.sha256 for path, each in digests.of.items()}, cache, advance
    )
    unseen = digests.faults | fingerprints.faults
    for record in records:
        if record.image in unseen and not record.group:
            raise GroupError(
                "{path}: has no group and cannot be looked at ({reason}); give it a group or take it away",
                path=record.image, reason=unseen[record.image],
            )  # fmt: skip
    seen = [digests.of[record.image].sha256 if record.image in digests.of else "" for record in records]
    return find_groups(records, [fingerprints.of.get(record.image) for record in records], seen)
