"""Table of zones: whole documents, because that is how cities keep them."""

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class ZoneVersion(Row):
    """All zones as they were from one moment on. The one with the highest number is in force.

    Attributes:
        document: the GeoJSON as it came.
        zones: features that are in use.
        reports: what became of each feature, in the file's order.
        made_by, reason: who changed it, and why.
        copy_of: number of the version that this one went back to.
    """

    __tablename__ = "zone_versions"

    number: Mapped[int] = mapped_column(unique=True)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    zones: Mapped[int]
    reports: Mapped[list[Any]] = mapped_column(Json)
    made_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    copy_of: Mapped[int | None]
