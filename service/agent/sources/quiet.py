"""A camera's folder that nothing new comes into while the vehicle moves on."""

import time
from pathlib import Path

from streetsight.inference.video.clips import SUFFIXES as CLIP_SUFFIXES
from streetsight.models.language import SpokenError
from streetsight.service.agent.positions.places import Place, Places
from streetsight.service.agent.troubles import Troubles

# Cameras write clips of up to ten minutes, and some show them only once they are whole.
PATIENCE_S, CLIP_PATIENCE_S = 90.0, 660.0
MOVED_M = 300.0  # beyond what a receiver at rest wanders about; a camera that slept has woken up by then


class QuietFolder:
    """Watches whether files come; only a vehicle whose receiver says that it moves expects them."""

    def __init__(self, troubles: Troubles, name: str, places: Places) -> None:
        self._troubles, self._where, self._places = troubles, f"files of {name}", places
        self._came_s, self._patience_s = time.monotonic(), PATIENCE_S
        self._from: Place | None = None  # the first that was known since a file came

    def looked(self, new: list[Path]) -> None:
        """These had come, or had grown, when the folder was looked at; the latest last."""
        if new:
            is_clip = new[-1].suffix.lower() in CLIP_SUFFIXES
            self._came_s, self._patience_s = time.monotonic(), CLIP_PATIENCE_S if is_clip else PATIENCE_S
            self._from = None
            self._troubles.over(self._where)
        elif self._has_moved() and time.monotonic() - self._came_s >= self._patience_s:
            said = SpokenError(
                "the vehicle moves, and no new file has come for more than {seconds} s; look at the camera, "
                "its card and its cable", seconds=round(self._patience_s),
            )  # fmt: skip
            self._troubles.has(self._where, said)

    def _has_moved(self) -> bool:
        place = self._places.at(time.time()) if self._places.live else None
        self._from = self._from or place
        return place is not None and self._from is not None and place.metres_from(self._from) >= MOVED_M
