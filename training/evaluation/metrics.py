"""The figures of a release on one part of the photos, as its card keeps them: points, counts, intervals.

A class is judged only on photos whose source labelled it, a condition by those of its classes that the source
labelled. AP is faster-coco-eval's; precision, recall and false alarms are counted at the deployed
thresholds, one label matched once, at IoU .50. Intervals are of the bootstrap over groups.
"""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from streetsight.models.boxes import xyxy_to_xywh
from streetsight.models.card import SIZES, Card, ClassMetrics, Evaluation, Interval
from streetsight.training.evaluation.bootstrap import DRAWS, draw_photos, interval, mean_over_categories
from streetsight.training.evaluation.calibration import ece
from streetsight.training.evaluation.curves import ap50, ap50_95, recall_at, unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import (
    Category,
    Scored,
    class_categories,
    condition_categories,
    condition_classes,
    group_index,
    score,
)

NOTE = "each class only on photos whose source labelled it; places never trained on; no rendered frames"

Weights = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One category: all that was seen of it, and what of that reaches the deployed thresholds."""

    category: Category
    everything: Scored
    deployed: Scored

    @property
    def name(self) -> str:
        return self.category.name

    def figures(self, weights: Weights) -> dict[str, Values]:
        """Every figure of the card for each row of weights: name -> (draws,) float64, NaN where undefined."""
        return {
            **{figure: of(self.everything, weights) for figure, of in OF_EVERYTHING.items()},
            **{figure: of(self.deployed, weights) for figure, of in OF_DEPLOYED.items()},
        }


def see(judged: Sequence[Judged], card: Card) -> dict[str, Seen]:
    """Every class and condition of a release that has labels on these photos; classes first."""
    floors = {each.name: each.threshold for each in card.classes}
    seen = (
        Seen(category, score(judged, category), score(judged, category, floors))
        for category in (*class_categories(card), *condition_categories(card))
    )
    return {each.name: each for each in seen if len(each.everything.label_photos)}


def precision(deployed: Scored, weights: Weights) -> Values:
    """Share of the detections that take a label, for each row of weights; NaN where there are none."""
    return _ratio(_hits(deployed, weights), _hits(deployed, weights) + _wrong(deployed, weights))


def recall(deployed: Scored, weights: Weights) -> Values:
    """Share of the labels that are taken, for each row of weights; NaN where there are none."""
    return _ratio(_hits(deployed, weights), weights @ deployed.labels_per_photo())


def false_alarms_per_100(deployed: Scored, weights: Weights) -> Values:
    """Detections that take no label, for 100 photos that are judged; NaN where none is."""
    return 100 * _ratio(_wrong(deployed, weights), weights @ deployed.judged.astype(np.int64))


# Figure of the card -> how it is computed for many weightings of the photos at once. The first kind reads
# all detections, the second those that reach the deployed thresholds.
OF_EVERYTHING: Mapping[str, Callable[[Scored, Weights], Values]] = {
    "ap50": ap50,
    "ap50_95": ap50_95,
    "recall_at_p80": partial(recall_at, precision=0.80),
    "recall_at_p90": partial(recall_at, precision=0.90),
    "ece": ece,
}
OF_DEPLOYED: Mapping[str, Callable[[Scored, Weights], Values]] = {
    "precision": precision,
    "recall": recall,
    "false_alarms_per_100": false_alarms_per_100,
}


def evaluation(
    judged: Sequence[Judged], card: Card, part: str, digest: str, draws: int = DRAWS
) -> Evaluation:
    """Figures of a release on one part of the photos.

    Args:
        digest: of the records that were judged.
        draws: of the bootstrap; fixed seed, so the same photos give the same intervals.
    """
    seen = see(judged, card)
    weights = draw_photos(group_index(judged), draws)
    drawn = {name: each.figures(weights) for name, each in seen.items()}
    rows = {name: category_metrics(each, drawn[name]) for name, each in seen.items()}
    classes = [name for name in card.class_names if name in rows]
    leads = [name for name in condition_classes(card) if name in rows]
    intervals: dict[str, Interval] = {}
    for mean, figure, names in (
        ("map50", "ap50", classes), ("map50_95", "ap50_95", classes), ("condition_map50", "ap50", leads)
    ):  # fmt: skip
        if names:
            values = mean_over_categories(np.array([drawn[name][figure] for name in names]))
            intervals |= _rounded(mean, interval(values))
    return Evaluation(
        part=part,
        photos=len(judged),
        groups=len({one.record.group for one in judged}),
        digest=digest,
        map50=_mean([rows[name].ap50 for name in classes]),
        map50_95=_mean([rows[name].ap50_95 for name in classes]),
        condition_map50=_mean([rows[name].ap50 for name in leads]) if leads else None,
        intervals=intervals,
        draws=draws,
        classes=tuple(rows[name] for name in classes),
        conditions=tuple(row for name, row in rows.items() if name not in card.class_names),
        note=NOTE,
    )


def category_metrics(seen: Seen, drawn: Mapping[str, Values]) -> ClassMetrics:
    """Figures of one class or condition that has labels, with intervals from `seen.figures(draws)`."""
    everything = seen.everything
    points = {figure: float(values[0]) for figure, values in seen.figures(unit_weights(everything)).items()}
    points["ap50"], points["ap50_95"] = average_precision(everything)
    known = {figure: round(value, 4) for figure, value in points.items() if not np.isnan(value)}
    intervals: dict[str, Interval] = {}
    for figure, values in drawn.items():
        intervals |= _rounded(figure, interval(values))
    return ClassMetrics.model_validate(
        {
            "name": seen.name,
            "photos": int(everything.judged.sum()),
            "boxes": len(everything.label_photos),
            "groups": len(np.unique(everything.groups[everything.label_photos])),
            "intervals": intervals,
            "recall_by_size": _recall_by_size(seen.deployed),
            "precision": None,
            "recall": None,
            **known,
        }
    )


def _recall_by_size(deployed: Scored) -> dict[str, dict[str, float]]:
    cuts = {name: deployed.of_size(low, high) for name, low, high in SIZES}
    return {
        name: {"boxes": count, "recall": round(float(recall(cut, unit_weights(cut))[0]), 4)}
        for name, cut in cuts.items()
        if (count := len(cut.label_photos))
    }


def average_precision(scored: Scored) -> tuple[float, float]:
    """AP at IoU .50 and at .50:.95 by faster-coco-eval; 0 where nothing is seen or labelled."""
    if not len(scored.scores) or not len(scored.label_photos):
        return 0.0, 0.0
    labels = xyxy_to_xywh(scored.label_boxes_xyxy_px).tolist()
    annotations = [
        {
            "id": index + 1, "image_id": photo, "category_id": 1, "bbox": box, "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for index, (photo, box) in enumerate(zip(scored.label_photos.tolist(), labels, strict=True))
    ]  # fmt: skip
    boxes = xyxy_to_xywh(scored.boxes_xyxy_px).tolist()
    results = [
        {"image_id": photo, "category_id": 1, "bbox": box, "score": score}
        for photo, box, score in zip(scored.photos.tolist(), boxes, scored.scores.tolist(), strict=True)
    ]
    images = [{"id": int(photo)} for photo in np.flatnonzero(scored.judged)]
    categories = [{"id": 1, "name": scored.name}]
    return _coco_ap({"images": images, "annotations": annotations, "categories": categories}, results)


def _coco_ap(truth: dict[str, Any], results: list[dict[str, Any]]) -> tuple[float, float]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        labels = COCO(truth)
        judge = COCOeval_faster(labels, labels.loadRes(results), "bbox")
        judge.params.maxDets = [1, 10, 300]
        judge.evaluate()
        judge.accumulate()
    found = judge.eval["precision"][:, :, 0, 0, 2]  # (IoU thresholds, recall points)
    return float(found[0].mean()), float(found.mean())


def _hits(deployed: Scored, weights: Weights) -> Values:
    return _count(deployed, deployed.hits[:, 0], weights)


def _wrong(deployed: Scored, weights: Weights) -> Values:
    return _count(deployed, ~deployed.hits[:, 0], weights)


def _count(scored: Scored, which: NDArray[np.bool_], weights: Weights) -> Values:
    counts = weights @ np.bincount(scored.photos[which], minlength=len(scored.judged))
    return counts.astype(np.float64)


def _ratio(part: Values, whole: NDArray[Any]) -> Values:
    ratios: Values = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratios


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def _rounded(figure: str, ends: tuple[float, float]) -> dict[str, Interval]:
    return {} if np.isnan(ends[0]) else {figure: (round(ends[0], 4), round(ends[1], 4))}
