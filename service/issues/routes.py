"""HTTP: issues, as a list, a file, and one by one; entered by hand, acted on, with their timeline."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security

from streetsight.inference.rules.settings import Level
from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.candidates.queries import Circle, parse_near
from streetsight.service.candidates.routes import FILES, Bbox, Given, Name, SomeBbox
from streetsight.service.candidates.schemas import Source
from streetsight.service.decisions.routes import ANSWERS, IdempotencyKey
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag, is_known, not_modified
from streetsight.service.exports import CrsWanted, FormWanted, export, form_wanted, rows_of
from streetsight.service.frames.service import parse_bounds
from streetsight.service.issues import acting, entering, queries, service
from streetsight.service.issues.acting import Wish
from streetsight.service.issues.exports import COLUMNS
from streetsight.service.issues.map import IssueMap, map_of
from streetsight.service.issues.queries import Filters, Order, conditions_of
from streetsight.service.issues.reasons import reasons
from streetsight.service.issues.schemas import (
    ActMade,
    ActShown,
    Asked,
    Colour,
    IssueCounts,
    IssueDetail,
    IssueEntered,
    IssueMade,
    IssuePage,
    IssueShown,
    ReasonShown,
    SimilarShown,
    SupervisionPage,
    SupervisionShown,
)
from streetsight.service.issues.similar import similar
from streetsight.service.issues.states import State
from streetsight.service.issues.tables import Issue
from streetsight.service.issues.timeline import detail, made, timeline
from streetsight.service.moments import Bound

router = APIRouter(prefix="/v1/issues", tags=["issues"])

P = Permission
NEARBY_M = 50.0
"""How far away what is shown as similar may be."""
TaskReader = Annotated[Actor, Security(allowed(P.READ_TASKS))]
Enterer = Annotated[Actor, Security(allowed(P.ENTER))]
Doer = Annotated[Actor, Security(allowed(P.MANAGE_ISSUES, P.ANSWER_TASKS, P.ENTER))]
IssueName = Annotated[
    str, Path(alias="id_or_number", pattern=r"^[0-9a-f-]{15,36}$", description="Its id or its number.")
]
CodeNumber = Annotated[str, Query(pattern=r"^\d{4,5}$", description="Of any table.")]


def filters_wanted(
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area."), Given] = None,
    condition: Annotated[Name | None, Given] = None,
    class_name: Annotated[Name | None, Query(alias="class"), Given] = None,
    state: Annotated[list[State], Query(), Given] = [],  # noqa: B006  FastAPI copies it
    code: Annotated[list[Annotated[str, Query(pattern=r"^\d{4,5}$")]], Query(), Given] = [],  # noqa: B006
    source: Annotated[list[Source], Query(), Given] = [],  # noqa: B006
    severity: Annotated[list[Level], Query(), Given] = [],  # noqa: B006
    unit: Annotated[Text | None, Query(max_length=100), Given] = None,
    number: Annotated[str | None, Query(pattern=r"^\d{8}-\d{6,}$", max_length=20), Given] = None,
    mine: Annotated[bool, Query(description="Of one's unit; of others what they confirmed.")] = False,
    open: Annotated[bool | None, Given] = None,
    overdue: Annotated[bool | None, Given] = None,
    proposal: Annotated[Literal["any", "close", "rework", "reopen"] | None, Given] = None,
    supervision: Annotated[Literal["any", "white", "yellow", "red"] | None, Given] = None,
    appeal: Annotated[Literal["any", "open", "upheld", "refused"] | None, Given] = None,
    extension_asked: Annotated[bool | None, Given] = None,
    to_look_again: Annotated[bool, Query(description="Shelved, and the day has come.")] = False,
    area_type: Annotated[Text | None, Query(max_length=40), Given] = None,
    confirmed_from: Annotated[Bound | None, Given] = None,
    confirmed_before: Annotated[Bound | None, Given] = None,
    closed_from: Annotated[Bound | None, Given] = None,
    closed_before: Annotated[Bound | None, Given] = None,
    due_before: Annotated[Bound | None, Given] = None,
    bbox: Annotated[Bbox | None, Given] = None,
    near: Annotated[str | None, Query(description="lon,lat,radius_m; WGS-84", max_length=200), Given] = None,
    place: Annotated[
        str | None, Query(pattern=r"^([a-z]+/)?[0-9A-Za-z._-]{1,40}$", description="code or kind/code"), Given
    ] = None,
    group: Annotated[
        str | None, Query(pattern=r"^[a-z0-9_]+:[a-z0-9_]+$", description="As aspect:sanitation."), Given
    ] = None,
) -> Filters:
    """Dependency: which issues are wanted. A filter given twice takes either, an empty one takes all."""
    return Filters(
        area, condition, class_name, state, code, source, severity, unit, number, mine, open, overdue,
        proposal, supervision, appeal, extension_asked, to_look_again, area_type, confirmed_from,
        confirmed_before, closed_from, closed_before, due_before, parse_bounds(bbox), parse_near(near),
        place, group,
    )  # fmt: skip


Wanted = Annotated[Filters, Depends(filters_wanted)]


@router.get("", response_model=IssuePage, responses=FILES)
def list_issues(
    server: Server,
    actor: TaskReader,
    request: Request,
    filters: Wanted,
    limit: Limit = 50,
    cursor: Cursor = None,
    order: Order = "newest",
    form: FormWanted = None,
    crs: CrsWanted = "wgs84",
) -> IssuePage | Response:
    """Issues in one's areas, newest first or by deadline; or all of them as a file (CSV, GeoJSON)."""
    zone = server.settings.zone
    if (wanted := form_wanted(request, form)) != "json":
        return export(
            request, server, actor,
            lambda session: rows_of(Issue, COLUMNS, conditions_of(session, actor, filters, zone)),
            COLUMNS, wanted, crs, "issues",
        )  # fmt: skip
    with server.database.read() as session:
        found = queries.list_issues(session, actor, filters, zone, order, limit, cursor)
    return IssuePage(items=[*map(IssueShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("", status_code=201, responses=ANSWERS)
def enter_issue(
    server: Server, actor: Enterer, request: Request, response: Response, entered: IssueEntered,
    key: IdempotencyKey = None,
) -> IssueMade:  # fmt: skip
    """File what one has seen: a candidate that is confirmed at once. Shows what was open nearby already."""
    near = _around(entered) if entered.position else None
    with server.database.read() as session:
        known = similar(session, actor, near, entered.code.code, entered.condition) if near else []
    unit = partial(entering.enter, actor=actor, entered=entered, key=key, settings=server.settings)
    done = server.writer.run(unit)
    response.status_code = 201 if done.new else 200
    response.headers["ETag"] = etag(done.issue.version)
    response.headers["Location"] = f"/v1/issues/{done.issue.id}"
    with server.database.read() as session:
        shown = made(session, actor, done, language_of(request))
    others = [each for each in known if each.id != done.issue.id]
    return IssueMade(issue=shown.issue, similar=others, warnings=shown.warnings)


@router.get("/counts")
def count_issues(server: Server, actor: TaskReader, filters: Wanted) -> IssueCounts:
    """How many there are by state, and by what hangs on them; filters as of the list."""
    with server.database.read() as session:
        return queries.count_issues(session, actor, filters, server.settings.zone)


@router.get("/map")
def show_map(
    server: Server,
    actor: TaskReader,
    filters: Wanted,
    bbox: SomeBbox,
    zoom: Annotated[int, Query(ge=0, le=22)],
) -> IssueMap:
    """Issues in a box: points while they are few, else clusters. `zoom` as of web maps."""
    with server.database.read() as session:
        return map_of(session, actor, filters, server.settings.zone, zoom, server.settings.max_map_points)


@router.get("/similar")
def list_similar(
    server: Server,
    actor: Enterer,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
    code: CodeNumber | None = None,
    condition: Name | None = None,
    radius_m: Annotated[float, Query(gt=0, le=1000)] = 50,
) -> list[SimilarShown]:
    """Open issues and leads near a place (WGS-84), so that nothing is filed twice."""
    with server.database.read() as session:
        return similar(session, actor, Circle(lon, lat, radius_m), code, condition)


@router.get("/reasons")
def list_reasons(_actor: TaskReader, request: Request) -> list[ReasonShown]:
    """Reasons for not pursuing an issue, in the language that is asked for."""
    language = language_of(request)
    return [
        ReasonShown(code=each.code, text=each.say(language), needs_text=each.needs_text)
        for each in reasons().values()
    ]


@router.get("/supervisions")
def list_supervisions(
    server: Server,
    actor: TaskReader,
    limit: Limit = 50,
    cursor: Cursor = None,
    colour: Colour | None = None,
    in_force: bool | None = None,
) -> SupervisionPage:
    """Supervision orders (督办单) of issues that one may see, newest first."""
    with server.database.read() as session:
        found = queries.list_orders(session, actor, colour, in_force, limit, cursor)
    return SupervisionPage(items=[*map(SupervisionShown.of, found.items)], next_cursor=found.next_cursor)


@router.get("/{id_or_number}", responses={304: {"description": "You have this version."}})
def read_issue(
    server: Server, actor: TaskReader, request: Request, response: Response, id_or_number: IssueName
) -> IssueDetail:
    """One issue, what hangs on it, and what one can do.

    Its ETag is its version and, behind a point, how much came to it without an act of a person.
    """
    with server.database.read() as session:
        issue = service.find(session, actor, id_or_number)
        tag = etag(issue.version, issue.news)
        if is_known(request, tag):
            return not_modified(tag)  # type: ignore[return-value]
        response.headers["ETag"] = tag
        response.headers["Vary"] = "Accept-Language"
        response.headers["Cache-Control"] = "private, no-cache"
        return detail(session, actor, issue, language_of(request))


@router.get("/{id_or_number}/acts")
def read_timeline(
    server: Server, actor: TaskReader, request: Request, id_or_number: IssueName
) -> list[ActShown]:
    """All that was done about it and seen of it, the first one first."""
    with server.database.read() as session:
        issue = service.find(session, actor, id_or_number)
        return timeline(session, actor, issue, language_of(request))


@router.post("/{id_or_number}/acts", status_code=201, responses=ANSWERS)
def act(
    server: Server, actor: Doer, request: Request, response: Response, id_or_number: IssueName,
    asked: Asked, version: IfMatch, key: IdempotencyKey = None,
) -> ActMade:  # fmt: skip
    """Do something about an issue. `If-Match` names the version that was read."""
    wish = Wish(id_or_number, asked, version, key)
    done = server.writer.run(partial(acting.act, actor=actor, wish=wish, settings=server.settings))
    response.status_code = 201 if done.new else 200
    response.headers["ETag"] = etag(done.issue.version)
    with server.database.read() as session:
        return made(session, actor, done, language_of(request))


def _around(entered: IssueEntered) -> Circle:
    assert entered.position is not None
    lon, lat = entering.wgs84(entered.position)
    return Circle(lon, lat, NEARBY_M)
