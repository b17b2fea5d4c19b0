"""Blobs in a folder of the local disk.

A blob is written to a draft on the same filesystem, synced, renamed into its place, and its folder synced:
readers find all of it or nothing, whenever the power goes.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from streetsight.models.durable import replace_file, sync_folder
from streetsight.service.faults import StorageFull, Unavailable
from streetsight.service.files.blobs import CHUNK_BYTES, SHARDS, Stored, digest_of, is_digest, missing, spread
from streetsight.service.store.ids import new_id

DRAFTS = "drafts"
ABANDONED_SECONDS = 3600
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_RETRY_SECONDS, BROKEN_RETRY_SECONDS = 60.0, 10.0


class LocalBlobs:
    """See `Blobs`. Refuses to store below `min_free_bytes`, so that the database keeps room to work."""

    def __init__(self, folder: Path, min_free_bytes: int = 0) -> None:
        self._root, self._min_free_bytes = folder, min_free_bytes
        with _spoken():
            (folder / DRAFTS).mkdir(parents=True, exist_ok=True)
            for shard in SHARDS:  # all at once and synced, so that no put depends on another's folder
                (folder / shard).mkdir(exist_ok=True)
            sync_folder(folder)
            self._clear_abandoned()

    def put(self, content: bytes, sha256: str | None = None) -> str:
        sha256 = sha256 or digest_of(content)
        path = self._root / spread(sha256)
        with _spoken():
            if path.exists():
                sync_folder(path.parent)  # who put it may not have come so far
                return sha256
            self._check_room(len(content))
            replace_file(path, content, draft=self._root / DRAFTS / new_id())
        return sha256

    def get(self, sha256: str) -> bytes:
        return b"".join(self.stream(sha256))

    def stream(self, sha256: str) -> Iterator[bytes]:
        path = self._root / spread(sha256)
        with _spoken():
            try:
                file = path.open("rb")
            except FileNotFoundError:
                raise missing(sha256) from None

        def chunks() -> Iterator[bytes]:
            with file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk

        return chunks()

    def exists(self, sha256: str) -> bool:
        return (self._root / spread(sha256)).exists()

    def delete(self, sha256: str) -> None:
        with _spoken():
            (self._root / spread(sha256)).unlink(missing_ok=True)

    def stored(self, shard: str) -> Iterator[Stored]:
        with _spoken():
            for entry in os.scandir(self._root / shard):
                if not is_digest(entry.name):
                    continue
                try:
                    state = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # deleted meanwhile
                    continue
                yield Stored(entry.name, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))

    def link(self, sha256: str, seconds: int) -> str | None:
        return None

    def free_bytes(self) -> int | None:
        with _spoken():
            return shutil.disk_usage(self._root).free

    def check(self) -> None:
        with _spoken():
            self._check_room(0)
            if not os.access(self._root / DRAFTS, os.W_OK) or os.statvfs(self._root).f_flag & os.ST_RDONLY:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._root).free
        if free - size < self._min_free_bytes:
            raise StorageFull(
                "the disk for photos has {free} MiB left and {reserve} MiB are kept free; make room, then "
                "send again",
                free=free >> 20, reserve=self._min_free_bytes >> 20,
                retry_after_seconds=FULL_RETRY_SECONDS,
            )  # fmt: skip

    def _clear_abandoned(self) -> None:
        """Drafts of killed processes. A young one may still be written by another process."""
        for draft in (self._root / DRAFTS).iterdir():
            try:
                if time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
                    draft.unlink()
            except FileNotFoundError:
                continue  # its owner was quicker


@contextmanager
def _spoken() -> Iterator[None]:
    """Failures of the disk, in words for people."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(
                "no room is left on the disk for photos; make room, then send again",
                retry_after_seconds=FULL_RETRY_SECONDS,
            ) from error  # fmt: skip
        raise Unavailable(
            "the folder for photos cannot be used ({reason}); nothing was stored",
            reason=error.strerror, retry_after_seconds=BROKEN_RETRY_SECONDS,
        ) from error  # fmt: skip
