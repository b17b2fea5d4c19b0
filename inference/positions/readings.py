"""What the photos of a device say of their time and place, as columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.inference.positions.pose import PoseProblem
from streetsight.inference.positions.profile import Crs, DeviceProfile
from streetsight.inference.positions.sanity import at_null_island
from streetsight.inference.positions.tracks import sigma_of_dop
from streetsight.models.frame import FrameMetadata

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_VELOCITY_SIGMA_MPS = 0.5  # of a course that a photo carries; it may be as old as the fix
_SAME_DATUM: dict[Crs, frozenset[str]] = {
    "wgs84": frozenset({"WGS84", "WGS1984", "CGCS2000"}),
    "cgcs2000": frozenset({"WGS84", "WGS1984", "CGCS2000"}),
    "gcj02": frozenset({"GCJ02"}),
    "bd09": frozenset({"BD09", "BD09LL"}),
}


class Shot(Protocol):
    """A photo or a frame of a video, as far as position and time go; a FrameResult is one."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def metadata(self) -> FrameMetadata: ...


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Columns over n frames in the order given; NaN where a frame says nothing.

    Attributes:
        camera_s: (n,) device time, seconds since 1970 UTC.
        whole_second: (n,) device time without a fraction.
        gps_s: (n,) UTC of the receiver's fix.
        lon_lat: (n, 2) WGS-84.
        sigma_m: (n,) one sigma per axis: as stated, else by DOP, else the profile's.
        heading_deg: (n,) the camera looks, clockwise from true north.
        course_deg, course_sigma_deg: (n,) the receiver moves.
        zones: offset to show each frame's time in.
        problems: of each frame.
    """

    camera_s: Floats
    whole_second: Bools
    gps_s: Floats
    lon_lat: Floats
    sigma_m: Floats
    heading_deg: Floats
    course_deg: Floats
    course_sigma_deg: Floats
    zones: tuple[tzinfo, ...]
    problems: tuple[frozenset[PoseProblem], ...]


def read_shots(shots: Sequence[Shot], profile: DeviceProfile) -> Readings:
    """Columns of what the photos say, positions converted from the profile's coordinate system."""
    told = [shot.metadata for shot in shots]
    aware = [_aware(each.taken_at, profile) for each in told]
    written = np.array([[each.position.lon, each.position.lat] if each.position else [np.nan] * 2
                        for each in told]).reshape(-1, 2)  # fmt: skip
    null_island = at_null_island(written)
    lon_lat = np.where(null_island[:, None], np.nan, to_wgs84(written, profile.coordinates))
    speed = _column(each.speed_mps for each in told)
    course = np.where(np.isnan(speed), np.nan, _column(each.course_deg for each in told))
    return Readings(
        camera_s=_column(each.timestamp() if each else None for each in aware),
        whole_second=np.array([each is not None and each.microsecond == 0 for each in aware], bool),
        gps_s=_column(each.gps_time.timestamp() if each.gps_time else None for each in told),
        lon_lat=lon_lat,
        sigma_m=_column(_sigma(each, profile) for each in told),
        heading_deg=_column(_heading(each) for each in told),
        course_deg=course,
        course_sigma_deg=np.degrees(np.arctan2(_VELOCITY_SIGMA_MPS, speed)) + 1,
        zones=tuple((each.tzinfo if each else None) or profile.zone or UTC for each in aware),
        problems=tuple(
            _problems(each, bool(nowhere), profile) for each, nowhere in zip(told, null_island, strict=True)
        ),
    )


def _aware(taken_at: datetime | None, profile: DeviceProfile) -> datetime | None:
    if taken_at is None or taken_at.tzinfo:
        return taken_at
    return taken_at.replace(tzinfo=profile.zone) if profile.zone else None


def _sigma(metadata: FrameMetadata, profile: DeviceProfile) -> float:
    if metadata.position and metadata.position.accuracy_m:
        return metadata.position.accuracy_m
    return sigma_of_dop(metadata.dop) if metadata.dop else profile.errors.position_m


def _heading(metadata: FrameMetadata) -> float | None:
    if metadata.position and metadata.position.heading_deg is not None:
        return metadata.position.heading_deg
    return metadata.heading_deg


def _problems(metadata: FrameMetadata, null_island: bool, profile: DeviceProfile) -> frozenset[PoseProblem]:
    problems: set[PoseProblem] = set()
    if metadata.position_fault:
        problems.add(metadata.position_fault)
    if null_island:
        problems.add("null_island")
    datum = re.sub(r"[^A-Z0-9]", "", (metadata.datum or "").upper())
    if metadata.position and datum and datum not in _SAME_DATUM[profile.coordinates]:
        problems.add("datum_differs")
    return frozenset(problems)


def _column(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if each is None else each for each in values], np.float64)
