"""Judge what is served: the exported ONNX through our own reading, letterbox and post-processing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.models.boxes import Boxes, cxcywh_to_xyxy, iou, norm_to_px
from streetsight.models.detections import Detections

MIN_SCORE = 0.001  # below this nothing moves a precision-recall curve
MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One photo with what is there and what was seen.

    Attributes:
        truth_xyxy_px: class name -> (n, 4) float32 labelled boxes, pixels.
        seen: detections down to `MIN_SCORE`.
    """

    record: LabelRecord
    size_wh: tuple[int, int]
    truth_xyxy_px: dict[str, Boxes]
    seen: Detections

    def labelled(self, name: str) -> Boxes:
        """Labelled boxes of one class, (n, 4) float32 xyxy, pixels; none where it has none."""
        return self.truth_xyxy_px.get(name, np.zeros((0, 4), np.float32))


def judge(records: Sequence[LabelRecord], detector: Detector) -> list[Judged]:
    """Run the detector over labelled photos, all cores."""
    return list(in_order(lambda record: _judge_one(record, detector), records, cores()))


def matches(
    judged: Sequence[Judged], class_id: int, name: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Score of every detection of a class, and whether it takes a label nobody better took."""
    scores, right = [], []
    for one in judged:
        mine = one.seen[one.seen.class_ids == class_id]
        truth = one.labelled(name)
        free = np.ones(len(truth), dtype=bool)
        overlap = iou(mine.boxes_xyxy_px, truth)
        for row, score in zip(overlap, mine.scores, strict=True):  # best score first
            row = np.where(free, row, 0)
            hit = bool(len(row) and row.max() >= MATCH_IOU)
            if hit:
                free[int(row.argmax())] = False
            scores.append(score)
            right.append(hit)
    return np.array(scores, np.float32), np.array(right, bool)


def _judge_one(record: LabelRecord, detector: Detector) -> Judged:
    photo = read_photo(Path(record.image).read_bytes(), detector.card.input.size)
    seen = detector.detect(photo.image_rgb_hwc, photo.size_wh, MIN_SCORE)
    boxes = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), photo.size_wh)
    names = np.array(record.class_names)
    truth = {name: boxes[names == name] for name in set(record.class_names)}
    return Judged(record, photo.size_wh, truth, seen)
