"""Open and close patrols."""

from datetime import timedelta

from sqlalchemy import func, select, update

from streetsight.service.devices.service import DeviceAccess
from streetsight.service.faults import NotFound
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
    return patrol


def close_idle(session: WriteSession, idle: timedelta) -> int:
    """Close patrols whose latest frame arrived that long ago; gives how many."""
    latest = func.coalesce(Patrol.last_frame_at, Patrol.created_at)
    silent = update(Patrol).where(Patrol.closed_at.is_(None), latest < now() - idle)
    closed = session.execute(silent.values(closed_at=now(), closed_by="idle").returning(Patrol.id))
    return len(closed.all())


def find_patrol(session: ReadSession, device: DeviceAccess, patrol_id: str) -> Patrol:
    """A patrol of this device. Raises NoPatrol."""
    patrol = session.get(Patrol, patrol_id)
    if patrol is None or patrol.device_id != device.id:
        raise NoPatrol("this device has no patrol {id}; open one with POST /v1/patrols", id=patrol_id)
    return patrol


def list_patrols(session: ReadSession, device: DeviceAccess, limit: int, cursor: str | None) -> Page[Patrol]:
    """Patrols of this device, newest first."""
    return page(session, select(Patrol).where(Patrol.device_id == device.id), Patrol, limit, cursor)
