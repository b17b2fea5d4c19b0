"""Who may use a folder of back-ups beside whom."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streetsight.service.backups.points import BackupError, spoken_disk


@contextmanager
def locked(root: Path, alone: bool = False) -> Iterator[None]:
    """The folder for this command; the kernel lets go of it when the process ends, however.

    Args:
        alone: for who takes photos away. Who adds and who reads may go on beside each other.

    Raises:
        BackupError: another command is at work in it that this one cannot go on beside, or it is not there.
    """
    with spoken_disk(root):
        # The folder itself: a file in it would need rights, and belong to whoever came first.
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                "another `streetsight backup` is at work in {folder}, and nothing can be pruned beside it; "
                "nothing was done: say this again once it has ended",
                folder=root,
            ) from None
        yield
    finally:
        os.close(handle)
