"""HTTP: what retention has done, and what it must leave alone."""

from functools import partial

from fastapi import APIRouter

from streetsight.service.auth.access import Admin
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.retention import holds
from streetsight.service.retention.rounds import list_runs
from streetsight.service.retention.schemas import HoldPage, HoldSent, HoldShown, RunPage, RunShown

router = APIRouter(prefix="/v1/retention", tags=["retention"])


@router.get("/log")
def read_log(server: Server, _actor: Admin, limit: Limit = 50, cursor: Cursor = None) -> RunPage:
    """Rounds of retention and of the sweep, newest first."""
    with server.database.read() as session:
        found = list_runs(session, limit, cursor)
        return RunPage(items=[*map(RunShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("/holds", status_code=201)
def place_hold(server: Server, actor: Admin, sent: HoldSent) -> HoldShown:
    """Keep a frame's photo, or all photos of a candidate, whatever their age."""
    place = partial(holds.place_hold, actor=actor, subject=sent.subject, reason=sent.reason)
    return HoldShown.of(server.writer.run(place))


@router.get("/holds")
def list_holds(
    server: Server, actor: Admin, limit: Limit = 50, cursor: Cursor = None, in_force: bool = True
) -> HoldPage:
    """Holds, newest first."""
    with server.database.read() as session:
        found = holds.list_holds(session, actor, limit, cursor, in_force)
        return HoldPage(items=[*map(HoldShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("/holds/{hold_id}/release")
def release_hold(server: Server, actor: Admin, hold_id: Id) -> HoldShown:
    """Let retention decide again."""
    return HoldShown.of(server.writer.run(partial(holds.release_hold, actor=actor, hold_id=hold_id)))
