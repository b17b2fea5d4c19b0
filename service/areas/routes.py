"""HTTP: the areas of the city."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from streetsight.service.areas import service
from streetsight.service.areas.geojson import BODY, Collection
from streetsight.service.areas.reading import Kind, read_areas
from streetsight.service.areas.schemas import (
    AreaCollection,
    AreaFeature,
    AreaPage,
    AreaShown,
    AreaVersionPage,
    AreaVersionShown,
)
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag

router = APIRouter(prefix="/v1/areas", tags=["areas"])

Code = Annotated[Text, Field(min_length=1, max_length=30)]
Reason = Annotated[Text, Query(min_length=1, max_length=500, description="Why; stays with the version.")]
Crs = Annotated[
    str | None, Query(max_length=20, description="wgs84, cgcs2000, gcj02 or bd09; else the file declares it.")
]
Lon = Annotated[float, Query(ge=-180, le=180)]
Lat = Annotated[float, Query(ge=-90, le=90)]


def may_change(actor: Analyst) -> None:
    """Dependency: rights come before the body is read. Raises WholeCityOnly."""
    service.require_whole_city(actor)


@router.get("")
def list_areas(
    server: Server, actor: Viewer, response: Response, limit: Limit = 50, cursor: Cursor = None,
    kind: Kind | None = None, parent: Annotated[Code | None, Query()] = None,
) -> AreaPage:  # fmt: skip
    """Areas in force, outer ones first. The ETag is their version."""
    with server.database.read() as session:
        number = service.number_in_force(session)
        found = service.list_areas(session, actor, kind, parent, limit, cursor)
    response.headers["ETag"] = etag(number)
    return AreaPage(version=number, items=[*map(AreaShown.of, found.items)], next_cursor=found.next_cursor)


@router.put("", dependencies=[Depends(may_change)], openapi_extra=BODY)
def replace_areas(
    server: Server, actor: Analyst, wanted: IfMatch, reason: Reason, document: Collection,
    request: Request, response: Response, crs: Crs = None, check: bool = False,
) -> AreaVersionShown:  # fmt: skip
    """Replace all areas by those of a FeatureCollection. Every row gets its area anew, in the background.

    With `check` nothing is changed: the answer says what would be found.
    """
    read, language = read_areas(document, crs), language_of(request)
    if check:
        return AreaVersionShown.tried(read, actor.name, reason, language)
    with server.database.write() as session:
        version = service.import_areas(session, actor, read, reason, wanted)
    response.headers["ETag"] = etag(version.number)
    return AreaVersionShown.of(version, language)


@router.get("/geojson")
def read_all(server: Server, actor: Viewer, response: Response) -> AreaCollection:
    """All areas in force with their outlines."""
    with server.database.read() as session:
        response.headers["ETag"] = etag(service.number_in_force(session))
        found = service.all_areas(session, actor)
    return AreaCollection(features=[*map(AreaFeature.of, found)])


@router.get("/at")
def read_at(server: Server, actor: Viewer, lon: Lon, lat: Lat) -> list[AreaShown]:
    """The areas that a place lies in, outermost first."""
    with server.database.read() as session:
        return [*map(AreaShown.of, service.areas_at(session, actor, lon, lat))]


@router.get("/versions")
def list_versions(
    server: Server, _actor: Analyst, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> AreaVersionPage:
    """All imports, newest first."""
    with server.database.read() as session:
        found = service.list_versions(session, limit, cursor)
    language = language_of(request)
    shown = [AreaVersionShown.of(each, language) for each in found.items]
    return AreaVersionPage(items=shown, next_cursor=found.next_cursor)


@router.get("/{code}")
def read_area(server: Server, actor: Viewer, code: Code) -> AreaFeature:
    """One area in force with its outline."""
    with server.database.read() as session:
        return AreaFeature.of(service.find_area(session, actor, code))
