"""Figures per class: average precision, hits at a threshold, the threshold of best F1.

A class is judged only on photos whose source labelled it. AP is faster-coco-eval's; precision and
recall are counted at the card's thresholds, one label matched once, at IoU 0.5.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from streetsight.models.boxes import xyxy_to_xywh
from streetsight.models.card import Card, ClassMetrics
from streetsight.training.evaluation.judging import Judged, matches


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
