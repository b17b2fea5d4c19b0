"""Which frames of a pass should have shown a thing, and how likely all of them missed it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.footprint import SightRules, blocking_boxes, sight_of, view_of
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.rules import RecheckRules
from streetsight.inference.ground.stance import stance_of
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.boxes import areas, intersections

Floats = NDArray[np.float64]

DEFAULT_WIDTH_M = 1.0
RINGS, SPOKES = 5, 8  # points that stand for an uncertain place
INSIDE_SHARE = 0.6  # of a thing's width and height that must be in the picture, and all of its lower edge
NEARER_PX = 2.0  # by how much lower a box must end to stand before a thing
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class Look:
    """A frame that should have shown the thing.

    Attributes:
        distance_m: to where the thing most likely stands.
        size_px: longer side that it would have.
        recall: probability that this frame alone would have detected it, over where it may stand.
    """

    frame_id: str
    distance_m: float
    size_px: float
    recall: float


@dataclass(frozen=True, slots=True)
class Looks:
    """A pass by a thing.

    Attributes:
        covered: probability that at least one frame shows where it stands.
        missed: probability that no frame detects it, if it is there.
        single: probability that only one frame does, if any does.
        used: frames that count.
        unused: frame id and reason, of frames so near that one would ask: a fault of the quality gate,
            "no_heading", "no_camera", "unsure_heading", "no_position", "too_far", "too_small",
            "out_of_view" or "hidden".
    """

    covered: float
    missed: float
    single: float
    used: tuple[Look, ...]
    unused: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """Size of what is looked for, metres.

    Attributes:
        lower_m: height of its lower edge above the road.
        depth_m: along the line of sight.
    """

    class_name: str
    width_m: float
    height_m: float
    depth_m: float
    lower_m: float


def thing_of(class_name: str, rules: RecheckRules, width_m: float | None = None) -> Thing:
    """The usual size of a class, with the measured width where there is one."""
    stance = stance_of(class_name)
    return Thing(
        class_name,
        width_m or stance.width or DEFAULT_WIDTH_M,
        rules.kind(class_name).height_m,
        stance.depth,
        stance.lower,
    )


def look_at(
    thing: Thing,
    frames: Sequence[PatrolFrame],
    places_m: Floats,
    covariance_m2: Floats,
    recall: Recall,
    rules: RecheckRules,
) -> Looks:
    """Every frame's chance of showing a thing whose place is uncertain.

    The thing may stand at any of the points that stand for its distribution. For each of them, the frames'
    chances are combined (`chances_of`), then averaged: a frame counts as far as it is sure to
    show the thing.

    Args:
        places_m: (n, 2) where the thing is from each frame's lens, east and north metres.
        covariance_m2: (2, 2) of that.
    """
    spread = spread_points(covariance_m2)  # (s, 2)
    recalls, used, unused = [], [], []
    for frame, place in zip(frames, places_m, strict=True):
        sight, reasons = sight_of(frame, SightRules(rules.useful_m))
        if sight != "seen":
            unused.append((frame.id, reasons[0]))
            continue
        points = np.vstack([place, place + spread])
        chances, why, size_px = _chances(thing, frame, points, recall, rules)
        recalls.append(chances[1:])
        if why:
            unused.append((frame.id, why))
        else:
            distance = float(np.hypot(*place))
            used.append(Look(frame.id, round(distance, 2), round(size_px, 1), float(chances[1:].mean())))
    each = np.array(recalls).reshape(-1, len(spread))  # (k, s)
    covered = float((each > 0.05).any(axis=0).mean()) if len(each) else 0.0
    none, one = (float(chance.mean()) for chance in chances_of(each, rules.look_correlation))
    single = one / (1 - none) if none < 1 else 1.0
    return Looks(covered, none, single, tuple(used), tuple(unused))


def chances_of(recalls: Floats, correlation: float) -> tuple[Floats, Floats]:
    """Probabilities that all looks of a pass miss a thing, and that exactly one detects it.

    A thing that one frame misses, its neighbours tend to miss too. Equal looks follow the beta-binomial
    distribution whose intraclass correlation is rho (Griffiths, Biometrics 29(4), 1973): the look after i
    misses misses with probability ((1 - r)(1 - rho) + i rho) / (1 - rho + i rho). Looks that differ are taken
    best first with their own r; so another look never makes a miss likelier.

    Args:
        recalls: (k, s) of k looks at s points.
        correlation: rho; 0 multiplies the misses, 1 counts the best look only.
    """
    ordered = np.sort(recalls, axis=0)[::-1]
    before = np.arange(len(ordered))[:, None] * correlation  # (k, 1)
    misses = (1 - ordered) * (1 - correlation) + before
    misses[:1] = 1 - ordered[:1]
    none = misses[:1].prod(axis=0) * np.prod(misses[1:] / (1 - correlation + before[1:]), axis=0)
    one = np.zeros(ordered.shape[1:])
    for index, hit in enumerate(ordered):
        others = (1 - np.delete(ordered, index, axis=0)) * (1 - correlation) + before[:-1]
        one += hit * np.prod(others / (1 - correlation + before[1:]), axis=0)
    return none, one


def spread_points(covariance_m2: Floats) -> Floats:
    """(s, 2) points that stand for a normal distribution around 0, each for the same share of it."""
    quantiles = (np.arange(RINGS) + 0.5) / RINGS
    radii = np.sqrt(-2 * np.log1p(-quantiles))  # of a two-dimensional normal distribution
    turns = np.arange(SPOKES)[None, :] + np.arange(RINGS)[:, None] / 2
    angles = 2 * math.pi * turns / SPOKES
    unit = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    values, vectors = np.linalg.eigh(covariance_m2)
    points: Floats = (unit.reshape(-1, 2) * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return points


def _chances(
    thing: Thing, frame: PatrolFrame, points: Floats, recall: Recall, rules: RecheckRules
) -> tuple[Floats, str | None, float]:
    """Recall at each of (s, 2) points, why the first does not count, and its longer side in pixels."""
    view = view_of(frame)
    width, height = view.size_wh
    away = np.hypot(points[:, 0], points[:, 1])
    feet = view.to_pixels(points, thing.lower_m)  # (s, 2), NaN behind the camera
    depth = np.column_stack([points, np.full(len(points), -view.camera.height_m)]) @ view.rotation[2]
    scale = view.focal_px / np.maximum(depth, 0.1)  # pixels per metre
    wide = scale * thing.width_m
    flat = scale * thing.depth_m * view.camera.height_m / np.maximum(away, 0.1)  # of what lies on the road
    tall = scale * thing.height_m + flat
    left, right, bottom = feet[:, 0] - wide / 2, feet[:, 0] + wide / 2, feet[:, 1]
    boxes = np.column_stack([left, bottom - tall, right, bottom])
    turned = view.focal_px * math.tan(math.radians(frame.pose.heading_sigma_deg or 0.0))
    cut = (1 - INSIDE_SHARE) * wide
    inside = _reaches(left + cut, turned) * _reaches(width - right + cut, turned)
    inside *= (bottom <= height) & (bottom - INSIDE_SHARE * tall >= 0)
    longer = np.maximum(wide, tall)
    near, big = away <= rules.useful_m, longer >= rules.min_px
    clear = ~_hidden(boxes, blocking_boxes(frame), rules.hidden_share)
    chances = np.where(
        near & big & clear, inside * recall.at(thing.class_name, wide * tall / (width * height)), 0.0
    )
    for passes, reason in (
        (near, "too_far"), (inside >= 0.5, "out_of_view"), (big, "too_small"), (clear, "hidden")
    ):  # fmt: skip
        if not passes[0]:
            return chances, reason, float(longer[0])
    return chances, None, float(longer[0])


def _reaches(pixels: Floats, sigma_px: float) -> Floats:
    """(n,) probability that a distance to the picture's edge stays positive while the camera turns."""
    if sigma_px <= 0:
        return (pixels >= 0).astype(np.float64)
    likely: Floats = (1 + _erf(np.nan_to_num(pixels, nan=-math.inf) / sigma_px / math.sqrt(2))) / 2
    return likely


def _hidden(boxes: Floats, blockers: Floats, share: float) -> NDArray[np.bool_]:
    """(n,) which boxes a nearer one, ending lower in the picture, covers by at least this share."""
    boxes32, blockers32 = np.nan_to_num(boxes).astype(np.float32), blockers.astype(np.float32)
    covered = intersections(boxes32, blockers32) / np.maximum(areas(boxes32), 1e-6)[:, None]  # (n, b)
    nearer = blockers[None, :, 3] > boxes[:, None, 3] + NEARER_PX
    return np.asarray(((covered >= share) & nearer).any(axis=1))
