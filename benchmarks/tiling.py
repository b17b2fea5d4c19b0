"""Batched tiles against sahi with ultralytics on the same ONNX, on 12-megapixel photos.

Both: tiles of the model's input size, overlap 0.2, one look at the whole photo, merged greedily by
intersection over the smaller box. No target; above 1 means we are faster.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

from benchmarks.photos import MEGAPIXELS_12, cut_to, validation_records
from benchmarks.sides import onnx_for_ultralytics
from sahi import AutoDetectionModel
from sahi.predict import get_sliced_prediction

from streetsight.inference.pipeline import cores
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.inference.tiling import Tiling, detect_tiled
from streetsight.models.releases import load_release


def measure(photos: int = 6) -> dict[str, Any]:
    release = load_release()
    size = release.card.input.size
    with tempfile.TemporaryDirectory() as scratch:
        files = cut_to(validation_records(photos), MEGAPIXELS_12, Path(scratch) / "photos")
        detector = Detector(release, threads=cores())
        started = time.perf_counter()
        for file in files:
            detect_tiled(detector, read_photo(file.read_bytes()).image_rgb_hwc, Tiling(), min_score=0.25)
        ours = time.perf_counter() - started
        onnx = onnx_for_ultralytics(release, Path(scratch) / "release.onnx")
        model = AutoDetectionModel.from_pretrained(
            "ultralytics", model_path=onnx, confidence_threshold=0.25,
            device="cpu", image_size=size,
        )  # fmt: skip
        started = time.perf_counter()
        for file in files:
            get_sliced_prediction(
                str(file), model, slice_height=size, slice_width=size, overlap_height_ratio=0.2,
                overlap_width_ratio=0.2, postprocess_type="GREEDYNMM", postprocess_match_metric="IOS",
                postprocess_match_threshold=0.5, verbose=0,
            )  # fmt: skip
        theirs = time.perf_counter() - started
    return {"our_seconds_per_photo": round(ours / photos, 2), "x_sahi": round(theirs / ours, 2)}
