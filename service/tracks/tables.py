"""Table of tracks."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base
from streetsight.service.store.types import now


class PatrolTrack(Base):
    """A patrol's GPX or NMEA file, as it was uploaded. It goes before the frames' own positions."""

    __tablename__ = "patrol_tracks"

    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(default=now)
