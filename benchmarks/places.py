"""Does one thing in the street become one place, where it stands, and does a place cost the same in any city?

Three passes by two vehicles along crowded simulated streets: every second thing has a neighbour of its class
exactly as near as said. GPS noise of 3 m sigma per axis drifting over 30 s, compass noise of 3 degrees,
perfect boxes. `rendered` does the same with pictures and the shipped release.

Insertion is timed into a city of a million places and into one of ten thousand, both in SQLite, in turn:
processor time per sighting, one at a time, of patrols that know nothing of the city beforehand.
"""

import pickle
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.passes import FIRST, PLANE, SECOND, Sighted, Verdict, judge, sight, well_seen

from streetsight.datasets.simulation.passes import MONDAY, Noise, drive_past, straight_drive, straight_street
from streetsight.inference.places.grid import Cell, cell_of
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Glimpse, Sighting

SEEDS = 12
SMALL, LARGE = 10_000, 1_000_000
PATROL, ROUNDS = 60, 9


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
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_city(Path(folder) / f"{count}.db", count) for count in (SMALL, LARGE))
        rounds = [
            [_time_patrol(city, count, number) for city, count in ((small, SMALL), (large, LARGE))]
            for number in range(ROUNDS)
        ]
        small.close()
        large.close()
    ratio = float(np.median([large_s / small_s for small_s, large_s in rounds]))
    return {
        "ms_small": round(1e3 * float(np.median([each[0] for each in rounds])), 3),
        "ms_large": round(1e3 * float(np.median([each[1] for each in rounds])), 3),
        "ratio_large_to_small": round(ratio, 2),
    }


def _city(path: Path, count: int) -> sqlite3.Connection:
    """A stored city: every thing seen once and a place of its own, indexed by cell."""
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE sighting (row INTEGER, col INTEGER, body BLOB)")
    rows = (
        (*cell_of(s.lon or 0.0, s.lat or 0.0), pickle.dumps(s)) for s in _things(range(count), count, "first")
    )
    store.executemany("INSERT INTO sighting VALUES (?, ?, ?)", rows)
    store.execute("CREATE INDEX by_cell ON sighting (row, col)")
    store.commit()
    return store


def _time_patrol(store: sqlite3.Connection, count: int, number: int) -> float:
    """Seconds of processor time per sighting for a patrol along one street."""

    def load(cell: Cell) -> Iterator[tuple[Sighting, str]]:
        for (body,) in store.execute("SELECT body FROM sighting WHERE row = ? AND col = ?", cell):
            sighting = pickle.loads(body)  # written above
            yield sighting, sighting.id

    first = int(np.random.default_rng((count, number)).integers(0, count - PATROL))
    fresh = list(_things(range(first, first + PATROL), count, f"later-{number}"))
    places = Places(load=load)
    start = time.process_time()
    for each in fresh:
        places.add([each])
    return (time.process_time() - start) / PATROL


def _things(numbers: Iterable[int], city: int, patrol: str) -> Iterator[Sighting]:
    """Things 12 m apart along streets 100 m apart, as one patrol per street sees them."""
    columns = int(np.sqrt(city * 100 / 12))
    rng = np.random.default_rng(len(patrol))
    for number in numbers:
        row, column = divmod(number, columns)
        middle = np.array([column * 12.0 - columns * 6.0, row * 100.0 - city / columns * 50.0])
        lon, lat = PLANE.to_lon_lat(middle + rng.normal(0, 0.5, 2)).tolist()
        glimpse = Glimpse(f"{patrol}-{number}", MONDAY, 0.8, (0.0, 0.0, 50.0, 50.0), (1280, 720), 10.0)
        yield Sighting(
            f"{patrol}-{number}", f"{patrol}-{row}", "device", "garbage", (glimpse,), MONDAY, MONDAY,
            lon, lat, (0.3, 0.0, 0.3), (9.0, 0.0, 9.0), "ground",
        )  # fmt: skip
