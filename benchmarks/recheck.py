"""Is what a later pass says about open places true, and are its probabilities?

Streets with exact geometry and nothing rendered: things beside the road, parked vehicles that hide some of
them and differ from pass to pass, GPS noise of 3 m sigma per axis correlated over 30 s, heading noise of 3
degrees, detections missed by size and class (one thing's misses are correlated), false alarms, new things,
dark stretches. Half of the things seen in a first pass are removed before the second.

Targets: of the removed things that the second pass could have shown in three frames, at least 80 % are
reported gone; at least 90 % of those reported gone are gone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.recall import SIZE_BOUNDS, Recall
from streetsight.inference.coverage.recheck import OpenPlace, Recheck, Shift, recheck
from streetsight.inference.coverage.rules import RecheckRules, default_rules
from streetsight.inference.ground.stance import stance_of
from streetsight.inference.ground.view import View
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.builder import SightingBuilder
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections
from streetsight.models.frame import Position

Floats = NDArray[np.float64]

PLANE = LocalPlane(114.26, 30.54)
CAMERA = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
SIZE_WH = (1280, 720)
STREET_M, STEP_M, SPEED_MPS = 400.0, 4.0, 6.0
GPS_SIGMA_M, GPS_SECONDS, HEADING_SIGMA_DEG = 3.0, 30.0, 3.0
PLACE_SIGMA_M = 1.5
CORRELATION = 0.38  # of what decides two frames' misses of one thing; of the misses themselves about 0.25
REMOVED = 0.5
BOX_SIGMA_PX = 3.0
FALSE_ALARMS_PER_FRAME = 0.03
USEFUL_M, MIN_PX, FRAMES_NEEDED = 25.0, 24.0, 3

CLASSES = {  # width, height, metres to the side
    "garbage": (0.9, 0.5, (3.5, 8.0)),
    "overflowing_bin": (0.7, 1.1, (4.5, 8.0)),
    "damaged_sign": (0.75, 0.75, (4.5, 8.0)),
    "street_vendor": (2.0, 1.6, (4.5, 8.0)),
    "pothole": (0.9, 0.0, (0.0, 3.0)),
}
# Recall of one frame, of the smallest things that count and of large ones.
PERFECT = dict.fromkeys(CLASSES, (0.99, 0.99))
GOOD = dict.fromkeys(CLASSES, (0.7, 0.95))
SHIPPED = {  # large things as the shipped release finds them on real photos, small ones half as often
    "garbage": (0.38, 0.77),
    "overflowing_bin": (0.42, 0.85),
    "damaged_sign": (0.4, 0.81),
    "street_vendor": (0.27, 0.55),
    "pothole": (0.18, 0.37),
}
Detector = dict[str, tuple[float, float]]
NAMES = (*CLASSES, "car")
CAR = np.array([1.8, 4.5, 1.5])  # width, length, height


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Things beside a straight street.

    Attributes:
        names: class of each of n things.
        places_m: (n, 2) east, north.
        heading_deg: of the street.
    """

    names: tuple[str, ...]
    places_m: Floats
    heading_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """One pass: what a recorder and a detector would hand over, and what could truly be seen.

    Attributes:
        visible: (n,) frames that could show each thing within useful distance, were it there.
        detected: (n,) frames on which it was detected.
        gps_error_m: (k, 2).
    """

    frames: list[PatrolFrame]
    visible: NDArray[np.int64]
    detected: NDArray[np.int64]
    gps_error_m: Floats


def build_world(rng: np.random.Generator, things: int = 60) -> World:
    """Random things of all classes on both sides."""
    heading = float(rng.uniform(0, 360))
    names = tuple(rng.choice(list(CLASSES), things).tolist())
    along = rng.uniform(10, STREET_M, things)
    across = np.array([rng.uniform(*CLASSES[name][2]) for name in names]) * rng.choice([-1, 1], things)
    return World(names, _turned(np.column_stack([across, along]), heading), heading)


def drive(
    world: World,
    present: NDArray[np.bool_],
    rng: np.random.Generator,
    begins: datetime,
    detector: Detector,
    correlation: float,
) -> Drive:
    """One pass along the street with its own parked vehicles, noise and misses."""
    count = int(STREET_M / STEP_M)
    gps = _correlated(rng, count)
    lanes = rng.choice([-1, 1], 20) * rng.uniform(2.8, 3.4, 20)
    cars = np.column_stack([lanes, rng.uniform(0, STREET_M, 20)])
    dark_from = int(rng.integers(count))
    moods = rng.normal(size=(len(world.names) + len(cars),))  # what all frames of a pass share, per thing
    frames, visible = [], np.zeros(len(world.names), np.int64)
    detected = np.zeros(len(world.names), np.int64)
    for index in range(count):
        true_m = _turned(np.array([[1.5, index * STEP_M]]), world.heading_deg)[0]
        view = View(CAMERA, SIZE_WH, world.heading_deg)
        dark = dark_from <= index < dark_from + 6
        car_boxes = _car_boxes(view, _turned(cars, world.heading_deg) - true_m, world.heading_deg)
        boxes, in_view = _thing_boxes(view, world, world.places_m - true_m, car_boxes)
        in_view &= not dark
        recalls = np.array(
            [true_recall(detector, *each) for each in zip(world.names, _shares(boxes), strict=True)]
        )
        hits = in_view & present & _happens(rng, recalls, moods[: len(boxes)], correlation)
        car_hits = _happens(rng, np.full(len(cars), 0.9), moods[len(boxes) :], correlation)
        car_hits &= np.isfinite(car_boxes[:, 0])
        visible += in_view & (np.hypot(*(world.places_m - true_m).T) <= USEFUL_M)
        detected += hits
        noise = rng.normal(0, HEADING_SIGMA_DEG)
        lon, lat = _degrees(true_m + gps[index])
        frames.append(
            PatrolFrame(
                f"{begins:%d}-{index:04d}",
                f"{index:04d}.jpg",
                Pose(
                    begins + timedelta(seconds=index * STEP_M / SPEED_MPS),
                    Position(lon, lat, "gpx", GPS_SIGMA_M, (world.heading_deg + noise) % 360),
                    HEADING_SIGMA_DEG,
                ),
                SIZE_WH,
                Detections.empty() if dark else _detections(rng, world, boxes, hits, car_boxes, car_hits),
                NAMES,
                CAMERA,
                faults=("too_dark",) if dark else (),
            )
        )
    return Drive(frames, visible, detected, gps)


def true_recall(detector: Detector, name: str, share: float) -> float:
    """Of one frame: grows with the logarithm of the size, up to COCO's "large"."""
    low, high = np.log(SIZE_BOUNDS[0] / 4), np.log(SIZE_BOUNDS[1])
    grown = np.clip((np.log(max(share, 1e-9)) - low) / (high - low), 0, 1)
    return float(np.interp(grown, (0, 1), detector[name]))


def known_recall(detector: Detector) -> Recall:
    """What is known of it: one figure for each size."""
    low, high = SIZE_BOUNDS
    middles = (low / 2, (low * high) ** 0.5, high * 2)
    sizes = {name: tuple(true_recall(detector, name, share) for share in middles) for name in CLASSES}
    return Recall(0.4, {}, sizes)  # type: ignore[arg-type]


def trial(
    seed: int,
    detector: Detector = GOOD,
    registered: bool = False,
    correlation: float = CORRELATION,
    rules: RecheckRules | None = None,
) -> Iterator[tuple[Recheck, str, bool, bool]]:
    """Outcome, class, whether the thing is gone, and whether the second pass could have shown it."""
    rules = rules or default_rules()
    rng = np.random.default_rng((seed, 7))
    world = build_world(rng)
    monday = datetime(2026, 5, 4, 8, tzinfo=UTC)
    later = monday + timedelta(days=7)
    there = rng.random(len(world.names)) >= 0.05  # the rest are new on the second pass
    first = drive(world, there, rng, monday, detector, correlation)
    opened = np.flatnonzero(first.detected >= FRAMES_NEEDED)
    removed = np.zeros(len(world.names), bool)
    removed[opened] = rng.random(len(opened)) < REMOVED
    second = drive(world, ~removed, rng, later, detector, correlation)
    builder = SightingBuilder("second", "device")
    sightings = [each for frame in second.frames for each in builder.add(frame)] + builder.close()
    on_map = world.places_m[opened] + rng.normal(0, PLACE_SIGMA_M, (len(opened), 2))
    places = [
        OpenPlace(
            str(index), world.names[index], *_degrees(at),
            (PLACE_SIGMA_M**2, 0.0, PLACE_SIGMA_M**2), present=1 - REMOVED,
        )
        for index, at in zip(opened, on_map, strict=True)
    ]  # fmt: skip
    mean = second.gps_error_m.mean(axis=0)
    rest = float(np.var(second.gps_error_m, axis=0).mean())
    shift = Shift(-mean[0], -mean[1], (rest, 0.0, rest)) if registered else None
    results = recheck(places, second.frames, sightings, known_recall(detector), shift, rules)
    for index, result in zip(opened, results, strict=True):
        yield result, world.names[index], bool(removed[index]), bool(second.visible[index] >= FRAMES_NEEDED)


def measure(seeds: Sequence[int] = range(8)) -> dict[str, Any]:
    """Precision and recall of "gone", and how true its probabilities are."""
    worlds: dict[str, dict[str, Any]] = {
        "good detector": {},
        "perfect detector": {"detector": PERFECT},
        "good detector, pass registered on the map": {"registered": True},
        "good detector, misses not correlated": {"correlation": 0.0},
        "good detector, misses more correlated than assumed": {"correlation": 0.7},
        "shipped release": {"detector": SHIPPED},
    }
    return {name: _figures([list(trial(seed, **how)) for seed in seeds]) for name, how in worlds.items()}


def _figures(trials: Sequence[Sequence[tuple[Recheck, str, bool, bool]]]) -> dict[str, Any]:
    rows = [row for one in trials for row in one]
    each = [_rates(one) for one in trials]
    return {
        **_rates(rows),
        "worst_seed": {
            name: min((one[name] for one in each if one[name] is not None), default=None)
            for name in ("precision", "recall")
        },
        "by_class": {name: _rates([row for row in rows if row[1] == name]) for name in CLASSES},
        "calibration": [
            {
                "gone_probability": f"{low:.2f}-{high:.2f}",
                "places": len(inside),
                "said": round(float(np.mean([row[0].gone for row in inside])), 3),
                "true": round(float(np.mean([row[2] for row in inside])), 3),
            }
            for low, high in (
                (0, 0.1),
                (0.1, 0.4),
                (0.4, 0.6),
                (0.6, 0.8),
                (0.8, 0.9),
                (0.9, 0.96),
                (0.96, 1.01),
            )
            if (inside := [row for row in rows if low <= row[0].gone < high])
        ],
    }


def _rates(rows: Sequence[tuple[Recheck, str, bool, bool]]) -> dict[str, Any]:
    said_gone = [gone for result, _, gone, _ in rows if result.outcome == "gone"]
    covered = [result.outcome for result, _, gone, seen in rows if gone and seen]
    stayed = [result.outcome for result, _, gone, seen in rows if not gone and seen]
    return {
        "places": len(rows),
        "precision": round(float(np.mean(said_gone)), 3) if said_gone else None,
        "recall": round(covered.count("gone") / len(covered), 3) if covered else None,
        "removed_and_covered": dict(Counter(covered)),
        "there_and_covered": dict(Counter(stayed)),
        "gone_not_covered": sum(r.outcome == "gone" for r, _, _, seen in rows if not seen),
    }


def _degrees(east_north_m: Floats) -> tuple[float, float]:
    lon, lat = PLANE.to_lon_lat(east_north_m).tolist()
    return lon, lat


def _turned(across_along: Floats, heading_deg: float) -> Floats:
    """(n, 2) metres right of and along the street as east, north."""
    angle = np.radians(heading_deg)
    right, ahead = (np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))
    return np.asarray(across_along @ np.array([right, ahead]))


def _correlated(rng: np.random.Generator, count: int) -> Floats:
    """(count, 2) Ornstein-Uhlenbeck noise of the receiver."""
    keep = np.exp(-STEP_M / SPEED_MPS / GPS_SECONDS)
    noise = rng.normal(0, GPS_SIGMA_M, (count, 2))
    for index in range(1, count):
        noise[index] = keep * noise[index - 1] + np.sqrt(1 - keep**2) * noise[index]
    return noise


def _happens(
    rng: np.random.Generator, chances: Floats, moods: Floats, correlation: float
) -> NDArray[np.bool_]:
    """Events of these chances that share a mood with the other frames of the pass (Gaussian copula)."""
    noise = rng.normal(size=len(chances))
    limits = np.array([NormalDist().inv_cdf(chance) for chance in np.clip(chances, 1e-9, 1 - 1e-9)])
    return np.asarray(np.sqrt(correlation) * moods + np.sqrt(1 - correlation) * noise < limits)


def _thing_boxes(
    view: View, world: World, away_m: Floats, car_boxes: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """(n, 4) boxes, and (n,) whether one shows: big enough, mostly in the picture, not behind a car."""
    sizes = np.array([CLASSES[name][:2] for name in world.names])
    stances = [stance_of(name) for name in world.names]
    lower = np.array([each.lower for each in stances])
    distance = np.maximum(np.hypot(*away_m.T), 0.5)
    near = away_m * (1 - np.array([each.depth for each in stances]) / 2 / distance)[:, None]
    bottom = _raised(view, near, lower)
    far = _raised(view, 2 * away_m - near, lower + sizes[:, 1])
    depth = away_m @ view.rotation[2, :2]
    wide = view.focal_px * sizes[:, 0] / np.maximum(depth, 0.5)
    boxes = np.column_stack([bottom[:, 0] - wide / 2, far[:, 1], bottom[:, 0] + wide / 2, bottom[:, 1]])
    clipped = np.clip(boxes, 0, [*SIZE_WH, *SIZE_WH])
    share = _areas(clipped) / np.maximum(_areas(boxes), 1e-6)
    longer = (clipped[:, 2:] - clipped[:, :2]).max(axis=1)
    shows = (depth > 1) & np.isfinite(boxes).all(axis=1) & (share > 0.6) & (longer >= MIN_PX)
    for car in car_boxes[np.isfinite(car_boxes[:, 0])]:
        low, high = np.maximum(clipped[:, :2], car[:2]), np.minimum(clipped[:, 2:], car[2:])
        covered = np.prod(np.maximum(high - low, 0), axis=1) / np.maximum(_areas(clipped), 1e-6)
        shows &= ~((covered > 0.5) & (car[3] > clipped[:, 3]))
    return np.nan_to_num(clipped), shows


def _raised(view: View, away_m: Floats, up_m: Floats) -> Floats:
    """(n, 2) pixels of points at their own heights above the road."""
    pixels = np.zeros((len(away_m), 2))
    for up in np.unique(up_m):
        pixels[up_m == up] = view.to_pixels(away_m[up_m == up], float(up))
    return pixels


def _car_boxes(view: View, away_m: Floats, heading_deg: float) -> Floats:
    """(c, 4) boxes of parked cars in the picture; NaN where one is not in it."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)]) * CAR
    boxes = np.full((len(away_m), 4), np.nan)
    for index, at in enumerate(away_m):
        ground = at + _turned(corners[:, :2], heading_deg)
        if (ground @ view.rotation[2, :2] < 1).any():
            continue
        pixels = np.vstack([view.to_pixels(ground[corners[:, 2] == up], up) for up in (0, CAR[2])])
        low, high = (np.clip(each, 0, SIZE_WH) for each in (pixels.min(axis=0), pixels.max(axis=0)))
        if (high - low).min() > MIN_PX:
            boxes[index] = [*low, *high]
    return boxes


def _detections(
    rng: np.random.Generator,
    world: World,
    boxes: Floats,
    hits: NDArray[np.bool_],
    car_boxes: Floats,
    car_hits: NDArray[np.bool_],
) -> Detections:
    """What the detector says: noisy boxes of what it found, and now and then one of nothing."""
    found = [(box, NAMES.index(world.names[index])) for index, box in enumerate(boxes) if hits[index]]
    found += [(box, NAMES.index("car")) for index, box in enumerate(car_boxes) if car_hits[index]]
    if rng.random() < FALSE_ALARMS_PER_FRAME:
        left, top = rng.uniform(0, 1100), rng.uniform(380, 600)
        size = rng.uniform(30, 100)
        found.append((np.array([left, top, left + size, top + size]), int(rng.integers(len(CLASSES)))))
    if not found:
        return Detections.empty()
    noisy = np.array([box for box, _ in found]) + rng.normal(0, BOX_SIGMA_PX, (len(found), 4))
    return Detections(
        np.clip(noisy, 0, [*SIZE_WH, *SIZE_WH]).astype(np.float32),
        rng.uniform(0.5, 0.95, len(found)).astype(np.float32),
        np.array([class_id for _, class_id in found], np.int64),
    )


def _shares(boxes: Floats) -> list[float]:
    shares: list[float] = (_areas(boxes) / (SIZE_WH[0] * SIZE_WH[1])).tolist()
    return shares


def _areas(boxes: Floats) -> Floats:
    areas: Floats = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return areas
