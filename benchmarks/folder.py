"""How many photos a second, against `yolo predict` with the .pt and ultralytics with our ONNX?

Same photos, same input size, all cores for both; both sides loaded and warmed up before the clock
starts. Photos: real ones cut to 16:9 and 4:3, scaled up to 1080p and 12 megapixels, with grain (see
photos.py). Both sides fit rectangles. `yolo predict` saves annotated pictures unless told not to; both ways
are measured.

Targets: at least 6x the .pt and 3.5x ultralytics with the same ONNX.
"""

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.photos import FULL_HD, MEGAPIXELS_12, cut_to, validation_records
from benchmarks.sides import onnx_for_ultralytics, run_ours, run_ultralytics, torch_weights

from streetsight.models.releases import load_release

ROUNDS = 3


def measure(photos: int = 100) -> dict[str, Any]:
    release, rows = load_release(), {}
    size, conf = release.card.input.size, 0.25
    for label, size_wh in (("1080p", FULL_HD), ("12MP", MEGAPIXELS_12)):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photos"
            files = cut_to(validation_records(photos), size_wh, folder)
            megabytes = sum(file.stat().st_size for file in files) / len(files) / 1e6
            model = onnx_for_ultralytics(release, Path(scratch) / "release.onnx")
            rounds = [
                {
                    "ours": _rate(run_ours(folder)),
                    "pt": _rate(run_ultralytics(torch_weights(), folder, size, conf)),
                    "pt_saving": _rate(run_ultralytics(torch_weights(), folder, size, conf, save=True)),
                    "onnx": _rate(run_ultralytics(model, folder, size, conf)),
                }
                for _ in range(ROUNDS)
            ]
        rows[label] = {
            "megabytes_per_photo": round(megabytes, 2),
            "our_photos_per_second": round(median(each["ours"] for each in rounds), 2),
            "x_pt": _ratio(rounds, "pt"),
            "x_pt_saving": _ratio(rounds, "pt_saving"),
            "x_onnx": _ratio(rounds, "onnx"),
        }
    return rows


def _rate(answer: dict[str, Any]) -> float:
    return float(answer["photos"] / answer["seconds"])


def _ratio(rounds: list[dict[str, float]], other: str) -> float:
    """Median over rounds of ours / theirs, taken within each round."""
    return round(median(each["ours"] / each[other] for each in rounds), 2)
