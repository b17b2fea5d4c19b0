"""HTTP: patrols: a device opens, closes and reads its own, people read those of their areas."""

from functools import partial

from fastapi import APIRouter, Response

from streetsight.service.auth.access import Observer
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.devices.access import Uploader
from streetsight.service.patrols import service
from streetsight.service.patrols.schemas import PatrolPage, PatrolShown, PatrolStart

router = APIRouter(prefix="/v1/patrols", tags=["patrols"])


@router.post("", status_code=201, responses={200: {"description": "It was open before."}})
def open_patrol(server: Server, device: Uploader, start: PatrolStart, response: Response) -> PatrolShown:
    """Open a patrol. The same key again gives the same patrol (200)."""
    patrol, new = server.writer.run(partial(service.open_patrol, device=device, key=start.key))
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"/v1/patrols/{patrol.id}"
    return PatrolShown.of(patrol)


@router.post("/{patrol_id}/close")
def close_patrol(server: Server, device: Uploader, patrol_id: Id) -> PatrolShown:
    """Close a patrol. Frames of it that arrive later are still taken, marked as late."""
    patrol = server.writer.run(partial(service.close_patrol, device=device, patrol_id=patrol_id))
    return PatrolShown.of(patrol)


@router.get("/{patrol_id}")
def read_patrol(server: Server, actor: Observer, patrol_id: Id) -> PatrolShown:
    """One patrol: of the device that asks, or with frames in the areas of the person."""
    with server.database.read() as session:
        return PatrolShown.of(service.seen_patrol(session, actor, patrol_id))


@router.get("")
def list_patrols(
    server: Server, actor: Observer, limit: Limit = 50, cursor: Cursor = None, device_id: Id | None = None
) -> PatrolPage:
    """Patrols, newest first."""
    with server.database.read() as session:
        found = service.list_patrols(session, actor, device_id, limit, cursor)
        return PatrolPage(items=[*map(PatrolShown.of, found.items)], next_cursor=found.next_cursor)
