"""Where the vehicle was at a moment, by the latest fixes of a receiver or by a recorded track."""

import math
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.sanity import MAX_SPEED_MPS, NULL_ISLAND_DEG
from streetsight.inference.positions.tracks import Fix, Track
from streetsight.models.frame import PositionSource
from streetsight.models.language import SpokenError
from streetsight.service.agent.troubles import Troubles

STALE_S = 5.0  # beyond it dead reckoning is a guess
REMEMBERED = 900  # fixes; photos may turn up some minutes after they were taken
AGREEING = 5  # fixes that agree with each other are believed against the one before


@dataclass(frozen=True, slots=True)
class Place:
    """Where the vehicle was; in the coordinate system that its receiver writes.

    Attributes:
        accuracy_m: one sigma; None, like the others, where the receiver did not say.
        gps_time: UTC of the fix that this rests on.
    """

    lon: float
    lat: float
    source: PositionSource
    accuracy_m: float | None = None
    course_deg: float | None = None
    speed_mps: float | None = None
    gps_time: datetime | None = None

    def metres_from(self, other: "Place") -> float:
        return _metres(other, self)

    def as_metadata(self) -> dict[str, Any]:
        """As POST /v1/frames takes it; what is not known is left out."""
        position = {"lon": self.lon, "lat": self.lat, "source": self.source, "accuracy_m": self.accuracy_m}
        said = {
            "position": _known(position), "course_deg": self.course_deg, "speed_mps": self.speed_mps,
            "gps_time": self.gps_time.isoformat() if self.gps_time else None,
        }  # fmt: skip
        return _known(said)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class Places(Protocol):
    """Knows where the vehicle was.

    Attributes:
        live: whether it knows of now, by the vehicle's own clock; else by the clock of what took the photos.
    """

    live: bool

    def at(self, moment_s: float) -> Place | None:
        """At a moment, seconds since 1970; None when nobody knows."""
        ...


class Nowhere:
    """Without a receiver."""

    live = False

    def at(self, moment_s: float) -> Place | None:
        return None


class Recorded:
    """By a track that was recorded before; one that covers no photo at all is told."""

    live = False

    def __init__(self, track: Track, clock_offset_s: float, troubles: Troubles, name: str) -> None:
        """`clock_offset_s`: of what took the photos, minus true time, as the device's profile has it."""
        self._track, self._clock_offset_s = track, clock_offset_s
        self._troubles, self._where = troubles, f"position {name}"
        self._told = False

    def at(self, moment_s: float) -> Place | None:
        found = self._track.at(np.array([moment_s - self._clock_offset_s]))
        lon, lat = map(float, found.lon_lat[0])
        if math.isnan(lon):
            self._tell(moment_s)
            return None
        self._told = True  # a photo before or after the track is nothing
        self._troubles.over(self._where)
        return Place(
            lon, lat, "gpx", _or_none(found.accuracy_m[0]), _or_none(found.course_deg[0] % 360),
            _or_none(found.speed_mps[0]),
        )  # fmt: skip

    def _tell(self, moment_s: float) -> None:
        """Once: of the first photo, until there is one that the track covers."""
        if not self._told:
            self._told = True
            begin, end, moment = (np.datetime64(int(each), "s") for each in
                                  (self._track.times_s[0], self._track.times_s[-1], moment_s))  # fmt: skip
            said = SpokenError(
                "the track covers {begin} to {end} UTC, and no photo so far (the first: {moment}); is it of "
                "this drive, and are the camera's clock and the profile's time_zone right?",
                begin=begin, end=end, moment=moment,
            )  # fmt: skip
            self._troubles.has(self._where, said)


class Received:
    """By the fixes of a receiver as they come; one that jumps is not believed at once."""

    live = True

    def __init__(self, troubles: Troubles, name: str) -> None:
        self._troubles, self._where = troubles, f"position {name}"
        self._fixes: deque[tuple[float, Fix]] = deque(maxlen=REMEMBERED)
        self._doubted: list[tuple[float, Fix]] = []
        self._lock = threading.Lock()

    def add(self, moment_s: float, fix: Fix) -> None:
        """A fix that came at a moment of the vehicle's clock; its own time is the receiver's."""
        if not (abs(fix.lon) <= 180 and abs(fix.lat) <= 90):
            return
        if max(abs(fix.lon), abs(fix.lat)) < NULL_ISLAND_DEG:
            self._troubles.has(self._where, SpokenError("the receiver says 0, 0: it has no fix"))
            return
        with self._lock:
            sound = not self._fixes or _reachable(self._fixes[-1][1], fix)
            if sound:
                self._doubted = []
                self._fixes.append((moment_s, fix))
            else:
                self._doubt(moment_s, fix)
        if sound:
            self._troubles.over(self._where)

    def _doubt(self, moment_s: float, fix: Fix) -> None:
        """Nothing on wheels gets there so fast; but if it stays there, what came before was wrong."""
        if self._doubted and not _reachable(self._doubted[-1][1], fix):
            self._doubted = []
        self._doubted.append((moment_s, fix))
        self._troubles.has(
            self._where,
            SpokenError("the position jumps farther than 400 km/h allow; such fixes are left out"),
        )
        if len(self._doubted) >= AGREEING:
            self._fixes.clear()
            self._fixes.extend(self._doubted)
            self._doubted = []

    def at(self, moment_s: float) -> Place | None:
        with self._lock:
            # from the newest back: one asks about now, or about some moments ago
            nearest = min(reversed(self._fixes), key=lambda each: abs(each[0] - moment_s), default=None)
        if nearest is None or abs(nearest[0] - moment_s) > STALE_S:
            return None
        return _moved_on(nearest[1], moment_s - nearest[0])


def _metres(a: Fix | Place, b: Fix | Place) -> float:
    return float(np.hypot(*LocalPlane(a.lon, a.lat).to_metres(np.array([b.lon, b.lat]))))


def _reachable(before: Fix, after: Fix) -> bool:
    return _metres(before, after) <= MAX_SPEED_MPS * max(abs(after.time_s - before.time_s), 1.0)


def _moved_on(fix: Fix, seconds: float) -> Place:
    """Where it is so long after, or before, a fix, if it went straight on."""
    lon, lat = fix.lon, fix.lat
    if not math.isnan(fix.course_deg + fix.speed_mps):
        metres, course = fix.speed_mps * seconds, math.radians(fix.course_deg)
        moved = np.array([metres * math.sin(course), metres * math.cos(course)])
        lon, lat = LocalPlane(lon, lat).to_lon_lat(moved).tolist()
    course_deg = _or_none(fix.course_deg % 360)
    return Place(
        lon, lat, "device", _or_none(fix.sigma_m), course_deg, _or_none(fix.speed_mps),
        datetime.fromtimestamp(fix.time_s, UTC),
    )  # fmt: skip


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
