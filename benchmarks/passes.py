"""Simulated passes as the frames that the product tracks and locates, and the truth about its places."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.passes import Noise, Pass, PassFrame, SeenThing, Vehicle
from streetsight.datasets.simulation.patrol import ORIGIN_LON_LAT
from streetsight.inference.places.sighting import Place, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.builder import SightingBuilder
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections
from streetsight.models.frame import Position
from streetsight.models.taxonomy import default_taxonomy

NAMES = default_taxonomy().names
PLANE = LocalPlane(*ORIGIN_LON_LAT)
CHI_95 = 5.99  # chi-squared, 2 degrees of freedom

FIRST = Vehicle("vehicle-a", Camera())
SECOND = Vehicle(
    "vehicle-b", Camera(size_wh=(1920, 1080), hfov_deg=80.0, height_m=2.3, pitch_deg=8.0), speed_mps=8.0
)


@dataclass(slots=True)
class Sighted:
    """Sightings of passes over one street, and which thing each of them shows for the most part."""

    sightings: list[Sighting] = field(default_factory=list)
    thing_of: dict[str, int] = field(default_factory=dict)


def patrol_frame(frame: PassFrame, run: Pass, noise: Noise, seen: Sequence[SeenThing]) -> PatrolFrame:
    """A frame with perfect detections of `seen`."""
    camera = run.vehicle.camera
    profile = CameraProfile(hfov_deg=camera.hfov_deg, height_m=camera.height_m, pitch_deg=camera.pitch_deg)
    boxes = np.array([each.box_xyxy_px for each in seen], np.float32).reshape(-1, 4)
    ids = np.array([NAMES.index(each.class_name) for each in seen], np.int64)
    accuracy = max(noise.position_m, 0.1)
    position = Position(frame.lon, frame.lat, "exif", accuracy_m=accuracy, heading_deg=frame.heading_deg)
    pose = Pose(frame.taken_at, position, max(noise.heading_deg, 0.1))
    detections = Detections(boxes, np.full(len(seen), 0.8, np.float32), ids)
    return PatrolFrame(frame.id, frame.id, pose, camera.size_wh, detections, NAMES, profile, 0.5)


def sight(run: Pass, noise: Noise, sighted: Sighted) -> Iterator[Sighting]:
    """The sightings of a pass, noting the truth about each."""
    builder = SightingBuilder(run.patrol_id, run.vehicle.device)
    truth: dict[tuple[str, tuple[float, ...]], int] = {}
    found: list[Sighting] = []
    for frame in run.frames:
        given = patrol_frame(frame, run, noise, frame.seen)
        for thing, box in zip(frame.seen, given.detections.boxes_xyxy_px.tolist(), strict=True):
            truth[(frame.id, tuple(box))] = thing.thing_id
        found += builder.add(given)
    for each in [*found, *builder.close()]:
        shown = Counter(truth[(glimpse.frame_id, glimpse.box_xyxy_px)] for glimpse in each.glimpses)
        sighted.sightings.append(each)
        sighted.thing_of[each.id] = shown.most_common(1)[0][0]
        yield each


def well_seen(run: Pass, within_m: float = 25.0, least_px: float = 24.0, frames: int = 3) -> set[int]:
    """Things that a pass shows large and near enough, in enough frames, to be expected."""
    counts: Counter[int] = Counter()
    for frame in run.frames:
        for each in frame.seen:
            x0, y0, x1, y1 = each.box_xyxy_px
            counts[each.thing_id] += each.distance_m <= within_m and (x1 - x0) * (y1 - y0) >= least_px**2
    return {thing for thing, count in counts.items() if count >= frames}


@dataclass(slots=True)
class Verdict:
    """What became of the things that had to become one place each.

    Attributes:
        expected, one, split, merged, missed: counts of things; one place of its own, several, shared with
            another thing, none.
        errors_m: distance of each thing's place from the truth.
        inside: whether the stated 95 % ellipse holds the truth.
    """

    expected: int = 0
    one: int = 0
    split: int = 0
    merged: int = 0
    missed: int = 0
    errors_m: list[float] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)


def judge(
    places: Sequence[Place], sighted: Sighted, true_m: dict[int, NDArray[np.float64]], expected: set[int]
) -> Verdict:
    """Compare places with the truth, east and north metres of each thing."""
    members = [(place, Counter(sighted.thing_of[each.id] for each in place.sightings)) for place in places]
    verdict = Verdict(expected=len(expected))
    for thing in expected:
        mine = [(place, shown) for place, shown in members if shown[thing]]
        if not mine:
            verdict.missed += 1
            continue
        shared = any(len(shown) > 1 for _, shown in mine)
        verdict.merged += shared
        verdict.split += len(mine) > 1
        verdict.one += len(mine) == 1 and not shared
        place = max(mine, key=lambda each: each[1][thing])[0]
        away = PLANE.to_metres(np.array([place.lon, place.lat], np.float64)) - true_m[thing]
        ee, en, nn = place.covariance_m2
        squared = float(away @ np.linalg.solve(np.array([[ee, en], [en, nn]]), away))
        verdict.errors_m.append(float(np.hypot(*away)))
        verdict.inside.append(squared <= CHI_95)
    return verdict
