"""Judge what is served: the exported ONNX through our own reading, letterbox and post-processing.

A class is judged only on photos whose source labelled it. AP is faster-coco-eval's; precision and
recall are counted at the card's thresholds, one label matched once, at IoU 0.5.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.models.boxes import Boxes, cxcywh_to_xyxy, iou, norm_to_px, xyxy_to_xywh
from streetsight.models.card import Card, ClassMetrics
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


def class_metrics(judged: Sequence[Judged], card: Card) -> list[ClassMetrics]:
    """Figures of every class that has labelled boxes here, in the card's order."""
    rows = []
    for each in card.classes:
        there = [one for one in judged if each.name in one.record.labelled_classes]
        boxes = sum(len(one.labelled(each.name)) for one in there)
        if not boxes:
            continue
        ap50, ap50_95 = average_precision(there, each.id, each.name)
        hits, wrong = count_hits(there, each.id, each.name, each.threshold)
        rows.append(
            ClassMetrics(
                name=each.name,
                photos=len(there),
                boxes=boxes,
                ap50=round(ap50, 4),
                ap50_95=round(ap50_95, 4),
                precision=round(hits / (hits + wrong), 4) if hits + wrong else None,
                recall=round(hits / boxes, 4),
            )
        )
    return rows


def average_precision(judged: Sequence[Judged], class_id: int, name: str) -> tuple[float, float]:
    """AP at IoU 0.5 and at 0.5:0.95 of one class over photos on which it is labelled."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for index, one in enumerate(judged):
        images.append({"id": index, "width": one.size_wh[0], "height": one.size_wh[1]})
        for box in xyxy_to_xywh(one.labelled(name)).tolist():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
        mine = one.seen[one.seen.class_ids == class_id]
        results += [
            {"image_id": index, "category_id": 1, "bbox": box, "score": score}
            for box, score in zip(
                xyxy_to_xywh(mine.boxes_xyxy_px).tolist(), mine.scores.tolist(), strict=True
            )
        ]
    if not results:
        return 0.0, 0.0
    return _coco_ap(
        {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": name}]}, results
    )


def count_hits(judged: Sequence[Judged], class_id: int, name: str, threshold: float) -> tuple[int, int]:
    """True and false detections of one class at a threshold."""
    scores, right = matches(judged, class_id, name)
    kept = right[scores >= threshold]
    return int(kept.sum()), int((~kept).sum())


def best_f1_threshold(judged: Sequence[Judged], class_id: int, name: str, default: float) -> float:
    """The score at which F1 is best on these photos; `default` where nothing is labelled or found."""
    there = [one for one in judged if name in one.record.labelled_classes]
    boxes = sum(len(one.labelled(name)) for one in there)
    scores, right = matches(there, class_id, name)
    if not boxes or not right.any():
        return default
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + boxes)
    return float(scores[order][int(np.argmax(f1))])


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


def _coco_ap(truth: dict[str, Any], results: list[dict[str, Any]]) -> tuple[float, float]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        labels = COCO(truth)
        judge = COCOeval_faster(labels, labels.loadRes(results), "bbox")
        judge.params.maxDets = [1, 10, 300]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, 0, 0, 2]  # (IoU thresholds, recall points)
    valid = precision[precision > -1]
    at_50 = precision[0][precision[0] > -1]
    return float(at_50.mean()) if at_50.size else 0.0, float(valid.mean()) if valid.size else 0.0
