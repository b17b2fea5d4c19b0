"""The queue: add, claim, finish, fail. Every function works inside the caller's transaction.

*At least once, with exactly-once effect.* A claim is a lease: a crashed worker's jobs go to another. `finish`
deletes the job of exactly this lease and belongs in the same transaction as the job's effect, so of two
workers that did the same work only one publishes it.

*No clock decides who owns a job.* Leases carry no time. Every worker watches the leases that it sees, by its
own monotonic clock, and takes back those that stay the same for too long (`leases.py`). Only back-off reads
the wall clock, and a clock set back by days delays a job by at most the longest back-off.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.engine import CursorResult

from streetsight.service.faults import Conflict
from streetsight.service.jobs.tables import Job
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

MAX_ERROR_CHARACTERS = 2000


class LeaseLost(Conflict):
    """Another worker has the job by now; what was done for it must not count."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How failed jobs are tried again.

    Attributes:
        attempts: after so many a job is dead.
        first_seconds, max_seconds: wait before the second try, and the longest.
    """

    attempts: int = 5
    first_seconds: float = 2.0
    max_seconds: float = 600.0

    def wait(self, attempts: int) -> timedelta:
        doubled = self.first_seconds * 2.0 ** min(max(0, attempts - 1), 30)
        return timedelta(seconds=min(self.max_seconds, doubled))


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker holds."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int
    lease: str
    run_after: datetime
    lost: int = 0


def enqueue(session: WriteSession, kind: str, key: str, payload: dict[str, Any] | None = None) -> None:
    """Add a job, unless one of this kind and key is there."""
    job = {"kind": kind, "key": key, "payload": payload or {}, "run_after": now()}
    session.connection().execute(upsert(session, Job).on_conflict_do_nothing(), job)


def arm(session: WriteSession, kind: str, key: str, wait: timedelta) -> None:
    """Have a job done after a wait at most, also when one of this kind and key is under way right now.

    One that waits already and is due sooner stays so. One that is being worked on, and has read what it works
    on before this transaction's change, is done once more when it ends: `finish` sees that it was armed.
    """
    due = now() + wait
    ours = Job.kind == kind, Job.key == key
    while True:
        # The shared lock keeps PostgreSQL from claiming it before what it is armed for can be read.
        found = session.execute(select(Job.state, Job.run_after).where(*ours).with_for_update(read=True))
        known = found.one_or_none()
        if known is not None:
            break
        job = {"kind": kind, "key": key, "payload": {}, "run_after": due}
        added = session.connection().execute(upsert(session, Job).on_conflict_do_nothing(), job)
        if _count(added) == 1:
            return
    state, run_after = known
    if state == "queued" and run_after <= due:
        return
    fresh = {"state": "queued", "attempts": 0, "lost": 0} if state == "dead" else {}
    session.execute(update(Job).where(*ours).values(run_after=due, **fresh))


def claim(
    session: WriteSession, kind: str, limit: int, backoff: Backoff, alone: bool = False, busy: bool = False
) -> list[Claim]:
    """Lease up to `limit` jobs that are due, oldest first.

    A job whose worker vanished is claimed alone: if it kills this worker too, it takes no neighbour along.

    Args:
        alone: of this kind only one job may be under way at any time, on all machines together.
        busy: the worker is at others of this kind, so it gets none whose worker vanished.
    """
    if alone and _is_under_way(session, kind):
        return []
    jobs: Sequence[Job] = ()
    if not busy:
        jobs = session.scalars(_due(kind, backoff, Job.lost > 0).limit(1)).all()
    if not jobs:
        jobs = session.scalars(_due(kind, backoff, Job.lost == 0).limit(1 if alone else limit)).all()
    for job in jobs:
        job.state, job.lease, job.attempts = "leased", new_id(), job.attempts + 1
    session.flush()
    return [_claim(job) for job in jobs]


def _claim(job: Job) -> Claim:
    return Claim(
        job.id, job.kind, job.key, job.payload, job.attempts, job.lease or "", job.run_after, job.lost
    )


def _is_under_way(session: WriteSession, kind: str) -> bool:
    """Whether a job of this kind is held; nobody else claims one before this transaction ends."""
    take_turn(session, f"claim {kind}")
    held = select(Job.id).where(Job.kind == kind, Job.state == "leased").limit(1)
    return session.scalar(held) is not None


def _due(kind: str, backoff: Backoff, condition: ColumnElement[bool]) -> Select[Job]:
    moment = now()
    impossible = moment + timedelta(seconds=backoff.max_seconds)  # the clock was set back meanwhile
    due = or_(Job.run_after <= moment, Job.run_after > impossible)
    found = select(Job).where(Job.kind == kind, Job.state == "queued", condition, due)
    return found.order_by(Job.lost, Job.id).with_for_update(skip_locked=True)  # SQLite: one writer anyway


def renew(session: WriteSession, held: Claim) -> Claim:
    """A new lease in place of the one held: whoever watches sees that the work goes on.

    Raises:
        LeaseLost: when the lease is no longer ours.
    """
    lease = new_id()
    if _count(session.execute(update(Job).where(*_held(held)).values(lease=lease))) != 1:
        raise LeaseLost("job {id} was given to another worker", id=held.id)
    return replace(held, lease=lease)


def finish(session: WriteSession, held: Claim) -> None:
    """The job is done. In the same transaction as what it did, and before it.

    One that was armed meanwhile waits to be done again.

    Raises:
        LeaseLost: when the lease is no longer ours.
    """
    unchanged = delete(Job).where(*_held(held), Job.run_after == held.run_after)
    if _count(session.execute(unchanged)) != 1:
        _put_back(session, held, state="queued", attempts=0, lost=0, last_error=None)


def fail(session: WriteSession, held: Claim, reason: str, backoff: Backoff) -> bool:
    """The attempt failed: try again later, or give up. Gives whether the job is dead.

    Raises:
        LeaseLost: when the lease is no longer ours.
    """
    dead = held.attempts >= backoff.attempts
    _put_back(
        session, held,
        state="dead" if dead else "queued", last_error=reason[:MAX_ERROR_CHARACTERS],
        run_after=now() + backoff.wait(held.attempts),
    )  # fmt: skip
    return dead


def postpone(session: WriteSession, held: Claim, reason: str, wait: timedelta) -> None:
    """The attempt could not be made, through no fault of the job's: it does not count.

    Raises:
        LeaseLost: when the lease is no longer ours.
    """
    _put_back(
        session, held,
        state="queued", last_error=reason[:MAX_ERROR_CHARACTERS], run_after=now() + wait,
        attempts=Job.attempts - 1,
    )  # fmt: skip


def leases(session: ReadSession) -> dict[str, str]:
    """Lease of every job that is held, by the job's id."""
    held = session.execute(select(Job.id, Job.lease).where(Job.state == "leased"))
    return {job_id: lease or "" for job_id, lease in held}


def take_back(session: WriteSession, job_id: str, lease: str, backoff: Backoff) -> Claim | None:
    """Put a job back whose worker went silent. Gives it as a claim when it is dead now, else None."""
    job = session.scalar(
        select(Job).where(Job.id == job_id, Job.lease == lease).with_for_update(skip_locked=True)
    )
    if job is None:
        return None  # finished, or another worker was quicker
    dead = job.attempts >= backoff.attempts
    job.state, job.lease, job.lost = "dead" if dead else "queued", None, job.lost + 1
    job.last_error, job.run_after = "the worker went silent", now()
    session.flush()
    return _claim(job) if dead else None


def revive(session: WriteSession, kind: str | None = None) -> int:
    """Queue dead jobs again, all or of one kind; gives how many."""
    dead = update(Job).where(Job.state == "dead")
    if kind is not None:
        dead = dead.where(Job.kind == kind)
    return _count(session.execute(dead.values(state="queued", attempts=0, lost=0, run_after=now())))


def counts(session: ReadSession) -> dict[tuple[str, str], int]:
    """Number of jobs by kind and state."""
    rows = session.execute(select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state))
    return {(kind, state): count for kind, state, count in rows}


def waiting(session: ReadSession, kind: str) -> int:
    """Number of jobs of a kind that wait for a worker."""
    found = select(func.count()).select_from(Job).where(Job.kind == kind, Job.state == "queued")
    return session.scalar(found) or 0


def dead_jobs(session: ReadSession, limit: int) -> Sequence[Job]:
    """Jobs that were given up, oldest first."""
    return session.scalars(select(Job).where(Job.state == "dead").order_by(Job.id).limit(limit)).all()


def _held(held: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Job.id == held.id, Job.lease == held.lease


def _put_back(session: WriteSession, held: Claim, **values: Any) -> None:
    if _count(session.execute(update(Job).where(*_held(held)).values(lease=None, **values))) != 1:
        raise LeaseLost("job {id} was given to another worker", id=held.id)


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
