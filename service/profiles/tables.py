"""Table of device profiles."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base
from streetsight.service.store.types import Json, now


class StoredProfile(Base):
    """A device's `inference.positions.profile.DeviceProfile`, as JSON."""

    __tablename__ = "device_profiles"

    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"), primary_key=True)
    profile: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_at: Mapped[datetime] = mapped_column(default=now)
