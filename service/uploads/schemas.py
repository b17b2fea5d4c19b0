"""What is shown of uploads."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from streetsight.service.uploads.tables import Upload, UploadOutcome


class FileOutcome(BaseModel):
    """What became of one file of an archive, or one picture of a video.

    Attributes:
        outcome: accepted, duplicate, or why not, as a code; `reason` says it in words.
    """

    number: int
    name: str
    outcome: str
    frame_id: str | None
    reason: str | None

    @classmethod
    def of(cls, row: UploadOutcome) -> "FileOutcome":
        return cls.model_validate(row, from_attributes=True)


class UploadShown(BaseModel):
    """An upload, and what became of it.

    Attributes:
        state: receiving, received (its frames are being made), done, failed, or gone.
        received_bytes: on the disk for good.
        summary: number of files by outcome, so far.
        reason: what is missing of one that is done, or why nothing came of one that failed.
    """

    id: str
    name: str | None
    patrol_id: str | None
    state: Literal["receiving", "received", "done", "failed", "gone"]
    kind: Literal["photo", "archive", "video", "track"] | None
    size_bytes: int
    received_bytes: int
    begun_at: datetime
    expires_at: datetime | None
    finished_at: datetime | None
    summary: dict[str, int]
    reason: str | None

    @classmethod
    def of(cls, upload: Upload) -> "UploadShown":
        kept = {name: getattr(upload, name) for name in cls.model_fields if hasattr(upload, name)}
        expires = upload.expires_at if upload.state == "receiving" else None
        return cls(
            **{**kept, "begun_at": upload.created_at, "summary": upload.summary or {}, "expires_at": expires}
        )


class UploadResult(UploadShown):
    """With a part of its files; `next_after` leads to the rest, None at the end."""

    files: list[FileOutcome] = []
    next_after: int | None = None


class UploadPage(BaseModel):
    """Uploads, newest first; `next_cursor` leads on, None at the end."""

    items: list[UploadShown]
    next_cursor: str | None
