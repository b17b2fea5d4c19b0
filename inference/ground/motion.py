"""Whether a thing moved while it was in sight."""

from collections.abc import Sequence

import numpy as np

from streetsight.inference.ground.locate import Look, rough_place
from streetsight.inference.ground.stance import Stance

LEAST_FRAMES, LEAST_SECONDS = 3, 0.5
CAMERA_JITTER_M = 0.8  # of the receiver from frame to frame, beside what each look is unsure of
CHI_SURE = 11.83  # chi-squared, 2 degrees of freedom, 99.7 %: a parked car must not be let off


def proven_speed(looks: Sequence[Look], seconds: Sequence[float], stance: Stance) -> float | None:
    """The lower end of what the frames say of a thing's speed over the ground.

    A straight line is fitted through the places that single frames give, each weighed by how well it knows
    the distance; what the scatter explains is taken off.

    Args:
        looks: in order of time.
        seconds: of each look.

    Returns:
        Metres per second, 0 where standing still explains the frames, None for too few of them.
    """
    moments = np.array(seconds, np.float64)
    if len(looks) < LEAST_FRAMES or moments[-1] - moments[0] < LEAST_SECONDS:
        return None
    rough = np.array([rough_place(look, stance) for look in looks])  # (n, 4) east, north, distance, sigma
    variance = np.maximum(rough[:, 3], 0.1 * rough[:, 2]) ** 2 + CAMERA_JITTER_M**2
    weights = 1 / variance
    mean = weights / weights.sum()
    away = moments - mean @ moments
    spread = float(weights @ away**2)
    velocity = (weights * away) @ rough[:, :2] / spread
    rest = rough[:, :2] - mean @ rough[:, :2] - np.outer(away, velocity)
    excess = max(1.0, float((weights @ rest**2).sum()) / max(1, 2 * len(looks) - 4))
    squared = float(velocity @ velocity) - CHI_SURE * excess / spread
    return float(round(max(0.0, squared) ** 0.5, 2))
