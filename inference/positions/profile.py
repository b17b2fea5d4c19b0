"""The device profile: what a patrol camera cannot say about itself, written once per device as YAML.

device: patrol-07
coordinates: wgs84          # wgs84 | cgcs2000 | gcj02 | bd09: of what this device writes
track_coordinates: wgs84    # of its GPX or NMEA track, where a different logger writes that
time_zone: "+08:00"         # of times that carry no offset
clock_offset_s: 0           # device clock minus true time, where it is known
camera: {hfov_deg: 70, height_m: 1.8, pitch_deg: 6}
errors: {position_m: 3, heading_deg: 3, pitch_deg: 0.7, clock_s: 0.5}
"""

import re
from datetime import timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from streetsight.models.language import SpokenError

Crs = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")


class ProfileError(SpokenError):
    """A device profile cannot be used; the message names the file and the fields."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CameraProfile(_Strict):
    """Mounting and optics of a camera without distortion.

    Attributes:
        hfov_deg: horizontal field of view of the upright picture, degrees.
        height_m: lens above the road.
        pitch_deg: downward tilt; 0 looks at the horizon.
        roll_deg: clockwise tilt of the camera as seen from behind it.
        yaw_deg: where it looks, clockwise from the vehicle's heading; 90 is to the right.
        forward_m, right_m: lens relative to the GPS antenna, in the vehicle's frame.
    """

    hfov_deg: Annotated[float, Field(gt=10, lt=170)]
    height_m: Annotated[float, Field(gt=0.2, lt=30)]
    pitch_deg: Annotated[float, Field(ge=-30, le=90)] = 0.0
    roll_deg: Annotated[float, Field(ge=-45, le=45)] = 0.0
    yaw_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    forward_m: Annotated[float, Field(ge=-30, le=30)] = 0.0
    right_m: Annotated[float, Field(ge=-10, le=10)] = 0.0


class ErrorsProfile(_Strict):
    """One-sigma errors of the device.

    Attributes:
        position_m: per axis, slowly varying, as GPS errors are; a frame's own stated accuracy goes first.
        heading_deg, pitch_deg: per frame.
        clock_s: of the device's clock against true time.
    """

    position_m: Annotated[float, Field(gt=0, le=500)] = 3.0
    heading_deg: Annotated[float, Field(gt=0, le=180)] = 3.0
    pitch_deg: Annotated[float, Field(gt=0, le=20)] = 0.7
    clock_s: Annotated[float, Field(ge=0, le=86400)] = 0.5


class FixedPlace(_Strict):
    """Where a camera that never moves stands and looks, in the profile's coordinates."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    heading_deg: Annotated[float, Field(ge=0, lt=360)]


class DeviceProfile(_Strict):
    """All that is known about a device.

    Attributes:
        device: its id.
        coordinates: system of the positions this device writes; declared, never guessed.
        track_coordinates: of its track; None when the same.
        time_zone: "+08:00"; of times without an offset; None leaves such frames without a time.
        clock_offset_s: device clock minus true time; None lets a track tell.
        camera: None when unknown: things are then placed at the camera, with honest uncertainty.
        fixed: for a camera that never moves.
    """

    device: Annotated[str, Field(min_length=1)] = "unknown"
    coordinates: Crs = "wgs84"
    track_coordinates: Crs | None = None
    time_zone: str | None = None
    clock_offset_s: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    camera: CameraProfile | None = None
    errors: ErrorsProfile = ErrorsProfile()
    fixed: FixedPlace | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_an_offset(cls, value: str | None) -> str | None:
        if value is not None and not _OFFSET.fullmatch(value):
            raise ValueError('expected an offset from UTC such as "+08:00"')
        return value

    @property
    def track_crs(self) -> Crs:
        """Coordinate system of a track of this device."""
        return self.track_coordinates or self.coordinates

    @property
    def zone(self) -> timezone | None:
        """`time_zone` as an object."""
        if self.time_zone is None:
            return None
        sign, hours, minutes = _OFFSET.fullmatch(self.time_zone).groups()  # type: ignore[union-attr]
        return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))


def read_profile(path: Path) -> DeviceProfile:
    """Read a profile.

    Raises:
        ProfileError: naming the file, the field, what was expected and what it is.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError("{path}: not a readable YAML file ({reason})", path=path, reason=error) from error
    return check_profile(path, values)


def check_profile(path: Path | str, values: Any) -> DeviceProfile:
    """A profile of values that were read already; `path` names them in messages. Raises ProfileError."""
    if not isinstance(values, dict):
        raise ProfileError("{path}: expected fields such as device, camera and errors", path=path)
    try:
        return DeviceProfile.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'profile'}: {each['msg']} (got {each['input']!r})"
            for each in error.errors()
        )
        raise ProfileError("{path}: {reason}", path=path, reason=faults) from error
