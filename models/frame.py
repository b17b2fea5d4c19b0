"""Frame metadata: when, where and which way a photo was taken. All optional, nothing guessed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PositionSource = Literal["exif", "device", "gpx", "map_pin", "browser"]
PositionFault = Literal["null_island", "out_of_range"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the ground.

    Attributes:
        lon, lat: WGS-84 degrees.
        source: who says so.
        accuracy_m: one-sigma horizontal error, metres, or None when unknown.
        heading_deg: direction the camera looks, clockwise from true north, or None.
        altitude_m: above the ellipsoid or sea level as the source has it, or None.
    """

    lon: float
    lat: float
    source: PositionSource
    accuracy_m: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        if not -180 <= self.lon <= 180 or not -90 <= self.lat <= 90:
            raise ValueError(
                f"position out of range: lon {self.lon}, lat {self.lat}; "
                "expected WGS-84 degrees within [-180, 180] and [-90, 90]"
            )
        if self.heading_deg is not None and not 0 <= self.heading_deg < 360:
            raise ValueError(f"heading must lie in [0, 360), got {self.heading_deg}")


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """What a file says about its own making.

    Attributes:
        taken_at: capture time; aware when the file gives an offset or UTC, naive when it does not.
        position: where, or None.
        camera: make and model, or None.
        problems: metadata that was there but unusable, in words ("GPS latitude 999 is out of range").
        position_fault: why a position that was there could not be used.
        gps_time: UTC of the receiver's fix, aware; the fix may be older than the photo.
        heading_deg: direction the camera looks, clockwise from true north; known also without a position.
        course_deg: direction of movement, clockwise from true north.
        speed_mps: of movement.
        dop: dilution of precision of the fix.
        datum: geodetic datum that the file names, as written.
    """

    taken_at: datetime | None = None
    position: Position | None = None
    camera: str | None = None
    problems: tuple[str, ...] = ()
    position_fault: PositionFault | None = None
    gps_time: datetime | None = None
    heading_deg: float | None = None
    course_deg: float | None = None
    speed_mps: float | None = None
    dop: float | None = None
    datum: str | None = None
