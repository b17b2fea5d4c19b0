"""HTTP: sightings, for people in their areas."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from streetsight.service.auth.access import Viewer
from streetsight.service.candidates.routes import Bbox, Name
from streetsight.service.dependencies import Id, Limit, Server, Text
from streetsight.service.frames.service import parse_bounds
from streetsight.service.moments import Bound
from streetsight.service.sightings import service
from streetsight.service.sightings.schemas import SightingInFull, SightingPage, SightingShown

router = APIRouter(prefix="/v1/sightings", tags=["sightings"])

SightingId = Annotated[str, Path(pattern="^[0-9A-Za-z-]{1,36}$")]


@router.get("")
def list_sightings(
    server: Server,
    actor: Viewer,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern="^[0-9A-Za-z-]{1,36}$")] = None,
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area.")] = None,
    patrol_id: Id | None = None,
    class_name: Annotated[Name | None, Query(alias="class")] = None,
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    seen_from: Bound | None = None,
    seen_before: Bound | None = None,
    bbox: Bbox | None = None,
) -> SightingPage:
    """Sightings in one's areas. Their ids say nothing of time: `seen_from` does."""
    filters = service.Filters(
        area, patrol_id, class_name, min_score, seen_from, seen_before, parse_bounds(bbox)
    )
    with server.database.read() as session:
        found = service.list_sightings(session, actor, filters, limit, cursor)
    return SightingPage(items=[*map(SightingShown.of, found.items)], next_cursor=found.next_cursor)


@router.get("/{sighting_id}")
def read_sighting(server: Server, actor: Viewer, sighting_id: SightingId) -> SightingInFull:
    """One sighting, with each frame that shows it."""
    with server.database.read() as session:
        return service.in_full(session, actor, service.find_sighting(session, actor, sighting_id))
