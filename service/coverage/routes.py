"""HTTP: which ground was seen."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from streetsight.service.auth.access import Viewer
from streetsight.service.coverage import service
from streetsight.service.coverage.schemas import CoverageShown, DaysShown, MeasureShown, WaysShown
from streetsight.service.coverage.service import Filters
from streetsight.service.dependencies import Server, Text
from streetsight.service.frames.service import parse_bounds

router = APIRouter(prefix="/v1/coverage", tags=["coverage"])


def filters_wanted(
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area.")] = None,
    day: Annotated[date | None, Query(description="One local day; else `first` and `last`.")] = None,
    first: date | None = None,
    last: date | None = None,
    bbox: Annotated[str | None, Query(max_length=200, description="west,south,east,north; WGS-84")] = None,
) -> Filters:
    """Dependency: which ground is wanted."""
    return Filters(area, day or first, day or last, parse_bounds(bbox))


Wanted = Annotated[Filters, Depends(filters_wanted)]


@router.get("")
def read_coverage(server: Server, actor: Viewer, filters: Wanted) -> CoverageShown:
    """Ground seen and ground only passed in one's areas, all days asked for together, as GeoJSON."""
    with server.database.read() as session:
        return CoverageShown.of(service.ground_seen(session, actor, filters))


@router.get("/ways")
def read_ways(server: Server, actor: Viewer, filters: Wanted) -> WaysShown:
    """What patrols drove in one's areas, as GeoJSON lines; of patrols that were assembled."""
    with server.database.read() as session:
        return WaysShown.of(service.driven_ways(session, actor, filters))


@router.get("/days")
def read_days(server: Server, actor: Viewer, filters: Wanted) -> DaysShown:
    """Square metres and metres of street seen, day by day."""
    with server.database.read() as session:
        found = service.measures_by_day(session, actor, filters)
    return DaysShown(items=[*map(MeasureShown.of, found)])
