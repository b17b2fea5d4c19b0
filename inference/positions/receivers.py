"""Read the tracks that receivers write: GPX and NMEA 0183."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import pynmea2
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from streetsight.inference.positions.profile import Crs
from streetsight.inference.positions.tracks import Fix, Track, TrackFault, build_track, sigma_of_dop
from streetsight.models.language import SpokenError

_KNOT_MPS = 1852 / 3600
_HALF_DAY_S = 12 * 3600
_SENTENCE = re.compile(rb"\$[A-Z]{5},")

Faults = Counter[TrackFault]


class TrackError(SpokenError):
    """A track cannot be used; the message names the file, what was found and what was expected."""


def read_track(path: Path, crs: Crs = "wgs84") -> Track:
    """Read a GPX or NMEA file; which of them it is, its first bytes tell.

    Args:
        crs: coordinate system of the file, as the device profile declares it.

    Raises:
        TrackError: unreadable, neither GPX nor NMEA, or without a single point that has position and time.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrackError("{path}: cannot be read ({reason})", path=path, reason=error.strerror) from error
    return parse_track(path, data, crs)


def parse_track(path: Path, data: bytes, crs: Crs = "wgs84") -> Track:
    """`read_track` of bytes that are here already; `path` names them in messages."""
    faults: Faults = Counter()
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        fixes = list(_read_gpx(path, data, faults))
    elif _SENTENCE.search(data):
        fixes = list(read_sentences(data.decode("ascii", "replace").splitlines(), faults))
    else:
        raise TrackError("{path}: neither GPX nor NMEA; expected XML or lines that start with $", path=path)
    track = build_track(fixes, crs, faults)
    if track is None:
        found = ", ".join(f"{name} {count}" for name, count in sorted(faults.items())) or "nothing"
        raise TrackError(
            "{path}: no point with a position and a time (left out: {found}); record a track with times",
            path=path, found=found,
        )  # fmt: skip
    return track


def _read_gpx(path: Path, data: bytes, faults: Faults) -> Iterator[Fix]:
    """Track points one by one, so that a damaged point or a cut end costs only itself.

    gpxpy gives up the whole file for either, and expands entities; this refuses any document type.
    """
    segment, read = 0, 0
    try:
        for event, element in iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
            name = _local(element.tag)
            if event == "start":
                segment += name == "trkseg"
            elif name == "trkpt":
                read += 1
                fix = _fix_of_point(element, segment, faults)
                element.clear()
                if fix:
                    yield fix
    except DefusedXmlException as error:
        raise TrackError("{path}: has a document type, which a GPX file has no use for", path=path) from error
    except (ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        if not read:
            raise TrackError("{path}: broken XML ({reason})", path=path, reason=error) from error
        faults["cut_short"] += 1


def _fix_of_point(point: Element, segment: int, faults: Faults) -> Fix | None:
    # Extensions too; what stands first counts.
    texts = {_local(each.tag): (each.text or "").strip() for each in reversed(list(point.iter()))}
    if not texts.get("time"):
        faults["no_time"] += 1
        return None
    try:
        moment = datetime.fromisoformat(texts["time"])
        lon, lat = float(point.attrib["lon"]), float(point.attrib["lat"])
    except (ValueError, KeyError):
        faults["damaged"] += 1
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # GPX: "in UTC, not local time"
    hdop = _positive(texts.get("hdop"))
    return Fix(
        moment.timestamp(), lon, lat, sigma_of_dop(hdop),
        _number(texts.get("course")), _number(texts.get("speed")), segment,
    )  # fmt: skip


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


@dataclass(slots=True)
class _Epoch:
    """Sentences of one moment, as they come in."""

    time: time
    day: date | None = None
    rmc: Any = None
    gga: Any = None
    gst: Any = None


def read_sentences(lines: Iterable[str], faults: Faults) -> Iterator[Fix]:
    """Fixes of NMEA lines, also as they come in: each when the first line of the next moment is there.

    From RMC (date, course, speed), GGA (precision) and GST (errors) of the same moment.

    A sentence without a date takes the last one seen, and the next day after midnight.
    """
    day: date | None = None
    latest: time | None = None
    for epoch in _epochs(lines, faults):
        if epoch.day is None and day and latest and _seconds(latest) - _seconds(epoch.time) > _HALF_DAY_S:
            day += timedelta(days=1)
        day, latest = epoch.day or day, epoch.time
        if epoch.rmc is None and epoch.gga is None:
            continue  # errors or a date without a position
        if (epoch.rmc and epoch.rmc.status != "A") or (epoch.gga and not epoch.gga.gps_qual):
            faults["no_fix"] += 1
        elif day is None:
            faults["no_time"] += 1
        else:
            try:
                yield _fix_of_epoch(epoch, day)
            except (ValueError, TypeError, OverflowError):
                faults["damaged"] += 1


def _fix_of_epoch(epoch: _Epoch, day: date) -> Fix:
    place = epoch.gga or epoch.rmc  # GGA tends to have more digits
    if not place.lat or not place.lon:
        raise ValueError("no coordinates")
    sigma = sigma_of_dop(_positive(epoch.gga.horizontal_dil)) if epoch.gga else math.nan
    if epoch.gst:
        north, east = _positive(epoch.gst.std_dev_latitude), _positive(epoch.gst.std_dev_longitude)
        sigma = sigma if math.isnan(north + east) else math.hypot(north, east) / math.sqrt(2)
    return Fix(
        datetime.combine(day, epoch.time).timestamp(), place.longitude, place.latitude, sigma,
        _number(epoch.rmc.true_course) if epoch.rmc else math.nan,
        _number(epoch.rmc.spd_over_grnd) * _KNOT_MPS if epoch.rmc else math.nan,
    )  # fmt: skip


def _epochs(lines: Iterable[str], faults: Faults) -> Iterator[_Epoch]:
    epoch: _Epoch | None = None
    for sentence in _sentences(lines, faults):
        moment = getattr(sentence, "timestamp", None)
        if not isinstance(moment, time):
            faults["damaged" if moment else "no_fix"] += 1
            continue
        if epoch is None or epoch.time != moment:
            if epoch:
                yield epoch
            epoch = _Epoch(moment)
        kind = sentence.sentence_type
        if kind == "ZDA" or (kind == "RMC" and sentence.status == "A"):  # a void RMC may say 1980
            epoch.day = _date(sentence) or epoch.day
        if kind != "ZDA":
            setattr(epoch, kind.lower(), sentence)
    if epoch:
        yield epoch


def _date(sentence: Any) -> date | None:
    try:
        return sentence.datestamp if isinstance(sentence.datestamp, date) else None
    except (ValueError, TypeError):  # a ZDA without a day
        return None


def _sentences(lines: Iterable[str], faults: Faults) -> Iterator[Any]:
    """Sentences of the four kinds used, whatever stands before the dollar sign."""
    for line in lines:
        _, dollar, sentence = line.partition("$")
        if not dollar or not sentence[:2].isalpha() or sentence[2:5] not in ("RMC", "GGA", "GST", "ZDA"):
            if not dollar and line.strip():
                faults["damaged"] += 1
            continue
        try:
            yield pynmea2.parse("$" + sentence)
        except (pynmea2.ParseError, ValueError, TypeError, AttributeError):
            faults["damaged"] += 1


def _seconds(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _number(value: object) -> float:
    """NaN for what is absent, empty or no number."""
    try:
        return float(str(value)) if value not in (None, "") else math.nan
    except ValueError:
        return math.nan


def _positive(value: object) -> float:
    number = _number(value)
    return number if number > 0 else math.nan
