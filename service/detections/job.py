"""The job that looks at a frame."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from streetsight.models.frame import FrameMetadata
from streetsight.service.areas.service import area_path_at
from streetsight.service.assembling.arming import DEBOUNCE, frame_settled
from streetsight.service.detections.looking import Engine, Seen
from streetsight.service.detections.service import KIND, add_result, clean
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim
from streetsight.service.steps import passed
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import offset_minutes


class DetectJob:
    """See `Handler`."""

    kind = KIND
    alone = False

    def __init__(self, database: Database, engine: Engine, debounce: timedelta = DEBOUNCE) -> None:
        """`debounce`: how long a patrol waits for more frames before it is assembled."""
        self._database, self._engine, self._debounce = database, engine, debounce
        self.calls = engine.calls

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            sha256 = session.execute(select(Frame.sha256).where(Frame.id == claim.key)).scalar_one()
        seen = self._engine.look_at(sha256)
        passed("detected")
        return lambda session: publish(session, claim.key, seen, self._debounce)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        failed = update(Frame).where(Frame.id == claim.key).values(state="failed")
        patrol_id = session.scalar(failed.returning(Frame.patrol_id))
        frame_settled(session, patrol_id, self._debounce)


def publish(session: WriteSession, frame_id: str, seen: Seen, debounce: timedelta = DEBOUNCE) -> None:
    """Write what was seen on a frame; from now on it is the frame's result, and its patrol is assembled."""
    columns = select(Frame.patrol_id, Frame.taken_at, Frame.position, Frame.created_at)
    # locked, so that of one frame and release there is never more than one result
    frame = session.execute(columns.where(Frame.id == frame_id).with_for_update(key_share=True)).one()
    said = seen.result.metadata
    values = {"result_id": add_result(session, frame_id, frame.created_at, seen), "state": "detected"}
    if frame.taken_at is None:
        values |= _moment(said)
    if frame.position is None:
        values |= _place(session, said)
    session.connection().execute(update(Frame).where(Frame.id == frame_id).values(**values))
    frame_settled(session, frame.patrol_id, debounce)
    passed("publishing")


def _moment(said: FrameMetadata) -> dict[str, Any]:
    """When, by the file's EXIF; a time without an offset is no moment."""
    if said.taken_at is None or said.taken_at.tzinfo is None:
        return {}
    return {"taken_at": said.taken_at, "taken_offset_minutes": offset_minutes(said.taken_at)}


def _place(session: ReadSession, said: FrameMetadata) -> dict[str, Any]:
    """Where, by the file's EXIF."""
    there = said.position
    if there is None:
        return {}
    position = {
        "lon": there.lon, "lat": there.lat, "source": there.source, "accuracy_m": there.accuracy_m,
        "heading_deg": there.heading_deg, "altitude_m": there.altitude_m,
    }  # fmt: skip
    area_path = area_path_at(session, there.lon, there.lat)
    return {"lon": there.lon, "lat": there.lat, "area_path": area_path, "position": clean(position)}
