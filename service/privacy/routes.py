"""HTTP: originals, and who has looked at them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Security
from fastapi.responses import StreamingResponse

from streetsight.service.audit.routes import require_everywhere
from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Cursor, Id, Limit, Server, Text
from streetsight.service.frames.service import find_frame
from streetsight.service.privacy import service
from streetsight.service.privacy.photos import NEVER_KEPT, original
from streetsight.service.privacy.schemas import LookPage, LookShown
from streetsight.service.store.sessions import ReadSession

router = APIRouter(prefix="/v1", tags=["privacy"])

SeesOriginals = Annotated[Actor, Security(allowed(Permission.SEE_ORIGINALS))]
Overseer = Annotated[Actor, Security(allowed(Permission.READ_AUDIT))]
Reason = Annotated[Text | None, Query(min_length=1, max_length=500, description="Why; kept with the look.")]


@router.get("/frames/{frame_id}/original", response_class=StreamingResponse)
def read_original(
    server: Server, actor: SeesOriginals, frame_id: Id, reason: Reason = None
) -> StreamingResponse:
    """The photo as it came, unredacted. The look is written down before the first byte is sent."""
    look = partial(
        service.look_at_original, actor=actor, frame_id=frame_id, reason=reason, settings=server.settings
    )
    return original(server, server.writer.run(look), NEVER_KEPT)


@router.get("/frames/{frame_id}/accesses")
def list_looks_at_frame(
    server: Server, actor: Overseer, frame_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> LookPage:
    """Who has looked at the original of a frame, newest first."""
    with server.database.read() as session:
        find_frame(session, actor, frame_id)
        return _page(session, limit, cursor, frame_id=frame_id)


@router.get("/privacy/accesses")
def list_looks(
    server: Server,
    actor: Overseer,
    limit: Limit = 50,
    cursor: Cursor = None,
    actor_id: Id | None = None,
) -> LookPage:
    """All looks at originals, newest first."""
    require_everywhere(actor)
    with server.database.read() as session:
        return _page(session, limit, cursor, actor_id=actor_id)


def _page(session: ReadSession, limit: int, cursor: str | None, **wanted: str | None) -> LookPage:
    found = service.list_looks(session, limit, cursor, **wanted)
    return LookPage(items=[*map(LookShown.of, found.items)], next_cursor=found.next_cursor)
