"""Give old back-ups up, and photos that none of the others names."""

import shutil
from pathlib import Path

from streetsight.service.backups.points import MANIFEST, open_point, points, spoken_disk
from streetsight.service.files.blobs import is_digest


def prune(root: Path, keep: int) -> tuple[int, int]:
    """Keep the newest points; gives how many points and how many photos went.

    Raises:
        BackupError: the folder cannot be used, or a point that stays cannot be read.
    """
    names = points(root)
    old, kept = names[:-keep], [open_point(root, name) for name in names[-keep:]]
    needed = {sha256 for point in kept for sha256 in point.digests()}
    photos = 0
    with spoken_disk(root):
        for name in old:
            (root / "points" / name / MANIFEST).unlink()  # first: what is half gone is no point
            shutil.rmtree(root / "points" / name)
        for path in (root / "files").glob("*/*") if old else ():
            if is_digest(path.name) and path.name not in needed:
                path.unlink()
                photos += 1
    return len(old), photos
