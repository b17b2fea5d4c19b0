"""What a database holds, as a manifest tells it: read in the same moment that is copied."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, inspect, or_, select, table, text

from streetsight.service.audit.tables import AuditEntry
from streetsight.service.frames.tables import Frame
from streetsight.service.retention.tables import BlobDeletion
from streetsight.service.store.migrating import VERSION_TABLE
from streetsight.service.uploads.tables import Upload

UNFINISHED = ("receiving", "received")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a back-up has to hold.

    Attributes:
        photos: digest and size of all that retention has not begun to delete; what it has only hidden may
            become evidence yet, or be held.
        uploads: unfinished ones.
    """

    version: str
    rows: dict[str, int]
    audit_head: str | None
    photos: list[tuple[str, int]]
    uploads: list[str]


def contents_of(connection: Connection) -> Contents:
    """What a database of our version holds."""
    hidden = select(BlobDeletion.sha256).where(BlobDeletion.started_at.is_(None))
    there = or_(Frame.photo_expired_at.is_(None), Frame.sha256.in_(hidden))
    photos = select(Frame.sha256, Frame.size_bytes).where(there)
    head = select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    last = connection.execute(head).one_or_none()
    return Contents(
        version=str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))),
        rows=rows_of(connection),
        audit_head=f"{last[0]}:{last[1]}" if last else None,
        photos=[(row[0], row[1]) for row in connection.execute(photos.order_by(Frame.sha256))],
        uploads=list(connection.scalars(select(Upload.id).where(Upload.state.in_(UNFINISHED)))),
    )


def rows_of(connection: Connection) -> dict[str, int]:
    """How many rows each table has, also in a database of another version."""
    names = sorted(inspect(connection).get_table_names())
    return {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in names}
