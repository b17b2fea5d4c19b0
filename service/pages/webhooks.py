"""Pages: where events are sent, and how they arrived."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.service.areas.service import named_areas
from streetsight.service.auth.access import Admin
from streetsight.service.dependencies import Cursor, Id, Server
from streetsight.service.events.kinds import KINDS
from streetsight.service.pages.rendering import page, wants_fragment
from streetsight.service.store.sealing import open_sealer
from streetsight.service.webhooks import service
from streetsight.service.webhooks.schemas import DeliveryShown

router = APIRouter(include_in_schema=False)

SHOWN = 30


@router.get("/admin/webhooks", response_class=HTMLResponse)
def show_all(server: Server, request: Request, actor: Admin) -> HTMLResponse:
    """All destinations."""
    with server.database.read() as session:
        found = service.shown(session, service.list_webhooks(session, actor), open_sealer(server.settings))
        return page(
            request, server, "admin_webhooks.html", actor, webhooks=found, kinds=KINDS,
            areas=named_areas(session, actor),
        )  # fmt: skip


@router.get("/admin/webhooks/{webhook_id}", response_class=HTMLResponse)
def show_one(
    server: Server, request: Request, actor: Admin, webhook_id: Id, cursor: Cursor = None,
    state: Literal["", "pending", "delivered", "dead"] = "",
) -> HTMLResponse:  # fmt: skip
    """One destination with its log of deliveries."""
    with server.database.read() as session:
        webhook = service.find_webhook(session, actor, webhook_id)
        found = service.list_deliveries(session, actor, webhook_id, state or None, SHOWN, cursor)
        return page(
            request, server, "_deliveries.html" if wants_fragment(request) else "admin_webhook.html", actor,
            webhook=service.shown(session, [webhook], open_sealer(server.settings))[0], kinds=KINDS,
            deliveries=[*map(DeliveryShown.of, found.items)], next_cursor=found.next_cursor, state=state,
            areas=named_areas(session, actor),
        )  # fmt: skip
