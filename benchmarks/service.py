"""From upload to candidates, beside bare detection; `POST /v1/detect` beside the bare engine; start to ready.

End to end: real photos cut to 1080p, uploaded by eight connections as a patrol to a fresh `streetsight
serve` with one worker, on SQLite and local files. The clock runs from the first byte until no job is left
after the patrol was closed: every frame detected, tracked, located, merged and judged. The other side
detects the same folder and writes JSON lines, all models warm. Target: 80 % of its rate.

Targets of the others: p50 within 15 ms of the engine called in a process that does nothing else; ready
within 3 s.
"""

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from benchmarks.photos import FULL_HD, cut_to, validation_records
from benchmarks.running import Served, serving
from benchmarks.sides import run_ours

from streetsight.inference.pipeline import cores
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.models.releases import load_release

ROUNDS, CONNECTIONS, LOOKS = 3, 8, 60
GIVE_UP_S = 300
STEP_DEGREES = 4e-5  # about four metres


def measure(photos: int = 200) -> dict[str, Any]:
    rounds = []
    with tempfile.TemporaryDirectory(prefix="service-", dir=Path.cwd()) as scratch:
        folder = Path(scratch) / "photos"
        files = cut_to(validation_records(photos), FULL_HD, folder)
        for number in range(ROUNDS):
            bare = run_ours(folder)
            with serving(Path(scratch) / str(number), workers=1) as server:
                seconds = _until_candidates(server, files, Path(scratch) / str(number))
                looks = _looks(server, files)
            rounds.append(
                {
                    "bare_per_s": bare["photos"] / bare["seconds"], "ours_per_s": len(files) / seconds,
                    "ready_s": server.ready_s, **looks,
                }
            )  # fmt: skip
    return {
        **{name: [round(each[name], 2) for each in rounds] for name in rounds[0]},
        "share_of_bare": round(median(each["ours_per_s"] / each["bare_per_s"] for each in rounds), 3),
        "detect_over_engine_ms": round(median(each["detect_ms"] - each["engine_ms"] for each in rounds), 2),
    }


def _until_candidates(server: Served, files: list[Path], folder: Path) -> float:
    began = time.perf_counter()
    with _client(server) as client:
        patrol = client.post("/v1/patrols", json={"key": "bench"}).raise_for_status().json()["id"]
        waiting, lock = iter(list(enumerate(files))), threading.Lock()
        threads = [
            threading.Thread(target=_upload, args=(server, patrol, waiting, lock)) for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.post(f"/v1/patrols/{patrol}/close").raise_for_status()
    database = sqlite3.connect(f"file:{folder / 'data' / 'streetsight.sqlite'}?mode=ro", uri=True)
    while database.execute("SELECT count(*) FROM jobs WHERE kind IN ('detect', 'assemble')").fetchone()[0]:
        assert time.perf_counter() - began < GIVE_UP_S, "jobs are left; is there a worker?"
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    (detected,) = database.execute("SELECT count(*) FROM frames WHERE state = 'detected'").fetchone()
    assert detected == len(files), f"{detected} of {len(files)} frames were detected"
    assert database.execute("SELECT count(*) FROM sightings").fetchone()[0]
    database.close()
    return seconds


def _upload(server: Served, patrol: str, waiting: Iterator[tuple[int, Path]], lock: threading.Lock) -> None:
    with _client(server) as client:
        while True:
            with lock:
                number, path = next(waiting, (0, None))
            if path is None:
                return
            metadata = {
                "patrol_id": patrol,
                "taken_at": (datetime(2026, 6, 1, 9, tzinfo=UTC) + timedelta(seconds=number)).isoformat(),
                "position": {"lon": 120.15, "lat": 30.27 + number * STEP_DEGREES, "accuracy_m": 4.0},
            }
            client.post(
                "/v1/frames", files={"photo": (path.name, path.read_bytes())},
                data={"metadata": json.dumps(metadata)},
            ).raise_for_status()  # fmt: skip


def _looks(server: Served, files: list[Path]) -> dict[str, float]:
    """Milliseconds of the service and of the engine in this process, photo by photo in turn."""
    release = load_release()
    detector, size = Detector(release, threads=cores()), release.card.input.size
    detect, engine = [], []
    with _client(server) as client:
        for path in files[:LOOKS]:
            content = path.read_bytes()
            began = time.perf_counter()
            client.post("/v1/detect", files={"photo": (path.name, content)}).raise_for_status()
            half = time.perf_counter()
            photo = read_photo(content, size)
            detector.detect(photo.image_rgb_hwc, photo.size_wh)
            detect.append(half - began)
            engine.append(time.perf_counter() - half)
    return {"detect_ms": 1000 * median(detect), "engine_ms": 1000 * median(engine)}


def _client(server: Served) -> httpx2.Client:
    return httpx2.Client(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {server.token}"},
        timeout=120,
    )  # fmt: skip
