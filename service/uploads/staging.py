"""Where uploads lie until they are whole: one file each, in the data folder, written by one at a time.

The row says how many bytes are on the disk for good; what a crash left beyond them is cut off before more is
written. A lock of the kernel's keeps two writers apart, also in two processes, and goes with its holder.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streetsight.models.durable import sync_folder
from streetsight.service.faults import Locked, StorageFull, Unavailable
from streetsight.service.files.local import NO_ROOM

FULL_RETRY_SECONDS = 60.0
ABANDONED_SECONDS = 60.0


class Staged:
    """An open part file whose lock is held."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def cut(self, size: int) -> None:
        """Forget what lies beyond; the next write goes there."""
        with spoken():
            os.ftruncate(self._handle, size)
            os.lseek(self._handle, size, os.SEEK_SET)

    def write(self, content: bytes) -> None:
        with spoken():
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._handle, rest) :]

    def sync(self) -> None:
        with spoken():
            os.fdatasync(self._handle)


class Staging:
    """The folder of part files."""

    def __init__(self, data_folder: Path, min_free_bytes: int) -> None:
        self.folder, self._min_free_bytes = data_folder / "uploads", min_free_bytes

    def path(self, upload_id: str) -> Path:
        return self.folder / upload_id

    def create(self, upload_id: str) -> None:
        """An empty part file that survives a power cut."""
        with spoken():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path(upload_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(self.folder)

    @contextmanager
    def locked(self, upload_id: str) -> Iterator[Staged]:
        """The part file, for this holder alone.

        Raises:
            Locked: somebody else writes to it right now.
            FileNotFoundError: it is not on this machine.
        """
        handle = os.open(self.path(upload_id), os.O_WRONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Locked(
                    "another request is writing to this upload; ask for its offset, then go on"
                ) from None
            yield Staged(handle)
        finally:
            os.close(handle)

    def remove(self, upload_id: str) -> None:
        with spoken():
            self.path(upload_id).unlink(missing_ok=True)

    def check_room(self, size: int) -> None:
        """Raises StorageFull before the disk is."""
        with spoken():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if free - size < self._min_free_bytes:
            raise StorageFull(
                "the disk for uploads has {free} MiB left, {size} MiB are to come and {reserve} MiB are kept "
                "free; make room, then send again",
                free=free >> 20, size=size >> 20, reserve=self._min_free_bytes >> 20,
                retry_after_seconds=FULL_RETRY_SECONDS,
            )  # fmt: skip

    def abandoned(self, ids: Collection[str]) -> Iterator[str]:
        """Those that nobody has touched for a while: a young one may have a row in a moment."""
        for upload_id in ids:
            with suppress(FileNotFoundError):
                if time.time() - self.path(upload_id).stat().st_mtime > ABANDONED_SECONDS:
                    yield upload_id

    def ids(self) -> list[str]:
        """Of the part files that are here."""
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []


@contextmanager
def spoken() -> Iterator[None]:
    """Failures of the disk, in words for people."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(
                "no room is left on the disk for uploads; make room, then send again",
                retry_after_seconds=FULL_RETRY_SECONDS,
            ) from error
        raise Unavailable(
            "the folder for uploads cannot be used ({reason}); what came before is safe",
            reason=error.strerror or os.strerror(error.errno or errno.EIO),
        ) from error
