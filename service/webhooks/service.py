"""Destinations: add, change, remove, list; their secrets; their deliveries."""

import json
import time
from collections.abc import Sequence
from datetime import timedelta

import httpx2
from pydantic import ValidationError
from pydantic_core import to_json
from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload, selectinload

from streetsight.models.validation import Faults
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.etags import require_version
from streetsight.service.events.envelope import MEDIA_TYPE, envelope
from streetsight.service.events.tables import Event
from streetsight.service.faults import Conflict, Forbidden, Invalid, NotFound
from streetsight.service.settings import Settings
from streetsight.service.store.ids import new_id
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now
from streetsight.service.webhooks.addresses import check, literal
from streetsight.service.webhooks.schemas import WebhookChange, WebhookSent, WebhookShown
from streetsight.service.webhooks.sending import Answer, send
from streetsight.service.webhooks.signing import new_secret, signed_headers
from streetsight.service.webhooks.tables import Delivery, Webhook

SOURCE = "urn:streetsight"
"""`source` of events when the settings name no public address."""


class NoWebhook(NotFound):
    """No destination of this id or name."""

    code = "no_webhook"


class NoDelivery(NotFound):
    """No delivery of this id to this destination."""

    code = "no_delivery"


class WebhookExists(Conflict):
    """Another destination has this name."""

    code = "webhook_exists"


class BadWebhook(Invalid):
    """What was said of a destination cannot be used."""

    code = "bad_webhook"


class BeyondAreas(Forbidden):
    """A destination that would be told of what its admin may not see."""

    code = "beyond_areas"


class BadUrl(Invalid):
    """A URL that nothing can be sent to."""

    code = "bad_url"


class NotDead(Conflict):
    """Only what was given up can be queued again."""

    code = "not_dead"


def add_webhook(
    session: WriteSession, actor: Actor, sent: WebhookSent, settings: Settings, sealer: Sealer
) -> tuple[Webhook, str]:
    """Add a destination; gives it and its secret, which is shown this once.

    Raises:
        BeyondAreas, WebhookExists, BadUrl, AddressRefused: when it cannot be used.
    """
    _require_sees(actor, sent.area_path)
    _refuse_name(session, sent.name)
    check_url(sent.url, settings)
    secret = new_secret()
    webhook = Webhook(
        name=sent.name, url=sent.url, kinds=list(sent.kinds), area_path=sent.area_path, enabled=sent.enabled,
        headers_sealed=_sealed_headers(sent.headers, sealer), secret_sealed=sealer.seal(secret),
    )  # fmt: skip
    session.add(webhook)
    session.flush()
    record(session, actor, "webhook.added", _subject(webhook), {"name": sent.name, "url": sent.url})
    return webhook, secret


def read_webhook(name: str, url: str, kinds: str, area_path: str | None, headers: list[str]) -> WebhookSent:
    """A destination as a command line says it. Raises BadWebhook, naming what is wrong."""
    named_headers = {
        key.strip(): value.strip() for key, _, value in (each.partition(":") for each in headers)
    }
    said = {
        "name": name, "url": url, "area_path": area_path, "headers": named_headers,
        "kinds": [each.strip() for each in kinds.split(",") if each.strip()],
    }  # fmt: skip
    try:
        return WebhookSent.model_validate(said)
    except ValidationError as error:
        raise BadWebhook("the webhook cannot be used: {problems}", problems=Faults.of(error)) from error


def change_webhook(
    session: WriteSession,
    actor: Actor,
    webhook_id: str,
    version: int,
    change: WebhookChange,
    settings: Settings,
    sealer: Sealer,
) -> Webhook:
    """Change a destination that has this version.

    Raises:
        NoWebhook, Stale, BeyondAreas, WebhookExists, BadUrl, AddressRefused: then nothing has changed.
    """
    webhook = find_webhook(session, actor, webhook_id, lock=True)
    require_version(webhook.version, version)
    wanted = change.model_dump(exclude_unset=True)
    if "area_path" in wanted:
        _require_sees(actor, change.area_path)
    if change.name is not None and change.name != webhook.name:
        _refuse_name(session, change.name)
    if change.url is not None:
        check_url(change.url, settings)
    if "headers" in wanted:
        webhook.headers_sealed = _sealed_headers(change.headers or {}, sealer)
    for name in ("name", "url", "kinds", "enabled"):
        if wanted.get(name) is not None:
            setattr(webhook, name, wanted[name])
    if "area_path" in wanted:
        webhook.area_path = change.area_path
    if change.enabled:
        resume(webhook)
    webhook.version += 1
    session.flush()
    told = {key: value for key, value in wanted.items() if key != "headers"}
    record(session, actor, "webhook.changed", _subject(webhook), told)
    return webhook


def remove_webhook(session: WriteSession, actor: Actor, webhook_id: str, version: int | None) -> None:
    """Remove a destination; what waits for it is not sent any more. Its log stays.

    Raises:
        NoWebhook, Stale: then nothing has changed.
    """
    webhook = find_webhook(session, actor, webhook_id, lock=True)
    if version is not None:
        require_version(webhook.version, version)
    webhook.removed_at, webhook.version = now(), webhook.version + 1
    waiting = update(Delivery).where(Delivery.webhook_id == webhook.id, Delivery.state == "pending")
    session.execute(waiting.values(state="dead"))
    record(session, actor, "webhook.removed", _subject(webhook), {"name": webhook.name})


def rotate_secret(
    session: WriteSession, actor: Actor, webhook_id: str, settings: Settings, sealer: Sealer
) -> tuple[Webhook, str]:
    """A new secret; the one before signs as well for a while. Raises NoWebhook."""
    webhook = find_webhook(session, actor, webhook_id, lock=True)
    secret = new_secret()
    webhook.old_secret_sealed, webhook.secret_sealed = webhook.secret_sealed, sealer.seal(secret)
    webhook.old_secret_until = now() + timedelta(hours=settings.webhook_overlap_hours)
    webhook.version += 1
    session.flush()
    record(session, actor, "webhook.secret_rotated", _subject(webhook))
    return webhook, secret


def resume(webhook: Webhook) -> None:
    """Let a destination go on as if it had never failed."""
    webhook.paused_at = webhook.failing_since = webhook.rest_until = None
    webhook.failures = 0


def find_webhook(session: ReadSession, actor: Actor, webhook_id: str, lock: bool = False) -> Webhook:
    """A destination that was not removed, of what the actor may see. Raises NoWebhook."""
    webhook = session.get(Webhook, webhook_id, with_for_update={"key_share": True} if lock else None)
    if webhook is None or webhook.removed_at is not None or not actor.sees(webhook.area_path):
        raise NoWebhook("there is no webhook {id}; GET /v1/webhooks lists all", id=webhook_id)
    return webhook


def named(session: ReadSession, name: str) -> Webhook:
    """A destination by its name. Raises NoWebhook."""
    webhook = session.scalar(select(Webhook).where(Webhook.name == name, Webhook.removed_at.is_(None)))
    if webhook is None:
        raise NoWebhook("there is no webhook {id}; `streetsight webhook list` shows all", id=name)
    return webhook


def list_webhooks(session: ReadSession, actor: Actor) -> Sequence[Webhook]:
    """The destinations that are told of what the actor may see, by name."""
    there = Webhook.removed_at.is_(None), in_scope(actor, Webhook.area_path)
    return session.scalars(select(Webhook).where(*there).order_by(Webhook.name)).all()


def shown(session: ReadSession, webhooks: Sequence[Webhook], sealer: Sealer) -> list[WebhookShown]:
    """Destinations with the number of deliveries that wait and that are dead."""
    ids = [webhook.id for webhook in webhooks]
    counted = (
        select(Delivery.webhook_id, Delivery.state, func.count())
        .where(Delivery.webhook_id.in_(ids), Delivery.state.in_(("pending", "dead")))
        .group_by(Delivery.webhook_id, Delivery.state)
    )
    counts = {(webhook_id, state): count for webhook_id, state, count in session.execute(counted)}
    return [
        WebhookShown.of(
            each, list(own_headers(each, sealer)), counts.get((each.id, "pending"), 0),
            counts.get((each.id, "dead"), 0),
        )
        for each in webhooks
    ]  # fmt: skip


def list_deliveries(
    session: ReadSession, actor: Actor, webhook_id: str, state: str | None, limit: int, cursor: str | None
) -> Page[Delivery]:
    """Deliveries to a destination with all that was tried, newest first. Raises NoWebhook."""
    find_webhook(session, actor, webhook_id)
    found = select(Delivery).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        found = found.where(Delivery.state == state)
    whole = found.options(joinedload(Delivery.event), selectinload(Delivery.log))
    return page(session, whole, Delivery, limit, cursor)


def retry_deliveries(
    session: WriteSession, actor: Actor, webhook_id: str, delivery_id: str | None = None
) -> int:
    """Queue what was given up again: one delivery, or all; gives how many.

    Raises:
        NoWebhook, NoDelivery, NotDead: then nothing has changed.
    """
    webhook = find_webhook(session, actor, webhook_id, lock=True)
    dead = update(Delivery).where(Delivery.webhook_id == webhook_id, Delivery.state == "dead")
    if delivery_id is not None:
        _refuse_alive(session, webhook_id, delivery_id)
        dead = dead.where(Delivery.id == delivery_id)
    moment = now()
    queued = dead.values(state="pending", queued_at=moment, run_after=moment).returning(Delivery.id)
    count = len(session.execute(queued).all())
    webhook.rest_until = None
    record(session, actor, "webhook.retried", _subject(webhook), {"count": count, "delivery": delivery_id})
    return count


def try_out(webhook: Webhook, settings: Settings, sealer: Sealer) -> Answer:
    """Send a test event now, and say how it was taken. Nothing is kept of it."""
    event = Event(
        id=new_id(), created_at=now(), kind="webhook.tested", subject=_subject(webhook),
        data={"name": webhook.name}, area_path=webhook.area_path,
    )  # fmt: skip
    body = to_json(envelope(event, source_of(settings)))
    headers = delivery_headers(webhook, sealer, event.id, body)
    return send(webhook.url, headers, body, settings.private_networks, settings.webhook_timeout_seconds)


def delivery_headers(webhook: Webhook, sealer: Sealer, message_id: str, body: bytes) -> dict[str, str]:
    """All headers of a delivery that is sent now: the destination's own, ours, the signature."""
    keys = [sealer.open(webhook.secret_sealed)]
    if webhook.old_secret_sealed and webhook.old_secret_until and webhook.old_secret_until > now():
        keys.append(sealer.open(webhook.old_secret_sealed))
    signed = signed_headers(message_id, int(time.time()), body, keys)
    return own_headers(webhook, sealer) | {"Content-Type": MEDIA_TYPE} | signed


def own_headers(webhook: Webhook, sealer: Sealer) -> dict[str, str]:
    """Headers that the destination wants sent along."""
    sealed: dict[str, str] = json.loads(sealer.open(webhook.headers_sealed)) if webhook.headers_sealed else {}
    return sealed


def source_of(settings: Settings) -> str:
    """Who sends: this server, as CloudEvents' `source`."""
    return settings.public_url or SOURCE


def check_url(url: str, settings: Settings) -> None:
    """Refuse what could never be sent to; names are looked up only when something is sent.

    Raises:
        BadUrl, AddressRefused: saying why.
    """
    networks = settings.private_networks
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise BadUrl("{url} is no URL ({reason})", url=url[:200], reason=error) from error
    plain = parsed.scheme == "http" and networks
    if (parsed.scheme != "https" and not plain) or not parsed.host or parsed.userinfo or parsed.fragment:
        raise BadUrl(
            "{url}: expected https://host/path, without a password in it; http only to networks that "
            "STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS names",
            url=url[:200],
        )
    if (address := literal(parsed.host)) is not None:
        check(address, networks)


def _sealed_headers(headers: dict[str, str], sealer: Sealer) -> str | None:
    return sealer.seal(json.dumps(headers)) if headers else None


def _require_sees(actor: Actor, area_path: str | None) -> None:
    if not actor.sees(area_path):
        raise BeyondAreas(
            "you look after {areas}; a destination of yours is told of what happens there",
            areas=", ".join(actor.areas or ()),
        )


def _refuse_name(session: WriteSession, name: str) -> None:
    take_turn(session, "names of webhooks")
    taken = select(Webhook.id).where(Webhook.name == name, Webhook.removed_at.is_(None))
    if session.scalar(taken) is not None:
        raise WebhookExists("there is a webhook {name} already; choose another name", name=name)


def _refuse_alive(session: ReadSession, webhook_id: str, delivery_id: str) -> None:
    delivery = session.get(Delivery, delivery_id)
    if delivery is None or delivery.webhook_id != webhook_id:
        raise NoDelivery("this webhook has no delivery {id}", id=delivery_id)
    if delivery.state != "dead":
        raise NotDead(
            "the delivery is {state}; only one that was given up can be queued again", state=delivery.state
        )


def _subject(webhook: Webhook) -> str:
    return f"webhook/{webhook.id}"
