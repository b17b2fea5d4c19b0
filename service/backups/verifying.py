"""Read a back-up again, every byte of it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from streetsight.service.backups.creating import AT_ONCE, copy_photo
from streetsight.service.backups.databases import check_copy
from streetsight.service.backups.points import PHOTOS, Point, part_of, photo_path, private, spoken_disk
from streetsight.service.files.blobs import Blobs

MISSING, DAMAGED = "it is not there", "its bytes are not those that were written"
NEVER_HAD = "it was missing or damaged in the storage already when the back-up was made"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not as it was written.

    Attributes:
        file: relative to the folder of back-ups.
        what: missing, or why it is damaged.
        photo: its digest; None for all else, which no storage has.
    """

    file: str
    what: str
    photo: str | None = None


def verify(point: Point) -> Iterator[Fault]:
    """All that is not as it was written; nothing for a back-up that is whole."""
    yield from part_faults(point)
    if point.database.is_file() and (reason := check_copy(point.database, point.manifest.database)):
        yield Fault(str(point.database.relative_to(point.root)), reason)
    if (point.folder / PHOTOS).is_file():
        yield from _photo_faults(point)


def repair(blobs: Blobs, point: Point, faults: Iterable[Fault]) -> list[Fault]:
    """Fetch photos at fault from the storage; gives the faults that are left.

    Raises:
        BackupError: the folder cannot be written.
        Unavailable: the storage does not answer.
    """
    with private(), spoken_disk(point.root):
        return [
            fault for fault in faults if fault.photo is None or not copy_photo(blobs, point.root, fault.photo)
        ]


def part_faults(point: Point) -> Iterator[Fault]:
    """Files of the point that are not as its manifest says."""
    for name, part in point.manifest.parts.items():
        path = point.folder / name
        if not path.is_file():
            yield Fault(str(path.relative_to(point.root)), MISSING)
        elif part_of(path) != part:
            yield Fault(str(path.relative_to(point.root)), DAMAGED)


def _photo_faults(point: Point) -> Iterator[Fault]:
    never_had = set(point.manifest.missing)
    digests = sorted(set(point.digests()))

    def fault(sha256: str) -> str | None:
        path = photo_path(point.root, sha256)
        if not path.is_file():
            return NEVER_HAD if sha256 in never_had else MISSING
        return None if part_of(path).sha256 == sha256 else DAMAGED

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for sha256, what in zip(digests, pool.map(fault, digests), strict=True):
            if what is not None:
                yield Fault(str(photo_path(point.root, sha256).relative_to(point.root)), what, sha256)
