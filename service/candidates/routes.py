"""HTTP: candidates, as a list, a map, a file, and one with all that it rests on."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, StringConstraints

from streetsight.inference.rules.settings import Level
from streetsight.service.auth.access import Viewer
from streetsight.service.candidates import queries
from streetsight.service.candidates.exports import COLUMNS
from streetsight.service.candidates.map import MapShown, map_of
from streetsight.service.candidates.queries import Filters, conditions_of, parse_near
from streetsight.service.candidates.schemas import CandidatePage, CandidateShown, CandidateTraced, Source
from streetsight.service.candidates.tables import Candidate
from streetsight.service.candidates.trace import attached, trace
from streetsight.service.decisions.states import State
from streetsight.service.dependencies import Cursor, Id, Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.etags import etag, is_known, not_modified
from streetsight.service.exports import MEDIA_TYPES, CrsWanted, FormWanted, export, form_wanted, rows_of
from streetsight.service.frames.service import parse_bounds
from streetsight.service.moments import Bound

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])

Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,59}$")]
"""Of a class or a condition."""

Bbox = Annotated[str, StringConstraints(max_length=200)]
"""`west,south,east,north`, WGS-84 degrees."""

SomeBbox = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""One that has to be said."""


def _given(value: Any) -> Any:
    """What is not empty: forms send fields that nobody has filled in."""
    return [each for each in value if each != ""] if isinstance(value, list) else value or None


Given = BeforeValidator(_given)


def filters_wanted(
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area."), Given] = None,
    class_name: Annotated[list[Name], Query(alias="class"), Given] = [],  # noqa: B006  FastAPI copies it
    condition: Annotated[list[Name], Query(), Given] = [],  # noqa: B006
    state: Annotated[list[State], Query(), Given] = [],  # noqa: B006
    source: Annotated[list[Source], Query(), Given] = [],  # noqa: B006
    severity: Annotated[list[Level], Query(), Given] = [],  # noqa: B006
    min_score: Annotated[float | None, Query(ge=0, le=1), Given] = None,
    seen_from: Annotated[Bound | None, Given] = None,
    seen_before: Annotated[Bound | None, Given] = None,
    created_from: Annotated[Bound | None, Given] = None,
    created_before: Annotated[Bound | None, Given] = None,
    bbox: Annotated[Bbox | None, Given] = None,
    near: Annotated[str | None, Query(description="lon,lat,radius_m; WGS-84", max_length=200), Given] = None,
    id: Annotated[
        str | None, Query(pattern="^[0-9a-f-]{4,36}$", description="Its first characters."), Given
    ] = None,
) -> Filters:
    """Dependency: which candidates are wanted. A filter given twice takes either, an empty one takes all."""
    return Filters(
        area, class_name, condition, state, source, severity, min_score, seen_from, seen_before,
        created_from, created_before, parse_bounds(bbox), parse_near(near), id,
    )  # fmt: skip


Wanted = Annotated[Filters, Depends(filters_wanted)]
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}}
}


@router.get("", response_model=CandidatePage, responses=FILES)
def list_candidates(
    server: Server,
    actor: Viewer,
    request: Request,
    filters: Wanted,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: FormWanted = None,
    crs: CrsWanted = "wgs84",
) -> CandidatePage | Response:
    """Candidates in one's areas, newest first; or all of them as a file (CSV, GeoJSON)."""
    if (wanted := form_wanted(request, form)) != "json":
        return export(
            request, server, actor,
            lambda session: rows_of(Candidate, COLUMNS, conditions_of(session, actor, filters)),
            COLUMNS, wanted, crs, "candidates",
        )  # fmt: skip
    with server.database.read() as session:
        found = queries.list_candidates(session, actor, filters, limit, cursor)
    return CandidatePage(items=[*map(CandidateShown.of, found.items)], next_cursor=found.next_cursor)


@router.get("/map")
def show_map(
    server: Server,
    actor: Viewer,
    filters: Wanted,
    bbox: SomeBbox,
    zoom: Annotated[int, Query(ge=0, le=22)],
) -> MapShown:
    """Candidates in a box: points while they are few, else clusters. `zoom` as of web maps."""
    with server.database.read() as session:
        return map_of(session, actor, filters, zoom, server.settings.max_map_points)


@router.get("/{candidate_id}", responses={304: {"description": "You have this version."}})
def read_candidate(
    server: Server, actor: Viewer, request: Request, candidate_id: Id, response: Response
) -> CandidateTraced:
    """One candidate with all that it rests on, and what was decided of it.

    Its ETag is its version and, behind a point, how much is attached to it: late evidence comes without a new
    version, so that it is in nobody's way.
    """
    with server.database.read() as session:
        candidate = queries.find(session, actor, candidate_id)
        tag = etag(candidate.version, attached(session, candidate.id))
        if is_known(request, tag):
            return not_modified(tag)  # type: ignore[return-value]
        response.headers["ETag"] = tag
        response.headers["Vary"] = "Accept-Language"
        response.headers["Cache-Control"] = "private, no-cache"
        return trace(session, actor, candidate, language_of(request))
