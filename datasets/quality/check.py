"""One check of a whole dataset: every file counts, and a bad one costs only itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streetsight.datasets.digests import Advance, digest_photos
from streetsight.datasets.fingerprints import Fingerprints, fingerprint_photos
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.quality.boxes import check_boxes, check_classes
from streetsight.datasets.quality.duplicates import check_copies, check_near_duplicates
from streetsight.datasets.quality.photos import check_photos, check_rare, check_sources
from streetsight.datasets.quality.problems import KINDS, Problem
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import LabelError, scan_sources
from streetsight.datasets.splits import LeakError, Parts, read_split
from streetsight.models.taxonomy import Language


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and what was found.

    Attributes:
        problems: errors before warnings, each kind together.
        faulty: files that gave no record.
    """

    root: Path
    records: tuple[LabelRecord, ...]
    problems: tuple[Problem, ...]
    faulty: int

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> how many, of those that occur, in the order of KINDS."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    def to_json(self, language: Language) -> dict[str, Any]:
        return {
            "photos": len(self.records),
            "errors": self.errors,
            "warnings": self.warnings,
            "problems": [
                {
                    "kind": problem.kind,
                    "severity": problem.severity,
                    "file": str(problem.file),
                    "line": problem.line,
                    "message": problem.say(language),
                    "photos": [str(photo) for photo in problem.photos],
                }
                for problem in self.problems
            ],
        }


def check_dataset(
    root: Path,
    split: Path | None = None,
    cache: PhotoCache | None = None,
    advance: Advance = lambda _: None,
) -> Check:
    """Check all source folders below `root/sources`.

    Args:
        split: CSV (see `read_split`); with it, duplicates are looked for across parts instead of groups.
        cache, advance: see `digest_photos`.

    Raises:
        LabelError: when there are no source folders.
        SplitError: when the split cannot be read or does not fit; a split that leaks is a problem instead.
    """
    scan = scan_sources(root)
    digests = digest_photos([record.image for record in scan.records], cache, advance=advance)
    contents = {path: each.sha256 for path, each in digests.of.items()}
    found = fingerprint_photos(contents, cache, advance)
    fingerprints = Fingerprints(found.of, found.faults | digests.faults)
    problems = [
        *(_unreadable(fault) for fault in scan.faults),
        *_check(scan.records, contents, fingerprints, root, split),
    ]
    order = list(KINDS)
    problems.sort(key=lambda each: (order.index(each.kind), str(each.file), each.line or 0))
    return Check(root, scan.records, tuple(problems), len(scan.faults))


def _check(
    records: Sequence[LabelRecord],
    digests: dict[Path, str],
    fingerprints: Fingerprints,
    root: Path,
    split: Path | None,
) -> Iterator[Problem]:
    parts: dict[Path, str] = {}
    if split:
        dealt, leaks = _parts(split, records)
        yield from leaks
        parts = {record.image: part for part, kept in dealt.items() for record in kept}
    yield from check_photos(fingerprints)
    for record in records:
        found = fingerprints.of.get(record.image)
        yield from check_boxes(record, found.size_wh if found else None)
    yield from check_classes(records)
    yield from check_rare(records)
    yield from check_sources(records, sorted(path for path in (root / "sources").glob("*") if path.is_dir()))
    yield from check_copies(records, digests, parts)
    yield from check_near_duplicates(records, fingerprints.of, parts)


def _parts(split: Path, records: Sequence[LabelRecord]) -> tuple[Parts, list[Problem]]:
    try:
        return read_split(split, records), []
    except LeakError as error:
        return {}, [
            Problem(
                "group {group} is in {parts}", "parts_leak", split, group=group, parts=", ".join(photos),
                photos=[path for some in photos.values() for path in some[:2]],
            )
            for group, photos in error.offenders.items()
        ]  # fmt: skip


def _unreadable(fault: LabelError) -> Problem:
    values: dict[str, Any] = dict(fault.reason.values)
    return Problem(fault.reason.message, "label_unreadable", fault.path, fault.line, **values)
