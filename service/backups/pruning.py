"""Give old back-ups up, photos that none of the others names, and what back-ups that were killed left."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from streetsight.service.backups.locking import locked
from streetsight.service.backups.points import (
    MANIFEST,
    open_point,
    points,
    require_apart,
    spoken_disk,
    unfinished,
)
from streetsight.service.files.blobs import is_digest


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went. Attributes: unfinished: points without a manifest; drafts: half copies of photos."""

    points: int
    photos: int
    unfinished: int
    drafts: int


def prune(root: Path, keep: int) -> Pruned:
    """Keep the newest points.

    Raises:
        BackupError: nothing was changed: the folder cannot be used, is in use, or holds no back-up, or a
            point that stays cannot be read.
    """
    with locked(root, alone=True):
        require_apart(root)
        open_point(root)  # a folder without any is more likely the wrong one than all to be cleared
        names = points(root)
        needed = {sha256 for name in names[-keep:] for sha256 in open_point(root, name).digests()}
        with spoken_disk(root):
            left = unfinished(root)
            for folder in left:
                shutil.rmtree(folder)
            for name in names[:-keep]:
                (root / "points" / name / MANIFEST).unlink()  # first: what is half gone is no point
                shutil.rmtree(root / "points" / name)
            photos, drafts = _clear_files(root, needed)
    return Pruned(len(names[:-keep]), photos, len(left), drafts)


def _clear_files(root: Path, needed: set[str]) -> tuple[int, int]:
    """Take photos away that no point needs, and drafts: nobody writes one now. How many of each."""
    photos = drafts = 0
    for path in (root / "files").glob("*/*"):
        if path.name.startswith("."):
            path.unlink()
            drafts += 1
        elif is_digest(path.name) and path.name not in needed:
            path.unlink()
            photos += 1
    return photos, drafts
