"""HTTP: events, for systems that cannot be called."""

from typing import Annotated

from fastapi import APIRouter, Query

from streetsight.service.auth.access import Follower
from streetsight.service.dependencies import Cursor, Limit, Server
from streetsight.service.events import reading
from streetsight.service.events.kinds import Kind
from streetsight.service.events.schemas import EventPage, EventShown

router = APIRouter(prefix="/v1/events", tags=["events"])


@router.get("")
def list_events(
    server: Server,
    actor: Follower,
    limit: Limit = 50,
    cursor: Cursor = None,
    kinds: Annotated[list[Kind] | None, Query(description="Only these; may be given several times.")] = None,
    after: Annotated[
        int | None, Query(ge=0, lt=2**63, description="Events after this number, oldest first; 0 for all.")
    ] = None,
) -> EventPage:
    """Events in the areas that you may see. To follow them, ask `after` the `last` of the answer before."""
    with server.database.read() as session:
        if after is not None:
            items = reading.events_after(session, actor, kinds or (), after, limit)
            last = items[-1].number if items else after
            return EventPage(items=[*map(EventShown.of, items)], next_cursor=None, last=last or 0)
        found = reading.list_events(session, actor, kinds or (), limit, cursor)
    last = found.items[0].number if found.items else 0
    return EventPage(items=[*map(EventShown.of, found.items)], next_cursor=found.next_cursor, last=last or 0)
