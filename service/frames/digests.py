"""Frames by the digest of their bytes: by their own index on SQLite; by a table of digests on PostgreSQL.

Frames are divided by time there, and an index on each of many partitions would have to be asked. The table is
kept by the database itself (migration 0017), in the transaction that writes the frame.
"""

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, LargeBinary, MetaData, String, Table, select

from streetsight.service.frames.tables import Frame
from streetsight.service.store.base import ID_LENGTH
from streetsight.service.store.sessions import ReadSession

FRAME_DIGESTS = Table(
    "frame_digests",
    MetaData(),  # not one of the models': SQLite has none
    Column("sha256", LargeBinary, primary_key=True),
    Column("frame_id", String(ID_LENGTH), nullable=False),
)


def has_digest(session: ReadSession, digests: Sequence[str]) -> ColumnElement[bool]:
    """Condition that a frame has one of these digests (sha256, hexadecimal)."""
    if session.get_bind().dialect.name == "sqlite":
        return Frame.sha256.in_(digests)
    wanted = [bytes.fromhex(each) for each in digests]
    found = select(FRAME_DIGESTS.c.frame_id).where(FRAME_DIGESTS.c.sha256.in_(wanted))
    return Frame.id.in_(found)
