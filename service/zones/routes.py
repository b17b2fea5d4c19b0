"""HTTP: zones of the city's map."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from streetsight.inference.rules.settings import load_rules
from streetsight.service.areas.geojson import BODY, Collection
from streetsight.service.areas.routes import may_change
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.zones import service
from streetsight.service.zones.schemas import (
    KindShown,
    Rollback,
    ZoneCollection,
    ZoneVersionPage,
    ZoneVersionShown,
    reports_shown,
)

router = APIRouter(prefix="/v1/zones", tags=["zones"])

Reason = Annotated[Text, Query(min_length=1, max_length=500, description="Why; stays with the version.")]
Number = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("")
def read_zones(server: Server, actor: Viewer, response: Response) -> ZoneCollection:
    """Zones in force. The ETag is their version; 0 while there are none."""
    with server.database.read() as session:
        version = service.version_in_force(session)
        features = service.features_seen(session, actor, version) if version else []
    number = version.number if version else 0
    response.headers["ETag"] = etag(number)
    time_zone = version.document.get("time_zone") if version else None
    return ZoneCollection(version=number, time_zone=time_zone, features=features)


@router.put("", dependencies=[Depends(may_change)], openapi_extra=BODY)
def replace_zones(
    server: Server, actor: Analyst, wanted: IfMatch, reason: Reason, document: Collection,
    request: Request, response: Response, partial: bool = False, check: bool = False,
) -> ZoneVersionShown:  # fmt: skip
    """Replace all zones by those of a FeatureCollection.

    With a faulty one nothing is changed, unless `partial` takes the others. With `check` nothing is changed
    at all: the answer says what would be found.
    """
    with server.database.read() as session:
        near = service.middle_of_city(session)
    zones, reports = service.read_document(document, near)
    language = language_of(request)
    if check:
        return ZoneVersionShown(
            number=0, zones=len(zones.zones), made_by=actor.name, reason=reason, made_at=None, copy_of=None,
            reports=reports_shown([*reports], language),
        )  # fmt: skip
    if not partial:
        service.require_all_used(reports)
    with server.database.write() as session:
        version = service.replace_zones(session, actor, document, (zones, reports), reason, wanted)
    response.headers["ETag"] = etag(version.number)
    return ZoneVersionShown.of(version, language)


@router.post("/rollback")
def roll_back(
    server: Server, actor: Analyst, wanted: IfMatch, asked: Rollback, request: Request, response: Response
) -> ZoneVersionShown:
    """Put an earlier version in force again; it becomes the newest."""
    unit = partial(service.roll_back, actor=actor, number=asked.to, reason=asked.reason, wanted=wanted)
    version = server.writer.run(unit)
    response.headers["ETag"] = etag(version.number)
    return ZoneVersionShown.of(version, language_of(request))


@router.get("/kinds")
def list_kinds(_actor: Viewer, request: Request) -> list[KindShown]:
    """Kinds of zones that there are, and what each does."""
    language = language_of(request)
    return [KindShown.of(name, kind, language) for name, kind in load_rules().zone_kinds.items()]


@router.get("/versions", dependencies=[Depends(may_change)])
def list_versions(
    server: Server, _actor: Analyst, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> ZoneVersionPage:
    """All versions, newest first: who, when, why."""
    with server.database.read() as session:
        found = service.list_versions(session, limit, cursor)
    language = language_of(request)
    shown = [ZoneVersionShown.of(each, language) for each in found.items]
    return ZoneVersionPage(items=shown, next_cursor=found.next_cursor)


@router.get("/versions/{number}", dependencies=[Depends(may_change)])
def read_version(server: Server, _actor: Analyst, number: Number) -> dict[str, Any]:
    """The document of one version, as it came."""
    with server.database.read() as session:
        return service.find_version(session, number).document
