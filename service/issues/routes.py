"""HTTP: issues, as a list, a file, and one by one."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response, Security
from pydantic import AwareDatetime

from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.candidates.routes import FILES, Bbox, Name
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.etags import etag, is_known, not_modified
from streetsight.service.exports import CrsWanted, FormWanted, export, form_wanted, rows_of
from streetsight.service.frames.service import parse_bounds
from streetsight.service.issues import service
from streetsight.service.issues.exports import COLUMNS
from streetsight.service.issues.schemas import IssuePage, IssueShown, State
from streetsight.service.issues.service import Filters, conditions_of
from streetsight.service.issues.tables import Issue

router = APIRouter(prefix="/v1/issues", tags=["issues"])

TaskReader = Annotated[Actor, Security(allowed(Permission.READ_TASKS))]


@router.get("", response_model=IssuePage, responses=FILES)
def list_issues(
    server: Server,
    actor: TaskReader,
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = None,
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area.")] = None,
    condition: Name | None = None,
    class_name: Annotated[Name | None, Query(alias="class")] = None,
    state: State | None = None,
    unit: Annotated[Text | None, Query(max_length=100)] = None,
    number: Annotated[str | None, Query(pattern=r"^\d{8}-\d{6,}$", max_length=20)] = None,
    confirmed_from: AwareDatetime | None = None,
    confirmed_before: AwareDatetime | None = None,
    bbox: Bbox | None = None,
    form: FormWanted = None,
    crs: CrsWanted = "wgs84",
) -> IssuePage | Response:
    """Issues in one's areas, newest first; or all of them as a file (CSV, GeoJSON)."""
    filters = Filters(
        area, condition, class_name, state, unit, number, confirmed_from, confirmed_before,
        parse_bounds(bbox),
    )  # fmt: skip
    if (wanted := form_wanted(request, form)) != "json":
        return export(
            request, server, actor,
            lambda session: rows_of(Issue, COLUMNS, conditions_of(session, actor, filters)),
            COLUMNS, wanted, crs, "issues",
        )  # fmt: skip
    with server.database.read() as session:
        found = service.list_issues(session, actor, filters, limit, cursor)
    return IssuePage(items=[*map(IssueShown.of, found.items)], next_cursor=found.next_cursor)


@router.get("/{id_or_number}", responses={304: {"description": "You have this version."}})
def read_issue(
    server: Server, actor: TaskReader, request: Request, response: Response,
    id_or_number: Annotated[str, Path(pattern=r"^[0-9a-f-]{15,36}$", description="Its id or its number.")],
) -> IssueShown:  # fmt: skip
    """One issue. Its ETag is its version."""
    with server.database.read() as session:
        issue = service.find(session, actor, id_or_number)
    tag = etag(issue.version)
    if is_known(request, tag):
        return not_modified(tag)  # type: ignore[return-value]
    response.headers["ETag"] = tag
    return IssueShown.of(issue)
