"""A receiver's track: fixes in order of time, and where it was in between."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.inference.positions.course import find_courses, turn_deg
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import Crs
from streetsight.inference.positions.sanity import at_null_island, find_strays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_GAP_S = 30.0  # between fixes farther apart nobody knows where it was
USUAL_SIGMA_M = 3.0  # of a fix that does not say
_RANGE_SIGMA_M = 4.0  # user range error, 7.8 m at 95 % (GPS SPS Performance Standard, 4th ed., 2008)
_ACCELERATION = 1.0  # m/s2, one sigma, of a patrol vehicle between fixes, corners included
_VELOCITY_SIGMA_MPS = 0.2  # of the receiver's Doppler velocity, per axis

TrackFault = Literal[
    "cut_short",      # the file ends in the middle
    "damaged",        # a line or point that cannot be read, a wrong checksum
    "no_time",        # a point without a time
    "no_fix",         # the receiver said it had none, or 0, 0, or a place off the globe
    "repeated_time",  # a second point for the same moment
    "overlapping",    # a second track of the same time
    "stray",          # farther from the others than 400 km/h allow
]  # fmt: skip


class Fix(NamedTuple):
    """One position as a receiver wrote it; NaN where it said nothing.

    `sigma_m` is per axis, `course_deg` from true north, `segment` counts what the receiver kept apart.
    """

    time_s: float
    lon: float
    lat: float
    sigma_m: float = np.nan
    course_deg: float = np.nan
    speed_mps: float = np.nan
    segment: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """What a track says of m moments; NaN outside it.

    Attributes:
        lon_lat: (m, 2) WGS-84.
        accuracy_m: (m,) as the fixes state it; NaN where they do not.
        between_m: (m,) one sigma of what the vehicle may have done between two fixes.
        course_deg, course_sigma_deg: (m,) clockwise from true north.
        speed_mps: (m,).
    """

    lon_lat: Floats
    accuracy_m: Floats
    between_m: Floats
    course_deg: Floats
    course_sigma_deg: Floats
    speed_mps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """n fixes, n >= 1.

    Attributes:
        times_s: (n,) seconds since 1970 UTC, strictly rising.
        lon_lat: (n, 2) WGS-84.
        accuracy_m: (n,) one sigma per axis, NaN where the receiver did not say.
        course_deg, course_sigma_deg, speed_mps: (n,) of movement, NaN where there is none to be seen.
        segment: (n,) ids; between segments the receiver was off, lost or waited longer than `MAX_GAP_S`.
        dropped: what the file had beside these, counted by reason.
    """

    times_s: Floats
    lon_lat: Floats
    accuracy_m: Floats
    course_deg: Floats
    course_sigma_deg: Floats
    speed_mps: Floats
    segment: Ints
    dropped: Mapping[TrackFault, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.times_s)
        if count == 0 or (np.diff(self.times_s) <= 0).any():
            raise ValueError(f"expected at least one fix, times strictly rising, got {count}")
        for name in ("accuracy_m", "course_deg", "course_sigma_deg", "speed_mps", "segment"):
            if getattr(self, name).shape != (count,):
                raise ValueError(f"{name}: expected shape ({count},), got {getattr(self, name).shape}")
        if self.lon_lat.shape != (count, 2):
            raise ValueError(f"lon_lat: expected shape ({count}, 2), got {self.lon_lat.shape}")

    def plane(self) -> LocalPlane:
        """A plane around the middle of the track."""
        middle = self.lon_lat[len(self.lon_lat) // 2]
        return LocalPlane(float(middle[0]), float(middle[1]))

    def at(self, times_s: Floats) -> Whereabouts:
        """Interpolated between the fixes of one segment; NaN outside."""
        plane = self.plane()
        turning = np.radians(self.course_deg)
        columns = np.column_stack(
            [plane.to_metres(self.lon_lat), self.accuracy_m, np.sin(turning), np.cos(turning),
             self.course_sigma_deg, self.speed_mps]
        )  # fmt: skip
        found = interpolate(self.times_s, columns, self.segment, times_s)
        before, after = bracket(self.times_s, times_s)
        between = between_sigma(times_s - self.times_s[before], self.times_s[after] - times_s)
        swing = np.abs(turn_deg(self.course_deg[before], self.course_deg[after])) / 4
        return Whereabouts(
            lon_lat=plane.to_lon_lat(found[:, :2]),
            accuracy_m=found[:, 2],
            between_m=np.where(np.isnan(found[:, 0]), np.nan, between),
            course_deg=np.degrees(np.arctan2(found[:, 3], found[:, 4])) % 360,
            course_sigma_deg=np.hypot(found[:, 5], swing),
            speed_mps=found[:, 6],
        )


def between_sigma(since_s: Floats, till_s: Floats) -> Floats:
    """(m,) metres that a vehicle may be off the line between two fixes, one sigma."""
    return _ACCELERATION / 2 * since_s * till_s


def bracket(times_s: Floats, at_s: Floats) -> tuple[Ints, Ints]:
    """(m,) indices of the fixes at or before and at or after each moment; meaningless outside."""
    last = len(times_s) - 1
    after = np.clip(np.searchsorted(times_s, at_s, "left"), 0, last)
    before = np.where(times_s[after] == at_s, after, np.maximum(after - 1, 0))
    return before, after


def interpolate(times_s: Floats, values: Floats, segment: Ints, at_s: Floats) -> Floats:
    """(n, k) values at times (n,) as (m, k) values at other times; NaN outside and between segments."""
    before, after = bracket(times_s, at_s)
    lasted = times_s[after] - times_s[before]
    share = np.where(lasted > 0, (at_s - times_s[before]) / np.where(lasted > 0, lasted, 1), 0.0)
    between = values[before] + share[:, None] * (values[after] - values[before])
    known = (times_s[before] <= at_s) & (at_s <= times_s[after]) & (segment[before] == segment[after])
    result: Floats = np.where(known[:, None], between, np.nan)
    return result


def sigma_of_dop(dop: float) -> float:
    """One sigma per axis, metres, of a fix with this horizontal dilution of precision."""
    return dop * _RANGE_SIGMA_M / 2**0.5


def build_track(
    fixes: Iterable[Fix], crs: Crs, dropped: Mapping[TrackFault, int] | None = None
) -> Track | None:
    """Fixes in any order, of any quality, as a track; None when nothing usable is left.

    Args:
        crs: coordinate system of the fixes, as declared.
        dropped: what a reader already left out.
    """
    counts: Counter[TrackFault] = Counter(dropped or {})
    table = np.array(list(fixes), np.float64).reshape(-1, len(Fix._fields))
    table = _keep(table, _has_a_fix(table), "no_fix", counts)
    table[:, 1:3] = to_wgs84(table[:, 1:3], crs)
    table = table[np.argsort(table[:, 0], kind="stable")]
    table = _keep(table, _longest_first(table), "overlapping", counts)
    table = _keep(table, np.diff(table[:, 0], prepend=-np.inf) > 0, "repeated_time", counts)
    if len(table) == 0:
        return None
    plane = LocalPlane(*table[len(table) // 2, 1:3])
    table = _keep(table, ~find_strays(table[:, 0], plane.to_metres(table[:, 1:3])), "stray", counts)
    apart = (np.diff(table[:, 6]) != 0) | (np.diff(table[:, 0]) > MAX_GAP_S)
    return _with_courses(table, np.concatenate([[0], np.cumsum(apart)]), plane, counts)


def _with_courses(
    table: Floats, segment: Ints, plane: LocalPlane, dropped: Mapping[TrackFault, int]
) -> Track:
    """The receiver's own course, from Doppler, is better than that of the line through its positions."""
    times_s, accuracy = table[:, 0], table[:, 3]
    sigma = np.where(np.isnan(accuracy), USUAL_SIGMA_M, accuracy)
    drawn = find_courses(times_s, plane.to_metres(table[:, 1:3]), sigma, segment)
    speed = np.where(np.isnan(table[:, 5]), drawn.speed_mps, table[:, 5])
    own_sigma = np.degrees(np.arctan2(_VELOCITY_SIGMA_MPS, speed)) + 1
    own = ~np.isnan(table[:, 4]) & ~np.isnan(speed)
    return Track(
        times_s=times_s,
        lon_lat=table[:, 1:3],
        accuracy_m=accuracy,
        course_deg=np.where(own, table[:, 4] % 360, drawn.deg),
        course_sigma_deg=np.where(own, own_sigma, drawn.sigma_deg),
        speed_mps=speed,
        segment=segment,
        dropped=dict(dropped),
    )


def _keep(
    table: Floats, good: NDArray[np.bool_], otherwise: TrackFault, counts: Counter[TrackFault]
) -> Floats:
    if not good.all():
        counts[otherwise] += int((~good).sum())
    return table[good]


def _has_a_fix(table: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        on_globe = (np.abs(table[:, 1]) <= 180) & (np.abs(table[:, 2]) <= 90) & np.isfinite(table[:, 0])
    return np.asarray(on_globe & ~at_null_island(table[:, 1:3]))


def _longest_first(table: Floats) -> NDArray[np.bool_]:
    """(n,) fixes of segments that do not overlap in time with a longer one."""
    good = np.zeros(len(table), bool)
    ids, sizes = np.unique(table[:, 6], return_counts=True)
    taken: list[tuple[float, float]] = []
    for segment in ids[np.argsort(-sizes, kind="stable")]:
        members = table[:, 6] == segment
        start, end = table[members, 0].min(), table[members, 0].max()
        if all(end <= other_start or start >= other_end for other_start, other_end in taken):
            taken.append((start, end))
            good |= members
    return good
