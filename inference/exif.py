"""What EXIF says: orientation, time, position, heading and movement. Absent is None, broken is reported."""

import contextlib
import math
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, TypeVar

from PIL import ExifTags, Image
from PIL.ExifTags import GPS

from streetsight.models.frame import FrameMetadata, Position, PositionFault

Tags = Mapping[int, Any]
Value = TypeVar("Value")

# What Pillow's parser raises on a maker's broken EXIF, which must not cost the photo.
_BROKEN_EXIF = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error)
_WARNINGS = threading.Lock()  # their filters belong to the whole process

# Each time tag with the tags of its fraction and of its offset from UTC, best first.
_CLOCKS = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.SubsecTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.SubsecTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.SubsecTime, ExifTags.Base.OffsetTime),
)
_MPS = {"K": 1 / 3.6, "M": 1609.344 / 3600, "N": 1852 / 3600}  # km/h, miles/h, knots


class _Misplaced(ValueError):
    """A position that is there and cannot be."""

    def __init__(self, fault: PositionFault, reason: str) -> None:
        super().__init__(reason)
        self.fault: PositionFault = fault


def read_orientation(header: Image.Image) -> int:
    """EXIF orientation 1-8; 1 when absent or nonsense."""
    value = _ifd(header, None).get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_metadata(header: Image.Image) -> FrameMetadata:
    """Time, position and camera of a photo; what cannot be used is listed in `problems`."""
    problems = _damage(header)
    base, details = _ifd(header, None), _ifd(header, ExifTags.IFD.Exif)
    gps = _ifd(header, ExifTags.IFD.GPSInfo)
    faults: list[PositionFault] = []

    def attempt(what: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            problems.append(f"EXIF {what} is unusable: {error}")
            if isinstance(error, _Misplaced):
                faults.append(error.fault)
            return None

    maker = " ".join(_text(base.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model)).strip()
    metadata = FrameMetadata(
        taken_at=attempt("time", lambda: _time(base, details)),
        camera=maker or None,
        gps_time=attempt("GPS time", lambda: _gps_time(gps)),
        heading_deg=attempt("heading", lambda: _bearing(gps, GPS.GPSImgDirection, GPS.GPSImgDirectionRef)),
        course_deg=attempt("course", lambda: _bearing(gps, GPS.GPSTrack, GPS.GPSTrackRef)),
        speed_mps=attempt("speed", lambda: _speed(gps)),
        dop=attempt("GPS precision", lambda: _positive(gps.get(GPS.GPSDOP))),
        datum=_text(gps.get(GPS.GPSMapDatum)) or None,
    )
    position = attempt("GPS position", lambda: _position(gps, metadata.heading_deg))
    fault = faults[0] if faults else None
    return replace(metadata, position=position, position_fault=fault, problems=tuple(problems))


@contextlib.contextmanager
def pillow_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what Pillow warns of, rather than let it reach the user's screen or become an exception."""
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _ifd(header: Image.Image, which: int | None) -> Tags:
    """One EXIF directory, empty when there is none or it cannot be parsed."""
    with pillow_warnings():
        try:
            exif = header.getexif()
            return dict(exif if which is None else exif.get_ifd(which))
        except _BROKEN_EXIF:
            return {}


def _damage(header: Image.Image) -> list[str]:
    """What is wrong with the EXIF block, if anything. Pillow says so only the first time it parses one."""
    block = header.info.get("exif")
    if not block:
        return []
    exif = Image.Exif()
    with pillow_warnings() as caught:
        try:
            exif.load(block)
            dict(exif), exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        except _BROKEN_EXIF as error:
            return [f"EXIF is damaged: {error}"]
    return [f"EXIF is damaged: {caught[0].message}"] if caught else []


def _time(base: Tags, details: Tags) -> datetime | None:
    tags = {**base, **details}
    written = [each for each in _CLOCKS if _text(tags.get(each[0])).strip(": 0")]
    if not written:
        return None
    when, fraction, offset = written[0]
    text, subsec = _text(tags[when]), _text(tags.get(fraction))
    taken_at = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    if subsec.isdigit():
        taken_at += timedelta(seconds=float(f"0.{subsec}"))
    # OffsetTime belongs to DateTime, which an editor may have rewritten in another zone.
    last_changed = _text(tags.get(ExifTags.Base.DateTime))
    general = _text(tags.get(ExifTags.Base.OffsetTime)) if last_changed in ("", text) else ""
    for zone in (_text(tags.get(offset)), general):
        if zone.strip(": "):  # "   :  " is the standard's way of saying unknown
            return taken_at.replace(tzinfo=_zone(zone))
    return taken_at


def _gps_time(gps: Tags) -> datetime | None:
    date, time = _text(gps.get(GPS.GPSDateStamp)), gps.get(GPS.GPSTimeStamp)
    if time is None or not date.strip(": 0"):
        return None
    hours, minutes, seconds = (float(part) for part in time)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):  # 60 in a leap second
        raise ValueError(f"expected hours, minutes, seconds, got {hours:g}, {minutes:g}, {seconds:g}")
    midnight = datetime.strptime(date[:10].replace("-", ":"), "%Y:%m:%d").replace(tzinfo=UTC)
    return midnight + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _zone(offset: str) -> timezone:
    sign = -1 if offset[0] == "-" else 1
    hours, minutes = offset.lstrip("+-").split(":")
    return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))


def _bearing(gps: Tags, tag: int, reference: int) -> float | None:
    """Degrees clockwise from true north."""
    bearing = _number(gps.get(tag))
    if bearing is None:
        return None
    if not 0 <= bearing <= 360:
        raise ValueError(f"expected degrees from 0 to 360, got {bearing:g}")
    if _text(gps.get(reference)).upper() == "M":
        raise ValueError("it is from magnetic north, and no declination is known to turn it to true north")
    return bearing % 360


def _speed(gps: Tags) -> float | None:
    speed = _number(gps.get(GPS.GPSSpeed))
    if speed is None:
        return None
    unit = _text(gps.get(GPS.GPSSpeedRef)).upper() or "K"  # the standard's default
    if unit not in _MPS or speed < 0:
        raise ValueError(f"expected a speed in K, M or N, got {speed:g} {unit}")
    return speed * _MPS[unit]


def _position(gps: Tags, heading_deg: float | None) -> Position | None:
    latitude, longitude = gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLongitude)
    if latitude is None or longitude is None:
        return None
    lat = _degrees(latitude) * (-1 if _text(gps.get(GPS.GPSLatitudeRef)).upper() == "S" else 1)
    lon = _degrees(longitude) * (-1 if _text(gps.get(GPS.GPSLongitudeRef)).upper() == "W" else 1)
    if lat == 0 and lon == 0:
        raise _Misplaced("null_island", "0, 0 is where receivers without a fix say they are")
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise _Misplaced("out_of_range", f"lon {lon:g}, lat {lat:g} is off the globe")
    return Position(
        lon=lon,
        lat=lat,
        source="exif",
        accuracy_m=_positive(gps.get(GPS.GPSHPositioningError)),
        heading_deg=heading_deg,
        altitude_m=_altitude(gps),
    )


def _altitude(gps: Tags) -> float | None:
    altitude = _number(gps.get(GPS.GPSAltitude))
    below = gps.get(GPS.GPSAltitudeRef) in (1, b"\x01")
    return -altitude if altitude is not None and below else altitude


def _degrees(value: Any) -> float:
    parts = [float(part) for part in value]
    if len(parts) != 3:
        raise ValueError(f"expected degrees, minutes, seconds, got {value!r}")
    degrees, minutes, seconds = parts
    if not (0 <= minutes < 60 and 0 <= seconds < 60.001):
        raise ValueError(f"minutes and seconds must be below 60, got {parts}")
    return degrees + minutes / 60 + seconds / 3600


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, tuple) and len(value) == 2:
        value = Fraction(int(value[0]), int(value[1]))
    number = float(value)
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    """A number above 0; 0 is what makers write when they do not know."""
    number = _number(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return str(value).strip("\x00 ") if value is not None else ""
