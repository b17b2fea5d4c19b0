"""Does speed cost accuracy? mAP50-95 through our pipeline and through ultralytics', same ONNX.

Same size, same confidence floor, same rectangle rule; on the validation part, and again on the same
photos scaled up to 12 megapixels, so that our scaled decode is part of it.

Target: within 0.3 points.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.photos import MEGAPIXELS_12, scaled_up, validation_records
from benchmarks.sides import onnx_for_ultralytics, run_ultralytics

from streetsight.inference.pipeline import cores
from streetsight.inference.session import Detector
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import MIN_SCORE, Judged, judge
from streetsight.training.evaluation.metrics import average_precision
from streetsight.training.evaluation.scored import class_categories, score


def measure(photos: int = 438) -> dict[str, Any]:
    release = load_release()
    detector, rows = Detector(release, calls=cores()), {}
    for label, longest in (("as they are", None), ("scaled up to 12MP", MEGAPIXELS_12[0])):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photos"
            records = validation_records(photos)
            if longest:
                images = scaled_up(records, longest, folder)
            else:
                folder.mkdir()
                images = [folder / f"{index:04d}.jpg" for index in range(len(records))]
                for record, image in zip(records, images, strict=True):
                    image.symlink_to(record.image.resolve())
            records = [replace(record, image=image) for record, image in zip(records, images, strict=True)]
            ours = judge(records, detector)
            answer = run_ultralytics(
                onnx_for_ultralytics(release, Path(scratch) / "release.onnx"),
                folder,
                release.card.input.size,
                MIN_SCORE,
            )
        theirs = [replace(one, seen=_seen(answer["rows"][one.record.image.name])) for one in ours]
        a, b = mean_ap(ours, release.card), mean_ap(theirs, release.card)
        rows[label] = {
            "ours": round(100 * a, 2),
            "ultralytics": round(100 * b, 2),
            "points": round(100 * (a - b), 2),
        }
    return rows


def mean_ap(judged: list[Judged], card: Card) -> float:
    """AP50-95 averaged over classes that have boxes here, each on photos whose source labelled it."""
    scored = (score(judged, each) for each in class_categories(card))
    return float(np.mean([average_precision(each)[1] for each in scored if len(each.label_photos)]))


def _seen(row: dict[str, Any]) -> Detections:
    return Detections(
        np.array(row["boxes"], np.float32).reshape(-1, 4),
        np.array(row["scores"], np.float32),
        np.array(row["classes"], np.int64),
    )
