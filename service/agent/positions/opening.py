"""A receiver by what the user calls it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.positions.places import Nowhere, Places, Recorded
from streetsight.service.agent.troubles import Troubles


class NoReceiver(AgentError):
    """Not a receiver that we know."""


class Receiver(Protocol):
    """Gives fixes until it is asked to stop."""

    name: str

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None: ...


def open_places(
    said: str | None, profile: DeviceProfile, troubles: Troubles
) -> tuple[Places, Receiver | None]:
    """`gpsd://host:2947`, `nmea:/dev/ttyUSB0?baud=9600`, `nmea://host:10110`, `gpx:track.gpx`, or `exif`.

    Raises:
        NoReceiver: for anything else. A receiver that is not there now is waited for, and no error.
        TrackError: a track that cannot be used.
    """
    if said is None or said == "exif":
        return Nowhere(), None
    kind, _, rest = said.partition(":")
    if kind == "gpx":
        from streetsight.inference.positions.receivers import read_track

        return Recorded(read_track(Path(rest), profile.track_crs)), None
    raise NoReceiver(
        "{position}: expected gpsd://host:port, nmea:/dev/..., nmea://host:port, gpx:FILE or exif",
        position=said,
    )
