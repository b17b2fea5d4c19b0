"""What is taken for what at the deployed thresholds, among the classes that a photo's source labelled.

Detections first take labels of their own class, so the diagonal counts the hits of the figures. What is
left is paired whatever its class, best overlap first, at IoU .50 or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.models.boxes import iou
from streetsight.models.card import Card
from streetsight.training.evaluation.bootstrap import DRAWS, LEVEL, draw_photos
from streetsight.training.evaluation.judging import MATCH_IOU, Judged
from streetsight.training.evaluation.scored import group_index, match


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of labels (rows) by what they were seen as (columns).

    Attributes:
        names: k classes that are labelled or seen here.
        counts: (k + 1, k + 1) int64; the last column is missed, the last row what nobody labelled.
        low, high: (k + 1, k + 1) float64, 95 % interval of each share of its row.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def shares(self) -> NDArray[np.float64]:
        """(k + 1, k + 1) float64, share of the row; 0 in rows without anything."""
        return _shares(self.counts.astype(np.float64))


def confusion(judged: Sequence[Judged], card: Card, draws: int = DRAWS) -> Confusion:
    """The confusion matrix over all photos, with intervals over groups."""
    size = len(card.classes) + 1
    each = np.zeros((len(judged), size, size), np.int64)
    for index, one in enumerate(judged):
        _count_(each[index], one, card)
    counts = each.sum(axis=0)
    used = np.flatnonzero((counts.sum(axis=0) + counts.sum(axis=1))[:-1])
    kept = np.append(used, size - 1)
    each = each[:, kept][:, :, kept]
    weights = draw_photos(group_index(judged), draws).astype(np.float64)
    drawn = (weights @ each.reshape(len(judged), -1)).reshape(draws, len(kept), len(kept))
    low, high = np.quantile(_shares(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Confusion(tuple(card.class_names[index] for index in used), each.sum(axis=0), low, high)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the row, for (..., k + 1, k + 1) counts."""
    totals = counts.sum(axis=-1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    return shares


def _count_(counts: NDArray[np.int64], one: Judged, card: Card) -> None:
    """Add one photo to (k + 1, k + 1) counts."""
    rest_seen, rest_labels, classes_seen, classes_labelled = [], [], [], []
    for each in card.classes:
        if each.name not in one.record.labelled_classes:
            continue
        seen = one.seen[(one.seen.class_ids == each.id) & (one.seen.scores >= each.threshold)]
        labels = one.labelled(each.name)
        taken = match(seen.boxes_xyxy_px, labels)[1]
        counts[each.id, each.id] += int((taken >= 0).sum())
        rest_seen.append(seen.boxes_xyxy_px[taken < 0])
        rest_labels.append(np.delete(labels, taken[taken >= 0], axis=0))
        classes_seen += [each.id] * len(rest_seen[-1])
        classes_labelled += [each.id] * len(rest_labels[-1])
    if rest_seen:
        pairs = _pairs(iou(np.concatenate(rest_labels), np.concatenate(rest_seen)))
        for label, detection in pairs:
            counts[classes_labelled[label], classes_seen[detection]] += 1
        for label in set(range(len(classes_labelled))) - {label for label, _ in pairs}:
            counts[classes_labelled[label], -1] += 1
        for detection in set(range(len(classes_seen))) - {detection for _, detection in pairs}:
            counts[-1, classes_seen[detection]] += 1


def _pairs(overlap: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Rows and columns that belong together, best overlap first, each used once."""
    free, pairs = overlap.copy(), []
    while free.size and free.max() >= MATCH_IOU:
        row, column = (int(index) for index in np.unravel_index(int(free.argmax()), free.shape))
        pairs.append((row, column))
        free[row], free[:, column] = 0, 0
    return pairs
