"""Bytes that no row names: of uploads that broke off between storing and writing, and of what was deleted
and came back with a restored storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from streetsight.service.files.blobs import Blobs
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.tables import Frame
from streetsight.service.privacy.copies import Copies
from streetsight.service.retention.deletions import NAMING, Doomed, carry_out, mark
from streetsight.service.retention.tables import BlobDeletion
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.turns import take_turn

CHUNK = 500
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found in one shard of the storage. Attributes: looked_at: blobs old enough."""

    looked_at: int
    orphans: int
    size_bytes: int


def sweep_shard(
    database: Database, blobs: Blobs, copies: Copies, shard: str, before: datetime, *, dry_run: bool = False
) -> Swept:
    """Delete what was stored before this moment and is named by no row.

    An upload stores its bytes moments before its row, so its bytes are young. Should it be an upload of bytes
    that lay here for long, its transaction and ours find each other in `blob_deletions`.
    """
    old = [Doomed(each.sha256, each.size_bytes) for each in blobs.stored(shard) if each.put_at < before]
    orphans, freed = 0, 0
    for start in range(0, len(old), CHUNK):
        chunk = old[start : start + CHUNK]
        with database.read() as session:
            stray = unnamed(session, chunk)
        if stray and not dry_run:
            with database.write() as session:
                take_turn(session, NAMING)  # nobody can name one of them until this is committed
                stray = unnamed(session, stray)
                mark(session, stray, ORPHAN, start=True)
            carry_out(database, blobs, copies, stray)
        orphans, freed = orphans + len(stray), freed + sum(each.size_bytes for each in stray)
    return Swept(len(old), orphans, freed)


def unnamed(session: ReadSession, blobs: Sequence[Doomed]) -> list[Doomed]:
    """Those that no frame shows, and that nobody is deleting already."""
    digests = [each.sha256 for each in blobs]
    shown = select(Frame.sha256).where(has_digest(session, digests), Frame.photo_expired_at.is_(None))
    leaving = select(BlobDeletion.sha256).where(
        BlobDeletion.sha256.in_(digests), BlobDeletion.deleted_at.is_(None)
    )
    named = {*session.scalars(shown), *session.scalars(leaving)}
    return [each for each in blobs if each.sha256 not in named]
