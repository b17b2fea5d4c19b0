"""Table of who brought which photo."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base
from streetsight.service.store.types import now


class PhotoBringer(Base):
    """A person who has sent these bytes, and so may see them, wherever they were taken."""

    __tablename__ = "photo_bringers"
    __table_args__ = (Index(None, "person_id", "frame_id"),)

    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("frames.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"), primary_key=True)
    brought_at: Mapped[datetime] = mapped_column(default=now)
