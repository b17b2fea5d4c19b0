"""HTTP: the contract with outside systems: pull by cursor, schemas, the national standard's fields."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response, Security

from streetsight.service.auth.access import AnyPerson, Follower, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.departures.service import Leaving, count_on, note
from streetsight.service.dependencies import Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.exports import CrsWanted
from streetsight.service.issues.routes import Wanted
from streetsight.service.outside import national, schemas
from streetsight.service.outside.contract import VERSION, CandidatePageV1, IssuePageV1
from streetsight.service.outside.exporting import as_file, found_matters
from streetsight.service.outside.pulling import pull
from streetsight.service.outside.telling import CANDIDATES, ISSUES
from streetsight.service.resources import Resources

router = APIRouter(prefix="/v1", tags=["outside"])

Exporter = Annotated[Actor, Security(allowed(Permission.EXPORT))]
After = Annotated[
    str | None,
    Query(max_length=80, description="`next` of the answer before; none to begin.", alias="cursor"),
]
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
PERIOD = r"^[0-9Q-]{4,7}$"


@router.get("/outside/issues", response_model_by_alias=True)
def pull_issues(server: Server, actor: Follower, after: After = None, limit: Limit = 100) -> IssuePageV1:
    """All issues once, then those that have changed, as the contract has them (docs/outside-scoring.md)."""
    with server.database.read() as session:
        found = pull(session, actor, ISSUES, after, limit)
    _note_pull(server, actor, "issues", len(found.items))
    return IssuePageV1(contract=VERSION, items=found.items, next=found.next, more=found.more)


@router.get("/outside/candidates", response_model_by_alias=True)
def pull_candidates(
    server: Server, actor: Follower, after: After = None, limit: Limit = 100
) -> CandidatePageV1:
    """All leads once, then those that have changed."""
    with server.database.read() as session:
        found = pull(session, actor, CANDIDATES, after, limit)
    _note_pull(server, actor, "candidates", len(found.items))
    return CandidatePageV1(contract=VERSION, items=found.items, next=found.next, more=found.more)


@router.get("/outside/schemas")
def list_schemas(_actor: AnyPerson) -> dict[str, object]:
    """The version of the contract, and the JSON Schemas of what it tells."""
    return {
        "contract": VERSION,
        "schemas": [f"/v1/outside/schemas/{name}" for name in schemas.schema_names()],
    }


@router.get("/outside/schemas/{name}", response_class=Response)
def read_schema(_actor: AnyPerson, name: Annotated[str, Path(max_length=60)]) -> Response:
    """One of them."""
    return Response(schemas.schema_text(name), media_type="application/schema+json")


@router.get("/issues/national", response_class=Response)
def export_national(
    server: Server, actor: Exporter, request: Request, filters: Wanted,
    scheme: Annotated[Text | None, Query(max_length=60, description="GB/T 47678.5-2026")] = None,
    division: Annotated[Text | None, Query(max_length=20, description="Six digits of GB/T 2260.")] = None,
    period: Annotated[str | None, Query(pattern=PERIOD, description="In which they were confirmed.")] = None,
    form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv", crs: CrsWanted = "wgs84",
) -> Response:  # fmt: skip
    """Issues in the field names of GB/T 47678.5, by the filters of the list."""
    settings, wanted = server.settings, national.chosen(scheme, division, language_of(request))
    with server.exports.entered(), server.database.read() as session:
        found = found_matters(session, settings, actor, filters, period, wanted)
    leaving = Leaving("national", f"matters-{wanted.division}.{form}", len(found.items), request.url.query)
    server.writer.run(partial(note, actor=actor, leaving=leaving))
    headers = {"Content-Disposition": f'attachment; filename="matters-{wanted.division}.{form}"',
               "Cache-Control": "private, no-store", "Vary": "Accept-Language, Cookie"}  # fmt: skip
    return Response(
        as_file(found, form, settings, wanted, crs), headers=headers, media_type=MEDIA_TYPES[form]
    )


def _note_pull(server: Resources, actor: Actor, what: str, items: int) -> None:
    if items:  # most questions find nothing new
        server.writer.run(partial(count_on, actor=actor, leaving=Leaving("pull", what, items)))
