"""Which way a receiver moves, from its positions, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.drift import drift_share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_M = 8.0  # looked back and ahead along the path: beyond most noise, within most corners
_FLOOR_DEG = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Movement at each of n positions; NaN where there is none to be seen.

    Attributes:
        deg: (n,) clockwise from north.
        sigma_deg: (n,) one sigma; grows where the way is short against the noise, and in corners.
        speed_mps: (n,).
    """

    deg: Floats
    sigma_deg: Floats
    speed_mps: Floats


def find_courses(times_s: Floats, east_north_m: Floats, sigma_m: Floats, run: Ints) -> Courses:
    """Courses of runs of positions.

    Args:
        times_s: (n,) rising within a run.
        east_north_m: (n, 2).
        sigma_m: (n,) one-sigma position error per axis.
        run: (n,) ids; nothing is concluded from one run to the next.
    """
    count = len(times_s)
    deg, sigma, speed = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
    starts = np.flatnonzero(np.diff(run, prepend=run[:1] - 1))
    for members in np.split(np.arange(count), starts[1:]):
        if len(members) > 1:
            deg[members], sigma[members], speed[members] = _courses_of_run(
                times_s[members], east_north_m[members], sigma_m[members]
            )
    return Courses(deg, sigma, speed)


def turn_deg(from_deg: Floats, to_deg: Floats) -> Floats:
    """The signed way from one direction to another, -180 to 180."""
    turn: Floats = (np.asarray(to_deg) - from_deg + 180) % 360 - 180
    return turn


def _courses_of_run(times_s: Floats, points: Floats, sigma_m: Floats) -> tuple[Floats, Floats, Floats]:
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])

    def along(at: Floats) -> tuple[Floats, Floats]:
        place = np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=-1)
        return place, np.interp(at, way, times_s)

    (behind, earlier), (ahead, later) = along(way - REACH_M), along(way + REACH_M)
    chord = ahead - behind
    length, lasted = np.hypot(*chord.T), later - earlier
    # Of a slowly varying error, only what changed between the two ends turns the chord.
    noise = np.sqrt(sigma_m**2 * drift_share(lasted) + 2 * _white_noise(points, sigma_m) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        deg = np.where(length > 0, _bearing(chord), np.nan)
        speed = np.where(lasted > 0, length / lasted, np.nan)
    bend = np.where(
        (way >= REACH_M) & (way <= way[-1] - REACH_M),
        np.abs(turn_deg(_bearing(points - behind), _bearing(ahead - points))),
        0.0,
    )
    sigma = np.hypot(np.degrees(np.arctan2(noise, length)), bend / 4) + _FLOOR_DEG
    return deg, np.where(np.isnan(deg), np.nan, sigma), speed


def _bearing(east_north: Floats) -> Floats:
    bearing: Floats = np.degrees(np.arctan2(east_north[..., 0], east_north[..., 1])) % 360
    return bearing


def _white_noise(points: Floats, sigma_m: Floats) -> Floats:
    """(n,) what each position adds of its own, from how far the middle of three lies beside the outer two."""
    if len(points) < 5:
        return sigma_m / 2
    chord, middle = points[2:] - points[:-2], points[1:-1] - (points[2:] + points[:-2]) / 2
    length = np.maximum(np.hypot(*chord.T), 1e-9)
    beside = np.abs(chord[:, 0] * middle[:, 1] - chord[:, 1] * middle[:, 0]) / length
    # The middle one and half of each outer one: 1.5 times the variance; the median shrugs off corners.
    white: Floats = np.minimum(np.median(beside) / 0.6745 / np.sqrt(1.5), sigma_m)
    return white
