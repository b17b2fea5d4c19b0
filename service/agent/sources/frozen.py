"""A camera that gives one and the same picture while the vehicle moves on."""

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.reading import ImageRgb
from streetsight.models.language import SpokenError
from streetsight.service.agent.positions.places import Place
from streetsight.service.agent.troubles import Troubles

SIDE, FINE_PX = 16, 256
# Mean difference, of 256 levels. A stream that codes one picture again and again stays below; so does a live
# picture of a scene where nothing moves, which is why the vehicle must have come some way, or much time gone.
SAME_LEVELS = 1.5
FRAMES, MOVED_M, UNPLACED_S = 5, 20.0, 600.0


class FrozenPicture:
    """Watches the pictures of one camera."""

    def __init__(self, troubles: Troubles, name: str) -> None:
        self._troubles, self._where = troubles, f"picture of {name}"
        self._first: tuple[NDArray[np.float64], float, Place | None] | None = None
        self._count = 0

    def saw(self, image: ImageRgb, moment_s: float, place: Place | None) -> bool:
        """Look at one more picture; whether the camera is frozen."""
        small = _cells(image)
        if self._first is None or np.abs(small - self._first[0]).mean() > SAME_LEVELS:
            self._first, self._count = (small, moment_s, place), 1
            self._troubles.over(self._where)
            return False
        self._count += 1
        frozen = self._count >= FRAMES and self._should_differ(moment_s, place)
        if frozen:
            self._troubles.has(
                self._where,
                SpokenError("the camera shows one and the same picture while the vehicle moves; restart it, "
                            "and look at its cable"),
            )  # fmt: skip
        return frozen

    def _should_differ(self, moment_s: float, place: Place | None) -> bool:
        assert self._first is not None
        _, since_s, from_place = self._first
        if place is not None and from_place is not None:
            return place.metres_from(from_place) >= MOVED_M
        return abs(moment_s - since_s) >= UNPLACED_S


def _cells(image: ImageRgb) -> NDArray[np.float64]:
    """(SIDE, SIDE, 3) means, which hide what a codec does to single pixels."""
    step = max(1, min(image.shape[:2]) // FINE_PX)
    fine = image[::step, ::step]
    height, width = fine.shape[0] // SIDE, fine.shape[1] // SIDE
    fine = fine[: height * SIDE, : width * SIDE]
    means: NDArray[np.float64] = fine.reshape(SIDE, height, SIDE, width, 3).mean(axis=(1, 3))
    return means
