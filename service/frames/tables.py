"""Tables of frames."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Frame(Row):
    """One photo. The same bytes are one frame, whoever sends them and however often.

    Attributes:
        name: as the device called the file.
        media_type: by its first bytes.
        state: queued, detected, or failed when detection was given up.
        late: it came after its patrol was closed.
        taken_at: when, from the device or else from EXIF; None when unknown or without an offset from UTC.
        taken_offset_minutes: of the clock that took it, east of UTC.
        lon, lat: WGS-84 degrees, where the camera was.
        area_path: of the smallest area that it lies in; None when there is none or the place is unknown.
        position: all that is known of the position, as in `models.frame.Position`.
        metadata_sent: what the device said, as it said it.
        result_id: the detection result in force.
        photo_expired_at, photo_expired_reason: when and why retention took the photo; the row stays.
    """

    __tablename__ = "frames"
    __table_args__ = (
        Index(None, "device_id", "id"),
        Index(None, "patrol_id", "id"),
        Index(None, "state", "id"),
        Index(None, "taken_at"),
        Index(None, "lat", "lon"),
        Index(None, "area_path", "id"),
        Index(None, "patrol_id", "area_path"),
    )

    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size_bytes: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(40))
    name: Mapped[str | None] = mapped_column(String(255))
    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"))
    patrol_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    state: Mapped[str] = mapped_column(String(10), default="queued")
    late: Mapped[bool] = mapped_column(default=False)
    taken_at: Mapped[datetime | None]
    taken_offset_minutes: Mapped[int | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    position: Mapped[dict[str, Any] | None] = mapped_column(Json)
    metadata_sent: Mapped[dict[str, Any]] = mapped_column(Json)
    # no foreign key: results point here already, and two tables that need each other cannot be filled
    result_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    photo_expired_at: Mapped[datetime | None]
    photo_expired_reason: Mapped[str | None] = mapped_column(String(20))


class FrameKey(Base):
    """An Idempotency-Key that a device has used, and for which bytes."""

    __tablename__ = "frame_keys"

    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("frames.id"))
    sha256: Mapped[str] = mapped_column(String(64))
