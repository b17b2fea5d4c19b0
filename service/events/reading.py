"""Read events: the newest, or those after the last one seen."""

from collections.abc import Sequence

from sqlalchemy import select

from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.events.tables import Event
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession


def list_events(
    session: ReadSession, actor: Actor, kinds: Sequence[str], limit: int, cursor: str | None
) -> Page[Event]:
    """Events that the actor may see, newest first."""
    found = select(Event).where(Event.number.is_not(None), in_scope(actor, Event.area_path))
    return page(session, found.where(Event.kind.in_(kinds)) if kinds else found, Event, limit, cursor)


def events_after(
    session: ReadSession, actor: Actor, kinds: Sequence[str], number: int, limit: int
) -> list[Event]:
    """Events that the actor may see, in their order, from the one after `number`."""
    found = select(Event).where(Event.number > number, in_scope(actor, Event.area_path))
    if kinds:
        found = found.where(Event.kind.in_(kinds))
    return list(session.scalars(found.order_by(Event.number).limit(limit)))
