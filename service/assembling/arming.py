"""When a patrol is assembled: a while after a frame was detected, and at once when nothing more is expected.

An open patrol is assembled again and again while it grows. The longer it is, the longer it waits, so that
all of its assemblies together cost a small multiple of the last one.
"""

from datetime import timedelta

from sqlalchemy import select

from streetsight.service.assembling.tables import Assembly
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.queue import arm
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.sessions import ReadSession, WriteSession

KIND = "assemble"
"""Jobs that assemble a patrol; their key is the patrol's id."""

DEBOUNCE = timedelta(seconds=20)
FRAMES_PER_WAIT = 100  # a patrol of so many frames waits once, of twice as many twice as long
LONGEST = timedelta(minutes=10)
AT_ONCE = timedelta(0)


def frame_settled(session: WriteSession, patrol_id: str | None, debounce: timedelta = DEBOUNCE) -> None:
    """A frame was detected, or given up: its patrol is to be assembled again."""
    if patrol_id is None:
        return
    known = select(Patrol.closed_at, Assembly.frames).outerjoin(Assembly).where(Patrol.id == patrol_id)
    closed_at, before = session.execute(known).one()
    whole = closed_at is not None and not _is_awaiting(session, patrol_id)
    arm(session, KIND, patrol_id, AT_ONCE if whole else _wait(before or 0, debounce))


def patrol_closed(session: WriteSession, patrol_id: str) -> None:
    """Assemble at once; with frames not detected yet, the last of them will see to it."""
    if not _is_awaiting(session, patrol_id):
        arm(session, KIND, patrol_id, AT_ONCE)


def _wait(before: int, debounce: timedelta) -> timedelta:
    """`before`: frames of the assembly before."""
    return max(debounce, min(LONGEST, debounce * (before / FRAMES_PER_WAIT)))


def _is_awaiting(session: ReadSession, patrol_id: str) -> bool:
    """Whether frames of the patrol wait for detection; the newest are asked first, they wait longest."""
    queued = select(Frame.id).where(Frame.patrol_id == patrol_id, Frame.state == "queued")
    return session.scalar(queued.order_by(Frame.id.desc()).limit(1)) is not None


def profile_changed(session: WriteSession, device_id: str, first: bool) -> None:
    """Assemble the open patrols of a device again; all of them when it had no profile before."""
    patrols = select(Patrol.id).where(Patrol.device_id == device_id)
    if not first:
        patrols = patrols.where(Patrol.closed_at.is_(None))
    for patrol_id in session.scalars(patrols).all():
        arm(session, KIND, patrol_id, AT_ONCE)
