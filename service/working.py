"""`streetsight work`: one worker in a process of its own."""

import signal
import sys
import threading
from contextlib import ExitStack, closing
from datetime import timedelta

import structlog
from prometheus_client import start_http_server

from streetsight.inference.pipeline import cores
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.sightings.tracking import Tracker
from streetsight.models.releases import search_path
from streetsight.service.areas.job import AreaJob
from streetsight.service.assembling.job import AssembleJob
from streetsight.service.cluster.engine import ClusterEngine
from streetsight.service.dataset_versions.job import DatasetJob
from streetsight.service.detections.job import DetectJob
from streetsight.service.detections.looking import Engine, LocalEngine, Looker
from streetsight.service.files.blobs import Blobs
from streetsight.service.files.opening import open_blobs
from streetsight.service.jobs.handler import Handler
from streetsight.service.places.job import PlacesJob
from streetsight.service.privacy.copies import open_copies
from streetsight.service.releases.choosing import chosen
from streetsight.service.releases.keeper import ReleaseKeeper
from streetsight.service.releases.redetecting import RedetectJob
from streetsight.service.reports.service import categories_of
from streetsight.service.retention.job import RetentionJob
from streetsight.service.retention.rounds import Rounds
from streetsight.service.settings import Settings, SettingsError
from streetsight.service.store.database import Database
from streetsight.service.store.key_proof import prove_key
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import open_sealer
from streetsight.service.training_runs.job import TrainingJob
from streetsight.service.training_runs.service import is_installed
from streetsight.service.uploads.job import UploadJob
from streetsight.service.webhooks.courier import Courier
from streetsight.service.worker import Worker, watch_over

SWITCH_SECONDS = 0.0005  # threads come back from native code with each photo, and wait while rows are written

log = structlog.get_logger(__name__)


def handlers(database: Database, blobs: Blobs, engine: Engine, settings: Settings) -> list[Handler]:
    """Whoever does the jobs of each kind; fresh frames first."""
    debounce = timedelta(seconds=settings.assemble_after_seconds)
    rules = load_rules(settings.rules_file)
    within_m = categories_of(settings).same_within_m
    return [
        DetectJob(database, engine, debounce),
        AssembleJob(database, blobs, rules, lambda: engine.release.card, settings.zone, within_m),
        AreaJob(database),
        PlacesJob(database),
        UploadJob(database, blobs, settings),
        RedetectJob(database, engine),
        RetentionJob(Rounds(database, blobs, open_copies(settings), settings)),
        DatasetJob(database, blobs, settings),
        *([TrainingJob(database, settings)] if is_installed() else []),
    ]


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, host)
    except OSError as error:
        raise SettingsError(
            "STREETSIGHT_WORKER_METRICS_PORT: cannot listen on {host}:{port} ({reason}); each worker of a "
            "machine needs a port of its own",
            host=host, port=port, reason=error.strerror or error,
        ) from error  # fmt: skip


def work(settings: Settings, parent: int | None = None) -> None:
    """Do jobs until SIGTERM or SIGINT.

    Args:
        parent: process without which this one shall not go on.

    Raises:
        SpokenError: when database, storage, release or the port of the metrics cannot be used.
    """
    with open_database(settings) as database, ExitStack() as ending:
        if parent is None and settings.worker_metrics_port is not None:  # `serve` tells those of its own
            _serve_metrics(settings.host, settings.worker_metrics_port)
        calls = max(1, cores() // max(1, settings.workers))
        with database.read() as session:
            release = chosen(session, search_path())
        sealer = open_sealer(settings)
        prove_key(database, sealer)
        sys.setswitchinterval(SWITCH_SECONDS)
        threading.Thread(target=Tracker, name="trackers", daemon=True).start()  # a second to import
        blobs = open_blobs(settings)
        engine: Engine = (
            ending.enter_context(closing(ClusterEngine(release, settings)))
            if settings.engine == "ray"
            else LocalEngine(Looker(release, settings.provider, calls, threads=1), blobs)
        )
        worker = Worker(database, handlers(database, blobs, engine, settings), settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        watch_over(worker, settings, parent)
        log.info("worker_started", engine=settings.engine, release=release.address, calls=engine.calls)
        releases = ReleaseKeeper(database, engine, settings.release_poll_seconds)
        with releases.running(), Courier(database, settings, sealer).running():
            worker.run()
        log.info("worker_stopped")
