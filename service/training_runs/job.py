"""The job that looks after a run's process: starts it, tells how far it is, ends it, takes in its release.

Each turn is short and the job comes back: a run takes hours, and a worker has photos to look at meanwhile.
"""

import json
import platform
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from streetsight.models.language import SpokenError
from streetsight.models.registry import Registry
from streetsight.models.releases import search_path
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.dataset_versions import service as versions
from streetsight.service.jobs.faults import kept
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, arm
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.training_runs import running, service
from streetsight.service.training_runs.tables import TrainingRun

TURN, WAIT_FOR_OTHERS = timedelta(seconds=2), timedelta(seconds=10)
PATIENCE = timedelta(seconds=15)
MOST_STARTS = 3

log = structlog.get_logger(__name__)


class TrainingJob:
    """See `Handler`. For workers of machines with the training extra alone."""

    kind, calls, alone = service.KIND, 1, True

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings, self._host = database, settings, platform.node()[:100]

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            run = service.find(session, claim.key)
            busy = session.scalar(select(TrainingRun.id).where(
                TrainingRun.state == "running", TrainingRun.host == self._host, TrainingRun.id != run.id
            ))  # fmt: skip
        folder = service.run_folder(self._settings, run.id)
        if run.state not in service.UNDER_WAY:
            return lambda session: None
        if run.host not in (None, self._host) or (run.state == "queued" and busy and not run.cancel_asked_at):
            return _again(run.id, lambda run: None, WAIT_FOR_OTHERS)
        alive = running.is_alive(folder)
        if run.cancel_asked_at is not None:
            return self._cancel(run, folder, alive)
        if alive:
            return self._tell(run, folder)
        return self._settle(run, folder)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        _fail(session, claim.key, SpokenError("it failed several times; the log of the server says why"))

    def _cancel(self, run: TrainingRun, folder: Path, alive: bool) -> Effect:
        if alive:
            assert run.cancel_asked_at is not None
            running.end(folder, at_once=now() - run.cancel_asked_at > PATIENCE)
            return _again(run.id, lambda run: None)

        def effect(session: WriteSession) -> None:
            ended = service.find(session, run.id)
            ended.state, ended.ended_at = "cancelled", now()

        return effect

    def _tell(self, run: TrainingRun, folder: Path) -> Effect:
        status, progress = running.read_status(folder), _progress(folder)

        def told(run: TrainingRun) -> None:
            run.step, run.progress = status.step or run.step, progress

        return _again(run.id, told)

    def _settle(self, run: TrainingRun, folder: Path) -> Effect:
        """Nobody is at it: it was not started yet, or is over, or was killed."""
        status = running.read_status(folder)
        if status.ended == "done":
            return self._take_in(run, folder, status)
        if status.ended == "failed" or run.starts >= MOST_STARTS:
            error = SpokenError("the step {step} failed; the log says why", step=status.step)
            return lambda session: _fail(session, run.id, error)
        with self._database.read() as session:
            version = versions.find(session, run.version_id)
        try:
            running.write_plan(folder, service.steps(self._settings, run, version))
        except SpokenError as error:
            fault = error
            return lambda session: _fail(session, run.id, fault)
        running.start(folder)
        log.info("training_started", run=run.id, starts=run.starts + 1)

        def started(run: TrainingRun) -> None:
            run.state, run.host, run.starts = "running", self._host, run.starts + 1
            run.started_at = run.started_at or now()

        return _again(run.id, started)

    def _take_in(self, run: TrainingRun, folder: Path, status: running.Status) -> Effect:
        address = Registry(search_path()).release(run.release_name).address
        compared = (status.done or {}).get("compare") == 0

        def effect(session: WriteSession) -> None:
            done = service.find(session, run.id)
            done.state, done.ended_at, done.progress = "done", now(), _progress(folder)
            done.release_address, done.compared = address, compared
            session.flush()
            details = {"release": address, "compared": compared}
            record(session, SYSTEM, "training_run.ended", f"training_run/{run.id}", details)

        return effect


def _again(run_id: str, change: Callable[[TrainingRun], None], wait: timedelta = TURN) -> Effect:
    def effect(session: WriteSession) -> None:
        change(service.find(session, run_id))
        session.flush()
        arm(session, service.KIND, run_id, wait)

    return effect


def _fail(session: WriteSession, run_id: str, error: SpokenError) -> None:
    run = service.find(session, run_id)
    run.state, run.ended_at, run.fault = "failed", now(), kept(error)
    session.flush()
    record(session, SYSTEM, "training_run.failed", f"training_run/{run.id}")


def _progress(folder: Path) -> dict[str, Any] | None:
    """What `streetsight train` says of its latest epoch."""
    path = folder / "run" / "progress.json"
    rows = json.loads(path.read_bytes()) if path.is_file() else []
    return rows[-1] if rows else None
