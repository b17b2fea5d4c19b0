"""Are vehicles that stand in a no-parking zone over two passes found, and never those that drive?

Simulated streets, perfect boxes, GPS noise of 3 m sigma per axis drifting over 30 s, compass noise of 3
degrees; two vehicles an hour apart. Stretches of the street are no-parking zones, drawn as
docs/rules.md advises: well beyond the kerb, where nothing else can park.
Among the parked, cars, vans and scooters drive with the patrol, against it and slowly along the kerb.

Target: precision and recall of at least 0.95; of what drives, none.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import shapely
from benchmarks.passes import FIRST, SECOND, Sighted, sight, well_seen

from streetsight.datasets.simulation.passes import (
    MONDAY,
    Mover,
    Noise,
    drive_past,
    straight_drive,
    straight_street,
)
from streetsight.datasets.simulation.patrol import to_lon_lat
from streetsight.datasets.simulation.things import BUILDERS
from streetsight.inference.places.merging import Places
from streetsight.inference.rules.judge import judge
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zones import Zone, ZoneMap

FIRST_SEED, SEEDS = 200, 16
LENGTH_M, STRETCH_M, EVERY_M = 400.0, 60.0, 120.0
BEYOND_M = 12.0  # from the middle of the road; kerbs are at 4 m, houses at 7.6 m
VEHICLES = ("car", "van", "motorcycle")
FIRST_MOVER = 1000


def movers(seed: int, number: int) -> list[Mover]:
    """Traffic of one pass: ahead in the lane, oncoming, overtaking, and slow along the kerb."""
    rng = np.random.default_rng((seed, number, 5))
    plan = [
        *((1.7, rng.uniform(10, 60), rng.uniform(4, 9)) for _ in range(2)),
        *((-1.7, rng.uniform(60, 700), -rng.uniform(6, 12)) for _ in range(8)),
        *((3.4, rng.uniform(-120, 300), rng.uniform(3, 12)) for _ in range(6)),
    ]
    return [
        Mover(FIRST_MOVER + 100 * number + index, name, (east, start), (0.0, speed), BUILDERS[name](rng))
        for index, (east, start, speed) in enumerate(plan)
        for name in [str(rng.choice(VEHICLES))]
    ]


def stretches() -> list[tuple[float, float]]:
    """Where parking is forbidden, metres along the street."""
    return [
        (float(start), float(start + STRETCH_M)) for start in np.arange(22.5, LENGTH_M - STRETCH_M, EVERY_M)
    ]


def zones() -> list[Zone]:
    corners = ((-BEYOND_M, 0), (BEYOND_M, 0), (BEYOND_M, 1), (-BEYOND_M, 1))
    return [
        Zone(f"stretch {low:.0f}", "no_parking", shapely.Polygon(
            [to_lon_lat(east, high if end else low) for east, end in corners]
        ))
        for low, high in stretches()
    ]  # fmt: skip


def street(seed: int) -> Counter[str]:
    """Outcomes of one street, by what became of its vehicles."""
    world, noise, rules = straight_street(seed, LENGTH_M, 10.0, (*VEHICLES, "garbage")), Noise(), load_rules()
    sighted, places, runs = Sighted(), Places(), []
    for number, vehicle in enumerate((FIRST, SECOND)):
        start = MONDAY + timedelta(hours=number)
        poses = straight_drive(LENGTH_M, vehicle.step_m)
        run = drive_past(world, vehicle, poses, number, noise, seed, start, movers(seed, number))
        places.add(sight(run, noise, sighted))
        runs.append(run)
    parked = {each.id: each for each in world.things if each.class_name in VEHICLES}
    forbidden = {
        thing
        for thing, each in parked.items()
        if any(low <= each.north_m <= high for low, high in stretches())
    }
    expected = forbidden & well_seen(runs[0]) & well_seen(runs[1])
    leads = [
        each
        for each in judge(list(places), ZoneMap(zones(), rules.zone_kinds), rules, {}).candidates
        if each.condition == "illegal_parking" and not each.needs_second_look
    ]
    found: Counter[int] = Counter()
    outcome: Counter[str] = Counter(expected=len(expected))
    for lead in leads:
        shown = Counter(sighted.thing_of[each.id] for each in lead.place.sightings)
        found.update(shown.keys())
        standing = shown.keys() & parked.keys()
        outcome["moving" if not standing else "right" if standing & forbidden else "wrong"] += 1
        outcome["mixed"] += len(standing) < len(shown)
    outcome["found"] = len(expected & found.keys())
    return outcome


def measure() -> dict[str, Any]:
    streets = [street(seed) for seed in range(FIRST_SEED, FIRST_SEED + SEEDS)]
    total = sum(streets, Counter[str]())
    reported = total["right"] + total["wrong"] + total["moving"]
    return {
        "expected": total["expected"],
        "reported": reported,
        "precision": round(total["right"] / max(1, reported), 3),
        "recall": round(total["found"] / max(1, total["expected"]), 3),
        "worst_seed_recall": round(min(each["found"] / max(1, each["expected"]) for each in streets), 3),
        "moving_reported": total["moving"],
        "parked_with_a_sighting_of_a_moving_one": total["mixed"],
    }
