"""Candidates on a map: points while they are few, else clusters that the database counts.

Clusters are cells of a fixed grid, so that they stay where they are while the map is moved; a hundred
thousand candidates never go to a page. The cells of zoom 12 are a column of the table and the order of an
index: what is counted by them is counted in one pass. Smaller cells are made of what one window holds.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from math import floor
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, case, func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.cells import CELL_ZOOM, box_of, cell_at, cell_size, whole_cells
from streetsight.service.candidates.queries import Filters, conditions_of
from streetsight.service.candidates.tables import CELL_DEG, CELLS_IN_ROW, Candidate
from streetsight.service.frames.service import Bounds
from streetsight.service.store.sessions import ReadSession


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
        bbox: west, south, east, north of the cell: zoom there to see more.
    """

    count: int
    open: int
    confirmed: int
    lon: float
    lat: float
    bbox: tuple[float, float, float, float]


class MapShown(BaseModel):
    """What lies in the cells that touch a box.

    Attributes:
        kind: which of points and clusters this is; the other one is empty.
        total: candidates in all these cells.
    """

    kind: Literal["points", "clusters"]
    total: int
    points: list[PointShown]
    clusters: list[ClusterShown]


@dataclass(frozen=True, slots=True)
class Counted:
    """Candidates of one cell; sums of degrees."""

    row: int
    column: int
    count: int
    open: int
    confirmed: int
    lon: float
    lat: float


def map_of(session: ReadSession, actor: Actor, filters: Filters, zoom: int, most: int) -> MapShown:
    """What lies in the cells that touch `filters.bounds`.

    Args:
        most: points that a page shows; with more they are clusters.
    """
    assert filters.bounds is not None
    size = cell_size(zoom)
    cells = whole_cells(filters.bounds, size)
    others = conditions_of(session, actor, replace(filters, bounds=None))
    wanted = and_(_inside(cells), _looked_at(others) if _is_sqlite(session) else others)
    counted = _coarse(session, wanted, size) if zoom <= CELL_ZOOM else _fine(session, wanted, size)
    total = sum(each.count for each in counted)
    if total > most:
        clusters = [_cluster(each, size) for each in counted]
        return MapShown(kind="clusters", total=total, points=[], clusters=clusters)
    inside = conditions_of(session, actor, replace(filters, bounds=cells))
    rows = session.execute(select(*_POINT).where(inside).limit(most))
    points = [PointShown.model_validate(row._asdict()) for row in rows]
    return MapShown(kind="points", total=len(points), points=points, clusters=[])


_POINT = (
    Candidate.id, Candidate.lon, Candidate.lat, Candidate.condition, Candidate.class_name.label("class"),
    Candidate.state, Candidate.severity, Candidate.score,
)  # fmt: skip
_SUMS = (
    func.count().label("number"),
    func.sum(case((Candidate.state == "open", 1), else_=0)).label("open"),
    func.sum(case((Candidate.state == "confirmed", 1), else_=0)).label("confirmed"),
    func.sum(Candidate.lon).label("lon"),
    func.sum(Candidate.lat).label("lat"),
)  # fmt: skip


def _inside(cells: Bounds) -> ColumnElement[bool]:
    """Condition that a candidate lies in a box of whole cells, by the rows of the table's own cells."""
    west, south, east, north = cells
    first, last = floor((south + 90) / CELL_DEG), floor((north + 90) / CELL_DEG)
    rows = Candidate.cell.between(first * CELLS_IN_ROW, last * CELLS_IN_ROW + CELLS_IN_ROW - 1)
    east_west = and_(Candidate.lon >= west, Candidate.lon < east)
    return and_(rows, east_west, Candidate.lat >= south, Candidate.lat < north)


def _is_sqlite(session: ReadSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _looked_at(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition in a form that no index answers: by one, SQLite would look into wide rows, and sort."""
    told: ColumnElement[bool] = case((condition, 1), else_=0) == 1
    return told


def _coarse(session: ReadSession, wanted: ColumnElement[bool], size: float) -> list[Counted]:
    """By the cells of the table, put together as far as the zoom asks."""
    found = session.execute(select(Candidate.cell, *_SUMS).where(wanted).group_by(Candidate.cell))
    many, sums = round(size / CELL_DEG), defaultdict[tuple[int, int], list[Any]](list)
    for cell, *counts in found:
        row, column = divmod(int(cell), CELLS_IN_ROW)
        sums[row // many, column // many].append(counts)
    return [Counted(*key, *map(sum, zip(*counts, strict=True))) for key, counts in sums.items()]


def _fine(session: ReadSession, wanted: ColumnElement[bool], size: float) -> list[Counted]:
    """By smaller cells, for what is in one window."""
    row, column = cell_at(Candidate.lon, Candidate.lat, size)
    found = select(row, column, *_SUMS).where(wanted).group_by(row, column)
    return [Counted(int(row), int(column), *counts) for row, column, *counts in session.execute(found)]


def _cluster(counted: Counted, size: float) -> ClusterShown:
    return ClusterShown(
        count=counted.count, open=counted.open, confirmed=counted.confirmed,
        lon=counted.lon / counted.count, lat=counted.lat / counted.count,
        bbox=box_of(counted.row, counted.column, size),
    )  # fmt: skip
