"""What EXIF says: orientation, capture time, position and heading. Absent is None, broken is reported."""

import contextlib
import math
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, TypeVar

from PIL import ExifTags, Image

from streetsight.models.frame import FrameMetadata, Position

Tags = Mapping[int, Any]
Value = TypeVar("Value")

# What Pillow's parser raises on a maker's broken EXIF, which must not cost the photo.
_BROKEN_EXIF = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error)
_WARNINGS = threading.Lock()  # their filters belong to the whole process


def read_orientation(header: Image.Image) -> int:
    """EXIF orientation 1-8; 1 when absent or nonsense."""
    value = _ifd(header, None).get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_metadata(header: Image.Image) -> FrameMetadata:
    """Time, position and camera of a photo; what cannot be used is listed in `problems`."""
    problems = _damage(header)
    base, details = _ifd(header, None), _ifd(header, ExifTags.IFD.Exif)
    gps = _ifd(header, ExifTags.IFD.GPSInfo)
    taken_at = _attempt(lambda: _time(base, details), "time", problems)
    position = _attempt(lambda: _position(gps), "GPS position", problems)
    maker = " ".join(_text(base.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model)).strip()
    return FrameMetadata(taken_at, position, maker or None, tuple(problems))


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


def _attempt(read: Callable[[], Value], what: str, problems: list[str]) -> Value | None:
    try:
        return read()
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        problems.append(f"EXIF {what} is unusable: {error}")
        return None


def _time(base: Tags, details: Tags) -> datetime | None:
    text = _text(details.get(ExifTags.Base.DateTimeOriginal) or base.get(ExifTags.Base.DateTime))
    if not text or text.startswith("0000") or not text.strip(": 0"):
        return None
    taken_at = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    fraction = _text(details.get(ExifTags.Base.SubsecTimeOriginal))
    if fraction.isdigit():
        taken_at += timedelta(seconds=float(f"0.{fraction}"))
    offset = _text(details.get(ExifTags.Base.OffsetTimeOriginal))
    known = offset.strip(": ")  # "   :  " is the standard's way of saying unknown
    return taken_at.replace(tzinfo=_zone(offset)) if known else taken_at


def _zone(offset: str) -> timezone:
    sign = -1 if offset[0] == "-" else 1
    hours, minutes = offset.lstrip("+-").split(":")
    return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))


def _position(gps: Tags) -> Position | None:
    latitude, longitude = gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLongitude)
    if latitude is None or longitude is None:
        return None
    lat = _degrees(latitude) * (-1 if _text(gps.get(ExifTags.GPS.GPSLatitudeRef)).upper() == "S" else 1)
    lon = _degrees(longitude) * (-1 if _text(gps.get(ExifTags.GPS.GPSLongitudeRef)).upper() == "W" else 1)
    if lat == 0 and lon == 0:
        raise ValueError("0, 0 is where receivers without a fix say they are")
    heading = _number(gps.get(ExifTags.GPS.GPSImgDirection))
    magnetic = _text(gps.get(ExifTags.GPS.GPSImgDirectionRef)).upper() == "M"
    return Position(
        lon=lon,
        lat=lat,
        source="exif",
        accuracy_m=_number(gps.get(ExifTags.GPS.GPSHPositioningError)),
        heading_deg=None if heading is None or magnetic else heading % 360,
        altitude_m=_altitude(gps),
    )


def _altitude(gps: Tags) -> float | None:
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
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


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return str(value).strip("\x00 ") if value is not None else ""
