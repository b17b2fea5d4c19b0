"""Looking again at frames that are here, with the release in force: slowly, behind every fresh frame."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVarTuple

from sqlalchemy import Select, func, or_, select

from streetsight.inference.pipeline import in_order
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.detections.job import publish
from streetsight.service.detections.looking import Engine, Seen
from streetsight.service.detections.service import KIND as FRESH
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import NoBlob
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, enqueue, waiting
from streetsight.service.jobs.tables import Job
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession

KIND = "redetect"
"""Jobs that walk over frames; their payload says which, and how far they have come."""

BATCH_PER_CALL = 4

Columns = TypeVarTuple("Columns")


class FreshFirst(Unavailable):
    """Fresh frames wait; looking again can wait longer."""

    code = "fresh_first"


def ask_again(session: WriteSession, actor: Actor, filters: dict[str, Any], address: str) -> tuple[str, int]:
    """Have the frames that the actor sees and the filters take looked at again; gives the job's key and
    how many there are to look at."""
    areas = None if actor.areas is None else list(actor.areas)
    payload = {"filters": filters, "areas": areas, "after": "", "done": 0}
    found = _frames(payload, address).where(in_scope(actor, Frame.area_path))
    count = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    key = new_id()
    if count:
        enqueue(session, KIND, key, payload | {"frames": count})
    details = {"filters": filters, "frames": count, "release": address}
    record(session, actor, "release.redetected", f"job/{key}", details)
    return key, count


def under_way(session: ReadSession) -> list[Job]:
    """Jobs that are not done yet, oldest first."""
    return list(session.scalars(select(Job).where(Job.kind == KIND).order_by(Job.id)))


class RedetectJob:
    """See `Handler`."""

    kind, calls, alone = KIND, 1, False

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database, self._engine = database, engine

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            if waiting(session, FRESH):
                raise FreshFirst("fresh frames wait for detection; they go first")
            batch = self._engine.calls * BATCH_PER_CALL
            found = _frames(claim.payload, self._engine.release.address).limit(batch)
            frames = session.execute(found.order_by(Frame.id)).all()
        if not frames:
            return lambda session: None
        seen = [*in_order(self._look, [each.sha256 for each in frames], self._engine.calls)]
        rest = {**claim.payload, "after": frames[-1].id, "done": claim.payload["done"] + len(frames)}

        def effect(session: WriteSession) -> None:
            for frame, result in zip(frames, seen, strict=True):
                if result is not None:
                    publish(session, frame.id, result)
            enqueue(session, KIND, claim.key, rest)

        return effect

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """Nothing to mark: the frames keep the results that they had."""

    def _look(self, sha256: str) -> Seen | None:
        try:
            return self._engine.look_at(sha256)
        except NoBlob:  # retention was quicker
            return None


def _frames(payload: dict[str, Any], address: str) -> Select[str, str]:
    """Frames that a job has still to look at: those whose result is of another release."""
    found = (
        select(Frame.id, Frame.sha256)
        .outerjoin(Result, Result.id == Frame.result_id)
        .where(Frame.id > payload["after"], Frame.state == "detected", Frame.photo_expired_at.is_(None))
        .where(or_(Result.id.is_(None), Result.release != address))
    )
    if payload["areas"] is not None:
        found = found.where(within(tuple(payload["areas"]), Frame.area_path))
    return narrowed(found, payload["filters"])


def narrowed(found: Select[*Columns], filters: Mapping[str, Any]) -> Select[*Columns]:
    """Of these frames those that the filters take.

    Args:
        filters: patrol_id, area_path, taken_from and taken_before (ISO 8601), class; absent: all.
    """
    if filters.get("patrol_id"):
        found = found.where(Frame.patrol_id == filters["patrol_id"])
    if filters.get("area_path"):
        found = found.where(within((filters["area_path"],), Frame.area_path))
    if filters.get("taken_from"):
        found = found.where(Frame.taken_at >= datetime.fromisoformat(filters["taken_from"]))
    if filters.get("taken_before"):
        found = found.where(Frame.taken_at < datetime.fromisoformat(filters["taken_before"]))
    if filters.get("class"):
        detected = select(Detection.result_id).where(Detection.class_name == filters["class"])
        found = found.where(Frame.result_id.in_(detected))
    return found
