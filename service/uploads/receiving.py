"""Taking in one piece of an upload: as far as it comes, it stays.

A piece that breaks off leaves what arrived, except under a checksum, which speaks of all of it or nothing.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import anyio
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect

from streetsight.service.devices.service import DeviceAccess
from streetsight.service.faults import WrongChecksum
from streetsight.service.resources import Resources
from streetsight.service.uploads.protocol import ALGORITHMS, Checksum
from streetsight.service.uploads.service import (
    Begun,
    UploadTooLarge,
    advance,
    begin,
    find_present,
    not_here,
    staging_of,
)
from streetsight.service.uploads.staging import Staged

WRITE_BYTES, SYNC_BYTES = 1 << 20, 16 << 20


class _Piece:
    """The state of one request; its methods block. `done`: bytes that are on the disk for good."""

    def __init__(self, server: Resources, staged: Staged, begun: Begun, checksum: Checksum | None) -> None:
        self._server, self._staged, self._begun, self._checksum = server, staged, begun, checksum
        self._hash: Any = ALGORITHMS[checksum.algorithm]() if checksum else None
        self._at = self.done = begun.offset
        staged.cut(begun.offset)

    def write(self, content: bytes) -> None:
        """Raises UploadTooLarge when more comes than was announced for the whole upload."""
        if self._at + len(content) > self._begun.size:
            raise UploadTooLarge(
                "more bytes came than the {size} that the upload was to have; those beyond were not kept",
                size=self._begun.size,
            )
        if self._hash is not None:
            self._hash.update(content)
        self._staged.write(content)
        self._at += len(content)
        if self._at - self.done >= SYNC_BYTES and self._checksum is None:
            self.keep()

    def keep(self) -> None:
        """Make what was written last, then say so."""
        if self._at > self.done:
            self._staged.sync()
            advance_to = partial(
                advance, upload_id=self._begun.id, received=self._at, settings=self._server.settings
            )
            self._server.writer.run(advance_to)
            self.done = self._at

    def finish(self, whole: bool) -> None:
        """Keep the piece. Raises WrongChecksum: nothing of it is kept."""
        if self._checksum is not None and not (whole and self._hash.digest() == self._checksum.digest):
            self._staged.cut(self.done)
            if whole:
                raise WrongChecksum(
                    "the bytes that came are not those of Upload-Checksum; send the piece again"
                )
            return
        self.keep()


async def receive(
    server: Resources, device: DeviceAccess, upload_id: str, offset: int, checksum: Checksum | None,
    announced: int | None, pieces: AsyncIterator[bytes],
) -> int:  # fmt: skip
    """Write one piece; gives the offset after it, which is on the disk.

    Args:
        announced: Content-Length; None when the client does not know.

    Raises:
        ServiceError: why not all of it.
    """
    with ExitStack() as held:
        open_piece = partial(_open, server, device, upload_id, offset, checksum, announced, held)
        piece = await run_sync(open_piece)
        whole = False
        try:
            whole = await _pour(piece, pieces, server.settings.upload_idle_seconds)
        finally:
            with anyio.CancelScope(shield=True):  # also when this request is cancelled: what came, stays
                await run_sync(partial(piece.finish, whole))
        return piece.done


def _open(
    server: Resources, device: DeviceAccess, upload_id: str, offset: int, checksum: Checksum | None,
    announced: int | None, held: ExitStack,
) -> _Piece:  # fmt: skip
    with server.database.read() as session:
        find_present(session, device, upload_id)
    staging = staging_of(server.settings)
    try:
        staged = held.enter_context(staging.locked(upload_id))
    except FileNotFoundError:
        raise not_here(server.database) from None
    with server.database.read() as session:  # again, now that nobody else can write
        begun = begin(session, device, upload_id, offset)
    if announced is not None and offset + announced > begun.size:
        raise UploadTooLarge(
            "the piece ends at byte {end}, the upload at {size}", end=offset + announced, size=begun.size
        )
    staging.check_room(announced or 0)
    return _Piece(server, staged, begun, checksum)


async def _pour(piece: _Piece, pieces: AsyncIterator[bytes], idle_seconds: float) -> bool:
    """Write what comes; gives whether all came. A client that falls silent is gone, as one that hangs up."""
    waiting = bytearray()
    try:
        while True:
            with anyio.fail_after(idle_seconds):
                content = await anext(pieces, None)
            if content is None:
                return True
            waiting += content
            if len(waiting) >= WRITE_BYTES:
                full, waiting = bytes(waiting), bytearray()
                await run_sync(piece.write, full)
    except (ClientDisconnect, TimeoutError):
        return False
    finally:
        if waiting:
            with anyio.CancelScope(shield=True):
                await run_sync(piece.write, bytes(waiting))
