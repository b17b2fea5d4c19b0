"""Average precision and points of the precision-recall curve, for photos that count more or less than once.

AP is COCO's: precision made monotone, read at 101 recalls. With unit weights it equals faster-coco-eval's;
a photo of weight 2 counts as if it were there twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.training.evaluation.scored import Scored

RECALLS = np.linspace(0, 1, 101)  # COCO's


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall when everything down to a score counts; n points, best score first.

    Attributes:
        scores, precision, recall: (n,) float64.
        labels: how many there are to be found.
    """

    scores: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    labels: int


def curve(scored: Scored) -> Curve:
    """The precision-recall curve at IoU .50, one point for each distinct score."""
    hits = np.cumsum(scored.hits[:, 0])
    last = np.append(np.diff(scored.scores) != 0, True)[: len(hits)]  # equal scores stand or fall together
    labels = len(scored.label_photos)
    return Curve(
        scored.scores[last].astype(np.float64),
        (hits / np.arange(1, len(hits) + 1))[last],
        hits[last] / max(labels, 1),
        labels,
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


def recall_at(scored: Scored, photo_weights: NDArray[np.int64], precision: float) -> NDArray[np.float64]:
    """The most that is found at this precision or a better one, for each row of weights; as `ap50`.

    0 where the precision is never reached.
    """
    labels = photo_weights @ scored.labels_per_photo()
    found, seen = _running_sums(scored, photo_weights, 0)
    best = np.where(found >= precision * np.maximum(seen, 1), found, 0).max(axis=1, initial=0)
    return np.where(labels > 0, best / np.maximum(labels, 1), np.nan)


def _average_precision(scored: Scored, photo_weights: NDArray[np.int64], ious: int) -> NDArray[np.float64]:
    labels = photo_weights @ scored.labels_per_photo()
    values = np.zeros(len(photo_weights))
    for column in range(ious):
        values += _interpolated(*_running_sums(scored, photo_weights, column), labels)
    return np.where(labels > 0, values / ious, np.nan)


def _running_sums(
    scored: Scored, photo_weights: NDArray[np.int64], column: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hits, and detections, down to each hit at one IoU; both (draws, hits) float32.

    Recall and monotone precision change at hits only, so detections between two hits are summed by photo
    first and weighted by one product of matrices.
    """
    at = np.flatnonzero(scored.hits[:, column])
    weights = photo_weights.astype(np.float32)  # exact: counts stay far below 2^24
    until = at[-1] + 1 if len(at) else 0  # what follows the last hit changes nothing
    next_hit = np.searchsorted(at, np.arange(until))
    cells = np.bincount(
        scored.photos[:until] * len(at) + next_hit, minlength=photo_weights.shape[1] * len(at)
    )
    between = cells.reshape(photo_weights.shape[1], len(at)).astype(np.float32)
    return np.cumsum(weights[:, scored.photos[at]], axis=1), np.cumsum(weights @ between, axis=1)


def _interpolated(
    found: NDArray[np.float32], seen: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean over `RECALLS` of the best precision at that recall or beyond; (draws,) float64."""
    precision = found.astype(np.float64) / np.maximum(seen, 1)
    recall = found / np.maximum(labels, 1)[:, None]  # in double precision: labels are integers
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, recall, side="right")  # how many of the recalls are reached by then
    mean: NDArray[np.float64] = (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return mean
