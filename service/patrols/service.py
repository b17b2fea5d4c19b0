"""Open and close patrols."""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select, true, update

from streetsight.service.assembling.arming import patrol_closed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.events.service import publish
from streetsight.service.faults import NotFound
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class NoPatrol(NotFound):
    """No patrol of this id, or none of this device."""

    code = "no_patrol"


def open_patrol(session: WriteSession, device: DeviceAccess, key: str) -> tuple[Patrol, bool]:
    """The patrol that the device calls so, and whether it is new."""
    found = session.scalar(select(Patrol).where(Patrol.device_id == device.id, Patrol.key == key))
    if found is not None:
        return found, False
    patrol = Patrol(device_id=device.id, key=key)
    session.add(patrol)
    session.flush()
    return patrol, True


def close_patrol(session: WriteSession, device: DeviceAccess, patrol_id: str) -> Patrol:
    """Close a patrol; closing it again changes nothing. Raises NoPatrol."""
    patrol = find_patrol(session, device, patrol_id)
    if patrol.closed_at is None:
        patrol.closed_at, patrol.closed_by = now(), "device"
        session.flush()
        _after_closing(session, patrol)
    return patrol


def close_idle(session: WriteSession, idle: timedelta) -> int:
    """Close patrols whose latest frame arrived that long ago; gives how many."""
    latest = func.coalesce(Patrol.last_frame_at, Patrol.created_at)
    silent = update(Patrol).where(Patrol.closed_at.is_(None), latest < now() - idle)
    closed = session.scalars(silent.values(closed_at=now(), closed_by="idle").returning(Patrol)).all()
    for patrol in closed:
        _after_closing(session, patrol)
    return len(closed)


def _after_closing(session: WriteSession, patrol: Patrol) -> None:
    """No more frames are expected: make candidates of it, and say so."""
    patrol_closed(session, patrol.id)
    said = {
        "id": patrol.id, "key": patrol.key, "device_id": patrol.device_id, "closed_at": patrol.closed_at,
        "closed_by": patrol.closed_by,
    }  # fmt: skip
    publish(session, "patrol.closed", f"patrol/{patrol.id}", said, None)


def find_patrol(session: ReadSession, device: DeviceAccess, patrol_id: str) -> Patrol:
    """A patrol of this device. Raises NoPatrol."""
    patrol = session.get(Patrol, patrol_id)
    if patrol is None or patrol.device_id != device.id:
        raise NoPatrol("this device has no patrol {id}; open one with POST /v1/patrols", id=patrol_id)
    return patrol


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see a patrol: a device its own, people those with frames in their areas."""
    if actor.kind == "device":
        return Patrol.device_id == actor.id
    if actor.areas is None:
        return true()
    return exists().where(Frame.patrol_id == Patrol.id, in_scope(actor, Frame.area_path))


def seen_patrol(session: ReadSession, actor: Actor, patrol_id: str) -> Patrol:
    """A patrol that the actor may see. Raises NoPatrol."""
    patrol = session.scalar(select(Patrol).where(Patrol.id == patrol_id, visible(actor)))
    if patrol is None:
        raise NoPatrol("there is no patrol {id}, or not among yours", id=patrol_id)
    return patrol


def list_patrols(
    session: ReadSession, actor: Actor, device_id: str | None, limit: int, cursor: str | None
) -> Page[Patrol]:
    """Patrols that the actor may see, newest first."""
    wanted = select(Patrol).where(visible(actor))
    if device_id is not None:
        wanted = wanted.where(Patrol.device_id == device_id)
    return page(session, wanted, Patrol, limit, cursor)
