"""A worker: claims jobs, does them over all its cores, publishes what came out. Any number may compete.

One that hangs is ended by its own watchdog, and its jobs go to another when their leases have been the same
for too long. One that crashes is started again by `serve`, or by whatever runs `streetsight work`.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from streetsight.inference.pipeline import in_order
from streetsight.models.language import SpokenError
from streetsight.service.faults import Unavailable
from streetsight.service.issues.attention import look_after_deadlines
from streetsight.service.jobs import queue
from streetsight.service.jobs.handler import Effect, Handler
from streetsight.service.jobs.leases import LeaseWatch
from streetsight.service.jobs.progress import heard
from streetsight.service.jobs.queue import Backoff, Claim, LeaseLost
from streetsight.service.metrics import JOBS
from streetsight.service.patrols.service import close_idle
from streetsight.service.quotas.telling import tell_of_missed
from streetsight.service.retention.job import begin_when_due
from streetsight.service.settings import Settings
from streetsight.service.steps import passed
from streetsight.service.store.database import Database, spoken
from streetsight.service.store.partitions import keep_ahead
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.writer import GroupWriter
from streetsight.service.uploads.service import expire

HOUSEKEEPING_SECONDS = 30.0
TURN_SECONDS = 2.0  # one kind of job goes on for so long while others wait
UNAVAILABLE_SECONDS = 5.0
EXIT_HUNG = 70

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """A claim, and its effect or what went wrong; both None when the worker is to stop."""

    claim: Claim
    effect: Effect | None = None
    error: Exception | None = None


class _Lease:
    """A claim that is renewed while its work goes on.

    Attributes:
        claim: with the lease as it is now.
    """

    def __init__(
        self, database: Database, claim: Claim, every_seconds: float, sign: Callable[[], None]
    ) -> None:
        self._database, self.claim, self._every, self._sign = database, claim, every_seconds, sign
        self._renewed = time.monotonic()

    def go_on(self) -> None:
        self._sign()
        if time.monotonic() - self._renewed >= self._every:
            with self._database.write() as session:
                self.claim = queue.renew(session, self.claim)
            self._renewed = time.monotonic()


class Worker:
    """Does the jobs of its handlers until it is told to stop."""

    def __init__(self, database: Database, handlers: list[Handler], settings: Settings) -> None:
        self._database, self._handlers, self._settings = database, handlers, settings
        self._backoff = Backoff(
            settings.job_attempts, settings.backoff_first_seconds, settings.backoff_max_seconds
        )
        self._watch = LeaseWatch(settings.lease_seconds)
        self._stop = threading.Event()
        self._last_sign, self._next_housekeeping = time.monotonic(), 0.0

    def stop(self) -> None:
        """End after what is under way; what is claimed and not begun goes back. Safe in a signal handler."""
        self._stop.set()

    def silent_seconds(self) -> float:
        """How long nothing was heard of this worker."""
        return time.monotonic() - self._last_sign

    def run(self) -> None:
        """Work until `stop`. A database that is gone is waited for."""
        writer = GroupWriter(self._database)
        try:
            while not self._stop.is_set():
                self._sign()
                try:
                    worked = self.turn(writer)
                except (SpokenError, SQLAlchemyError) as error:
                    log.warning("worker_waits", reason=str(spoken(error)))
                    self._stop.wait(UNAVAILABLE_SECONDS)
                else:
                    if not worked:
                        self._stop.wait(self._settings.poll_seconds)
        finally:
            writer.close()

    def turn(self, writer: GroupWriter) -> bool:
        """One round over all handlers; gives whether there was anything to do."""
        if time.monotonic() >= self._next_housekeeping:
            self._next_housekeeping = time.monotonic() + min(
                HOUSEKEEPING_SECONDS, self._settings.lease_seconds / 4
            )
            self._keep_house()
        worked = [self._work(handler, writer) for handler in self._handlers]  # each of them, always
        return any(worked)

    def _work(self, handler: Handler, writer: GroupWriter) -> bool:
        ended: deque[tuple[_Attempt, Future[None]]] = deque()
        worked = False
        claims = self._claims(handler)
        for attempt in in_order(lambda claim: self._attempt(handler, claim), claims, handler.calls):
            self._sign()
            worked = True
            ended.append((attempt, writer.submit(self._ending(handler, attempt))))
            while ended and ended[0][1].done():
                self._settle(handler, *ended.popleft(), writer)
        for attempt, future in ended:
            self._settle(handler, attempt, future, writer)
        if worked:
            passed("published")
        return worked

    def _claims(self, handler: Handler) -> Iterator[Claim]:
        """Batch after batch, so that no core waits between two of them, until others shall have a turn."""
        until, busy = time.monotonic() + TURN_SECONDS, False
        while not self._stop.is_set():
            with self._database.write() as session:
                batch = queue.claim(
                    session, handler.kind, self._settings.max_batch_size, self._backoff,
                    alone=handler.alone, busy=busy,
                )  # fmt: skip
            if not batch:
                return
            passed("claimed")
            yield from batch
            if batch[0].lost or time.monotonic() >= until:
                return
            busy = True

    def _attempt(self, handler: Handler, claim: Claim) -> _Attempt:
        if self._stop.is_set():
            return _Attempt(claim)
        lease = _Lease(self._database, claim, self._settings.lease_seconds / 3, self._sign)
        try:
            with heard(lease.go_on):
                effect = handler.work(claim)
            return _Attempt(lease.claim, effect=effect)
        except Exception as error:  # noqa: BLE001  whatever it is, it is this job's alone
            return _Attempt(lease.claim, error=error)

    def _ending(self, handler: Handler, attempt: _Attempt) -> Callable[[WriteSession], None]:
        """The unit of work that ends an attempt: the effect and the end of the job, or its return."""
        claim, effect, error = attempt.claim, attempt.effect, attempt.error

        def unit(session: WriteSession) -> None:
            if effect is not None:
                queue.finish(session, claim)
                effect(session)
            elif error is None:
                queue.postpone(session, claim, "the worker was stopped", timedelta(0))
            elif _is_no_fault_of_the_job(error):
                queue.postpone(session, claim, str(error), timedelta(seconds=UNAVAILABLE_SECONDS))
            elif queue.fail(session, claim, f"{type(error).__name__}: {error}", self._backoff):
                handler.gave_up(session, claim)

        return unit

    def _settle(
        self, handler: Handler, attempt: _Attempt, ended: "Future[None]", writer: GroupWriter
    ) -> None:
        """Wait for the commit. An effect that cannot be written is a failed attempt as well."""
        claim = attempt.claim
        try:
            ended.result()
        except LeaseLost:
            log.warning("lease_lost", job=claim.id, kind=claim.kind)
            return
        except Exception as error:
            if attempt.effect is None or _is_no_fault_of_the_job(error):
                raise  # the database: the lease brings the job back
            writer.run(self._ending(handler, _Attempt(claim, error=error)))
            attempt = _Attempt(claim, error=error)
        if attempt.error is not None:
            log.warning(
                "job_failed", job=claim.id, kind=claim.kind, attempt=claim.attempts, reason=str(attempt.error)
            )
        JOBS.labels(claim.kind, "done" if attempt.effect else "failed" if attempt.error else "returned").inc()

    def _keep_house(self) -> None:
        """Take back late leases, close silent patrols, look after deadlines and duties, expire uploads."""
        with self._database.read() as session:
            late = self._watch.late(queue.leases(session))
        by_kind = {handler.kind: handler for handler in self._handlers}
        for job_id, lease in late:
            self._sign()
            with self._database.write() as session:
                dead = queue.take_back(session, job_id, lease, self._backoff)
                if dead is not None and dead.kind in by_kind:
                    by_kind[dead.kind].gave_up(session, dead)
            log.warning("lease_taken_back", job=job_id)
        with self._database.write() as session:
            close_idle(session, timedelta(minutes=self._settings.patrol_idle_minutes))
            begin_when_due(session, self._settings)
            look_after_deadlines(session, self._settings)
            tell_of_missed(session, self._settings)
        self._sign()
        expire(self._database, self._settings)
        self._sign()
        keep_ahead(self._database, self._settings.partition_days)

    def _sign(self) -> None:
        self._last_sign = time.monotonic()


def watch_over(worker: Worker, settings: Settings, parent: int | None) -> None:
    """End this process when its worker hangs, or when the process that started it is gone.

    A thread that hangs in native code cannot be stopped otherwise; the leases give its jobs to others.
    """

    def watch() -> None:
        while True:
            time.sleep(min(1.0, settings.lease_seconds / 4))
            hung = worker.silent_seconds() > settings.lease_seconds
            if hung or (parent is not None and os.getppid() != parent):
                log.error("worker_ended", reason="it hung" if hung else "its server is gone")
                os._exit(EXIT_HUNG)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()


def _is_no_fault_of_the_job(error: Exception) -> bool:
    """Whether something that all jobs need did not answer."""
    try:
        return isinstance(error, (SpokenError, SQLAlchemyError)) and isinstance(spoken(error), Unavailable)
    except SQLAlchemyError:
        return False
