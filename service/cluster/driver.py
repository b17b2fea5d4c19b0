"""The process beside a worker that asks the cluster: Ray's own troubles end it, and not the worker.

`python -m streetsight.service.cluster.driver FD`: over the socket come the settings, then questions;
answers go back. It ends with its worker, whose end closes the socket.
"""

import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from streetsight.models.language import SpokenError
from streetsight.service.cluster.connecting import ClusterLost
from streetsight.service.cluster.deploying import replicas_of
from streetsight.service.cluster.replicas import PHOTOS_PER_CORE, under_way
from streetsight.service.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """A photo to be looked at; with no key the release is only loaded.

    Attributes:
        number: by which the answer is known.
        address: of the release.
        alone: in a request of its own.
    """

    number: int
    address: str
    key: str | None
    alone: bool = False


class ReplicaLost(ClusterLost):
    """The replica ended while it looked."""

    code = "replica_lost"


class Waiting:
    """Questions that wait, taken in groups: of one release, as many as are there, up to a limit."""

    def __init__(self, most: int) -> None:
        self._most, self._questions, self._there = most, deque[Question](), threading.Condition()

    def add(self, question: Question) -> None:
        with self._there:
            self._questions.append(question)
            self._there.notify()

    def take(self) -> list[Question]:
        """The next group; waits for it."""
        with self._there:
            while not self._questions:
                self._there.wait()
            group = [self._questions.popleft()]
            while self._questions and len(group) < self._most and _fits(group[0], self._questions[0]):
                group.append(self._questions.popleft())
            return group


def _fits(first: Question, other: Question) -> bool:
    single = first.alone or other.alone or first.key is None or other.key is None
    return not single and first.address == other.address


class NoAnswer(Exception):
    """Nobody answered in time. Args: the error to tell."""


def ask(handle: Any, group: list[Question], seconds: float) -> list[bytes]:
    """A pickled answer per question.

    Raises:
        NoAnswer: no replica has answered in time. A head that was killed and came back at once knows neither
            this process nor its replicas, and Ray would let it wait for ever: only another process helps.
    """
    import ray
    from ray import serve

    address, keys = group[0].address, [each.key for each in group]
    response = handle.prepare.remote(address) if keys == [None] else handle.remote(address, keys)
    error: Exception
    try:
        answers = response.result(timeout_s=seconds)
        return [answers] if keys == [None] else [pickle.dumps(each) for each in pickle.loads(answers)]
    except (ray.exceptions.RayActorError, ray.exceptions.NodeDiedError):
        error = ReplicaLost("the replica that looked at it ended; another one will look")
    except TimeoutError as late:
        raise NoAnswer(
            ClusterLost(
                "no replica has answered for {seconds} s; are there free cores for one? `streetsight cluster "
                "status` tells",
                seconds=seconds,
            )
        ) from late
    except serve.exceptions.BackPressureError:
        error = ClusterLost("the replicas have as much to do as they take")
    except ray.exceptions.RayTaskError as failed:
        error = RuntimeError(str(failed.cause))
    except (ray.exceptions.RayError, serve.exceptions.RayServeException, RuntimeError) as other:
        error = ClusterLost(
            "the cluster does not answer ({reason})", reason=str(other).partition("\n")[0][:300]
        )
    return [pickle.dumps(error)] * len(group)


def relay(connection: Connection, settings: Settings) -> None:
    """Answer questions until the worker hangs up."""
    try:
        handle = replicas_of(settings)
    except SpokenError as error:
        connection.send((None, pickle.dumps(error)))
        return
    questions, sending = Waiting(PHOTOS_PER_CORE * settings.ray_replica_cores), threading.Lock()

    def go_on() -> None:
        while True:
            group = questions.take()
            try:
                answers = ask(handle, group, settings.ray_timeout_seconds)
            except NoAnswer as error:
                with sending:
                    connection.send((None, pickle.dumps(error.args[0])))
                return  # and the process ends
            with sending:
                for question, answer in zip(group, answers, strict=True):
                    connection.send((question.number, answer))

    for number in range(under_way(settings)):
        _thread(go_on, f"ask-{number}")
    while True:
        questions.add(connection.recv())


def _thread(work: Callable[[], None], name: str) -> None:
    """A thread whose failure ends the process: a worker that is not answered would wait for long."""

    def run() -> None:
        try:
            work()
        finally:
            os._exit(1)

    threading.Thread(target=run, name=name, daemon=True).start()


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the worker decides when it ends
        signal.signal(number, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    try:
        relay(connection, connection.recv())
    except (EOFError, OSError):
        os._exit(0)  # without Ray's own way out, which waits for a head that may be gone


if __name__ == "__main__":
    main()
