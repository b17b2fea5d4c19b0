"""Does one thing in the street become one place, where it stands, and does a place cost the same in any city?

Three passes by two vehicles along crowded simulated streets: every second thing has a neighbour of its class
exactly as near as said. GPS noise of 3 m sigma per axis drifting over 30 s, compass noise of 3 degrees,
perfect boxes. `benchmarks/rendered.py` does the same with pictures and the shipped release.

Insertion is timed into a city of a million places and into one of ten thousand, in turn.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from benchmarks.passes import FIRST, PLANE, SECOND, Sighted, Verdict, judge, sight, well_seen

from streetsight.datasets.simulation.passes import MONDAY, Noise, drive_past, straight_drive, straight_street
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Glimpse, Sighting

SEEDS = 12
SMALL, LARGE, TIMED = 10_000, 1_000_000, 2_000


def street(seed: int, neighbour_m: float, opposite: bool = False, noise: Noise = Noise()) -> Verdict:
    """One street, three passes on three days; the last one the other way round if `opposite`."""
    world = straight_street(seed, neighbour_m=neighbour_m)
    there, last = straight_drive(400.0, 4.0), straight_drive(400.0, 4.0, backwards=opposite)
    runs = [
        drive_past(world, vehicle, poses, number, noise, seed, MONDAY + timedelta(days=number))
        for number, (vehicle, poses) in enumerate([(FIRST, there), (SECOND, there), (FIRST, last)])
    ]
    sighted, places, expected = Sighted(), Places(), set[int]()
    for run in runs:
        places.add(sight(run, noise, sighted))
        expected |= well_seen(run)
    true_m = {each.id: np.array([each.east_m, each.north_m]) for each in world.things}
    return judge(list(places), sighted, true_m, expected)


def accuracy(neighbour_m: float, opposite: bool = False) -> dict[str, Any]:
    """Shares in percent over all seeds and of the worst one; errors in metres."""
    verdicts = [street(seed, neighbour_m, opposite) for seed in range(SEEDS)]
    things = sum(each.expected for each in verdicts)
    errors = np.concatenate([each.errors_m for each in verdicts])
    shares = {
        name: {
            "all": round(100 * sum(getattr(each, name) for each in verdicts) / things, 2),
            "worst_seed": round(
                (min if name == "one" else max)(
                    100 * getattr(each, name) / each.expected for each in verdicts
                ),
                2,
            ),
        }
        for name in ("one", "split", "merged", "missed")
    }
    return {
        "things": things,
        **shares,
        "error_m": {
            "median": round(float(np.median(errors)), 2),
            "p95": round(float(np.percentile(errors, 95)), 2),
        },
        "worst_seed_median_m": round(max(float(np.median(each.errors_m)) for each in verdicts), 2),
        "inside_95": round(100 * float(np.mean(np.concatenate([each.inside for each in verdicts]))), 1),
    }


def measure() -> dict[str, Any]:
    return {
        "neighbours_8m": accuracy(8.0),
        "neighbours_8m_one_pass_opposite": accuracy(8.0, opposite=True),
        "neighbours_5m": accuracy(5.0),
        "insert": insertion(),
    }


def insertion() -> dict[str, Any]:
    """Time per sighting into a large and a small city, in turn; the target is a ratio of at most 2."""
    small, large = _city(SMALL), _city(LARGE)
    rounds = []
    for number in range(3):
        times = []
        for places, count in ((small, SMALL), (large, LARGE)):
            fresh = list(_sightings(TIMED, count, patrol=f"later-{number}", seed=number))
            start = time.perf_counter()
            for each in fresh:
                places.add([each])
            times.append((time.perf_counter() - start) / TIMED)
        rounds.append(times)
    ratio = float(np.median([large / small for small, large in rounds]))
    return {
        "ms_small": round(1e3 * min(each[0] for each in rounds), 3),
        "ratio_large_to_small": round(ratio, 2),
    }


def _city(count: int) -> Places:
    places = Places()
    places.add(_sightings(count, count, "first", None))
    return places


def _sightings(count: int, city: int, patrol: str, seed: int | None) -> Iterator[Sighting]:
    """Things 12 m apart along a grid of streets 100 m apart; with a seed, a sample of them seen again."""
    rng = np.random.default_rng(seed or 0)
    numbers = np.arange(count) if seed is None else rng.choice(city, count, replace=False)
    columns = int(np.sqrt(city * 100 / 12))
    drift = rng.normal(0, 3, 2)
    for number in numbers.tolist():
        row, column = divmod(number, columns)
        east_north = np.array([column * 12.0 - columns * 6.0, row * 100.0 - city / columns * 50.0]) + drift
        lon, lat = PLANE.to_lon_lat(east_north + rng.normal(0, 0.5, 2)).tolist()
        yield _sighting(f"{patrol}-{number}", f"{patrol}-{row}", lon, lat, MONDAY)


def _sighting(name: str, patrol: str, lon: float, lat: float, moment: datetime) -> Sighting:
    glimpse = Glimpse(name, moment, 0.8, (0.0, 0.0, 50.0, 50.0), (1280, 720), 10.0)
    return Sighting(
        name, patrol, "device", "garbage", (glimpse,), moment, moment, lon, lat,
        (0.3, 0.0, 0.3), (9.0, 0.0, 9.0), "ground",
    )  # fmt: skip
