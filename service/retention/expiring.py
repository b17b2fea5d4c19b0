"""Photos that expire: found, hidden and marked in one transaction, deleted a grace time later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from streetsight.service.assembling.arming import KIND as ASSEMBLE
from streetsight.service.files.blobs import Blobs
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.tables import Job
from streetsight.service.patrols.tables import Patrol
from streetsight.service.privacy.copies import Copies
from streetsight.service.retention.deletions import Doomed, carry_out, due, mark
from streetsight.service.retention.evidence import leads_of
from streetsight.service.retention.holds import held
from streetsight.service.retention.limits import Facts, Limits, Reason, expiry
from streetsight.service.retention.tables import BlobDeletion
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

BATCH = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames that were judged.

    Attributes:
        verdicts: why each may go; None for those that stay.
        last_id: where to go on; None at the end.
    """

    verdicts: tuple[tuple[Frame, Reason | None], ...]
    last_id: str | None

    def of(self, reason: Reason) -> list[Doomed]:
        return [Doomed(frame.sha256, frame.size_bytes) for frame, why in self.verdicts if why == reason]


def judge(session: ReadSession, limits: Limits, after: str | None) -> Batch:
    """The next frames that are old enough to be looked at, oldest first."""
    old = select(Frame).where(Frame.photo_expired_at.is_(None), Frame.created_at < limits.context)
    if after is not None:
        old = old.where(Frame.id > after)
    frames = list(session.scalars(old.order_by(Frame.id).limit(BATCH)))
    last = frames[-1].id if len(frames) == BATCH else None
    return Batch(tuple(zip(frames, reasons(session, frames, limits), strict=True)), last)


def reasons(session: ReadSession, frames: Sequence[Frame], limits: Limits) -> list[Reason | None]:
    """Why each frame's photo may go; None when it must stay."""
    leads = leads_of(session, frames)
    named = held(session, leads)
    patrols = _patrols(session, frames)
    facts = (
        Facts(
            settled=frame.state != "queued" and (patrol is None or _is_done(patrol)),
            last_moment=max(frame.created_at, (patrol and patrol.closed_at) or frame.created_at),
            held=frame.id in named,
            leads=frozenset(leads[frame.id]),
        )
        for frame in frames
        for patrol in [patrols.get(frame.patrol_id or "")]
    )
    return [expiry(each, limits) for each in facts]


def expire(session: WriteSession, batch: Batch) -> None:
    """Hide the photos that may go, and mark their bytes."""
    moment = now()
    for reason in ("context", "rejected"):
        ids = [frame.id for frame, why in batch.verdicts if why == reason]
        expired = update(Frame).where(Frame.id.in_(ids))
        session.execute(expired.values(photo_expired_at=moment, photo_expired_reason=reason))
        mark(session, batch.of(reason), reason)


def delete_due(
    database: Database, blobs: Blobs, copies: Copies, limits: Limits, grace: timedelta
) -> tuple[int, int, int]:
    """Delete what was marked a grace time ago and may still go; numbers deleted and rescued, bytes freed."""
    with database.write() as session:
        found = due(session, now() - grace, BATCH)
        rescued = _rescue(session, found, limits)
        doomed = [Doomed(each.sha256, each.size_bytes) for each in found if each.sha256 not in rescued]
        moment = now()
        for each in found:
            if each.sha256 not in rescued:
                each.started_at = moment
    freed = carry_out(database, blobs, copies, doomed) if doomed else 0
    return len(doomed), len(rescued), freed


def _rescue(session: WriteSession, found: Sequence[BlobDeletion], limits: Limits) -> set[str]:
    """What has become evidence, or is held, since it was marked: shown again, not deleted."""
    waiting = [each.sha256 for each in found if each.started_at is None and each.reason != "orphan"]
    frames = list(session.scalars(select(Frame).where(has_digest(session, waiting))))
    verdicts = zip(frames, reasons(session, frames, limits), strict=True)
    needed = {frame.sha256 for frame, reason in verdicts if reason is None}
    shown = update(Frame).where(has_digest(session, [*needed]))
    session.execute(shown.values(photo_expired_at=None, photo_expired_reason=None))
    for each in found:
        if each.sha256 in needed:
            session.delete(each)
    session.flush()
    return needed


@dataclass(frozen=True, slots=True)
class _PatrolState:
    closed_at: datetime | None
    awaits_assembly: bool


def _is_done(patrol: _PatrolState) -> bool:
    return patrol.closed_at is not None and not patrol.awaits_assembly


def _patrols(session: ReadSession, frames: Sequence[Frame]) -> dict[str, _PatrolState]:
    ids = {frame.patrol_id for frame in frames if frame.patrol_id}
    closed = {each.id: each.closed_at for each in session.scalars(select(Patrol).where(Patrol.id.in_(ids)))}
    unseen = select(Frame.patrol_id).where(Frame.patrol_id.in_(ids), Frame.state == "queued")
    jobs = select(Job.key).where(Job.kind == ASSEMBLE, Job.key.in_(ids))
    waiting = {*session.scalars(unseen.distinct()), *session.scalars(jobs)}
    return {each: _PatrolState(closed[each], each in waiting) for each in closed}
