"""What is to be sent where: one row per event and destination, written with the event itself."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import joinedload

from streetsight.service.events.tables import Event
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.webhooks.tables import Attempt, Delivery, Webhook


def enqueue(session: WriteSession, event_id: str, kind: str, area_path: str | None, moment: datetime) -> None:
    """Queue an event for every destination that wants it."""
    wanted = [each.id for each in session.scalars(_listening()) if wants(each, kind, area_path)]
    rows = [
        {"id": new_id(), "created_at": moment, "webhook_id": webhook_id, "event_id": event_id,
         "queued_at": moment, "run_after": moment}
        for webhook_id in wanted
    ]  # fmt: skip
    if rows:
        session.connection().execute(insert(Delivery), rows)


def wants(webhook: Webhook, kind: str, area_path: str | None) -> bool:
    """Whether an event is for this destination. What lies in no area is for those of everywhere."""
    if webhook.kinds and kind not in webhook.kinds:
        return False
    return webhook.area_path is None or (area_path is not None and area_path.startswith(webhook.area_path))


def due_webhooks(session: ReadSession) -> Sequence[str]:
    """Destinations that nobody is sending to and that something is due for."""
    moment = now()
    waiting = exists().where(
        Delivery.webhook_id == Webhook.id, Delivery.state == "pending", Delivery.run_after <= moment
    )
    rested = or_(Webhook.rest_until.is_(None), Webhook.rest_until <= moment)
    found = _listening().where(Webhook.lease.is_(None), rested, waiting)
    return session.scalars(found.with_only_columns(Webhook.id)).all()


def pending_by_name(session: ReadSession) -> dict[str, int]:
    """How many events wait for each destination, also for one that is paused or switched off."""
    waiting = (
        select(Delivery.webhook_id, func.count().label("count"))
        .where(Delivery.state == "pending")
        .group_by(Delivery.webhook_id)
        .subquery()
    )
    found = select(Webhook.name, func.coalesce(func.sum(waiting.c.count), 0)).outerjoin(
        waiting, waiting.c.webhook_id == Webhook.id
    )
    rows = session.execute(found.where(Webhook.removed_at.is_(None)).group_by(Webhook.name))
    return {name: int(count) for name, count in rows}


def lease(session: WriteSession, webhook_id: str) -> str | None:
    """Take a destination, so that nobody else sends to it; None when somebody was quicker."""
    mine = new_id()
    taken = update(Webhook).where(Webhook.id == webhook_id, Webhook.lease.is_(None)).values(lease=mine)
    return mine if session.execute(taken.returning(Webhook.id)).first() else None


def release(session: WriteSession, webhook_id: str, held: str) -> None:
    """Give a destination back, unless the lease is another's by now."""
    session.execute(update(Webhook).where(Webhook.id == webhook_id, Webhook.lease == held).values(lease=None))


def leases(session: ReadSession) -> dict[str, str]:
    """Lease of every destination that is held."""
    held = session.execute(select(Webhook.id, Webhook.lease).where(Webhook.lease.is_not(None)))
    return {webhook_id: lease or "" for webhook_id, lease in held}


def next_delivery(session: ReadSession, webhook_id: str) -> Delivery | None:
    """What is due for a destination, in the order of events, with its event."""
    found = (
        select(Delivery)
        .join(Event)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == "pending", Delivery.run_after <= now())
        .order_by(Event.number)
        .limit(1)
    )
    return session.scalar(found.options(joinedload(Delivery.event)))


def forget(session: WriteSession, before: datetime, most: int = 1000) -> int:
    """Delete old events with what was sent of them; gives how many.

    What still waits stays; so does the newest event, from which the next one is numbered.
    """
    newest = select(func.max(Event.number)).scalar_subquery()
    waiting = exists().where(Delivery.event_id == Event.id, Delivery.state == "pending")
    old = select(Event.id).where(Event.created_at < before, Event.number < newest, ~waiting)
    ids = session.scalars(old.order_by(Event.id).limit(most)).all()
    sent = select(Delivery.id).where(Delivery.event_id.in_(ids))
    session.execute(delete(Attempt).where(Attempt.delivery_id.in_(sent)))
    session.execute(delete(Delivery).where(Delivery.event_id.in_(ids)))
    session.execute(delete(Event).where(Event.id.in_(ids)))
    return len(ids)


def _listening() -> Select[Webhook]:
    return select(Webhook).where(
        Webhook.enabled.is_(True), Webhook.paused_at.is_(None), Webhook.removed_at.is_(None)
    )
