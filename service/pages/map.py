"""Page: the map of leads, issues, ways and ground seen."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select

from streetsight.service.auth.access import Viewer
from streetsight.service.auth.actor import Actor
from streetsight.service.candidates import queries
from streetsight.service.candidates.routes import Wanted
from streetsight.service.candidates.tables import Candidate
from streetsight.service.dependencies import Id, Server
from streetsight.service.frames.service import Bounds
from streetsight.service.issues import service as issues
from streetsight.service.pages.leads import choices
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)


@router.get("/map", response_class=HTMLResponse)
def show(server: Server, request: Request, actor: Viewer, filters: Wanted) -> HTMLResponse:
    """The map. What it shows stands in its address, and is fetched from the API."""
    with server.database.read() as session:
        return page(
            request, server, "map.html", actor, filters=filters, begin=_where_leads_are(session, actor),
            **choices(session, actor, language_of_page(request)),
        )  # fmt: skip


@router.get("/issues/{issue_id}/summary", response_class=HTMLResponse)
def show_issue(server: Server, request: Request, actor: Viewer, issue_id: Id) -> HTMLResponse:
    """What a map shows of an issue: a fragment."""
    with server.database.read() as session:
        issue = issues.find(session, actor, issue_id)
        return page(
            request, server, "_issue_summary.html", actor, issue=issue,
            **choices(session, actor, language_of_page(request)),
        )  # fmt: skip


def _where_leads_are(session: ReadSession, actor: Actor) -> Bounds | None:
    """The box that holds all leads that the actor may see; None without any."""
    edges = func.min(Candidate.lon), func.min(Candidate.lat), func.max(Candidate.lon), func.max(Candidate.lat)
    found = session.execute(select(*edges).where(queries.visible(actor))).one()
    return None if None in found else tuple(found)  # type: ignore[return-value]
