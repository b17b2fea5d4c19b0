"""Table of looks at originals."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Row


class PhotoAccess(Row):
    """One look of a person at an original photo. Written before the first byte is sent; never changed.

    Attributes:
        actor_name, role: as they were at that moment.
        reason: why, in the person's words.
    """

    __tablename__ = "photo_accesses"
    __table_args__ = (Index(None, "frame_id", "id"), Index(None, "actor_id", "id"))

    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    actor_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    actor_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
