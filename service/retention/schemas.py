"""What is sent and shown of holds and of rounds."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.dependencies import Text
from streetsight.service.retention.tables import Hold, RetentionRun


class HoldSent(BaseModel):
    """Attributes: subject: `frame/ID` or `candidate/ID`."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(pattern=r"^(frame|candidate)/[0-9a-f-]{36}$")]
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class HoldShown(BaseModel):
    """A hold; in force while `released_at` is null."""

    id: str
    subject: str
    reason: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None
    released_by: str | None

    @classmethod
    def of(cls, hold: Hold) -> "HoldShown":
        return cls(
            id=hold.id, subject=hold.subject, reason=hold.reason, placed_at=hold.created_at,
            placed_by=hold.placed_by, released_at=hold.released_at, released_by=hold.released_by,
        )  # fmt: skip


class HoldPage(BaseModel):
    """Holds, newest first; `next_cursor` leads on, None at the end."""

    items: list[HoldShown]
    next_cursor: str | None


class RunShown(BaseModel):
    """A round of retention or of the sweep; `ended_at` is null while it runs, or when it was cut off.

    Attributes:
        cutoffs: what was older than this, by reason.
        counts: photos and rows by what became of them.
    """

    id: str
    kind: Literal["retention", "sweep"]
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    cutoffs: dict[str, Any]
    counts: dict[str, int]
    freed_bytes: int

    @classmethod
    def of(cls, run: RetentionRun) -> "RunShown":
        return cls(
            id=run.id, kind=run.kind, started_at=run.created_at,  # type: ignore[arg-type]
            started_by=run.started_by, ended_at=run.ended_at, cutoffs=run.cutoffs, counts=run.counts,
            freed_bytes=run.freed_bytes,
        )  # fmt: skip


class RunPage(BaseModel):
    """Rounds, newest first; `next_cursor` leads on, None at the end."""

    items: list[RunShown]
    next_cursor: str | None
