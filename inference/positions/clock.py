"""How far a device's clock is off: device time minus true time, and how sure that is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.drift import drift_share
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Track, interpolate

Floats = NDArray[np.float64]

ClockMethod = Literal["profile", "gps_time", "track", "assumed"]
ClockRefusal = Literal[
    "too_few",    # fewer than three frames with time and position
    "no_match",   # no offset within 14 hours puts the photos' positions on the track
    "no_motion",  # the vehicle hardly moved against the noise: any offset would do
    "ambiguous",  # two offsets fit as well, as on laps of the same block
]  # fmt: skip

MAX_OFFSET_S = 14 * 3600.0  # a wrong time zone and more, and less than the same round a day later
MIN_FRAMES = 3
_COARSE_FRAMES, _FINE_FRAMES, _NOISE_FRAMES = 150, 2000, 500
_COARSE_M, _CLOSE_M = 40.0, 10.0
_CANDIDATES, _APART_S = 6, 20.0
_WORST_SIGMA_S, _BEST_SIGMA_S = 5.0, 0.05
_MATCHED_SHARE, _CLEARER_SHARE, _CLEARER_FRAMES = 0.3, 0.05, 3.0
_SLOPE_S = 0.5
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """The device's clock against true time.

    Attributes:
        offset_s: to subtract from times as the device wrote them.
        sigma_s: one sigma.
        method: who says so; "assumed" takes the clock to be right to within the profile's error.
        frames_used: how many frames it rests on.
        refusal: why the track could not tell, if it was asked and could not.
    """

    offset_s: float
    sigma_s: float
    method: ClockMethod
    frames_used: int = 0
    refusal: ClockRefusal | None = None


def estimate_clock(
    camera_s: Floats, gps_s: Floats, lon_lat: Floats, track: Track | None, profile: DeviceProfile
) -> ClockEstimate:
    """The profile's word if it has one, else the surer of GPS time stamps and track.

    Args:
        camera_s: (n,) device time as seconds since 1970 UTC; NaN where there is none.
        gps_s: (n,) UTC of the receiver's fix; NaN where there is none.
        lon_lat: (n, 2) WGS-84 positions from the photos themselves; NaN where there is none.
    """
    if profile.clock_offset_s is not None:
        return ClockEstimate(profile.clock_offset_s, profile.errors.clock_s, "profile")
    stamped = clock_by_gps_time(camera_s, gps_s)
    tracked = clock_by_track(camera_s, lon_lat, track) if track else None
    told = [each for each in (stamped, tracked) if isinstance(each, ClockEstimate)]
    if told:
        return min(told, key=lambda each: each.sigma_s)
    refusal = tracked if isinstance(tracked, str) else None
    return ClockEstimate(0.0, profile.errors.clock_s, "assumed", refusal=refusal)


def clock_by_gps_time(camera_s: Floats, gps_s: Floats) -> ClockEstimate | None:
    """From UTC time stamps beside the camera's; None without any.

    A stamp of whole seconds was cut off, hence half a second late on average. Fixes older than the photo
    are few, and the median leaves them out.
    """
    both = np.isfinite(camera_s) & np.isfinite(gps_s)
    if not both.any():
        return None
    stamps = gps_s[both]
    cut = 0.5 if (stamps == np.floor(stamps)).all() else 0.0
    away = camera_s[both] - stamps - cut
    offset = float(np.median(away))
    scatter = max(1.4826 * float(np.median(np.abs(away - offset))), 0.29 if cut else 0.0)
    sigma = max(scatter / np.sqrt(len(away)), _BEST_SIGMA_S)
    return ClockEstimate(offset, float(sigma), "gps_time", len(away))


def clock_by_track(camera_s: Floats, lon_lat: Floats, track: Track) -> ClockEstimate | ClockRefusal:
    """From photos with positions of their own: the offset that puts them onto the track.

    A coarse search over all offsets that bring photos and track together, then Gauss-Newton on a robust
    loss (Geman-McClure) from the best few.
    """
    known = np.flatnonzero(np.isfinite(camera_s) & np.isfinite(lon_lat).all(axis=1))
    if len(known) < MIN_FRAMES:
        return "too_few"
    known = _thin(known, _FINE_FRAMES)
    path = _Path(track)
    times, points = camera_s[known], path.metres(lon_lat[known])
    candidates = _search(times, points, path)
    if not candidates:
        return "no_match"
    fits = sorted((_refine(each, times, points, path) for each in candidates), key=lambda fit: -fit[1])
    offset, matched = fits[0]
    if matched < max(MIN_FRAMES * 0.5, _MATCHED_SHARE * len(times)):
        return "no_match"
    sigma = _sigma(offset, times, points, path)
    if not sigma <= _WORST_SIGMA_S:
        return "no_motion"
    needed = max(_CLEARER_FRAMES * 0.5, _CLEARER_SHARE * len(times))
    if any(matched - other < needed and abs(at - offset) > _APART_S for at, other in fits[1:]):
        return "ambiguous"
    return ClockEstimate(offset, sigma, "track", len(times))


class _Path:
    """A track in metres, and how it moves."""

    def __init__(self, track: Track) -> None:
        self.track, self._plane = track, track.plane()
        self.points_m = self.metres(track.lon_lat)

    def metres(self, lon_lat: Floats) -> Floats:
        return self._plane.to_metres(lon_lat)

    def at(self, times_s: Floats) -> Floats:
        return interpolate(self.track.times_s, self.points_m, self.track.segment, times_s)

    def velocity(self, times_s: Floats) -> Floats:
        """(m, 2) m/s; NaN at the ends."""
        slope: Floats = (self.at(times_s + _SLOPE_S) - self.at(times_s - _SLOPE_S)) / (2 * _SLOPE_S)
        return slope

    @property
    def usual_speed(self) -> float:
        """Median m/s while it moves."""
        speed = self.track.speed_mps[self.track.speed_mps > 1]
        return float(np.median(speed)) if len(speed) else 1.0


def _search(times: Floats, points: Floats, path: _Path) -> list[float]:
    """The few best offsets of a grid, apart from each other."""
    some = _thin(np.arange(len(times)), _COARSE_FRAMES)
    times, points = times[some], points[some]
    track_s = path.track.times_s
    low = max(times.min() - track_s[-1], -MAX_OFFSET_S)
    high = min(times.max() - track_s[0], MAX_OFFSET_S)
    if low > high:
        return []
    step = float(np.clip(_COARSE_M / 2 / path.usual_speed, 0.5, 5.0))
    offsets = np.append(np.arange(low, high, step), high)
    score = np.concatenate([_scores(part, times, points, path) for part in np.array_split(offsets, 50)])
    best: list[float] = []
    while len(best) < _CANDIDATES and score.max() > 0:
        best.append(float(offsets[score.argmax()]))
        score[np.abs(offsets - best[-1]) <= _APART_S] = 0
    return best


def _scores(offsets: Floats, times: Floats, points: Floats, path: _Path) -> Floats:
    """(m,) how many frames each offset brings near the track."""
    places = path.at((times - offsets[:, None]).ravel()).reshape(len(offsets), len(times), 2)
    score: Floats = _match(points, places, _COARSE_M).sum(axis=1)
    return score


def _refine(offset: float, times: Floats, points: Floats, path: _Path) -> tuple[float, float]:
    """A better offset near this one, and how many frames it matches."""
    for scale in np.geomspace(_COARSE_M, _CLOSE_M, _ROUNDS):
        place, velocity = path.at(times - offset), path.velocity(times - offset)
        known = np.isfinite(place).all(axis=1) & np.isfinite(velocity).all(axis=1)
        away, velocity = (points - place)[known], velocity[known]
        weight = 1 / (1 + (away**2).sum(axis=1) / scale**2) ** 2
        speed = (weight * (velocity**2).sum(axis=1)).sum()
        if speed <= 0:
            break
        change = -(weight * (away * velocity).sum(axis=1)).sum() / speed
        offset += float(np.clip(change, -_APART_S / 2, _APART_S / 2))
    return offset, float(_match(points, path.at(times - offset), _CLOSE_M).sum())


def _sigma(offset: float, times: Floats, points: Floats, path: _Path) -> float:
    """One sigma of the offset; infinite for a vehicle that stands.

    The error of positions is read off across the way, where the offset cannot hide it, and taken to last
    as long as receivers' errors do.
    """
    away, velocity = points - path.at(times - offset), path.velocity(times - offset)
    speed = np.hypot(*velocity.T)
    moving = np.flatnonzero(np.isfinite(away).all(axis=1) & (speed > 0))
    if not len(moving):
        return float("inf")
    moving = _thin(moving, _NOISE_FRAMES)
    away, velocity, speed, times = away[moving], velocity[moving], speed[moving], times[moving]
    across = np.abs(away[:, 0] * velocity[:, 1] - away[:, 1] * velocity[:, 0]) / speed
    along = np.abs((away * velocity).sum(axis=1)) / speed
    error = 1.4826 * max(float(np.median(across)), float(np.median(along)))
    alike = 1 - drift_share(times[:, None] - times) / 2
    sigma = error * np.sqrt(((velocity @ velocity.T) * alike).sum()) / (speed**2).sum()
    return max(float(sigma), _BEST_SIGMA_S)


def _match(points: Floats, place: Floats, scale: float) -> Floats:
    """(...,) 1 where the track passes through the photo's position, 0 far from it and outside the track."""
    square = ((points - place) ** 2).sum(axis=-1)
    match: Floats = np.nan_to_num(1 / (1 + square / scale**2))
    return match


def _thin(indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most this many of them, evenly."""
    thin: NDArray[np.int64] = indices[
        np.linspace(0, len(indices) - 1, min(len(indices), most)).round().astype(int)
    ]
    return thin
