"""What is shown of looks at originals."""

from datetime import datetime

from pydantic import BaseModel

from streetsight.service.privacy.tables import PhotoAccess


class LookShown(BaseModel):
    """Somebody looked at an original photo."""

    id: str
    at: datetime
    frame_id: str
    actor_id: str
    actor_name: str
    role: str
    reason: str | None

    @classmethod
    def of(cls, look: PhotoAccess) -> "LookShown":
        return cls(
            id=look.id, at=look.created_at, frame_id=look.frame_id, actor_id=look.actor_id,
            actor_name=look.actor_name, role=look.role, reason=look.reason,
        )  # fmt: skip


class LookPage(BaseModel):
    """Looks, newest first; `next_cursor` leads on, None at the end."""

    items: list[LookShown]
    next_cursor: str | None
