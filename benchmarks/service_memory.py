"""Does the memory of server and worker stay flat over 20,000 frames?

Small rendered-noise photos, each with other bytes, uploaded in batches as ten patrols of a device to a
`streetsight serve` with one worker on SQLite; detected and assembled as they come. Resident memory of each
process is read every second. Target: flat, that is no more in the last quarter than in the second.
"""

import json
import sqlite3
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
import simplejpeg
from benchmarks.running import Served, serving

FRAMES, PATROLS, BATCH, QUEUED = 20_000, 10, 50, 400
SIZE_WH = (320, 192)


def measure(frames: int = FRAMES) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="memory-", dir=Path.cwd()) as folder,
        serving(Path(folder), workers=1) as server,
    ):
        samples: dict[str, list[tuple[int, float]]] = defaultdict(list)
        done, stop = [0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(server, done, samples, stop))
        watcher.start()
        began = time.perf_counter()
        try:
            _upload(server, frames, Path(folder) / "data" / "streetsight.sqlite", done)
        finally:
            stop.set()
            watcher.join()
        seconds = time.perf_counter() - began
    return {
        "frames": frames, "frames_per_s": round(frames / seconds, 1),
        **{name: _by_quarter(rows, frames) for name, rows in samples.items()},
    }  # fmt: skip


def _by_quarter(rows: list[tuple[int, float]], frames: int) -> dict[str, Any]:
    """Highest resident memory, megabytes, while each quarter of the frames was being worked on."""
    peaks = [0.0] * 4
    for count, megabytes in rows:
        quarter = min(3, 4 * count // frames)
        peaks[quarter] = max(peaks[quarter], megabytes)
    return {
        "peak_mb_by_quarter": [round(each, 1) for each in peaks],
        "last_over_second_mb": round(peaks[3] - peaks[1], 1),
    }


def _upload(server: Served, frames: int, path: Path, done: list[int]) -> None:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    waiting = "SELECT count(*) FROM jobs WHERE kind IN ('detect', 'assemble')"
    counted = "SELECT count(*) FROM frames WHERE state = 'detected'"
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {server.token}"},
        timeout=120,
    ) as client:  # fmt: skip
        for number in range(PATROLS):
            patrol = client.post("/v1/patrols", json={"key": str(number)}).raise_for_status().json()["id"]
            for start in range(0, frames // PATROLS, BATCH):
                while database.execute(waiting).fetchone()[0] > QUEUED:
                    time.sleep(0.2)
                (done[0],) = database.execute(counted).fetchone()
                client.post("/v1/frames/batch", **_batch(number, start, patrol)).raise_for_status()
            client.post(f"/v1/patrols/{patrol}/close").raise_for_status()
        while database.execute(waiting).fetchone()[0]:
            (done[0],) = database.execute(counted).fetchone()
            time.sleep(0.5)
    (done[0],) = database.execute(counted).fetchone()
    assert done[0] == frames, f"{done[0]} of {frames} frames were detected"
    database.close()


def _batch(patrol: int, start: int, patrol_id: str) -> dict[str, Any]:
    random = np.random.default_rng((patrol, start))
    width, height = SIZE_WH
    files, metadata = [], []
    for number in range(start, start + BATCH):
        coarse = random.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
        photo = simplejpeg.encode_jpeg(np.ascontiguousarray(coarse.repeat(8, 0).repeat(8, 1)), 80)
        files.append(("photos", (f"{number}.jpg", photo)))
        taken = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=patrol, seconds=number)
        metadata.append(
            {
                "patrol_id": patrol_id, "taken_at": taken.isoformat(),
                "position": {"lon": 120.0 + patrol / 100, "lat": 30.0 + number * 4e-5, "accuracy_m": 4.0},
            }
        )  # fmt: skip
    return {"files": files, "data": {"metadata": json.dumps(metadata)}}


def _watch(
    server: Served, done: list[int], samples: dict[str, list[tuple[int, float]]], stop: threading.Event
) -> None:
    while not stop.wait(1.0):
        for name, process in _processes(server):
            samples[name].append((done[0], process.memory_info().rss / 1e6))


def _processes(server: Served) -> Iterator[tuple[str, psutil.Process]]:
    yield "server", server.process
    for child in server.process.children():
        yield "worker", child
