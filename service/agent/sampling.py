"""Which moments are worth a frame: one every few metres. A vehicle that stands takes none."""

from collections.abc import Callable

from streetsight.service.agent.positions.places import Place
from streetsight.service.agent.settings import AgentSettings

STANDING_MPS = 0.5
NOISE_SIGMAS = 2.0  # a receiver at rest wanders about


class Sampler:
    """Of one camera; moments are asked about in order."""

    def __init__(self, settings: Callable[[], AgentSettings]) -> None:
        self._settings = settings
        self._place: Place | None = None
        self._moment_s = float("-inf")

    def due(self, moment_s: float, place: Place | None, own_pace: bool = False) -> bool:
        """Whether a frame of this moment is wanted.

        Args:
            own_pace: the camera chooses its moments itself, so that each counts where no place is known.
        """
        if place is None:
            return own_pace or abs(moment_s - self._moment_s) >= self._settings().every_s
        if place.speed_mps is not None and place.speed_mps < STANDING_MPS and self._place is not None:
            return False
        return self._place is None or place.metres_from(self._place) >= self._spacing_m(place)

    def taken(self, moment_s: float, place: Place | None) -> None:
        """A frame was taken then and there."""
        self._moment_s = moment_s
        if place is not None:
            self._place = place

    def _spacing_m(self, place: Place) -> float:
        every_m = self._settings().every_m
        if place.speed_mps is not None:  # by Doppler: it does move
            return every_m
        return max(every_m, NOISE_SIGMAS * (place.accuracy_m or 0.0))
