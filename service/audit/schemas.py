"""What is shown of the audit log."""

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from streetsight.service.audit.tables import AuditEntry


class ActorShown(BaseModel):
    kind: Literal["person", "device", "system"]
    id: str
    name: str


class EntryShown(BaseModel):
    """Attributes: hash: of the entry, and through previous_hash of every one before it."""

    number: int
    at: datetime
    actor: ActorShown
    action: str
    subject: str
    details: dict[str, Any]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "EntryShown":
        actor = ActorShown(kind=entry.actor_kind, id=entry.actor_id, name=entry.actor_name)  # type: ignore[arg-type]
        return cls(
            number=entry.number, at=entry.at, actor=actor, action=entry.action, subject=entry.subject,
            details=json.loads(entry.details), previous_hash=entry.previous_hash, hash=entry.hash,
        )  # fmt: skip


class Head(BaseModel):
    """The newest entry. Note it elsewhere: `streetsight audit verify --noted NUMBER:HASH` tells a cut end."""

    number: int
    hash: str


class AuditPage(BaseModel):
    """Attributes: next_cursor: number of the last entry on the page; None on the last page."""

    items: list[EntryShown]
    next_cursor: int | None
    head: Head | None
