"""How a satellite receiver's error wanders: slowly, so that what lies close in time shares it.

Modelled as an Ornstein-Uhlenbeck process (Gauss-Markov of first order, the usual model of
autocorrelated GNSS errors; e.g. Brown & Hwang, Introduction to Random Signals and Applied Kalman
Filtering, chapter 4).
"""

import numpy as np
from numpy.typing import NDArray

CORRELATION_S = 30.0  # the error has lost 63 % of its memory after this time


def drift_share(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the difference between two errors so far apart in time, as a multiple of one's variance."""
    share: NDArray[np.float64] = 2 * (1 - np.exp(-np.abs(seconds) / CORRELATION_S))
    return share
