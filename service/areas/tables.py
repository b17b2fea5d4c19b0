"""Tables of areas."""

from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class AreaVersion(Row):
    """One import of all areas. The one with the highest number is in force; earlier ones stay.

    Attributes:
        crs: coordinate system of the file that came.
        made_by, reason: who imported it, and why.
        warnings: what was repaired or looked odd, one object each.
    """

    __tablename__ = "area_versions"

    number: Mapped[int] = mapped_column(unique=True)
    crs: Mapped[str] = mapped_column(String(10))
    made_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    areas: Mapped[int]
    warnings: Mapped[list[Any]] = mapped_column(Json)


class Area(Row):
    """One area of one version.

    Attributes:
        code: as the city numbers it, unique in its version.
        path: codes from the outermost area to this one, `/330106/330106003/`.
        geometry: GeoJSON Polygon or MultiPolygon, valid, WGS-84.
    """

    __tablename__ = "areas"
    __table_args__ = (UniqueConstraint("version_id", "code"), UniqueConstraint("version_id", "path"))

    version_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("area_versions.id"))
    code: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("areas.id"))
    path: Mapped[str] = mapped_column(AreaPath)
    geometry: Mapped[dict[str, Any]] = mapped_column(Json)
