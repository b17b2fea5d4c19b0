"""Looking at photos by a Ray cluster: what a worker asks, and what it makes of answers that do not come."""

import pickle
import subprocess
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import structlog

from streetsight.models.language import SpokenError
from streetsight.models.releases import Release, ReleaseError
from streetsight.service.cluster.beside import start_beside
from streetsight.service.cluster.connecting import ClusterLost, require_ray
from streetsight.service.cluster.driver import Question, ReplicaLost
from streetsight.service.cluster.replicas import PHOTOS_PER_CORE, NotReady, under_way
from streetsight.service.detections.looking import Seen
from streetsight.service.jobs.progress import going_on
from streetsight.service.settings import Settings

START_AGAIN_SECONDS = 2.0
SIGN_SECONDS = 1.0  # how often who waits says that it goes on
MOST_CALLS = 512
MOST_SUSPECTS = 10_000

log = structlog.get_logger(__name__)


class PhotoFailed(RuntimeError):
    """A replica ended twice over the same photo, the second time with nothing else to do."""


@dataclass(slots=True, eq=False)
class _Driver:
    """The process that asks the cluster, and who waits for its answers.

    Attributes:
        trouble: why it ended, once it has.
        ending: it was told to.
    """

    process: "subprocess.Popen[bytes]"
    connection: Connection
    waiting: dict[int, "Future[bytes]"] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    trouble: SpokenError | None = None
    ending: bool = False

    def ask(self, question: Question) -> "Future[bytes]":
        """The pickled answer, in time. Raises SpokenError when the process has ended."""
        future: Future[bytes] = Future()
        with self.lock:
            if self.trouble is not None:
                raise self.trouble
            self.waiting[question.number] = future
            with suppress(OSError):  # it has just ended: `listen` will say so
                self.connection.send(question)
        return future

    def listen(self) -> None:
        """Hand answers to who waits, until the process ends."""
        trouble: SpokenError = ClusterLost("the cluster was lost; it is tried again")
        try:
            while True:
                number, answer = self.connection.recv()
                if number is None:
                    trouble = pickle.loads(answer)
                    continue
                with self.lock:
                    self.waiting.pop(number).set_result(answer)
        except (EOFError, OSError):
            pass
        with self.lock:
            self.trouble = trouble
            left = [*self.waiting.values()]
        for future in left:
            future.set_exception(trouble)
        if not self.ending:
            log.warning("cluster_lost", reason=str(trouble))
        self.process.wait()

    def end(self) -> None:
        """End the process; whoever waits for it is told that the cluster is lost."""
        self.ending = True
        self.process.kill()
        self.process.wait()


class ClusterEngine:
    """See `Engine`: replicas on a cluster look, and the worker only waits."""

    def __init__(self, release: Release, settings: Settings) -> None:
        """The cluster itself is asked when the first photo comes; until it is there, jobs wait.

        Raises:
            ClusterError: this machine could not ask any cluster.
        """
        require_ray(settings)
        self._release, self._settings = release, settings
        self.calls = min(MOST_CALLS, under_way(settings) * PHOTOS_PER_CORE * settings.ray_replica_cores)
        self._numbers, self._lock = count(), threading.Lock()
        self._driver: _Driver | None = None
        self._started = float("-inf")
        self._suspects: set[str] = set()

    @property
    def release(self) -> Release:
        return self._release

    def change(self, release: Release) -> None:
        """See `Engine`; a replica tries it first."""
        try:
            self._ask(release, None)
        except NotReady as error:
            raise ReleaseError("{reason}", reason=error) from error
        self._release = release

    def look_at(self, sha256: str) -> Seen:
        release = self._release  # read once: all of a result is of one release
        alone = sha256 in self._suspects
        try:
            result = self._ask(release, sha256, alone)
        except ReplicaLost as error:
            if alone:
                raise PhotoFailed(str(error)) from error
            if len(self._suspects) < MOST_SUSPECTS:
                self._suspects.add(sha256)  # one of its group ends replicas, or nothing of it does
            raise
        self._suspects.discard(sha256)
        return Seen(result, release)

    def close(self) -> None:
        """End the process that asks. The replicas stay, for others and for later."""
        with self._lock:
            if self._driver is not None:
                self._driver.end()

    def _ask(self, release: Release, key: str | None, alone: bool = False) -> Any:
        driver = self._driving()
        future = driver.ask(Question(next(self._numbers), release.address, key, alone))
        until = time.monotonic() + 2 * self._settings.ray_timeout_seconds  # it may have to start the replicas
        while not future.done() and time.monotonic() < until:
            try:
                future.exception(SIGN_SECONDS)
            except TimeoutError:
                going_on()
        if not future.done():
            driver.end()
        answer = pickle.loads(future.result())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _driving(self) -> _Driver:
        """The process that asks, started when there is none, but not again and again."""
        with self._lock:
            driver = self._driver
            if driver is None or (
                driver.trouble is not None and time.monotonic() - self._started > START_AGAIN_SECONDS
            ):
                driver = self._driver = _start(self._settings)
                self._started = time.monotonic()
            return driver


def _start(settings: Settings) -> _Driver:
    process, connection = start_beside("streetsight.service.cluster.driver")
    connection.send(settings)
    driver = _Driver(process, connection)
    threading.Thread(target=driver.listen, name="cluster", daemon=True).start()
    return driver
