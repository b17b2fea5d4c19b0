"""Is what a later pass says about open places true, and are its probabilities?

Crowded simulated streets as in `benchmarks/places.py`: every second thing has a neighbour of its class 8 m
away; GPS noise of 3 m sigma per axis drifting over 30 s, compass noise of 3 degrees. Two vehicles build the
places; before a third pass, half of the things are removed and new ones appear among them. Parked vehicles
that hide things differ from pass to pass, and a stretch of the third is dark. Detections are perfect, or
missed by size and class (one thing's misses are correlated) with false alarms among them.

Targets: of the removed things that the third pass could have shown in three frames, at least 80 % are
reported gone; at least 90 % of those reported gone are gone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
from benchmarks.passes import FIRST, SECOND, Sighted, patrol_frame, sight, well_seen

from streetsight.datasets.simulation.passes import (
    CONDITIONS,
    MONDAY,
    Noise,
    Pass,
    PassFrame,
    SeenThing,
    drive_past,
    straight_drive,
    straight_street,
)
from streetsight.datasets.simulation.shapes import place as put
from streetsight.datasets.simulation.street import Street, Thing
from streetsight.datasets.simulation.things import BUILDERS
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.recheck import Recheck, recheck
from streetsight.inference.coverage.rules import RecheckRules
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Place
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.card import LARGE, SMALL
from streetsight.models.detections import Detections

SEEDS = range(200, 220)  # assumptions were chosen on 100 to 113
NOISE = Noise()
LATER = MONDAY + timedelta(days=2)
LENGTH_M, STEP_M = 400.0, 4.0
REMOVED = 0.5
NEW_EVERY = 8  # of another street's things, one in so many appears
PARKED, KERB_M = 12, 3.1  # vehicles on both sides
DARK_FRAMES = 6
OPENED_FRAMES = 3  # detections in all that make a place worth opening
CORRELATION = 0.38  # of what decides two frames' misses of one thing; of the misses themselves about 0.25
FALSE_ALARMS_PER_FRAME = 0.03
OTHERS = 1_000_000  # ids of what is no thing of the street


@dataclass(frozen=True, slots=True)
class Detector:
    """Recall of one frame.

    Attributes:
        recall: class -> of the smallest things that count, and of large ones.
        false_alarms: per frame.
    """

    recall: dict[str, tuple[float, float]]
    false_alarms: float = FALSE_ALARMS_PER_FRAME


PERFECT = Detector(dict.fromkeys((*CONDITIONS, "car"), (1.0, 1.0)), 0.0)
GOOD = Detector(dict.fromkeys((*CONDITIONS, "car"), (0.7, 0.95)))
_LARGE = {  # large things as the shipped release finds them on real photos, small ones half as often
    "garbage": 0.77, "overflowing_bin": 0.85, "pothole": 0.37, "road_crack": 0.53, "damaged_manhole": 0.85,
    "damaged_sign": 0.81, "street_vendor": 0.55, "graffiti": 0.5, "car": 0.86,
}  # fmt: skip
SHIPPED = Detector({name: (recall / 2, recall) for name, recall in _LARGE.items()})


@dataclass(frozen=True, slots=True)
class Judged:
    """An open place after the third pass.

    Attributes:
        gone: truly.
        shown: the pass could have shown its thing in three frames.
    """

    result: Recheck
    class_name: str
    gone: bool
    shown: bool


def trial(
    seed: int,
    detector: Detector = GOOD,
    correlation: float = CORRELATION,
    backwards: bool = False,
    prior: bool = True,
    rules: RecheckRules | None = None,
) -> Iterator[Judged]:
    """One street.

    Args:
        backwards: the third pass comes from the other side.
        prior: the share of removed things is known; otherwise half-lives guess it.
    """
    rng = np.random.default_rng((seed, 7))
    things = straight_street(seed).things
    sighted, places = Sighted(), Places()
    for number, vehicle in enumerate((FIRST, SECOND)):
        street = Street([], [*things, *parked(rng)])
        poses, start = straight_drive(LENGTH_M, STEP_M), MONDAY + timedelta(days=number)
        run = drive_past(street, vehicle, poses, number, NOISE, seed, start)
        places.add(sight(detected(run, detector, correlation, rng), NOISE, sighted))
    known = {sighted.thing_of[one.id] for each in places if _worth(each) for one in each.sightings}
    removed = {each for each in sorted(known) if rng.random() < REMOVED}
    run, whole, dark = third_pass(things, removed, seed, backwards, rng)
    run = detected(run, detector, correlation, rng)
    places.add(sight(run, NOISE, sighted))
    opened = [each for each in places if _worth(_before(each, run))]
    present = {each.id: 1 - REMOVED for each in opened} if prior else None
    frames = frames_of(run, dark)
    results = recheck(opened, places, run.patrol_id, frames, known_recall(detector), present, rules)
    shown = well_seen(whole)
    for place, result in zip(opened, results, strict=True):
        things_here = Counter(sighted.thing_of[each.id] for each in _before(place, run).sightings)
        thing = things_here.most_common(1)[0][0]
        if thing in known:
            yield Judged(result, place.class_name, thing in removed, thing in shown)


def third_pass(
    things: Sequence[Thing], removed: set[int], seed: int, backwards: bool, rng: np.random.Generator
) -> tuple[Pass, Pass, int]:
    """What there was to see, what it would have been with nothing removed, and the first dark frame."""
    new = [replace(each, id=each.id + OTHERS) for each in straight_street(seed + OTHERS).things[::NEW_EVERY]]
    poses = straight_drive(LENGTH_M, STEP_M, backwards)
    others, dark = [*new, *parked(rng)], int(rng.integers(len(poses) - DARK_FRAMES))
    left = [each for each in things if each.id not in removed]
    run, whole = (
        darkened(drive_past(Street([], [*those, *others]), FIRST, poses, 2, NOISE, seed, LATER), dark)
        for those in (left, things)
    )
    return run, whole, dark


def _before(place: Place, run: Pass) -> Place:
    """The place without what a pass saw of it."""
    return replace(
        place, sightings=tuple(each for each in place.sightings if each.patrol_id != run.patrol_id)
    )


def _worth(place: Place) -> bool:
    """Whether it is worth an issue."""
    glimpses = sum(len(each.glimpses) for each in place.sightings)
    return place.class_name in CONDITIONS and glimpses >= OPENED_FRAMES


def parked(rng: np.random.Generator) -> list[Thing]:
    """Vehicles along both kerbs."""
    cars = []
    for number in range(PARKED):
        name = str(rng.choice(["car", "van"]))
        east, north = KERB_M * float(rng.choice([-1, 1])), float(rng.uniform(0, LENGTH_M))
        cars.append(Thing(2 * OTHERS + number, name, east, north, put(BUILDERS[name](rng), east, north)))
    return cars


def darkened(run: Pass, dark: int) -> Pass:
    """With nothing to be seen on the dark frames."""
    frames = [
        replace(each, seen=()) if dark <= index < dark + DARK_FRAMES else each
        for index, each in enumerate(run.frames)
    ]
    return replace(run, frames=tuple(frames))


def frames_of(run: Pass, dark: int) -> list[PatrolFrame]:
    """What re-checking is given."""
    frames = [patrol_frame(each, run, NOISE, each.seen) for each in run.frames]
    for index in range(dark, dark + DARK_FRAMES):
        frames[index] = replace(frames[index], faults=("too_dark",), detections=Detections.empty())
    return frames


def detected(run: Pass, detector: Detector, correlation: float, rng: np.random.Generator) -> Pass:
    """What a detector finds of it, and what it takes for things."""
    moods: dict[int, float] = {}  # what all frames of a pass share, per thing
    frames = []
    for frame in run.frames:
        seen = []
        for each in frame.seen:
            mood = moods.setdefault(each.thing_id, float(rng.normal()))
            chance = true_recall(detector, each.class_name, _share(each, run))
            # Gaussian copula
            drawn = np.sqrt(correlation) * mood + np.sqrt(1 - correlation) * rng.normal()
            if NormalDist().cdf(drawn) < chance:
                seen.append(each)
        if rng.random() < detector.false_alarms:
            seen.append(_nothing(rng, frame, run))
        frames.append(replace(frame, seen=tuple(seen)))
    return replace(run, frames=tuple(frames))


def _nothing(rng: np.random.Generator, frame: PassFrame, run: Pass) -> SeenThing:
    wide, high = run.vehicle.camera.size_wh
    left, top, size = rng.uniform(0, 0.9 * wide), rng.uniform(0.5, 0.8) * high, rng.uniform(30, 100)
    box = (float(left), float(top), float(left + size), float(top + size))
    return SeenThing(3 * OTHERS + int(frame.id[-5:]), str(rng.choice(CONDITIONS)), box, 0.0)


def _share(thing: SeenThing, run: Pass) -> float:
    x0, y0, x1, y1 = thing.box_xyxy_px
    wide, high = run.vehicle.camera.size_wh
    return (x1 - x0) * (y1 - y0) / (wide * high)


def true_recall(detector: Detector, name: str, share: float) -> float:
    """Of one frame: grows with the logarithm of the size, up to COCO's "large"."""
    low, high = np.log(SMALL / 4), np.log(LARGE)
    grown = np.clip((np.log(max(share, 1e-9)) - low) / (high - low), 0, 1)
    return float(np.interp(grown, (0, 1), detector.recall.get(name, detector.recall["car"])))


def known_recall(detector: Detector) -> Recall:
    """What is known of it: one figure for each size."""
    middles = (SMALL / 2, (SMALL * LARGE) ** 0.5, LARGE * 2)
    sizes = {
        name: tuple(min(true_recall(detector, name, share), 0.99) for share in middles) for name in CONDITIONS
    }
    return Recall(0.4, {}, sizes)


def measure(seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Precision and recall of "gone", and how true its probabilities are."""
    worlds: dict[str, dict[str, Any]] = {
        "perfect": {"detector": PERFECT},
        "perfect, from the other side": {"detector": PERFECT, "backwards": True},
        "good": {},
        "good, only half-lives known": {"prior": False},
        "good, misses more correlated than assumed": {"correlation": 0.7},
        "shipped": {"detector": SHIPPED},
    }
    return {name: figures([list(trial(seed, **how)) for seed in seeds]) for name, how in worlds.items()}


def figures(trials: Sequence[Sequence[Judged]]) -> dict[str, Any]:
    """Of all seeds together, of the worst one, by class; and what came true of each stated probability."""
    rows = [row for one in trials for row in one]
    each = [_rates(one) for one in trials]
    bins = ((0, 0.1), (0.1, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.96), (0.96, 1.01))
    return {
        **_rates(rows),
        "worst_seed": {
            name: min((one[name] for one in each if one[name] is not None), default=None)
            for name in ("precision", "recall")
        },
        "by_class": {name: _rates([row for row in rows if row.class_name == name]) for name in CONDITIONS},
        "calibration": [
            {
                "gone_probability": f"{low:.2f}-{high:.2f}",
                "places": len(inside),
                "said": round(float(np.mean([row.result.gone for row in inside])), 3),
                "true": round(float(np.mean([row.gone for row in inside])), 3),
            }
            for low, high in bins
            if (inside := [row for row in rows if low <= row.result.gone < high])
        ],
    }


def _rates(rows: Sequence[Judged]) -> dict[str, Any]:
    said_gone = [row.gone for row in rows if row.result.outcome == "gone"]
    covered = [row.result.outcome for row in rows if row.gone and row.shown]
    stayed = [row.result.outcome for row in rows if not row.gone and row.shown]
    return {
        "places": len(rows),
        "precision": round(float(np.mean(said_gone)), 3) if said_gone else None,
        "recall": round(covered.count("gone") / len(covered), 3) if covered else None,
        "removed_and_shown": dict(Counter(covered)),
        "there_and_shown": dict(Counter(stayed)),
        "gone_not_shown": sum(row.result.outcome == "gone" for row in rows if not row.shown),
    }
