"""Average precision and points of the precision-recall curve, for photos that count more or less than once.

AP is COCO's: precision made monotone, read at 101 recalls. With unit weights it equals faster-coco-eval's;
a photo of weight 2 counts as if it were there twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.training.evaluation.scored import Scored

RECALLS = np.linspace(0, 1, 101)  # COCO's
DRAWS_AT_ONCE = 64  # keeps the running sums in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall when everything down to a score counts; n points, best score first.

    Attributes:
        scores, precision, recall: (n,) float64.
    """

    scores: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    def recall_at(self, precision: float) -> float:
        """The most that is found at this precision or a better one; 0 where it is never reached."""
        return float(self.recall[self.precision >= precision].max(initial=0.0))


def curve(scored: Scored) -> Curve:
    """The precision-recall curve at IoU .50, one point for each distinct score."""
    hits = np.cumsum(scored.hits[:, 0])
    last = np.append(np.diff(scored.scores) != 0, True)[: len(hits)]  # equal scores stand or fall together
    return Curve(
        scored.scores[last].astype(np.float64),
        (hits / np.arange(1, len(hits) + 1))[last],
        hits[last] / max(len(scored.label_photos), 1),
    )


def unit_weights(scored: Scored) -> NDArray[np.int64]:
    """Every photo once: (1, p) int64."""
    return np.ones((1, len(scored.judged)), np.int64)


def ap50(scored: Scored, photo_weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """AP at IoU .50 for each row of weights.

    Args:
        photo_weights: (draws, p) int64, how often each photo counts.

    Returns:
        (draws,) float64; NaN where no label is left.
    """
    return _average_precision(scored, photo_weights, 1)


def ap50_95(scored: Scored, photo_weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """AP averaged over IoU .50, .55, ... .95 for each row of weights; as `ap50`."""
    return _average_precision(scored, photo_weights, scored.hits.shape[1])


def _average_precision(scored: Scored, photo_weights: NDArray[np.int64], ious: int) -> NDArray[np.float64]:
    labels = photo_weights @ scored.labels_per_photo()
    values = np.zeros(len(photo_weights))
    for start in range(0, len(photo_weights), DRAWS_AT_ONCE):
        rows = slice(start, start + DRAWS_AT_ONCE)
        weights = photo_weights[rows][:, scored.photos].astype(np.int32)  # (draws, n)
        seen = np.cumsum(weights, axis=1)
        for column in range(ious):
            # Recall and the monotone precision change at hits only: the rest is in the running sum.
            at = np.flatnonzero(scored.hits[:, column])
            found = np.cumsum(weights[:, at], axis=1)
            values[rows] += _interpolated(found, seen[:, at], labels[rows])
    return np.where(labels > 0, values / ious, np.nan)


def _interpolated(
    found: NDArray[np.int32], seen: NDArray[np.int32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean over `RECALLS` of the best precision at that recall or beyond; (draws,) float64."""
    precision = found / np.maximum(seen, 1)
    recall = found / np.maximum(labels, 1)[:, None]
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, recall, side="right")  # how many of the recalls are reached by then
    mean: NDArray[np.float64] = (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return mean
