"""HTTP: the register of places."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from streetsight.models.taxonomy import Language
from streetsight.service.areas.geojson import BODY, Collection, parse_collection
from streetsight.service.areas.routes import Crs, Lat, Lon, Reason, may_change
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.candidates.queries import parse_near
from streetsight.service.candidates.routes import Bbox, Given
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.documents.service import NoVersion
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.frames.service import parse_bounds
from streetsight.service.places import attributing, changing, service
from streetsight.service.places.changing import Diff, Said
from streetsight.service.places.chiefs import tree_of
from streetsight.service.places.reading import Finding, example_files, read_places
from streetsight.service.places.schemas import (
    ChangedShown,
    ChangePage,
    ChangeShown,
    ChiefShown,
    Code,
    FindingShown,
    FiveFixedShown,
    ImportShown,
    IncompleteShown,
    LineRefused,
    Moment,
    PlaceChanged,
    PlaceCollection,
    PlaceEnded,
    PlaceFeature,
    PlacePage,
    PlaceSent,
    PlaceShown,
    SuggestionShown,
    TableShown,
    WordShown,
    change_shown,
    missing_of,
)
from streetsight.service.places.service import Filters
from streetsight.service.places.suggesting import Wanted, suggest
from streetsight.service.places.tables import PlaceChange
from streetsight.service.places.words import Grade, Kind, Scene, Subject, words
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/places", tags=["places"])

SHOWN = 200  # of what an import comes to
KindHere = Annotated[Kind, Path()]
CodeHere = Annotated[Code, Path()]
At = Annotated[Moment | None, Query(description="As it was, or will be, then; now if not given.")]
From = Annotated[Moment | None, Query(description="From when on it holds; now if not given.")]
Word = Annotated[Text | None, Query(max_length=100), Given]
TABLE = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
}


def filters_wanted(
    kind: Annotated[Kind | None, Given] = None,
    unit: Word = None,
    chief: Annotated[
        Text | None, Query(max_length=100, description="Name or id, of any level."), Given
    ] = None,
    grade: Annotated[Grade | None, Given] = None,
    scene: Annotated[Scene | None, Given] = None,
    area_type: Word = None,
    peer_group: Word = None,
    search: Annotated[
        Text | None, Query(max_length=100, description="A part of name or code."), Given
    ] = None,
    bbox: Annotated[Bbox | None, Given] = None,
    near: Annotated[str | None, Query(description="lon,lat,radius_m; WGS-84", max_length=200), Given] = None,
) -> Filters:
    """Dependency: which places are wanted; an empty filter takes all."""
    return Filters(
        kind, unit, chief, grade, scene, area_type, peer_group, search, parse_bounds(bbox), parse_near(near)
    )


Asked = Annotated[Filters, Depends(filters_wanted)]


@router.get("")
def list_places(
    server: Server, actor: Viewer, response: Response, filters: Asked, moment: At = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> PlacePage:  # fmt: skip
    """Places in force, by kind and code. The ETag is the version of the register."""
    with server.database.read() as session:
        number = service.number_in_force(session)
        found = service.list_places(session, actor, filters, moment or now(), limit, cursor)
    response.headers["ETag"] = etag(number)
    items = [*map(PlaceShown.of, found.items)]
    return PlacePage(version=number, items=items, next_cursor=found.next_cursor)


@router.put("", dependencies=[Depends(may_change)], openapi_extra=BODY)
def replace_places(
    server: Server, actor: Analyst, wanted: IfMatch, reason: Reason, document: Collection,
    request: Request, response: Response, crs: Crs = None, valid_from: From = None, check: bool = False,
    kind: Annotated[list[Kind], Query(description="Kinds to replace; else those in the file.")] = [],  # noqa: B006
) -> ImportShown:  # fmt: skip
    """Replace the places of some kinds by those of a FeatureCollection, from a moment on.

    What is as it was stays as it is. With `check` nothing is changed: the answer says what would be.
    """
    moment, language = valid_from or now(), language_of(request)
    with server.database.read() as session:
        aspects = changing.aspects_of(session)
    read = read_places(document, crs, aspects, kind)
    if check:
        with server.database.read() as session:
            diff = changing.compare(session, read, moment)
        tried = PlaceChange(
            number=0, action="imported", moment=moment, kinds=read.kinds, counts=diff.counts, crs=read.crs,
            made_by=actor.name, reason=reason,
        )  # fmt: skip
        return _import_shown(tried, diff, read.warnings, language)
    said = Said(reason, moment, wanted)
    with server.database.write() as session:
        change, diff = changing.import_places(session, actor, read, said)
    response.headers["ETag"] = etag(change.number)
    return _import_shown(change, diff, read.warnings, language)


@router.post("", status_code=201)
def add_place(server: Server, actor: Analyst, sent: PlaceSent, response: Response) -> PlaceFeature:
    """Add a place, from a moment on."""
    place = server.writer.run(partial(changing.add_place, actor=actor, sent=sent))
    response.headers["ETag"] = etag(place.number)
    response.headers["Location"] = f"/v1/places/{place.kind}/{place.code}"
    return PlaceFeature.of(place)


@router.post("/attributes", dependencies=[Depends(may_change)], openapi_extra=TABLE)
def replace_attributes(
    server: Server, actor: Analyst, wanted: IfMatch, reason: Reason, request: Request, response: Response,
    content: Annotated[bytes, Body(media_type="text/csv")], kind: Kind | None = None,
    valid_from: From = None, partial: bool = False, check: bool = False,
) -> TableShown:  # fmt: skip
    """Attributes by code, from a CSV table. An empty cell leaves what is there, `-` takes it away.

    With a line that cannot be used nothing is changed, unless `partial` takes the others.
    """
    moment, language = valid_from or now(), language_of(request)
    with server.database.read() as session:
        read = attributing.read_table(session, content, kind, moment)
        diff = changing.compare_attributes(session, read.places, moment)
        number = service.number_in_force(session)
    change: PlaceChange | None = None
    if not check:
        if not partial:
            attributing.require_all_good(read)
        with server.database.write() as session:  # as it was read, or it is stale
            said = Said(reason, moment, wanted)
            change, diff = changing.change_attributes(session, actor, read.places, said)
        number = change.number if change else number
    response.headers["ETag"] = etag(number)
    change = change or PlaceChange(
        number=0 if check else number, action="attributes_imported", moment=moment, kinds=[],
        counts=diff.counts, crs=None, made_by=actor.name, reason=reason,
    )  # fmt: skip
    ignored = [Finding("-", "ignored", ", ".join(read.unknown))] if read.unknown else []
    shown = change_shown(change, _findings(ignored, language))
    refused = [LineRefused(line=each.line, message=each.reason(language)) for each in read.faults]
    return TableShown(**shown, changed=_changed(diff), refused=refused)


@router.get("/geojson")
def read_all(
    server: Server, actor: Viewer, response: Response, filters: Asked, moment: At = None
) -> PlaceCollection:
    """The same as GeoJSON, all of them, with their ground."""
    with server.database.read() as session:
        number = service.number_in_force(session)
        found = service.find_places(session, actor, filters, moment or now())
    response.headers["ETag"] = etag(number)
    return PlaceCollection(version=number, features=[*map(PlaceFeature.of, found)])


@router.get("/at")
def read_at(server: Server, actor: Viewer, lon: Lon, lat: Lat, moment: At = None) -> list[PlaceShown]:
    """What a point lies in at a moment, by kind and code; an outline belongs to its place."""
    with server.database.read() as session:
        return [*map(PlaceShown.of, service.places_at(session, actor, lon, lat, moment or now()))]


@router.get("/words/{subject}")
def list_words(_actor: Viewer, request: Request, subject: Subject) -> list[WordShown]:
    """What can be said of a place: kinds, scenes, area types, grades, origins, ..."""
    language = language_of(request)
    return [
        WordShown(code=each.code, name=each.label(language), scene=each.scene)
        for each in words(subject).values()
    ]


@router.get("/five-fixed")
def list_incomplete(
    server: Server, actor: Viewer, request: Request, filters: Asked, moment: At = None
) -> FiveFixedShown:
    """Places whose 五定 is not whole, and what is missing."""
    language = language_of(request)
    with server.database.read() as session:
        found = service.find_places(session, actor, filters, moment or now())
    lacking = [IncompleteShown.of(each, language) for each in found if missing_of(each.five_fixed)]
    return FiveFixedShown(places=len(found), whole=len(found) - len(lacking), items=lacking)


@router.get("/chiefs")
def read_chiefs(server: Server, actor: Viewer, filters: Asked, moment: At = None) -> list[ChiefShown]:
    """The tree of street chiefs, and the places of each."""
    with server.database.read() as session:
        return tree_of(service.find_places(session, actor, filters, moment or now()))


def clusters_wanted(
    days: Annotated[int, Query(ge=1, le=366)] = 90,
    within_m: Annotated[float, Query(ge=5, le=500, description="How far apart linked issues may be.")] = 50,
    least: Annotated[int, Query(ge=2, le=1000, description="Issues that near to each other, at least.")] = 5,
    aspect: Annotated[str | None, Query(pattern="^[a-z][a-z0-9_]{0,39}$"), Given] = None,
    unregistered: Annotated[bool, Query(description="Leave out what touches a registered point.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Wanted:
    """Dependency: what counts as dense."""
    return Wanted(days, within_m, least, aspect, unregistered, limit)


ClustersWanted = Annotated[Wanted, Depends(clusters_wanted)]


@router.get("/suggestions")
def list_suggestions(
    server: Server, actor: Viewer, request: Request, wanted: ClustersWanted
) -> list[SuggestionShown]:
    """Where confirmed issues lie densely, and why: ground that may deserve a problem point."""
    with server.database.read() as session:
        return suggest(session, actor, wanted, now(), language_of(request))


@router.get("/changes")
def list_changes(
    server: Server, _actor: Analyst, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> ChangePage:
    """All changes of the register, newest first: who, when, why."""
    language = language_of(request)
    with server.database.read() as session:
        found = service.list_changes(session, limit, cursor)
    items = [ChangeShown(**change_shown(each, _kept(each, language))) for each in found.items]
    return ChangePage(items=items, next_cursor=found.next_cursor)


@router.get("/examples/{name}")
def read_example(_actor: Analyst, name: Annotated[str, Path(pattern="^[a-z0-9-]{1,60}$")]) -> dict[str, Any]:
    """A shipped example, to look at and to try."""
    path = example_files().get(name)
    if path is None:
        raise NoVersion("there is no example {name}", name=name)
    return parse_collection(path.read_bytes())


@router.get("/{kind}/{code}")
def read_place(
    server: Server, actor: Viewer, response: Response, kind: KindHere, code: CodeHere, moment: At = None
) -> PlaceFeature:
    """One place with its ground. Its ETag is what a change has to name."""
    with server.database.read() as session:
        place = service.find_place(session, kind, code, moment or now(), actor)
        response.headers["ETag"] = etag(service.tag_of(session, kind, code))
    return PlaceFeature.of(place)


@router.get("/{kind}/{code}/history")
def read_history(server: Server, actor: Viewer, kind: KindHere, code: CodeHere) -> list[PlaceFeature]:
    """All that it ever was, the newest first; what was taken back before it counted as well."""
    with server.database.read() as session:
        return [*map(PlaceFeature.of, service.history_of(session, actor, kind, code))]


@router.patch("/{kind}/{code}")
def change_place(
    server: Server, actor: Analyst, wanted: IfMatch, kind: KindHere, code: CodeHere, sent: PlaceChanged,
    response: Response,
) -> PlaceFeature:  # fmt: skip
    """Change attributes or ground from a moment on. What is not sent stays; the past does, too."""
    unit = partial(changing.change_place, actor=actor, key=(kind, code), sent=sent, wanted=wanted)
    place = server.writer.run(unit)
    response.headers["ETag"] = etag(place.number)
    return PlaceFeature.of(place)


@router.post("/{kind}/{code}/end")
def end_place(
    server: Server, actor: Analyst, wanted: IfMatch, kind: KindHere, code: CodeHere, sent: PlaceEnded,
    response: Response,
) -> PlaceFeature:  # fmt: skip
    """End a place from a moment on. It stays in the past."""
    unit = partial(
        changing.end_place, actor=actor, key=(kind, code), reason=sent.reason, moment=sent.valid_to,
        wanted=wanted,
    )  # fmt: skip
    place = server.writer.run(unit)
    response.headers["ETag"] = etag(place.ended_number or place.number)
    return PlaceFeature.of(place)


def _import_shown(
    change: PlaceChange, diff: Diff, warnings: Sequence[Finding], language: Language
) -> ImportShown:
    return ImportShown(
        **change_shown(change, _findings(warnings, language)),
        added=["/".join(place.key) for place in diff.added[:SHOWN]], changed=_changed(diff),
        ended=["/".join(key) for key in diff.ended[:SHOWN]],
    )  # fmt: skip


def _changed(diff: Diff) -> list[ChangedShown]:
    return [
        ChangedShown(kind=kind, code=code, fields=fields)
        for (kind, code), fields in sorted(diff.fields.items())[:SHOWN]
    ]


def _kept(change: PlaceChange, language: Language) -> list[FindingShown]:
    return _findings([Finding(**each) for each in change.warnings], language)


def _findings(found: Sequence[Finding], language: Language) -> list[FindingShown]:
    return [
        FindingShown(place=each.place, outcome=each.outcome, message=each.say(language)) for each in found
    ]
