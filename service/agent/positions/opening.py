"""A receiver by what the user calls it."""

import termios
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.positions.places import Nowhere, Places, Received, Recorded
from streetsight.service.agent.positions.receivers import (
    GPSD,
    NMEA,
    WATCH,
    LineReceiver,
    SerialLine,
    connect,
)
from streetsight.service.agent.troubles import Troubles

GPSD_PORT, NMEA_PORT = 2947, 10110


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
    parts, port = _split(said)
    if parts.scheme == "gpx":
        from streetsight.inference.positions.receivers import read_track

        track = read_track(Path(said.removeprefix("gpx:")), profile.track_crs)
        return Recorded(track, profile.clock_offset_s or 0.0, troubles, said), None
    places = Received(troubles, said)
    if parts.scheme == "gpsd":
        open_line = partial(connect, parts.hostname or "127.0.0.1", port or GPSD_PORT, WATCH)
        return places, LineReceiver(said, open_line, GPSD, places, troubles)
    if parts.scheme == "nmea" and parts.hostname:
        open_line = partial(connect, parts.hostname, port or NMEA_PORT)
        return places, LineReceiver(said, open_line, NMEA, places, troubles)
    if parts.scheme == "nmea":
        baud = dict(parse_qsl(parts.query)).get("baud", "9600")
        serial = partial(SerialLine, parts.path, _checked(baud, said))
        return places, LineReceiver(said, serial, NMEA, places, troubles)
    raise _unknown(said)


def _split(said: str) -> tuple[SplitResult, int | None]:
    """Its parts, and its port."""
    try:
        parts = urlsplit(said)
        return parts, parts.port
    except ValueError as error:  # a port that is no number
        raise _unknown(said) from error


def _checked(baud: str, said: str) -> int:
    if baud == "0" or not hasattr(termios, f"B{baud}"):  # B0 hangs up
        raise _unknown(said)
    return int(baud)


def _unknown(said: str) -> NoReceiver:
    return NoReceiver(
        "{position}: expected gpsd://host:port, nmea:/dev/ttyUSB0?baud=9600, nmea://host:port, gpx:FILE or "
        "exif",
        position=said,
    )
