"""How much memory does a vehicle's agent take, with and without detection?

`streetsight agent run` over a folder into which a camera writes photos of 12 and of 2 megapixels, sending to
a real server. Resident memory of the agent and its children is read twice a second. Targets: 250 MB without,
500 MB with detection and redaction.
"""

import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import simplejpeg
import yaml
from benchmarks.running import COMMAND, Served, serving
from numpy.random import default_rng

PHOTOS, SIZES = 40, ((4000, 3000), (1920, 1080))
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "detection": {"look": {"detect": True}},
    "detection_and_redaction": {"look": {"detect": True, "redact": True}},
}
LIMITS_MB = {"plain": 250, "detection": 500, "detection_and_redaction": 500}


def measure(photos: int = PHOTOS) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="agent-", dir=Path.cwd()) as folder,
        serving(Path(folder), workers=0) as server,
    ):
        for name, settings in SETTINGS.items():
            peak = _peak_mb(Path(folder) / name, server, settings, photos)
            found[name] = {"peak_mb": round(peak, 1), "limit_mb": LIMITS_MB[name]}
    return {"photos": photos, **found}


def _peak_mb(folder: Path, server: Served, settings: dict[str, Any], photos: int) -> float:
    camera = folder / "camera"
    camera.mkdir(parents=True)
    (folder / "token").write_text(server.token)
    section = {"settled_s": 0, "remove_taken": True, "heartbeat_s": 1, **settings}
    (folder / "device.yaml").write_text(yaml.safe_dump({"agent": section}))
    process = subprocess.Popen(
        [
            *COMMAND, "agent", "run", "--server", f"http://127.0.0.1:{server.port}",
            "--token-file", str(folder / "token"), "--profile", str(folder / "device.yaml"),
            "--state", str(folder / "state"), "--source", str(camera),
        ],
        env=server.environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return _drive(psutil.Process(process.pid), camera, folder / "state", photos)
    finally:
        process.terminate()
        process.wait(60)


def _drive(agent: psutil.Process, camera: Path, state: Path, photos: int) -> float:
    """Write photos as they are taken, until all are sent; gives the highest memory, MB."""
    peak, chance = 0.0, default_rng(1)
    left = "SELECT count(*) FROM frames WHERE state IN ('new', 'waiting') AND thinned = 0"
    for number in range(photos):
        (camera / f".{number}").write_bytes(_photo(chance, number))
        (camera / f".{number}").rename(camera / f"{number}.jpg")
        peak = max(peak, _resident_mb(agent))
        time.sleep(0.1)
    while any(camera.glob("*.jpg")) or sqlite3.connect(state / "spool.sqlite").execute(left).fetchone()[0]:
        peak = max(peak, _resident_mb(agent))
        time.sleep(0.5)
    return max(peak, _resident_mb(agent))


def _photo(chance: Any, number: int) -> bytes:
    width, height = SIZES[number % len(SIZES)]
    coarse = chance.integers(0, 255, (height // 8, width // 8, 3), dtype="uint8")
    return bytes(simplejpeg.encode_jpeg(coarse.repeat(8, 0).repeat(8, 1).copy(), 80))


def _resident_mb(agent: psutil.Process) -> float:
    return float(sum(each.memory_info().rss for each in (agent, *agent.children(recursive=True)))) / 1e6
