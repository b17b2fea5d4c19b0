"""Tables of retention: holds, deletions under way, and a log of what was done."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Base, Row
from streetsight.service.store.types import Json


class Hold(Row):
    """Somebody's word that a frame, or all evidence of a candidate, must stay whatever its age.

    Attributes:
        subject: `frame/ID` or `candidate/ID`.
        placed_by, released_by: name of who did it.
        released_at: None while it holds.
    """

    __tablename__ = "holds"
    __table_args__ = (Index(None, "subject"),)

    subject: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[str] = mapped_column(String(200))
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(200))


class BlobDeletion(Base):
    """A blob on its way out: marked, then started, then deleted; forgotten a day later.

    While it is only marked it can be rescued. Once it is started an upload of the same bytes must wait for
    its end: that is what keeps a deletion and an upload from missing each other.

    Attributes:
        reason: why a photo expired, or `orphan` for bytes that no row names.
    """

    __tablename__ = "blob_deletions"
    __table_args__ = (Index(None, "deleted_at", "marked_at"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    marked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class RetentionRun(Row):
    """One run of retention or of the sweep.

    Attributes:
        kind: retention or sweep.
        started_by: worker, or who ran the command.
        cutoffs: what was older than this, by reason.
        counts: photos or rows by what became of them.
        freed_bytes: of blobs that were deleted.
        ended_at: None while it runs, or when it was cut off.
    """

    __tablename__ = "retention_runs"
    __table_args__ = (Index(None, "kind", "id"),)

    kind: Mapped[str] = mapped_column(String(20))
    started_by: Mapped[str] = mapped_column(String(200))
    cutoffs: Mapped[dict[str, Any]] = mapped_column(Json)
    counts: Mapped[dict[str, Any]] = mapped_column(Json)
    freed_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    ended_at: Mapped[datetime | None]
