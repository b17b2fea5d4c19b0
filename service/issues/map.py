"""Issues on a map: points while they are few, else clusters, by the cells that candidates are counted by."""

from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import case, func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.cells import box_of, cell_at, cell_size, whole_cells
from streetsight.service.issues.queries import Filters, conditions_of, overdue
from streetsight.service.issues.states import OPEN, State
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession


class IssuePoint(BaseModel):
    """An issue on the map; WGS-84 degrees."""

    id: str
    number: str
    lon: float
    lat: float
    condition: str
    state: State
    severity: str | None
    due_at: datetime | None
    overdue: bool


class IssueCluster(BaseModel):
    """Issues of one cell, at the middle of where they are.

    Attributes:
        open: somebody still has something to do; overdue: of those, by the clock.
        bbox: west, south, east, north of the cell: zoom there to see more.
    """

    count: int
    open: int
    overdue: int
    lon: float
    lat: float
    bbox: tuple[float, float, float, float]


class IssueMap(BaseModel):
    """What lies in the cells that touch a box. Attributes: kind: which of points and clusters this is."""

    kind: Literal["points", "clusters"]
    total: int
    points: list[IssuePoint]
    clusters: list[IssueCluster]


def map_of(
    session: ReadSession, actor: Actor, filters: Filters, zone: tzinfo, zoom: int, most: int
) -> IssueMap:
    """What lies in the cells that touch `filters.bounds`.

    Args:
        most: points that a page shows; with more they are clusters.
    """
    assert filters.bounds is not None
    size = cell_size(zoom)
    cells = replace(filters, bounds=whole_cells(filters.bounds, size))
    wanted = conditions_of(session, actor, cells, zone)
    row, column = cell_at(Issue.lon, Issue.lat, size)
    is_open, late = case((Issue.state.in_(OPEN), 1), else_=0), case((overdue(), 1), else_=0)
    sums = func.count(), func.sum(is_open), func.sum(late), func.avg(Issue.lon), func.avg(Issue.lat)
    counted = session.execute(select(row, column, *sums).where(wanted).group_by(row, column)).all()
    total = sum(each[2] for each in counted)
    if total > most:
        clusters = [
            IssueCluster(
                count=count, open=still, overdue=due, lon=lon, lat=lat, bbox=box_of(int(y), int(x), size)
            )
            for y, x, count, still, due, lon, lat in counted
        ]
        return IssueMap(kind="clusters", total=total, points=[], clusters=clusters)
    columns = [getattr(Issue, name) for name in IssuePoint.model_fields if name != "overdue"]
    rows = session.execute(select(*columns, late.label("overdue")).where(wanted).limit(most))
    points = [IssuePoint.model_validate(each._asdict()) for each in rows]
    return IssueMap(kind="points", total=total, points=points, clusters=[])
