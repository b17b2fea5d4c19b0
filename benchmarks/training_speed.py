"""How much faster does a CPU train in bf16 with channels_last, and does it learn the same?

The same real photos, batches, seed and settings, ultralytics' defaults on both sides; one side with the
two changes our trainer makes. A child process per side, in turn; the first epoch warms up and does not
count for speed. Target: 2x, loss curves equal within noise.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.photos import validation_records

PHOTOS, EPOCHS, SIZE, BATCH = 96, 3, 512, 16
WEIGHTS = "yolo26n.yaml"  # from scratch: what is learned in three epochs shows in the loss


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        sides = {side: _run(side, Path(scratch)) for side in ("default", "ours")}
    rates = {side: answer["photos_per_s"] for side, answer in sides.items()}
    return {
        "photos_per_s": rates,
        "ratio": round(rates["ours"] / rates["default"], 2),
        "losses": {side: answer["losses"] for side, answer in sides.items()},
        "largest_relative_difference_of_loss": round(
            max(
                abs(a - b) / a
                for a, b in zip(sides["default"]["losses"], sides["ours"]["losses"], strict=True)
            ),
            4,
        ),
    }


def _run(side: str, scratch: Path) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_speed", side, str(scratch / side)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    parsed: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return parsed


def _train(side: str, run: Path) -> dict[str, Any]:
    import streetsight.training.quiet  # noqa: F401

    from benchmarks.naive_baseline import fast, write_yolo
    from ultralytics import YOLO

    records = validation_records(PHOTOS)
    names = tuple(sorted({name for record in records for name in record.class_names}))
    data = write_yolo({"train": records, "val": records[:4]}, names, run / "data")
    starts, losses = [], []
    model = YOLO(WEIGHTS)
    model.add_callback("on_train_epoch_start", lambda _: starts.append(time.perf_counter()))
    model.add_callback("on_train_epoch_end", lambda trainer: losses.append(_total(trainer)))
    if side == "ours":
        model.add_callback("on_pretrain_routine_end", fast)
    model.train(
        data=str(data), imgsz=SIZE, epochs=EPOCHS, batch=BATCH, device="cpu", val=False, plots=False,
        cache="ram", project=str(run), name="run", seed=0, save=False,
    )  # fmt: skip
    seconds = (starts[-1] - starts[1]) / (len(starts) - 2)
    return {"photos_per_s": round(len(records) / seconds, 2), "losses": losses}


def _total(trainer: Any) -> float:
    return round(sum(float(value) for value in trainer.tloss.values()), 4)


if __name__ == "__main__":
    print(json.dumps(_train(sys.argv[1], Path(sys.argv[2]))))  # noqa: T201
