"""What does Ray cost beside the local engine, and two Ray workers beside two bare detector processes?

Real photos cut to 1080p, one machine, one run: the cluster's daemons stand beside all sides. Rounds
alternate.

local, ray: a backlog of uploaded photos through one worker, SQLite and local files, from one of the first
    results to the last; by the worker's own cores, or by replicas of a core each. Target: Ray costs at most
    15 %.
pair: stored photos through two replicas of one core each, asked without a database, beside two processes
    that detect the same files with a core each and do nothing else. Target: at least 0.85.
"""

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.photos import FULL_HD, cut_to, validation_records
from benchmarks.running import COMMAND, serving, working
from benchmarks.service import MOMENT, send_patrol
from pydantic import SecretStr

from streetsight.inference.pipeline import cores, detect_source, in_order
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.models.releases import load_release
from streetsight.service.cluster.connecting import ClusterLost, ray_environment
from streetsight.service.cluster.engine import ClusterEngine
from streetsight.service.files.opening import open_blobs
from streetsight.service.settings import Settings

HOST, PORT = "127.0.0.2", 26391
ROUNDS, GIVE_UP_S = 3, 900
FILLING = 16  # results until all are at work
GROUP_S = 0.05  # results that are less apart may have come in one answer of a replica


def measure(photos: int = 400, rounds: int = ROUNDS) -> dict[str, Any]:
    out = Path("out")
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="engines-", dir=out) as name:
        scratch = Path(name).resolve()
        files = cut_to(validation_records(photos), FULL_HD, scratch / "photos")
        settings = Settings(
            data_folder=scratch / "data",
            engine="ray",
            ray_address=f"{HOST}:{PORT}",
            ray_replicas=cores(),
            ray_token=SecretStr(secrets.token_hex(32)),
            min_free_bytes=0,  # type: ignore[arg-type]
        )
        with _cluster(settings):
            found = [_round(files, settings, scratch / str(number)) for number in range(rounds)]
    return {
        **{name: [round(each[name], 2) for each in found] for name in found[0]},
        "ray_over_local": round(median(each["local_per_s"] / each["ray_per_s"] for each in found) - 1, 3),
        "pair_share_of_bare": round(
            median(each["ray_pair_per_s"] / each["bare_pair_per_s"] for each in found), 3
        ),
    }


def _round(files: list[Path], settings: Settings, scratch: Path) -> dict[str, float]:
    return {
        "local_per_s": _backlog(files, settings, scratch, "local"),
        "ray_per_s": _backlog(files, settings, scratch, "ray"),
        "bare_pair_per_s": _bare_pair(files),
        "ray_pair_per_s": _ray_pair(files, settings),
    }


def _backlog(files: list[Path], settings: Settings, scratch: Path, engine: str) -> float:
    """Photos a second of one worker, from when all are at work to its last result."""
    scratch.mkdir(exist_ok=True)
    token, url = settings.ray_token, scratch / f"{engine}.sqlite"
    assert token is not None
    said = {
        "data_folder": str(settings.data_folder), "database_url": f"sqlite:///{url}", "engine": engine,
        "ray_address": settings.ray_address, "ray_replicas": str(settings.ray_replicas),
        "ray_token": token.get_secret_value(),
    }  # fmt: skip
    with serving(scratch, workers=0, **said) as server:
        send_patrol(server, "bench", files)
        with working(server), closing(sqlite3.connect(f"file:{url}?mode=ro", uri=True)) as database:
            until = time.perf_counter() + GIVE_UP_S
            while database.execute("SELECT count(*) FROM jobs WHERE kind = 'detect'").fetchone()[0]:
                assert time.perf_counter() < until, "frames are left"
                time.sleep(0.05)
            moments = [moment for (moment,) in database.execute("SELECT created_at FROM results ORDER BY 1")]
    assert len(moments) == len(files), f"{len(moments)} of {len(files)} frames were detected"
    seconds = [datetime.strptime(each, MOMENT).timestamp() for each in moments]
    first = bisect_right(seconds, seconds[FILLING] + GROUP_S) - 1  # the last one of its group
    return (len(seconds) - 1 - first) / (seconds[-1] - seconds[first])


def _ray_pair(files: list[Path], settings: Settings) -> float:
    """Photos a second of the replicas, asked for by this process."""
    keys = [open_blobs(settings).put(path.read_bytes()) for path in files]
    with closing(ClusterEngine(load_release(), settings)) as engine:
        engine.look_at(keys[0])
        began = time.perf_counter()
        assert len([*in_order(engine.look_at, keys, engine.calls)]) == len(keys)
        return len(keys) / (time.perf_counter() - began)


def _bare_pair(files: list[Path]) -> float:
    """Photos a second of one process for each core, which all begin together."""
    command = [sys.executable, "-m", "benchmarks.engines"]
    every = [
        subprocess.Popen(
            [*command, str(core), *map(str, files[core :: cores()])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for core in range(cores())
    ]
    for process in every:
        assert process.stdout is not None
        process.stdout.readline()  # it is warm
    began = time.perf_counter()
    for process in every:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert not any(process.wait() for process in every)
    return len(files) / (time.perf_counter() - began)


def _bare(core: str, paths: list[str]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[int(core)]})
    detector = Detector(load_release(), threads=1, calls=1)
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for path in paths:
        content = Path(path).read_bytes()
        assert detect_source(PhotoSource(path, partial(bytes, content)), detector).error is None


@contextmanager
def _cluster(settings: Settings) -> Iterator[None]:
    """One machine of a cluster on loopback, with the replicas up; ended with all that it started."""
    assert settings.ray_token is not None
    environment = {
        **os.environ,
        **ray_environment(settings),
        "STREETSIGHT_DATA_FOLDER": str(settings.data_folder),
    }
    environment |= {
        "STREETSIGHT_RAY_ADDRESS": settings.ray_address,
        "STREETSIGHT_RAY_TOKEN": settings.ray_token.get_secret_value(),
    }
    with tempfile.TemporaryDirectory(prefix="ray") as scratch:
        options = ["--head", "--host", HOST, "--cores", str(cores()), "--scratch", scratch]
        process = subprocess.Popen(
            [*COMMAND, "cluster", "start", *options], env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _until_answered(settings, process)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # at its leisure it would take half a minute
            process.wait()
    shutil.rmtree(settings.data_folder, ignore_errors=True)


def _until_answered(settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    with closing(ClusterEngine(load_release(), settings)) as engine:
        while process.poll() is None:
            try:
                engine.change(load_release())
            except ClusterLost:
                time.sleep(2.5)
            else:
                return
    raise RuntimeError(f"the cluster's machine ended with status {process.returncode}")


if __name__ == "__main__":
    _bare(sys.argv[1], sys.argv[2:])
