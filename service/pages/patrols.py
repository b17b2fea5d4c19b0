"""Pages: patrols as they go on, and what became of their frames."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.service.auth.access import Viewer
from streetsight.service.dependencies import Cursor, Id, Server
from streetsight.service.devices.service import devices_seen
from streetsight.service.pages.rendering import page, wants_fragment
from streetsight.service.patrols.progress import device_names, progress_of
from streetsight.service.patrols.service import list_patrols, seen_patrol
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

SHOWN = 30


@router.get("/patrols", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Viewer, device: str = "", cursor: Cursor = None
) -> HTMLResponse:
    """Patrols, newest first."""
    with server.database.read() as session:
        found = list_patrols(session, actor, device or None, SHOWN, cursor)
        return page(
            request, server, "_patrols.html" if wants_fragment(request) else "patrols.html", actor,
            patrols=found.items, next_cursor=found.next_cursor, device=device, **_of(session, found.items),
            devices=[each for each, _ in devices_seen(session, actor)],
        )  # fmt: skip


@router.get("/patrols/{patrol_id}", response_class=HTMLResponse)
def show_one(server: Server, request: Request, actor: Viewer, patrol_id: Id) -> HTMLResponse:
    """One patrol: how far it has come."""
    with server.database.read() as session:
        patrol = seen_patrol(session, actor, patrol_id)
        return page(
            request, server, "_patrol.html" if wants_fragment(request) else "patrol.html", actor,
            patrol=patrol, **_of(session, [patrol]),
        )  # fmt: skip


def _of(session: ReadSession, patrols: list[Patrol]) -> dict[str, Any]:
    return {
        "names": device_names(session, patrols),
        "progress": progress_of(session, [each.id for each in patrols]),
    }
