"""HTTP: destinations of events, for administrators."""

from functools import partial
from typing import Literal

from fastapi import APIRouter, Response

from streetsight.service.audit.service import record
from streetsight.service.auth.access import Admin
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.etags import IfMatch, etag
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import open_sealer
from streetsight.service.webhooks import service
from streetsight.service.webhooks.schemas import (
    DeliveryPage,
    DeliveryShown,
    Retried,
    TryShown,
    WebhookChange,
    WebhookList,
    WebhookMade,
    WebhookSent,
    WebhookShown,
)
from streetsight.service.webhooks.tables import Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", status_code=201)
def add_webhook(server: Server, actor: Admin, sent: WebhookSent, response: Response) -> WebhookMade:
    """Add a destination. The secret that its deliveries are signed with is shown this once."""
    webhook, secret = server.writer.run(
        partial(
            service.add_webhook, actor=actor, sent=sent, settings=server.settings,
            sealer=open_sealer(server.settings),
        )
    )  # fmt: skip
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    return WebhookMade(webhook=_shown(server, webhook, response), secret=secret)


@router.get("")
def list_webhooks(server: Server, actor: Admin) -> WebhookList:
    """The destinations of one's areas, by name."""
    with server.database.read() as session:
        found = service.list_webhooks(session, actor)
        return WebhookList(items=service.shown(session, found, open_sealer(server.settings)))


@router.get("/{webhook_id}")
def read_webhook(server: Server, actor: Admin, webhook_id: Id, response: Response) -> WebhookShown:
    """One destination; its ETag is what a change has to name."""
    with server.database.read() as session:
        webhook = service.find_webhook(session, actor, webhook_id)
    return _shown(server, webhook, response)


@router.patch("/{webhook_id}")
def change_webhook(
    server: Server, actor: Admin, webhook_id: Id, version: IfMatch, change: WebhookChange, response: Response
) -> WebhookShown:
    """Change a destination. Enabling one that was paused lets it go on."""
    webhook = server.writer.run(
        partial(
            service.change_webhook, actor=actor, webhook_id=webhook_id, version=version, change=change,
            settings=server.settings, sealer=open_sealer(server.settings),
        )
    )  # fmt: skip
    return _shown(server, webhook, response)


@router.delete("/{webhook_id}", status_code=204)
def remove_webhook(server: Server, actor: Admin, webhook_id: Id, version: IfMatch) -> None:
    """Remove a destination. What waits for it is not sent any more."""
    server.writer.run(partial(service.remove_webhook, actor=actor, webhook_id=webhook_id, version=version))


@router.post("/{webhook_id}/secret")
def rotate_secret(server: Server, actor: Admin, webhook_id: Id, response: Response) -> WebhookMade:
    """A new secret, shown this once. The one before signs as well for a while."""
    webhook, secret = server.writer.run(
        partial(
            service.rotate_secret, actor=actor, webhook_id=webhook_id, settings=server.settings,
            sealer=open_sealer(server.settings),
        )
    )  # fmt: skip
    return WebhookMade(webhook=_shown(server, webhook, response), secret=secret)


@router.post("/{webhook_id}/test")
def try_webhook(server: Server, actor: Admin, webhook_id: Id) -> TryShown:
    """Send a test event now and see how it is taken."""
    with server.database.read() as session:
        webhook = service.find_webhook(session, actor, webhook_id)
    answer = service.try_out(webhook, server.settings, open_sealer(server.settings))
    details = {"status": answer.status, "error": answer.error}
    server.writer.run(
        partial(
            record, actor=actor, action="webhook.tested", subject=f"webhook/{webhook_id}", details=details
        )
    )
    return TryShown.of(answer)


@router.get("/{webhook_id}/deliveries")
def list_deliveries(
    server: Server,
    actor: Admin,
    webhook_id: Id,
    state: Literal["pending", "delivered", "dead"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeliveryPage:
    """What was sent, waits, or was given up, with every try; newest first."""
    with server.database.read() as session:
        found = service.list_deliveries(session, actor, webhook_id, state, limit, cursor)
        return DeliveryPage(items=[*map(DeliveryShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("/{webhook_id}/retry")
def retry_all(server: Server, actor: Admin, webhook_id: Id) -> Retried:
    """Queue everything again that was given up."""
    count = server.writer.run(partial(service.retry_deliveries, actor=actor, webhook_id=webhook_id))
    return Retried(count=count)


@router.post("/{webhook_id}/deliveries/{delivery_id}/retry")
def retry_one(server: Server, actor: Admin, webhook_id: Id, delivery_id: Id) -> Retried:
    """Queue one delivery again that was given up."""
    count = server.writer.run(
        partial(
            service.retry_deliveries, actor=actor, webhook_id=webhook_id, delivery_id=delivery_id
        )
    )  # fmt: skip
    return Retried(count=count)


def _shown(server: Resources, webhook: Webhook, response: Response) -> WebhookShown:
    response.headers["ETag"] = etag(webhook.version)
    with server.database.read() as session:
        return service.shown(session, [webhook], open_sealer(server.settings))[0]
