"""A real server in a folder of its own, for benchmarks that are its clients."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

COMMAND = (sys.executable, "-m", "streetsight")


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and a device that may use it.

    Attributes:
        ready_s: from the start of its process until it said that it was ready; with compiled bytecode, as pip
            leaves it, from the second start on.
        environment: its settings.
    """

    port: int
    token: str
    process: psutil.Process
    ready_s: float
    environment: dict[str, str]

    def cpu_s(self) -> float:
        """Processor time of the server and its children so far, seconds."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in every)

    def run(self, *arguments: str) -> str:
        """What a `streetsight` command with the server's settings prints."""
        return _run(self.environment, *arguments)


@contextmanager
def serving(folder: Path, workers: int, **settings: str) -> Iterator[Served]:
    """`streetsight serve` on a free port of loopback, ready; ended afterwards.

    Args:
        settings: of the server, by their names without the prefix.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = {
        "data_folder": str(folder / "data"),
        "port": str(port),
        "workers": str(workers),
        "log_level": "error",
        **settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {f"STREETSIGHT_{name.upper()}": value for name, value in own.items()}
    _run(environment, "migrate")
    added = _run(environment, "device", "add", "bench")
    token = next(word for word in added.split() if word.startswith("ssd_"))
    began = time.perf_counter()
    process = subprocess.Popen([*COMMAND, "serve"], env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        ready_s = time.perf_counter() - began
        yield Served(port, token, psutil.Process(process.pid), ready_s, environment)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def working(server: Served) -> Iterator[psutil.Process]:
    """`streetsight work` beside a server; ended afterwards."""
    process = subprocess.Popen([*COMMAND, "work"], env={**server.environment, "STREETSIGHT_WORKERS": "1"})
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _run(environment: dict[str, str], *arguments: str) -> str:
    command = [*COMMAND, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    with httpx2.Client(verify=False) as client:  # one, so that waiting costs the server next to nothing
        while process.poll() is None:
            try:
                if client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.02)
    raise RuntimeError(f"the server ended with status {process.returncode}")
