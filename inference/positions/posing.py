"""When, where and which way each frame of a patrol was taken: photos, track and device profile joined.

What goes first, and what is left when it is missing:

time      the camera's, less the clock's offset; the receiver's UTC; none
position  the track's, where it covers the moment ("gpx"); the photo's own; between the frames before and
          after, at most 10 s apart ("interpolated"); none
heading   the photo's; the track's course; the receiver's course in the photo; the line through the frames'
          positions; none, also where the vehicle stood. Courses are turned by the camera's yaw
accuracy  as stated; by DOP; the profile's; widened by what the clock and the gap between fixes leave open
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.clock import ClockEstimate
from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.inference.positions.course import find_courses
from streetsight.inference.positions.findings import Findings, PatrolOutcome
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.placing import Places, is_elsewhere, place_frames
from streetsight.inference.positions.pose import WITHOUT_POSITION, HeadingSource, Pose, PoseProblem
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.readings import Readings, Shot, read_shots
from streetsight.inference.positions.timing import Times, tell_times
from streetsight.inference.positions.tracks import Track
from streetsight.models.frame import Position

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_USELESS_SIGMA_DEG = 45.0
_SOURCES: tuple[HeadingSource, ...] = ("exif", "track", "gps_course", "positions")


@dataclass(frozen=True, slots=True)
class Posing:
    """Poses of a patrol.

    Attributes:
        poses: one per frame, in the order given.
        outcomes: of the patrol as a whole; none for a sound one.
        clocks: of each stretch between settings of the device's clock; one unless it was set on the way.
        order: indices of the frames in order of true time; those without a time, then duplicates, last.
    """

    poses: tuple[Pose, ...]
    outcomes: tuple[PatrolOutcome, ...]
    clocks: tuple[ClockEstimate, ...]
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Headings:
    """(n,) where the camera looks, its sigma and who says so (index of `_SOURCES`); NaN, -1 for none."""

    deg: Floats
    sigma_deg: Floats
    source: Ints


def pose_frames(frames: Sequence[Shot], profile: DeviceProfile, track: Track | None = None) -> Posing:
    """Poses of the frames of one device on one outing.

    Args:
        frames: in the order of the files; a repeated photo gets the pose of the first.
        track: of the same outing, read with the profile's `track_crs`.
    """
    first: dict[str, int] = {}
    source = [
        first.setdefault(shot.sha256, index) if shot.sha256 else index for index, shot in enumerate(frames)
    ]
    unique = [index for index, each in enumerate(source) if each == index]
    again = [index for index, each in enumerate(source) if each != index]
    posing = _pose_unique([frames[index] for index in unique], profile, track)
    if not again:
        return posing
    of_first = dict(zip(unique, posing.poses, strict=True))
    return Posing(
        poses=tuple(
            of_first[each] if each == index else _also(of_first[each], "duplicate")
            for index, each in enumerate(source)
        ),
        outcomes=(
            *posing.outcomes,
            PatrolOutcome("duplicates", tuple(frames[index].name for index in again)),
        ),
        clocks=posing.clocks,
        order=(*(unique[index] for index in posing.order), *again),
    )


def _also(pose: Pose, problem: PoseProblem) -> Pose:
    return replace(pose, problems=(*pose.problems, problem))


def _pose_unique(frames: Sequence[Shot], profile: DeviceProfile, track: Track | None) -> Posing:
    readings = read_shots(frames, profile)
    plane = _plane(readings, track)
    findings = Findings([frame.name for frame in frames])
    if track is not None and is_elsewhere(readings, plane, track):
        findings.report("track_elsewhere")
        track = None
    times = tell_times(readings, plane, profile, track, findings)
    if profile.fixed:
        poses = [_fixed_pose(index, readings, times, findings, profile) for index in range(len(frames))]
    else:
        places = place_frames(readings, times, plane, track, findings)
        headings = _find_headings(readings, times, places, profile)
        lenses = plane.to_lon_lat(places.points_m + _lens_m(headings, profile))
        poses = [
            _pose(index, frames[index], lenses[index], readings, times, places, headings, findings)
            for index in range(len(frames))
        ]
    return Posing(tuple(poses), tuple(findings.of_patrol), times.clocks, tuple(times.order.tolist()))


def _plane(readings: Readings, track: Track | None) -> LocalPlane:
    """Around the photos where they know their places, else around the track."""
    known = readings.lon_lat[np.isfinite(readings.lon_lat).all(axis=1)]
    if len(known):  # one of them, and the same whatever the order of the files
        return LocalPlane(*known[np.lexsort(known.T)[len(known) // 2]].tolist())
    return track.plane() if track else LocalPlane(0.0, 0.0)


def _find_headings(readings: Readings, times: Times, places: Places, profile: DeviceProfile) -> _Headings:
    """The first source that has one, for each frame."""
    count = len(readings.heading_deg)
    nothing = np.full(count, np.nan)
    on_track = places.whereabouts
    drawn, drawn_sigma = _drawn_courses(times, places)
    courses = np.stack(
        [
            on_track.course_deg if on_track else nothing,
            readings.course_deg,
            np.where(places.by_track, np.nan, drawn),
        ]
    )
    sigmas = np.stack(
        [on_track.course_sigma_deg if on_track else nothing, readings.course_sigma_deg, drawn_sigma]
    )
    courses[:, places.standing] = np.nan
    yaw = profile.camera.yaw_deg if profile.camera else np.nan
    degrees = np.vstack([readings.heading_deg, courses + yaw])
    sigma = np.vstack([np.full(count, profile.errors.heading_deg), sigmas])
    usable = np.isfinite(degrees) & (sigma <= _USELESS_SIGMA_DEG)
    best, frames = usable.argmax(axis=0), np.arange(count)
    known = usable.any(axis=0)
    return _Headings(
        np.where(known, degrees[best, frames] % 360, np.nan),
        np.where(known, sigma[best, frames], np.nan),
        np.where(known, best, -1),
    )


def _drawn_courses(times: Times, places: Places) -> tuple[Floats, Floats]:
    """(n,) courses of the lines through the frames' positions, and their sigmas."""
    deg, sigma = np.full(len(places.run), np.nan), np.full(len(places.run), np.nan)
    line = times.order[places.run[times.order] >= 0]
    line = line[np.argsort(places.run[line], kind="stable")]
    found = find_courses(times.true_s[line], places.points_m[line], places.sigma_m[line], places.run[line])
    deg[line], sigma[line] = found.deg, found.sigma_deg
    return deg, sigma


def _lens_m(headings: _Headings, profile: DeviceProfile) -> Floats:
    """(n, 2) east, north of the lens from the antenna; none where the heading is unknown."""
    camera = profile.camera
    if camera is None:
        return np.zeros((len(headings.deg), 2))
    vehicle = np.radians(headings.deg - camera.yaw_deg)
    ahead = np.stack([np.sin(vehicle), np.cos(vehicle)], axis=-1)
    right = np.stack([np.cos(vehicle), -np.sin(vehicle)], axis=-1)
    return np.asarray(np.nan_to_num(camera.forward_m * ahead + camera.right_m * right), np.float64)


def _pose(
    index: int, frame: Shot, lens: Floats, readings: Readings, times: Times, places: Places,
    headings: _Headings, findings: Findings,
) -> Pose:  # fmt: skip
    problems = readings.problems[index] | findings.of_frames[index]
    if np.isfinite(lens).all():
        problems -= WITHOUT_POSITION  # what is wrong with the photo's own; it was not used
        problems |= {"interpolated"} if places.bridged[index] else set()
    elif not problems & WITHOUT_POSITION:
        problems |= {"no_position"}
    heading = None if np.isnan(headings.deg[index]) else float(headings.deg[index])
    if heading is None:
        problems |= {"no_heading"}
    return Pose(
        taken_at=_moment(index, readings, times),
        position=_position(index, frame, lens, heading, places),
        heading_sigma_deg=None if heading is None else float(headings.sigma_deg[index]),
        problems=tuple(sorted(problems)),
        heading_source=None if heading is None else _SOURCES[headings.source[index]],
    )


def _position(
    index: int, frame: Shot, lens: Floats, heading: float | None, places: Places
) -> Position | None:
    if not np.isfinite(lens).all():
        return None
    own = frame.metadata.position
    is_own = own is not None and not places.by_track[index] and not places.bridged[index]
    return Position(
        lon=float(lens[0]),
        lat=float(np.clip(lens[1], -90, 90)),  # a lens beyond the pole
        source="gpx" if places.by_track[index] else own.source if own and is_own else "exif",
        accuracy_m=float(places.sigma_m[index]),
        heading_deg=None if heading is None or heading >= 360 else heading,
        altitude_m=own.altitude_m if own and is_own else None,
    )


def _moment(index: int, readings: Readings, times: Times) -> datetime | None:
    true_s = times.true_s[index]
    return None if np.isnan(true_s) else datetime.fromtimestamp(float(true_s), readings.zones[index])


def _fixed_pose(
    index: int, readings: Readings, times: Times, findings: Findings, profile: DeviceProfile
) -> Pose:
    """A camera on a pole stands and looks where its profile says, whatever its photos say."""
    assert profile.fixed is not None
    place = to_wgs84(np.array([[profile.fixed.lon, profile.fixed.lat]]), profile.coordinates)[0]
    return Pose(
        taken_at=_moment(index, readings, times),
        position=Position(
            float(place[0]), float(place[1]), "device", profile.errors.position_m, profile.fixed.heading_deg
        ),
        heading_sigma_deg=profile.errors.heading_deg,
        problems=tuple(sorted(findings.of_frames[index])),
        heading_source="profile",
    )
