"""Tables of the register of places, of its changes, and of which issues lie in which place."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class PlaceChange(Row):
    """A change of the register. The highest number is the version that is in force.

    Attributes:
        action: imported, attributes_imported, added, changed or ended.
        moment: from which on it holds; the past keeps what it had.
        counts: of places: added, changed, ended, unchanged.
        crs: coordinate system of what came; None without geometry.
        made_by, reason: who brought it in, and why.
        warnings: what was repaired or looked odd, one object each.
    """

    __tablename__ = "place_changes"

    number: Mapped[int] = mapped_column(unique=True)
    action: Mapped[str] = mapped_column(String(20))
    moment: Mapped[datetime]
    kinds: Mapped[list[str]] = mapped_column(Json)
    counts: Mapped[dict[str, Any]] = mapped_column(Json)
    crs: Mapped[str | None] = mapped_column(String(10))
    made_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    warnings: Mapped[list[Any]] = mapped_column(Json)


class Place(Row):
    """A place as it is in one stretch of time: registered ground with a code, in the layer of its kind.

    Nothing of a version but its end is ever changed: another boundary or attribute is another version.

    Attributes:
        kind: see `words.toml`; code: unique in its kind at any moment.
        valid_from, valid_to: in force from the one until just before the other; None goes on. Equal ones
            mark a version that a later change took back before it counted.
        peer_group: those that it is ranked with.
        scene, aspect, area_type, grade, origin, demonstration, stage: codes of `words.toml`; aspect of the
            groupings.
        unit, co_units: who answers for it (牵头), and who helps (配合).
        chief_1, chief_2, chief_3: 一级, 二级 and 三级街长 by name; `..._id` of a person here, where known.
        five_fixed: 五定, texts by `people`, `hours`, `duty`, `standard`, `rewards`.
        policy: 一路一策.
        grid_code: of the 单元网格 in GB/T 47678.3, 15 digits.
        geometry: GeoJSON as it was drawn, WGS-84; a line with `width_m`, a point with `radius_m`.
        ground: of a line or a point: the GeoJSON Polygon that it covers; None where `geometry` is that.
        lon, lat, area_path: a point inside it, and the area that this lies in.
        number: of the change that brought this version in; ended_number: of the one that set `valid_to`.
    """

    __tablename__ = "places"
    __table_args__ = (
        Index(None, "kind", "code", "valid_from"),
        Index(None, "area_path"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    peer_group: Mapped[str | None] = mapped_column(String(100))
    scene: Mapped[str | None] = mapped_column(String(20))
    aspect: Mapped[str | None] = mapped_column(String(40))
    area_type: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))
    co_units: Mapped[list[str]] = mapped_column(Json)
    chief_1: Mapped[str | None] = mapped_column(String(100))
    chief_1_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    chief_2: Mapped[str | None] = mapped_column(String(100))
    chief_2_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    chief_3: Mapped[str | None] = mapped_column(String(100))
    chief_3_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    origin: Mapped[str | None] = mapped_column(String(20))
    demonstration: Mapped[str | None] = mapped_column(String(20))
    stage: Mapped[str | None] = mapped_column(String(20))
    five_fixed: Mapped[dict[str, Any]] = mapped_column(Json)
    policy: Mapped[str | None] = mapped_column(Text)
    grid_code: Mapped[str | None] = mapped_column(String(15))
    geometry: Mapped[dict[str, Any]] = mapped_column(Json)
    ground: Mapped[dict[str, Any] | None] = mapped_column(Json)
    width_m: Mapped[float | None]
    radius_m: Mapped[float | None]
    lon: Mapped[float]
    lat: Mapped[float]
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    number: Mapped[int]
    ended_number: Mapped[int | None]


class IssuePlace(Base):
    """An issue lies in a place: in the version of it that was in force when the thing was found.

    Attributes:
        kind, code: of the place, as months are asked for.
        found_at: when the thing was found; what the version was chosen by.
    """

    __tablename__ = "issue_places"
    __table_args__ = (
        # all that a month of one kind needs: the rows themselves are spared
        Index("ix_issue_places_month", "kind", "found_at", "code", "issue_id", "place_id"),
        Index(None, "code", "kind", "issue_id"),
    )

    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"), primary_key=True)
    place_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("places.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    found_at: Mapped[datetime]
