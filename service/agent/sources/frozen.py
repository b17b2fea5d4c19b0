"""A camera that gives one and the same picture while the vehicle moves on."""

import numpy as np

from streetsight.inference.reading import ImageRgb
from streetsight.models.language import SpokenError
from streetsight.service.agent.positions.places import Place
from streetsight.service.agent.troubles import Troubles

SIDE = 32
SAME_LEVELS = 0.3  # mean difference, of 256; a live sensor's noise is above, a stream's re-encoding below
FRAMES, MOVED_M, UNPLACED_S = 5, 20.0, 60.0


class FrozenPicture:
    """Watches the pictures of one camera."""

    def __init__(self, troubles: Troubles, name: str) -> None:
        self._troubles, self._where = troubles, f"picture of {name}"
        self._first: tuple[np.ndarray, float, Place | None] | None = None  # type: ignore[type-arg]
        self._count = 0

    def saw(self, image: ImageRgb, moment_s: float, place: Place | None) -> bool:
        """Look at one more picture; whether the camera is frozen."""
        rows = np.linspace(0, image.shape[0] - 1, SIDE).astype(int)
        columns = np.linspace(0, image.shape[1] - 1, SIDE).astype(int)
        small = image[rows[:, None], columns].astype(np.float32)
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
