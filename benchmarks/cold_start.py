"""How long from `streetsight detect one.jpg` to its result, against `yolo predict` on the same photo?

Whole processes, alternating. Target: at most a third.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.photos import FULL_HD, cut_to, validation_records
from benchmarks.sides import torch_weights

ROUNDS = 5
YOLO = (
    "import sys, streetsight.training.quiet; from ultralytics.cfg import entrypoint; "
    "sys.argv = ['yolo', *sys.argv[1:]]; entrypoint()"
)


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        (photo,) = cut_to(validation_records(1), FULL_HD, Path(scratch) / "photos")
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(_seconds([sys.executable, "-m", "streetsight", "detect", str(photo), "--quiet"]))
            command = [
                "predict",
                f"model={torch_weights()}",
                f"source={photo}",
                "imgsz=640",
                "device=cpu",
                "save=False",
            ]
            theirs.append(_seconds([sys.executable, "-c", YOLO, *command, f"project={scratch}"]))
    return {
        "our_seconds": round(median(ours), 2),
        "share_of_yolo_predict": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
    }


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started
