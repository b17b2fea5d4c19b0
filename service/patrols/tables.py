"""Table of patrols."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Row


class Patrol(Row):
    """One outing of one device.

    Attributes:
        key: the device's own name for it; opening it again under the same name is opening it once.
        last_frame_at: when its latest frame arrived.
        closed_by: device, or idle when it went silent.
    """

    __tablename__ = "patrols"
    __table_args__ = (UniqueConstraint("device_id", "key"), Index(None, "closed_at", "last_frame_at"))

    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"))
    key: Mapped[str] = mapped_column(String(100))
    last_frame_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(10))
