"""From a source into the spool: the patrol it belongs to, and the agent's receipt."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streetsight.service.agent.faults import SpoolFull
from streetsight.service.agent.looking import Looking, NotCoverable
from streetsight.service.agent.positions.places import Place
from streetsight.service.agent.settings import AgentSettings
from streetsight.service.agent.spool import Looked, Spool

NOT_LOOKED_AT = Looked(0)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A photo as its source gives it.

    Attributes:
        photo: bytes of the file, as they are.
        taken_at: by the vehicle's or the camera's clock; None leaves it to the photo's EXIF.
        camera: what took it.
    """

    photo: bytes
    name: str
    taken_at: datetime | None = None
    place: Place | None = None
    camera: str | None = None


class Intake:
    """Safe to use from several threads."""

    def __init__(
        self,
        spool: Spool,
        settings: Callable[[], AgentSettings],
        looking: Looking,
        clock_offset_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        """`clock_offset_s`: of the vehicle against the server as last measured; told, never applied."""
        self._spool, self._settings, self._looking = spool, settings, looking
        self._clock_offset_s = clock_offset_s
        self.arrived = threading.Event()

    def take(self, shot: Shot) -> bool:
        """Take a frame. When this returns, the agent answers for it; False when it was here before.

        Raises:
            SpoolFull, SpoolError: it was not taken.
        """
        metadata = self._metadata(shot)
        patrol = self._spool.outings.current(self._settings().patrol_gap_minutes * 60)
        looked = None if self._looking.is_wanted else NOT_LOOKED_AT
        try:
            new = self._spool.keep(shot.photo, shot.name, metadata, patrol, looked)
        except SpoolFull:
            if not self._looking.is_wanted:
                raise
            # full of frames with detections: only one with a detection may push the oldest of them out
            with contextlib.suppress(NotCoverable):
                looked = self._looking.looker().look(shot.photo, metadata)
            if looked is None:
                raise
            new = self._spool.keep(shot.photo, shot.name, metadata, patrol, looked)
        self.arrived.set()
        return new

    def _metadata(self, shot: Shot) -> dict[str, Any]:
        said: dict[str, Any] = shot.place.as_metadata() if shot.place else {}
        if shot.taken_at is not None:
            said["taken_at"] = shot.taken_at.isoformat()
        if shot.camera:
            said["camera"] = shot.camera[:200]
        if (offset_s := self._clock_offset_s()) is not None:
            said["clock_offset_s"] = round(offset_s, 3)
        return said
