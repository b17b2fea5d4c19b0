"""A real Ray cluster on loopback: machines as process groups, ended surely and by their ids."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

HEAD, SECOND = "127.0.0.2", "127.0.0.3"
START_SECONDS = 240  # of a busy machine


class Machine:
    """`streetsight cluster start` and all that it started."""

    def __init__(self, environment: dict[str, str], log: Path, *options: str) -> None:
        command = [sys.executable, "-m", "streetsight", "cluster", "start", "--cores", "1", *options]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--store-mib", "100"], env=environment, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.log = log

    def processes(self, name: str) -> list[psutil.Process]:
        """Its running processes whose command line has this in it."""
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if name in " ".join(process.cmdline()):
                        found.append(process)
        return found

    def kill(self) -> None:
        """End everything at once, as a power cut does."""
        every = self.processes("")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(every, timeout=30)

    def wait(self) -> None:
        """Until its node has started; its log is told when it does not."""
        until = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in self.log.read_bytes():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)


class Cluster:
    """A head and a second machine with a core each. Attributes: environment: of all that shall use it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind((HEAD, 0))
            self.address = f"{HEAD}:{probe.getsockname()[1]}"
        self._folder = folder
        self.environment = {**environment, "STREETSIGHT_RAY_ADDRESS": self.address}
        self.head = self.start_head()
        self.second = self.start_second()

    def start_head(self) -> Machine:
        scratch = str(self._folder / f"r{time.monotonic_ns() % 10**6}")  # short: it holds sockets
        self.head = Machine(
            self.environment, self._folder / f"{Path(scratch).name}.log", "--head", "--host", HEAD,
            "--scratch", scratch,
        )  # fmt: skip
        self.head.wait()
        return self.head

    def start_second(self) -> Machine:
        log = self._folder / f"second-{time.monotonic_ns()}.log"
        self.second = Machine(self.environment, log, "--host", SECOND)
        self.second.wait()
        return self.second

    def kill(self) -> None:
        self.second.kill()
        self.head.kill()


@contextlib.contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    cluster = Cluster(folder, environment)
    try:
        yield cluster
    finally:
        cluster.kill()
