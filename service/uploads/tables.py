"""Tables of resumable uploads."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Upload(Row):
    """A file that comes in pieces. Its bytes are staged in the data folder until it is taken apart.

    Attributes:
        state: receiving, received (a job will take it apart), done, failed, or gone (expired or ended).
        size_bytes: of the whole file.
        received_bytes: bytes that are on the disk for good.
        metadata_sent: what Upload-Metadata said, decoded.
        patrol_id: of the frames that it becomes.
        expires_at: when what has come so far is thrown away.
        kind: video, archive or photo, once it is known.
        summary: number of files by outcome.
        reason: why nothing came of it.
    """

    __tablename__ = "uploads"
    __table_args__ = (Index(None, "device_id", "id"), Index(None, "state", "expires_at"))

    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"))
    patrol_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    state: Mapped[str] = mapped_column(String(10), default="receiving")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    name: Mapped[str | None] = mapped_column(String(255))
    metadata_sent: Mapped[dict[str, Any]] = mapped_column(Json)
    expires_at: Mapped[datetime]
    kind: Mapped[str | None] = mapped_column(String(10))
    finished_at: Mapped[datetime | None]
    summary: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Text)


class UploadOutcome(Base):
    """What became of one file of an archive, or of one picture of a video.

    Attributes:
        outcome: accepted, duplicate, or why not, as a code; `reason` says it in words.
    """

    __tablename__ = "upload_outcomes"

    upload_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("uploads.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(255))
    outcome: Mapped[str] = mapped_column(String(40))
    frame_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    reason: Mapped[str | None] = mapped_column(Text)
