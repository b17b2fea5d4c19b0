"""Deleting blobs so that no upload of the same bytes is lost by it.

    marked ─► started ─► deleted ─► forgotten a day later
       └─ rescued       └─ stored again by who uploads the bytes anew

A transaction that names a blob in a new row calls `keep` with the bytes, after the row. What is only marked
is rescued; what is deleted is stored again; and while a deletion is under way the uploader is asked to come
again, for nobody could say whether its bytes or the deletion come last. Who deletes what no row names has the
turn of `NAMING` alone: no row is then written and not yet seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update

from streetsight.service.faults import Busy
from streetsight.service.files.blobs import Blobs
from streetsight.service.privacy.copies import Copies
from streetsight.service.retention.tables import BlobDeletion
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

NAMING = "naming of blobs"
STALLED = timedelta(hours=1)
"""A deletion that was started so long ago was cut off, and is begun again."""
REMEMBERED = timedelta(days=1)
"""No upload takes so long from storing its bytes to writing its row."""


class BeingDeleted(Busy):
    """The same bytes are being deleted at this moment."""

    code = "being_deleted"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A blob that is to be deleted."""

    sha256: str
    size_bytes: int


def keep(session: WriteSession, blobs: Blobs, sha256: str, content: bytes) -> None:
    """Make sure that a blob which a row of this transaction names is there when it is committed.

    The row is written before: until the end of the transaction nobody takes its blob for one without a row.

    Args:
        content: its bytes, stored already as far as who calls knows.

    Raises:
        BeingDeleted: come again.
    """
    take_turn(session, NAMING, shared=True)
    state = select(BlobDeletion.started_at, BlobDeletion.deleted_at).where(BlobDeletion.sha256 == sha256)
    found = session.connection().execute(state.with_for_update()).one_or_none()
    if found is None:
        return
    if found.started_at is not None and found.deleted_at is None:
        raise BeingDeleted("the same photo is being deleted at this moment; send it again")
    if found.deleted_at is not None:
        blobs.put(content, sha256)
    session.execute(delete(BlobDeletion).where(BlobDeletion.sha256 == sha256))


def mark(session: WriteSession, doomed: Sequence[Doomed], reason: str, *, start: bool = False) -> None:
    """Mark blobs, and start at once where nothing is to be waited for."""
    moment = now()
    rows = [
        {
            "sha256": each.sha256, "size_bytes": each.size_bytes, "reason": reason, "marked_at": moment,
            "started_at": moment if start else None, "deleted_at": None,
        }
        for each in doomed
    ]  # fmt: skip
    if rows:
        again = upsert(session, BlobDeletion)
        session.connection().execute(
            again.on_conflict_do_update(
                index_elements=[BlobDeletion.sha256],
                set_={
                    name: again.excluded[name] for name in ("reason", "marked_at", "started_at", "deleted_at")
                },
            ),
            rows,
        )


def due(session: WriteSession, marked_before: datetime, limit: int) -> list[BlobDeletion]:
    """Marked long enough ago, or started by somebody who did not come to the end."""
    waiting = and_(BlobDeletion.started_at.is_(None), BlobDeletion.marked_at <= marked_before)
    stalled = BlobDeletion.started_at < now() - STALLED
    found = select(BlobDeletion).where(BlobDeletion.deleted_at.is_(None), or_(waiting, stalled))
    ordered = found.order_by(BlobDeletion.marked_at, BlobDeletion.sha256).limit(limit)
    return list(session.scalars(ordered.with_for_update(skip_locked=True)))


def carry_out(database: Database, blobs: Blobs, copies: Copies, doomed: Sequence[Doomed]) -> int:
    """Delete blobs that were started, with their copies; gives the bytes that were freed.

    Safe to repeat, whenever it was cut off.
    """
    for each in doomed:
        copies.forget(each.sha256)
        blobs.delete(each.sha256)
    with database.write() as session:
        gone = update(BlobDeletion).where(BlobDeletion.sha256.in_([each.sha256 for each in doomed]))
        session.execute(gone.values(deleted_at=now()))
    return sum(each.size_bytes for each in doomed)


def forget_old(session: WriteSession) -> None:
    """Forget deletions that no upload can meet any more."""
    session.execute(delete(BlobDeletion).where(BlobDeletion.deleted_at < now() - REMEMBERED))
