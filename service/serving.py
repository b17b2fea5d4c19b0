"""`streetsight serve`: the web server, and beside it worker processes that are kept alive."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from streetsight.models.language import SpokenError
from streetsight.service.settings import METRICS_FOLDER, Settings
from streetsight.service.starting import starting
from streetsight.service.store.opening import make_data_folder, spoken_folder

if TYPE_CHECKING:
    from streetsight.service.files.blobs import Blobs
    from streetsight.service.store.database import Database

RESTART_FIRST_SECONDS, RESTART_MAX_SECONDS, STEADY_SECONDS = 1.0, 30.0, 60.0
CHECK_SECONDS = 0.25

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Kept:
    """A worker process that is started again when it ends."""

    process: "subprocess.Popen[bytes] | None" = None
    started: float = field(default=float("-inf"))
    wait: float = RESTART_FIRST_SECONDS


class Workers:
    """Worker processes under supervision."""

    def __init__(self, count: int, stop_seconds: float) -> None:
        self._kept = [_Kept() for _ in range(count)]
        self._stop_seconds, self._stopping = stop_seconds, threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="workers", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Ask all to stop, wait, end what does not."""
        self._stopping.set()
        self._thread.join()
        running = [each.process for each in self._kept if each.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker_killed", pid=process.pid)
                process.kill()
                process.wait()

    def _supervise(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            for kept in self._kept:
                self._look_after(kept)

    def _look_after(self, kept: _Kept) -> None:
        if kept.process is not None and kept.process.poll() is None:
            return
        lasted = time.monotonic() - kept.started
        if kept.process is not None:
            log.warning("worker_lost", pid=kept.process.pid, status=kept.process.returncode)
            kept.wait = RESTART_FIRST_SECONDS if lasted > STEADY_SECONDS else kept.wait * 2
            kept.wait = min(kept.wait, RESTART_MAX_SECONDS)
            kept.process = None
        if lasted >= kept.wait:
            command = [sys.executable, "-m", "streetsight", "work", "--parent", str(os.getpid())]
            kept.process, kept.started = subprocess.Popen(command), time.monotonic()


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests and jobs under way may end.

    The settings reach the workers through the environment.

    Raises:
        SpokenError: when database, storage or release cannot be used.
    """
    make_data_folder(settings)
    folder = settings.data_folder / f"metrics-{settings.port}"
    shutil.rmtree(folder, ignore_errors=True)  # a killed server leaves its counts
    with spoken_folder(settings):
        folder.mkdir()
    os.environ[METRICS_FOLDER] = str(folder)  # before prometheus_client is imported, here and in the workers
    try:
        _serve_web(settings)
    finally:
        del os.environ[METRICS_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def _serve_web(settings: Settings) -> None:
    with starting():
        import uvicorn

        from streetsight.service.app import create_app

        _try_all(settings)
        app = create_app(settings)
    config = uvicorn.Config(
        app, settings.host, settings.port, log_config=None, server_header=False,
        proxy_headers=True, forwarded_allow_ips=settings.forwarded_from,
        timeout_graceful_shutdown=max(1, round(settings.stop_seconds)),
    )  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn handles them, then raises them again for whoever was there before: that must not end us
        signal.signal(number, lambda *_: None)
    if not settings.workers:
        log.info("no_workers_here", needed="streetsight work", until_then="photos, leads and webhooks wait")
    with Workers(settings.workers, settings.stop_seconds):
        uvicorn.Server(config).run()


def _try_all(settings: Settings) -> None:
    """What cannot work is said here, before anything has started."""
    from streetsight.models.releases import load_release
    from streetsight.service.files.opening import open_blobs
    from streetsight.service.reports.service import categories_of
    from streetsight.service.store.key_proof import prove_key
    from streetsight.service.store.opening import open_database
    from streetsight.service.store.sealing import open_sealer

    with open_database(settings) as database:
        _try_storage(open_blobs(settings))
        load_release()
        _require_provider(settings.provider)
        prove_key(database, open_sealer(settings))
        categories_of(settings)
        _invite_first_admin(database, settings)


def _require_provider(name: str) -> None:
    """Once uvicorn runs, it would be a traceback."""
    from streetsight.inference.backends import BackendError, available

    known = available()
    if name not in known:
        raise BackendError(
            "provider {provider} is not available here; available: {known}",
            provider=name, known=", ".join(known),
        )  # fmt: skip


def _try_storage(blobs: "Blobs") -> None:
    """Say at once when photos cannot be stored; all that needs none works meanwhile."""
    try:
        blobs.check()
    except SpokenError as error:
        log.error("photos_cannot_be_stored", reason=str(error))


def _invite_first_admin(database: "Database", settings: Settings) -> None:
    """Without an admin, print a link by which the first one comes in. Its token stays out of the log."""
    from streetsight.service.auth.actor import SYSTEM
    from streetsight.service.people.links import LASTS, add_link, has_admin, link_url

    with database.write() as session:
        token = None if has_admin(session) else add_link(session, SYSTEM)
    if token is not None:
        hours = LASTS.total_seconds() / 3600
        log.warning("no_admin_yet", setup_link="printed to standard output", good_for_hours=hours)
        print(link_url(settings.address, token), flush=True)  # noqa: T201
