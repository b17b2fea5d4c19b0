"""Time, place and heading from EXIF; a maker's broken EXIF never costs the photo, and is not hidden."""

import io
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from streetsight.inference.reading import read_photo
from streetsight.models.frame import FrameMetadata, Position, PositionFault

GPS = ExifTags.GPS
WUHAN: dict[int, Any] = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (30, 32, 24), GPS.GPSLongitudeRef: "E",
         GPS.GPSLongitude: (114, 15, 36)}  # fmt: skip
BEIJING_TIME = timezone(timedelta(hours=8))


def jpeg(exif: Image.Exif | bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def read(
    base: dict[int, Any] | None = None,
    details: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
) -> FrameMetadata:
    """What we read from a JPEG with these EXIF entries."""
    exif = Image.Exif()
    exif.update(base or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(details or {})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    return read_photo(jpeg(exif)).metadata


def position(gps: dict[int, Any]) -> Position:
    found = read(gps=gps).position
    assert found is not None
    return found


TAKEN, SUBSEC, OFFSET = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.SubsecTimeOriginal,
    ExifTags.Base.OffsetTimeOriginal,
)
NOON = datetime(2026, 5, 6, 12, 0, 1)

TIMES: dict[str, tuple[dict[int, Any], datetime | None]] = {
    "naive": ({TAKEN: "2026:05:06 12:00:01"}, NOON),
    "milliseconds": ({TAKEN: "2026:05:06 12:00:01", SUBSEC: "250"}, NOON.replace(microsecond=250_000)),
    "tenths": ({TAKEN: "2026:05:06 12:00:01", SUBSEC: "5"}, NOON.replace(microsecond=500_000)),
    "nonsense after the second": ({TAKEN: "2026:05:06 12:00:01", SUBSEC: "??"}, NOON),
    "east": ({TAKEN: "2026:05:06 12:00:01", OFFSET: "+08:00"}, NOON.replace(tzinfo=BEIJING_TIME)),
    "west, half an hour": (
        {TAKEN: "2026:05:06 12:00:01", OFFSET: "-03:30"},
        NOON.replace(tzinfo=timezone(-timedelta(hours=3, minutes=30))),
    ),
    "offset left blank, as the standard asks": ({TAKEN: "2026:05:06 12:00:01", OFFSET: "   :  "}, NOON),
    "clock never set": ({TAKEN: "0000:00:00 00:00:00"}, None),
    "time left blank": ({TAKEN: "    :  :     :  :  "}, None),
    "absent": ({}, None),
}


@pytest.mark.parametrize(("details", "expected"), TIMES.values(), ids=TIMES.keys())
def test_time(details: dict[int, Any], expected: datetime | None) -> None:
    metadata = read(details=details)
    assert metadata.taken_at == expected
    assert (metadata.taken_at and metadata.taken_at.tzinfo) == (expected and expected.tzinfo)
    assert metadata.problems == ()


def test_time_of_a_file_that_only_has_the_plain_tag() -> None:
    assert read(base={ExifTags.Base.DateTime: "2026:05:06 12:00:01"}).taken_at == NOON


def test_offset_makes_times_comparable() -> None:
    taken_at = read(details={TAKEN: "2026:05:06 12:00:01", OFFSET: "+08:00"}).taken_at
    assert taken_at == datetime(2026, 5, 6, 4, 0, 1, tzinfo=UTC)


BASE = ExifTags.Base
NOON_TEXT = "2026:05:06 12:00:01"
DIGITIZED: dict[int, Any] = {BASE.DateTimeDigitized: NOON_TEXT, BASE.SubsecTimeDigitized: "5"}
EDITED: dict[int, Any] = {BASE.DateTime: "2026:06:01 09:00:00"}
UNEDITED: dict[int, Any] = {BASE.DateTime: NOON_TEXT}
FALLBACKS: dict[str, tuple[dict[int, Any], dict[int, Any], str]] = {
    "the general offset": ({}, {TAKEN: NOON_TEXT, BASE.OffsetTime: "+08:00"}, "12:00:01+08:00"),
    "the same, unedited": (UNEDITED, {TAKEN: NOON_TEXT, BASE.OffsetTime: "+08:00"}, "12:00:01+08:00"),
    "an editor's offset is not the camera's": (
        EDITED,
        {TAKEN: NOON_TEXT, BASE.OffsetTime: "-05:00"},
        "12:00:01",
    ),
    "an own offset goes first": (
        {},
        {TAKEN: NOON_TEXT, OFFSET: "+08:00", BASE.OffsetTime: "+09:00"},
        "12:00:01+08:00",
    ),
    "digitized": (EDITED, {**DIGITIZED, BASE.OffsetTimeDigitized: "+08:00"}, "12:00:01.500000+08:00"),
    "an empty original": ({}, {TAKEN: "0000:00:00 00:00:00", **DIGITIZED}, "12:00:01.500000"),
    "the plain tag's own parts": (
        UNEDITED,
        {BASE.SubsecTime: "75", SUBSEC: "10", BASE.OffsetTime: "+08:00"},
        "12:00:01.750000+08:00",
    ),
}


@pytest.mark.parametrize(("base", "details", "expected"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_each_time_goes_with_its_own_fraction_and_offset(
    base: dict[int, Any], details: dict[int, Any], expected: str
) -> None:
    taken_at = read(base, details).taken_at
    assert taken_at is not None
    assert taken_at.isoformat() == f"2026-05-06T{expected}"


@pytest.mark.parametrize(
    "details",
    [
        {TAKEN: "yesterday, about noon"},
        {TAKEN: "2026:13:45 12:00:00"},
        {TAKEN: "2026:05:06 12:00:01", OFFSET: "+99:00"},
    ],
)
def test_an_unusable_time_is_reported(details: dict[int, Any]) -> None:
    metadata = read(details=details)
    assert metadata.taken_at is None
    assert "EXIF time is unusable" in metadata.problems[0]


HEMISPHERES = [("N", "E", 1, 1), ("S", "E", -1, 1), ("N", "W", 1, -1), ("S", "W", -1, -1), ("s", "w", -1, -1)]


@pytest.mark.parametrize(("north", "east", "lat_sign", "lon_sign"), HEMISPHERES)
def test_hemispheres(north: str, east: str, lat_sign: int, lon_sign: int) -> None:
    found = position({**WUHAN, GPS.GPSLatitudeRef: north, GPS.GPSLongitudeRef: east})
    assert found.lat == pytest.approx(30.54 * lat_sign)
    assert found.lon == pytest.approx(114.26 * lon_sign)
    assert found.source == "exif"


DIRECTION, NORTH, ERROR = GPS.GPSImgDirection, GPS.GPSImgDirectionRef, GPS.GPSHPositioningError
EXTRAS: dict[str, tuple[dict[int, Any], str, float | None]] = {
    "true north": ({DIRECTION: 271.5, NORTH: "T"}, "heading_deg", 271.5),
    "no reference means true": ({DIRECTION: 12.0}, "heading_deg", 12.0),
    "a full circle is 0": ({DIRECTION: 360.0, NORTH: "T"}, "heading_deg", 0.0),
    "magnetic north is not ours to correct": ({DIRECTION: 271.5, NORTH: "M"}, "heading_deg", None),
    "a heading over zero": ({DIRECTION: Fraction(0), NORTH: "T"}, "heading_deg", 0.0),
    "accuracy": ({ERROR: 4.5}, "accuracy_m", 4.5),
    "no accuracy": ({}, "accuracy_m", None),
    "above the sea": ({GPS.GPSAltitude: 23.0, GPS.GPSAltitudeRef: b"\0"}, "altitude_m", 23.0),
    "below the sea": ({GPS.GPSAltitude: 23.0, GPS.GPSAltitudeRef: b"\1"}, "altitude_m", -23.0),
}


@pytest.mark.parametrize(("extra", "field", "expected"), EXTRAS.values(), ids=EXTRAS.keys())
def test_what_comes_with_the_position(extra: dict[int, Any], field: str, expected: float | None) -> None:
    value = getattr(position({**WUHAN, **extra}), field)
    assert value == (pytest.approx(expected) if expected is not None else None)


UNUSABLE: dict[str, tuple[dict[int, Any], str, PositionFault | None]] = {
    "latitude off the globe": ({GPS.GPSLatitude: (999, 0, 0)}, "lat 999", "out_of_range"),
    "longitude off the globe": ({GPS.GPSLongitude: (181, 0, 0)}, "lon 181", "out_of_range"),
    "75 minutes": ({GPS.GPSLatitude: (30, 75, 0)}, "below 60", None),
    "two numbers where three belong": (
        {GPS.GPSLatitude: (30, 15)},
        "expected degrees, minutes, seconds",
        None,
    ),
    "no fix": ({GPS.GPSLatitude: (0, 0, 0), GPS.GPSLongitude: (0, 0, 0)}, "without a fix", "null_island"),
}


@pytest.mark.parametrize(("wrong", "says", "fault"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_position_is_reported(
    wrong: dict[int, Any], says: str, fault: PositionFault | None
) -> None:
    metadata = read(details={TAKEN: "2026:05:06 12:00:01"}, gps={**WUHAN, **wrong})
    assert metadata.position is None
    assert len(metadata.problems) == 1
    assert says in metadata.problems[0]
    assert metadata.position_fault == fault
    assert metadata.taken_at == NOON, "a bad position must not cost the time"


GPS_DATE, GPS_TIME = GPS.GPSDateStamp, GPS.GPSTimeStamp
FIX_TIMES: dict[str, tuple[dict[int, Any], datetime | None, int]] = {
    "whole seconds": (
        {GPS_DATE: "2026:05:06", GPS_TIME: (4, 0, 1)},
        datetime(2026, 5, 6, 4, 0, 1, tzinfo=UTC),
        0,
    ),
    "fractions": (
        {GPS_DATE: "2026:05:06", GPS_TIME: (4, 0, Fraction(5, 4))},
        datetime(2026, 5, 6, 4, 0, 1, 250_000, tzinfo=UTC),
        0,
    ),
    "dashes": ({GPS_DATE: "2026-05-06", GPS_TIME: (4, 0, 1)}, datetime(2026, 5, 6, 4, 0, 1, tzinfo=UTC), 0),
    "a leap second": (
        {GPS_DATE: "2026:12:31", GPS_TIME: (23, 59, 60)},
        datetime(2027, 1, 1, tzinfo=UTC),
        0,
    ),
    "a date is never guessed": ({GPS_TIME: (4, 0, 1)}, None, 0),
    "no date yet": ({GPS_DATE: "0000:00:00", GPS_TIME: (4, 0, 1)}, None, 0),
    "25 o'clock": ({GPS_DATE: "2026:05:06", GPS_TIME: (25, 0, 1)}, None, 1),
    "nonsense": ({GPS_DATE: "someday", GPS_TIME: (4, 0, 1)}, None, 1),
}


@pytest.mark.parametrize(("gps", "expected", "problems"), FIX_TIMES.values(), ids=FIX_TIMES.keys())
def test_time_of_the_fix(gps: dict[int, Any], expected: datetime | None, problems: int) -> None:
    metadata = read(gps={**WUHAN, **gps})
    assert metadata.gps_time == expected
    assert len(metadata.problems) == problems
    assert metadata.position is not None, "a bad time must not cost the position"


TRACK, TRACK_NORTH, SPEED, SPEED_UNIT = GPS.GPSTrack, GPS.GPSTrackRef, GPS.GPSSpeed, GPS.GPSSpeedRef
MOVEMENT: dict[str, tuple[dict[int, Any], str, object]] = {
    "course": ({TRACK: 88.5, TRACK_NORTH: "T"}, "course_deg", 88.5),
    "km/h": ({SPEED: 36.0, SPEED_UNIT: "K"}, "speed_mps", 10.0),
    "miles per hour": ({SPEED: 10.0, SPEED_UNIT: "M"}, "speed_mps", 4.4704),
    "knots": ({SPEED: 36.0, SPEED_UNIT: "N"}, "speed_mps", 18.52),
    "precision": ({GPS.GPSDOP: 1.5}, "dop", 1.5),
    "a precision of 0 is unknown": ({GPS.GPSDOP: 0.0}, "dop", None),
    "datum": ({GPS.GPSMapDatum: "WGS-84"}, "datum", "WGS-84"),
    "a heading needs no position": ({DIRECTION: 12.0}, "heading_deg", 12.0),
}


@pytest.mark.parametrize(("gps", "field", "expected"), MOVEMENT.values(), ids=MOVEMENT.keys())
def test_movement_and_precision(gps: dict[int, Any], field: str, expected: object) -> None:
    metadata = read(gps=gps)
    assert getattr(metadata, field) == (pytest.approx(expected) if expected else expected)
    assert metadata.problems == ()


ODD: dict[str, tuple[dict[int, Any], str]] = {
    "magnetic heading": (
        {DIRECTION: 271.5, NORTH: "M"},
        "EXIF heading is unusable: it is from magnetic north",
    ),
    "magnetic course": ({TRACK: 1.0, TRACK_NORTH: "M"}, "EXIF course is unusable: it is from magnetic north"),
    "a heading beyond the circle": ({DIRECTION: 400.0}, "expected degrees from 0 to 360, got 400"),
    "furlongs": ({SPEED: 4.0, SPEED_UNIT: "F"}, "EXIF speed is unusable"),
}


@pytest.mark.parametrize(("gps", "says"), ODD.values(), ids=ODD.keys())
def test_what_cannot_be_used_is_said_and_costs_no_position(gps: dict[int, Any], says: str) -> None:
    metadata = read(gps={**WUHAN, **gps})
    assert len(metadata.problems) == 1
    assert says in metadata.problems[0]
    assert (metadata.heading_deg, metadata.course_deg, metadata.speed_mps) == (None, None, None)
    assert metadata.position is not None


@pytest.mark.parametrize("which", [0, 1, 2], ids=["degrees", "minutes", "seconds"])
def test_zero_denominators_are_reported(which: int) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(WUHAN)
    block = bytearray(exif.tobytes())
    # The first three rationals are the latitude's; each is numerator and denominator, 4 bytes.
    at = block.index((30).to_bytes(4, "little") + (1).to_bytes(4, "little")) + 8 * which
    block[at : at + 8] = bytes(8)
    metadata = read_photo(jpeg(bytes(block))).metadata
    assert metadata.position is None
    assert "EXIF GPS position is unusable" in metadata.problems[0]


def test_no_exif_is_no_problem() -> None:
    assert read() == FrameMetadata()


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A maker with a long name"
    exif.get_ifd(ExifTags.IFD.Exif)[TAKEN] = "2026:05:06 12:00:01"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(WUHAN)
    return exif.tobytes()


BROKEN = {
    "not TIFF": b"Exif\0\0" + b"rubbish, not a directory",
    "cut in the directory": exif_bytes()[:30],
    "cut in the values": exif_bytes()[:80],
    "a directory beyond the end": exif_bytes()[:10] + b"\xff\xff\xff\x7f" + exif_bytes()[14:],
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_block_costs_the_metadata_not_the_photo(block: bytes) -> None:
    photo = read_photo(jpeg(block))
    assert photo.size_wh == (64, 48)
    assert any("EXIF is damaged" in problem for problem in photo.metadata.problems)
