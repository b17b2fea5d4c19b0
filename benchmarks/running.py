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


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and a device that may use it.

    Attributes:
        ready_s: from the start of its process until it said that it was ready.
    """

    port: int
    token: str
    process: psutil.Process
    ready_s: float

    def cpu_s(self) -> float:
        """Processor time of the server and its children so far, seconds."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in every)


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
    environment |= {f"STREETSIGHT_{name.upper()}": value for name, value in own.items()}
    command = [sys.executable, "-m", "streetsight.cli"]
    subprocess.run([*command, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    added = subprocess.run(
        [*command, "device", "add", "bench"], env=environment, check=True, capture_output=True, text=True
    )
    token = next(word for word in added.stdout.split() if word.startswith("ssd_"))
    began = time.perf_counter()
    process = subprocess.Popen([*command, "serve"], env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        yield Served(port, token, psutil.Process(process.pid), time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"the server ended with status {process.returncode}")
