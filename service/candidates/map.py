"""Candidates on a map: points while they are few, else clusters that the database counts.

Clusters are cells of a grid in the projection of web maps, so that they look square and stay where they are
while the map is moved; a hundred thousand candidates never go to a page.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, case, func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.queries import Filters, conditions_of
from streetsight.service.candidates.tables import Candidate
from streetsight.service.store.sessions import ReadSession

CELL_PX = 64
TILE_PX = 256


class PointShown(BaseModel):
    """A candidate on the map; WGS-84 degrees."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    lon: float
    lat: float
    condition: str
    class_name: str | None = Field(alias="class")
    state: str
    severity: str | None
    score: float | None


class ClusterShown(BaseModel):
    """Candidates of one cell, at the middle of where they are.

    Attributes:
        bbox: west, south, east, north of what is in it: zoom there to see more.
        id: of the candidate, where it is only one.
    """

    count: int
    lon: float
    lat: float
    bbox: tuple[float, float, float, float]
    open: int
    confirmed: int
    id: str | None


class MapShown(BaseModel):
    """Attributes: kind: which of points and clusters this is; total: candidates in the box."""

    kind: Literal["points", "clusters"]
    total: int
    points: list[PointShown]
    clusters: list[ClusterShown]


@dataclass(frozen=True, slots=True)
class Cells:
    """Sides of the cells at a zoom level, degrees; they shrink towards the poles as the projection grows."""

    lon_deg: float
    lat_deg: float

    @classmethod
    def at(cls, zoom: int, lat: float) -> "Cells":
        """Cells of `CELL_PX` pixels; the latitude is rounded, so that moving the map does not change them."""
        lon_deg = 360.0 / 2**zoom * CELL_PX / TILE_PX
        squeeze = float(np.cos(np.radians(np.clip(round(lat / 10) * 10, -80, 80))))
        return cls(lon_deg, lon_deg * squeeze)


def map_of(session: ReadSession, actor: Actor, filters: Filters, zoom: int, most: int) -> MapShown:
    """What lies in `filters.bounds`.

    Args:
        most: points that a page shows; with more they are clusters.
    """
    assert filters.bounds is not None
    wanted = conditions_of(session, actor, filters)
    rows = session.execute(select(*_POINT).where(wanted).limit(most + 1)).all()
    if len(rows) <= most:
        points = [PointShown.model_validate(row._asdict()) for row in rows]
        return MapShown(kind="points", total=len(points), points=points, clusters=[])
    _, south, _, north = filters.bounds
    clusters = _clusters(session, wanted, Cells.at(zoom, (south + north) / 2))
    total = sum(each.count for each in clusters)
    return MapShown(kind="clusters", total=total, points=[], clusters=clusters)


_POINT = (
    Candidate.id, Candidate.lon, Candidate.lat, Candidate.condition, Candidate.class_name.label("class"),
    Candidate.state, Candidate.severity, Candidate.score,
)  # fmt: skip


def _clusters(session: ReadSession, wanted: ColumnElement[bool], cells: Cells) -> list[ClusterShown]:
    column, row = _cell(Candidate.lon, 180.0, cells.lon_deg), _cell(Candidate.lat, 90.0, cells.lat_deg)
    lon, lat = Candidate.lon, Candidate.lat
    found = (
        select(
            func.count().label("number"), func.avg(lon).label("lon"), func.avg(lat).label("lat"),
            func.min(lon).label("west"), func.min(lat).label("south"),
            func.max(lon).label("east"), func.max(lat).label("north"),
            func.sum(case((Candidate.state == "open", 1), else_=0)).label("open"),
            func.sum(case((Candidate.state == "confirmed", 1), else_=0)).label("confirmed"),
            func.min(Candidate.id).label("id"),
        )
        .where(wanted)
        .group_by(column, row)
    )  # fmt: skip
    return [_cluster(each) for each in session.execute(found)]


def _cell(degrees: Any, low: float, size: float) -> Any:
    # whole cells by rounding: `floor` is missing from some builds of SQLite, and casts differ
    return func.round((degrees + low) / size - 0.5)


def _cluster(row: Any) -> ClusterShown:
    return ClusterShown(
        count=row.number, lon=row.lon, lat=row.lat, bbox=(row.west, row.south, row.east, row.north),
        open=row.open, confirmed=row.confirmed, id=row.id if row.number == 1 else None,
    )  # fmt: skip
