"""What does one frame cost: processor time of upload, of bare detection and of a worker, bytes on the way?

Processor time, not time by the clock, so that others on the machine disturb it little. Real photos cut to
1080p, SQLite and local files; each figure is the difference between many photos and few, so that starting and
loading count for nothing.

worker: from the queue to an assembled patrol, detection included.
"""

import json
import resource
import tempfile
from pathlib import Path
from typing import Any

import psutil
from benchmarks.photos import FULL_HD, cut_to, validation_records
from benchmarks.running import serving, working
from benchmarks.service import look_into, send_patrol, wait_for
from benchmarks.sides import run_ours

FEW = 20


def measure(photos: int = 200) -> dict[str, Any]:
    """Milliseconds of one core for each frame."""
    with tempfile.TemporaryDirectory(prefix="costs-") as scratch:
        files = cut_to(validation_records(photos), FULL_HD, Path(scratch) / "photos")
        few = Path(scratch) / "few"
        few.mkdir()
        for path in files[:FEW]:
            (few / path.name).symlink_to(path)
        more = len(files) - FEW
        bare = _spent(few, Path(scratch) / "photos") / more
        upload, worker = _served(files, Path(scratch) / "served")
        return {
            "photos": len(files),
            "bytes_per_photo": round(sum(each.stat().st_size for each in files) / len(files)),
            "bare_ms": round(1000 * bare, 2), "upload_ms": round(1000 * upload, 2),
            "worker_ms": round(1000 * worker, 2), "load": [round(each, 1) for each in psutil.getloadavg()],
        }  # fmt: skip


def _spent(few: Path, all_of_them: Path) -> float:
    spent = []
    for folder in (few, all_of_them):
        before = _children_s()
        run_ours(folder)
        spent.append(_children_s() - before)
    return spent[1] - spent[0]


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _served(files: list[Path], folder: Path) -> tuple[float, float]:
    """Seconds of a core for each frame: of the web server, and of a worker."""
    with serving(folder, workers=0) as server, look_into(folder) as database:
        send_patrol(server, "few", files[:FEW])
        with working(server) as worker:
            wait_for(database, FEW)
            served, worked = server.cpu_s(), sum(worker.cpu_times()[:2])
            send_patrol(server, "many", files[FEW:])
            uploaded = server.cpu_s() - served
            wait_for(database, len(files))
            worked = sum(worker.cpu_times()[:2]) - worked
    more = len(files) - FEW
    return uploaded / more, worked / more


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))  # noqa: T201  a command
