"""`streetsight work`: one worker in a process of its own."""

import signal

import structlog

from streetsight.inference.pipeline import cores
from streetsight.models.releases import load_release
from streetsight.service.detections.job import DetectJob
from streetsight.service.detections.looking import Looker
from streetsight.service.files.opening import open_blobs
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.worker import Worker, watch_over

log = structlog.get_logger(__name__)


def work(settings: Settings, parent: int | None = None) -> None:
    """Do jobs until SIGTERM or SIGINT.

    Args:
        parent: process without which this one shall not go on.

    Raises:
        SpokenError: when database, storage or release cannot be used.
    """
    with open_database(settings) as database:
        calls = max(1, cores() // max(1, settings.workers))
        looker = Looker(load_release(), settings.provider, calls, threads=1)
        worker = Worker(database, [DetectJob(database, open_blobs(settings), looker)], settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        watch_over(worker, settings, parent)
        log.info("worker_started", release=looker.release.address, calls=calls)
        worker.run()
        log.info("worker_stopped")
