"""Drives with exact truth: a vehicle through corners, its receiver's errors, its camera's frames."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.tracks import Fix, Track, build_track

Floats = NDArray[np.float64]

WUHAN = LocalPlane(114.26, 30.54)
START_S = 1_778_027_400.0  # 2026-05-06 00:30:00 UTC


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A way through streets, driven at a speed that changes.

    Attributes:
        times_s: (n,) every tenth of a second.
        points_m: (n, 2) exact east, north.
    """

    times_s: Floats
    points_m: Floats

    def at(self, times_s: Floats) -> Floats:
        """(m, 2) exact east, north metres."""
        return np.stack(
            [np.interp(times_s, self.times_s, self.points_m[:, axis]) for axis in (0, 1)], axis=-1
        )

    def heading_at(self, times_s: Floats) -> Floats:
        """(m,) exact direction of movement, degrees."""
        step = self.at(times_s + 0.05) - self.at(times_s - 0.05)
        heading: Floats = np.degrees(np.arctan2(*step.T)) % 360
        return heading

    def track(self, every_s: float = 1.0, noise_m: Floats | float = 0.0) -> Track:
        """What a receiver on board records; `noise_m` (m, 2) is added."""
        times = np.arange(self.times_s[0], self.times_s[-1], every_s)
        track = build_track(fixes(times, self.at(times) + noise_m), "wgs84")
        assert track is not None
        return track


def fixes(times_s: Floats, points_m: Floats) -> list[Fix]:
    places = WUHAN.to_lon_lat(points_m)
    return [
        Fix(float(when), float(lon), float(lat)) for when, (lon, lat) in zip(times_s, places, strict=True)
    ]


def drive_round_blocks(seconds: float = 300.0, speed_mps: float = 6.0, seed: int = 0) -> Drive:
    """Straights of 60 to 140 m and rounded corners, faster and slower."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, seconds, 0.1)
    speed = speed_mps * (1 + 0.4 * np.sin(times / 17) + 0.2 * np.sin(times / 5.3))
    way = np.concatenate([[0], np.cumsum(speed[:-1] * 0.1)])
    corners = np.cumsum(rng.uniform(60, 140, int(way[-1] / 60) + 2))
    turns = rng.choice([-90.0, 90.0], len(corners))
    heading = sum(
        turn * np.clip((way - corner) / 14, 0, 1) for turn, corner in zip(turns, corners, strict=True)
    )
    steps = (
        speed[:, None] * 0.1 * np.stack([np.sin(np.radians(heading)), np.cos(np.radians(heading))], axis=-1)
    )
    return Drive(START_S + times, np.concatenate([[[0, 0]], np.cumsum(steps[:-1], axis=0)]))


def receiver_noise(times_s: Floats, sigma_m: float, seed: int, lasting_s: float = 30.0) -> Floats:
    """(n, 2) slowly varying error: a first-order Gauss-Markov process."""
    rng = np.random.default_rng((seed, 7))
    noise = rng.normal(0, sigma_m, (len(times_s), 2))
    keep = np.exp(-np.diff(times_s) / lasting_s)
    for index, share in enumerate(keep, 1):
        noise[index] = share * noise[index - 1] + np.sqrt(1 - share**2) * noise[index]
    return noise


@pytest.fixture(scope="session")
def blocks() -> Drive:
    """Five minutes round the blocks."""
    return drive_round_blocks()
