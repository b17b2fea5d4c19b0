"""Write a simulated patrol: JPEG frames with EXIF time, GPS and heading, a GPX track, and the truth.

    DIR/frames/0001.jpg ...   DIR/track.gpx   DIR/truth.json

The EXIF positions carry GPS noise as a receiver would give; the truth file has the exact ones.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import gpxpy.gpx
import numpy as np
from PIL import ExifTags, Image
from pyproj import Geod

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.camera import Camera, Floats, Pose, View
from streetsight.datasets.simulation.render import Rendering, Weather, render
from streetsight.datasets.simulation.shapes import Polygon
from streetsight.datasets.simulation.street import Street, Thing, build_street, drive
from streetsight.models.boxes import px_to_norm, xyxy_to_cxcywh
from streetsight.models.taxonomy import default_taxonomy

# A made-up street needs some place on the map; nothing of this place is shown.
ORIGIN_LON_LAT = (114.2600, 30.5400)
START = datetime(2026, 5, 6, 8, 30, 0, tzinfo=timezone(timedelta(hours=8)))
DRIVES_APART = timedelta(hours=3)
SPEED_MPS = 6.0
GPS_SIGMA_M = 1.5
HEADING_SIGMA_DEG = 1.0
MIN_VISIBLE_PX = 60
MIN_SIDE_PX = 8
MIN_VISIBLE_SHARE = 0.35
NEVER_DRAWN = frozenset({"license_plate", "person"})
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class VisibleThing:
    """One object in one frame.

    Attributes:
        thing_id: id in the truth file's `things`.
        box_xyxy_px: of the visible part, pixels of the frame.
        visible_share: visible pixels / pixels it would have if nothing hid it and it lay inside the frame
            (estimated by boxes).
        distance_m: from the lens to where it stands.
    """

    thing_id: int
    class_name: str
    box_xyxy_px: tuple[float, float, float, float]
    visible_share: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class TrueFrame:
    """The truth about one frame: exact pose, exact time, what is visible."""

    name: str
    taken_at: str
    weather: Weather
    pose: Pose
    lon: float
    lat: float
    visible: list[VisibleThing]


def simulate_patrol(
    directory: Path,
    seed: int = 0,
    frames: int = 40,
    camera: Camera | None = None,
    step_m: float = 4.0,
    weathers: tuple[Weather, ...] = ("day", "dusk", "rain"),
    number: int = 0,
) -> Iterator[TrueFrame]:
    """Render a patrol into `directory`, yielding each frame's truth as it is written.

    The light changes along the way: the frames are divided evenly over `weathers`.

    Args:
        seed: decides street, objects and noise; the same seed gives the same patrol.
        frames: how many; 40 frames of 4 m cover both legs.
        number: of the drive along this street: each comes three hours after the one before, with noise of
            its own.
    """
    camera = camera or Camera()
    street = build_street(seed)
    rng = np.random.default_rng((seed, 1 + number))
    (directory / "frames").mkdir(parents=True, exist_ok=True)
    done = []
    for index, pose in enumerate(drive(step_m, frames)):
        weather = weathers[index * len(weathers) // frames]
        rendering = render(street, camera, pose, weather, seed)
        taken_at = START + number * DRIVES_APART + timedelta(seconds=index * step_m / SPEED_MPS)
        name = f"{index + 1:04d}.jpg"
        _write_frame(directory / "frames" / name, rendering, pose, taken_at, rng)
        lon, lat = to_lon_lat(pose.east_m, pose.north_m)
        frame = TrueFrame(
            name, taken_at.isoformat(), weather, pose, lon, lat,
            list(visible_things(street, rendering, View(camera, pose))),
        )  # fmt: skip
        done.append(frame)
        yield frame
    _write_track(directory / "track.gpx", done)
    _write_truth(directory / "truth.json", seed, camera, street, done)


def read_patrol(directory: Path) -> list[LabelRecord]:
    """The frames of a simulated patrol as label records; every class that is ever drawn is labelled."""
    truth = json.loads((directory / "truth.json").read_text(encoding="utf-8"))
    size_wh = tuple(truth["camera"]["size_wh"])
    labelled = frozenset(default_taxonomy().names) - NEVER_DRAWN
    records = []
    for frame in truth["frames"]:
        boxes = np.array([each["box_xyxy_px"] for each in frame["visible"]], np.float32).reshape(-1, 4)
        records.append(
            LabelRecord(
                image=directory / "frames" / frame["name"],
                source="simulated",
                group=f"simulated:{truth['seed']}",
                labelled_classes=labelled,
                class_names=tuple(each["class_name"] for each in frame["visible"]),
                boxes_cxcywh_norm=px_to_norm(xyxy_to_cxcywh(boxes), size_wh),
            )
        )
    return records


def to_lon_lat(east_m: float, north_m: float) -> tuple[float, float]:
    """WGS-84 longitude, latitude of a place in the simulated world."""
    azimuth, distance = np.degrees(np.arctan2(east_m, north_m)), np.hypot(east_m, north_m)
    lon, lat, _ = _GEOD.fwd(*ORIGIN_LON_LAT, azimuth, distance)
    return float(lon), float(lat)


def visible_things(street: Street, rendering: Rendering, view: View) -> Iterator[VisibleThing]:
    """What a person would box: objects with enough of them in sight, boxes of the visible part."""
    counts = np.bincount(rendering.ids.ravel(), minlength=len(street.things) + 1)
    for thing in street.things:
        if counts[thing.id] < MIN_VISIBLE_PX:
            continue
        ys, xs = np.nonzero(rendering.ids == thing.id)
        box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        side = min(box[2] - box[0], box[3] - box[1])
        share = min(1.0, (box[2] - box[0]) * (box[3] - box[1]) / _whole_area(thing, view))
        if side >= MIN_SIDE_PX and share >= MIN_VISIBLE_SHARE:
            away = np.array([thing.east_m, thing.north_m, 0.0]) - view.origin
            yield VisibleThing(
                thing.id, thing.class_name, box, round(share, 3), round(float(np.linalg.norm(away)), 2)
            )


def _whole_area(thing: Thing, view: View) -> float:
    low, high = whole_pixels(thing, view)
    return max(float(np.prod(high - low)), 1.0)


def whole_pixels(thing: Thing, view: View) -> tuple[Floats, Floats]:
    """Upper left and lower right corner (x, y) of all of a thing; nothing hides it, frames have no end."""
    solid = [s for s in thing.shapes if not isinstance(s, Polygon) or (s.boxed and s.opacity == 1)]
    points = np.vstack(
        [s.points if isinstance(s, Polygon) else np.array(s.centre) + _CORNERS * s.radius for s in solid]
    )
    seen = view.to_camera(points)
    pixels = view.to_pixels(np.maximum(seen, [-np.inf, -np.inf, 0.3]))
    return pixels.min(axis=0), pixels.max(axis=0)


_CORNERS = np.array([[x, y, z] for x in (-0.7, 0.7) for y in (-0.7, 0.7) for z in (-0.7, 0.7)])


def _write_frame(
    path: Path, rendering: Rendering, pose: Pose, taken_at: datetime, rng: np.random.Generator
) -> None:
    east, north = np.array([pose.east_m, pose.north_m]) + rng.normal(0, GPS_SIGMA_M, 2)
    heading = (pose.heading_deg + rng.normal(0, HEADING_SIGMA_DEG)) % 360
    exif = _exif(*to_lon_lat(east, north), heading, taken_at)
    Image.fromarray(rendering.image_rgb_hwc).save(path, quality=88, exif=exif)


def _exif(lon: float, lat: float, heading_deg: float, taken_at: datetime) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Streetsight"
    exif[ExifTags.Base.Model] = "simulated patrol camera"
    exif[ExifTags.Base.Orientation] = 1
    offset = taken_at.strftime("%z")
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    details[ExifTags.Base.SubsecTimeOriginal] = f"{taken_at.microsecond // 1000:03d}"
    details[ExifTags.Base.OffsetTimeOriginal] = f"{offset[:3]}:{offset[3:]}"
    utc = taken_at.astimezone(UTC)
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", _dms(lat)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", _dms(lon)
    gps[ExifTags.GPS.GPSImgDirectionRef] = "T"
    gps[ExifTags.GPS.GPSImgDirection] = Fraction(round(heading_deg * 100), 100)
    gps[ExifTags.GPS.GPSDateStamp] = utc.strftime("%Y:%m:%d")
    gps[ExifTags.GPS.GPSTimeStamp] = (
        utc.hour,
        utc.minute,
        Fraction(round((utc.second + utc.microsecond / 1e6) * 1000), 1000),
    )
    gps[ExifTags.GPS.GPSHPositioningError] = Fraction(round(GPS_SIGMA_M * 10), 10)
    return exif


def _dms(degrees: float) -> tuple[Fraction, Fraction, Fraction]:
    """Degrees, minutes, seconds to a ten-thousandth of a second (3 mm)."""
    total = round(abs(degrees) * 3600 * 10_000)
    minutes, seconds = divmod(total, 600_000)
    return Fraction(minutes // 60), Fraction(minutes % 60), Fraction(seconds, 10_000)


def _write_track(path: Path, frames: list[TrueFrame]) -> None:
    gpx = gpxpy.gpx.GPX()
    gpx.creator = "Streetsight simulated patrol"
    segment = gpxpy.gpx.GPXTrackSegment(
        [
            gpxpy.gpx.GPXTrackPoint(
                frame.lat, frame.lon, time=datetime.fromisoformat(frame.taken_at).astimezone(UTC)
            )
            for frame in frames
        ]
    )
    gpx.tracks.append(gpxpy.gpx.GPXTrack(name="simulated patrol"))
    gpx.tracks[0].segments.append(segment)
    path.write_text(gpx.to_xml(), encoding="utf-8")


def _write_truth(path: Path, seed: int, camera: Camera, street: Street, frames: list[TrueFrame]) -> None:
    truth: dict[str, Any] = {
        "simulated": True,
        "seed": seed,
        "camera": asdict(camera),
        "gps_sigma_m": GPS_SIGMA_M,
        "heading_sigma_deg": HEADING_SIGMA_DEG,
        "things": [_thing_row(thing) for thing in street.things],
        "frames": [asdict(frame) for frame in frames],
    }
    path.write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _thing_row(thing: Thing) -> dict[str, Any]:
    lon, lat = to_lon_lat(thing.east_m, thing.north_m)
    return {
        "id": thing.id, "class": thing.class_name, "east_m": round(thing.east_m, 3),
        "north_m": round(thing.north_m, 3), "lon": lon, "lat": lat,
    }  # fmt: skip
