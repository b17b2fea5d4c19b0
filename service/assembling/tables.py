"""Table of what has been assembled."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base
from streetsight.service.store.types import Json


class Assembly(Base):
    """The latest assembly of a patrol.

    Attributes:
        frames: that had been detected by then; the next assembly of an open patrol waits the longer for it.
        summary: passes, outcomes of frames, problems of poses, clocks, masked sightings.
    """

    __tablename__ = "assemblies"

    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"), primary_key=True)
    frames: Mapped[int]
    sightings: Mapped[int]
    assembled_at: Mapped[datetime]
    summary: Mapped[dict[str, Any]] = mapped_column(Json)
