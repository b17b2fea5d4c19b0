"""From photos to candidates, beside bare detection; `POST /v1/detect` beside the bare engine; start to ready.

Real photos cut to 1080p are a patrol, on SQLite and local files with one worker; once of a vehicle whose
camera's mounting is known (`profile`), once without, when things are tracked in the picture (`blind`). The
photos are no drive: hardly a thing is seen twice, so there are more sightings, and the pictures are further
apart, than on a street.

accepted: photos were uploaded before the worker started; from its first result to the patrol's assembly,
    every frame detected, tracked, located, merged and judged. Target: 80 % of bare detection, which detects
    the same folder and writes JSON lines, all models warm.
whole: to a server and worker that are warm, with eight connections that upload; from the first byte to the
    assembly. Client and server share the cores.

Targets of the others: `POST /v1/detect` p50 within 15 ms of the engine called in a process that does nothing
else; ready within 3 s.
"""

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from benchmarks.photos import FULL_HD, cut_to, validation_records
from benchmarks.running import Served, serving, working
from benchmarks.sides import run_ours

from streetsight.inference.pipeline import cores
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.models.releases import load_release

ROUNDS, CONNECTIONS, LOOKS, WARM_UP = 3, 8, 60, 4
GIVE_UP_S = 300
STEP_DEGREES = 4e-5  # about four metres
PROFILE = "camera: {hfov_deg: 70, height_m: 1.8, pitch_deg: 6}\n"
MOMENT = "%Y-%m-%d %H:%M:%S.%f"


def measure(photos: int = 200, rounds: int = ROUNDS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="service-", dir=Path.cwd()) as scratch:
        folder = Path(scratch) / "photos"
        files = cut_to(validation_records(photos), FULL_HD, folder)
        found = [_round(folder, files, Path(scratch) / str(number)) for number in range(rounds)]
    shares = {
        f"{name.removesuffix('_per_s')}_share_of_bare": round(
            median(each[name] / each["bare_per_s"] for each in found), 3
        )
        for name in found[0]
        if name.endswith("_per_s") and name != "bare_per_s"
    }
    return {
        **{name: [round(each[name], 2) for each in found] for name in found[0]}, **shares,
        "detect_over_engine_ms": round(median(each["detect_ms"] - each["engine_ms"] for each in found), 2),
    }  # fmt: skip


def _round(folder: Path, files: list[Path], scratch: Path) -> dict[str, float]:
    bare = run_ours(folder)
    found = {"bare_per_s": bare["photos"] / bare["seconds"]}
    for way in ("profile", "blind"):
        for clock, workers in (("accepted", 0), ("whole", 1)):
            here = scratch / f"{way}-{clock}"
            with serving(here, workers) as server:
                if way == "profile":
                    (here / "profile.yaml").write_text(PROFILE)
                    server.run("device", "profile", "bench", str(here / "profile.yaml"))
                seconds = (_accepted if clock == "accepted" else _whole)(server, files, here)
                found[f"{way}_{clock}_per_s"] = len(files) / seconds
                if workers:
                    found |= {"ready_s": server.ready_s, **_looks(server, files)}
    return found


def _accepted(server: Served, files: list[Path], folder: Path) -> float:
    """Seconds from the worker's first result to the assembly."""
    send_patrol(server, "bench", files)
    with working(server), look_into(folder) as database:
        wait_for(database, len(files))
        ((first, last),) = database.execute(
            "SELECT (SELECT min(created_at) FROM results), (SELECT max(assembled_at) FROM assemblies)"
        )
    return (datetime.strptime(last, MOMENT) - datetime.strptime(first, MOMENT)).total_seconds()


def _whole(server: Served, files: list[Path], folder: Path) -> float:
    """Seconds from the first byte to the assembly."""
    with look_into(folder) as database:
        send_patrol(server, "warm up", files[:WARM_UP])
        wait_for(database, WARM_UP)
        began = time.perf_counter()
        send_patrol(server, "bench", files[WARM_UP:])
        wait_for(database, len(files))
        return (time.perf_counter() - began) * len(files) / (len(files) - WARM_UP)


def send_patrol(server: Served, key: str, files: list[Path]) -> None:
    """Upload a patrol over several connections, and close it."""
    with _client(server) as client:
        patrol = client.post("/v1/patrols", json={"key": key}).raise_for_status().json()["id"]
        waiting, lock = iter(list(enumerate(files))), threading.Lock()
        threads = [
            threading.Thread(target=_upload, args=(server, patrol, waiting, lock)) for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.post(f"/v1/patrols/{patrol}/close").raise_for_status()


@contextmanager
def look_into(folder: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{folder / 'data' / 'streetsight.sqlite'}?mode=ro", uri=True)
    try:
        yield database
    finally:
        database.close()


def wait_for(database: sqlite3.Connection, frames: int) -> None:
    """Until no job is left, and every frame was detected and something seen."""
    until = time.perf_counter() + GIVE_UP_S
    while database.execute("SELECT count(*) FROM jobs WHERE kind IN ('detect', 'assemble')").fetchone()[0]:
        assert time.perf_counter() < until, "jobs are left; is there a worker?"
        time.sleep(0.02)
    (detected,) = database.execute("SELECT count(*) FROM frames WHERE state = 'detected'").fetchone()
    assert detected == frames, f"{detected} of {frames} frames were detected"
    assert database.execute("SELECT count(*) FROM sightings").fetchone()[0]


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
