"""Pages: leads as a list, and one with all that is known of it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.models.taxonomy import Language
from streetsight.service.areas.service import named_areas
from streetsight.service.auth.access import Viewer
from streetsight.service.auth.actor import Actor
from streetsight.service.candidates import queries
from streetsight.service.candidates.exports import class_label, condition_label
from streetsight.service.candidates.routes import Wanted
from streetsight.service.candidates.trace import trace
from streetsight.service.dependencies import Cursor, Id, Server
from streetsight.service.pages.filing import NAMED_KINDS, taxonomy_shown
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.resources import Resources
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

SHOWN = 48
LEAST_PX = 240  # of a close-up's longer side


@router.get("/candidates", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Viewer, filters: Wanted, cursor: Cursor = None
) -> HTMLResponse:
    """Leads in one's areas, newest first, by the filters of the address."""
    with server.database.read() as session:
        found = queries.list_candidates(session, actor, filters, SHOWN, cursor)
        return page(
            request, server, "_leads.html" if wants_fragment(request) else "leads.html", actor,
            leads=found.items, next_cursor=found.next_cursor, filters=filters,
            **choices(session, actor, language_of_page(request)),
        )  # fmt: skip


@router.get("/candidates/{candidate_id}", response_class=HTMLResponse)
def show_one(server: Server, request: Request, actor: Viewer, candidate_id: Id) -> HTMLResponse:
    """One lead with its evidence, findings, decisions and issue."""
    return _one(server, request, actor, candidate_id, "lead.html")


@router.get("/candidates/{candidate_id}/summary", response_class=HTMLResponse)
def show_summary(server: Server, request: Request, actor: Viewer, candidate_id: Id) -> HTMLResponse:
    """What a map shows of a lead: a fragment."""
    return _one(server, request, actor, candidate_id, "_lead.html")


def _one(server: Resources, request: Request, actor: Actor, candidate_id: str, template: str) -> HTMLResponse:
    language = language_of_page(request)
    with server.database.read() as session:
        lead = trace(session, actor, queries.find(session, actor, candidate_id), language)
        return page(request, server, template, actor, lead=lead, **choices(session, actor, language))


def choices(session: ReadSession, actor: Actor, language: Language) -> dict[str, Any]:
    """What leads are filtered by and called: for filters of templates, and for lead_view.js."""
    return {
        "areas": [each for each in named_areas(session, actor) if each.kind in NAMED_KINDS],
        "taxonomy": taxonomy_shown(language),
        "condition_name": lambda name: condition_label(name, language),
        "class_name": lambda name: class_label(name, language) if name else "",
        "around": around,
        "kept_query": lambda query: urlencode([each for each in parse_qsl(query) if each[0] != "cursor"]),
    }


def around(box: Sequence[float]) -> str:
    """The part of a photo that shows a box and what is around it, as `box=` of the photo's address."""
    x1, y1, x2, y2 = box
    pad = max(0.6 * max(x2 - x1, y2 - y1), (LEAST_PX - max(x2 - x1, y2 - y1)) / 2)
    return f"{max(0, int(x1 - pad))},{max(0, int(y1 - pad))},{int(x2 + pad)},{int(y2 + pad)}"
