"""Does a score of 0.7 mean that seven in ten are right? Reliability by bin, expected calibration error.

ECE is the mean distance of score and precision over bins of equal width, weighted by how many detections
each holds. (Guo et al.: On Calibration of Modern Neural Networks, 2017; for detectors Küppers et al.:
Multivariate Confidence Calibration for Object Detection, 2020.) Detections below `FLOOR` are left out:
they are many, nearly all wrong, say so themselves, and would make any detector look calibrated.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streetsight.training.evaluation.scored import Scored

FLOOR = 0.1
EDGES = np.linspace(FLOOR, 1, 10)  # nine bins


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections with a score in [low, high).

    Attributes:
        score: their mean score.
        precision: the share that takes a label at IoU .50.
    """

    low: float
    high: float
    detections: int
    score: float
    precision: float


def reliability(scored: Scored) -> tuple[Bin, ...]:
    """Bins that hold anything, low scores first."""
    bins = []
    index = _bin_of(scored.scores)
    for number, (low, high) in enumerate(pairwise(EDGES)):
        mine = index == number
        if mine.any():
            bins.append(
                Bin(
                    round(float(low), 3),
                    round(float(high), 3),
                    int(mine.sum()),
                    float(scored.scores[mine].mean()),
                    float(scored.hits[mine, 0].mean()),
                )
            )
    return tuple(bins)


def ece(scored: Scored, photo_weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Expected calibration error at IoU .50, for each row of weights.

    Args:
        photo_weights: (draws, p) int64, how often each photo counts.

    Returns:
        (draws,) float64 in [0, 1]; NaN where no detection reaches `FLOOR`.
    """
    shown = scored.scores >= FLOOR
    bins, photos, size = len(EDGES) - 1, scored.photos[shown], len(scored.judged)
    cell = photos * bins + _bin_of(scored.scores[shown])
    apart = scored.scores[shown].astype(np.float64) - scored.hits[shown, 0]
    gaps = np.bincount(cell, apart, minlength=size * bins).reshape(size, bins)
    gap = np.abs(photo_weights.astype(np.float64) @ gaps).sum(axis=1)
    total = photo_weights @ np.bincount(photos, minlength=size)
    errors: NDArray[np.float64] = np.divide(gap, total, out=np.full(len(total), np.nan), where=total > 0)
    return errors


def _bin_of(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,) index of the bin, -1 below `FLOOR`; a score of exactly 1 is in the last."""
    return np.minimum(np.searchsorted(EDGES, scores, side="right") - 1, len(EDGES) - 2)
