"""Several passes over one simulated street by several vehicles: exact boxes, noisy positions, no pixels.

What `patrol.py` renders, this only computes: thousands of frames a minute, for measuring how well
sightings are tracked, located and merged. The receiver's error drifts as real ones do
(Ornstein-Uhlenbeck); the compass errs from frame to frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.simulation.camera import Camera, Pose, View
from streetsight.datasets.simulation.patrol import to_lon_lat, whole_pixels
from streetsight.datasets.simulation.shapes import Shape, place
from streetsight.datasets.simulation.street import LANE_M, SPOTS, Street, Thing
from streetsight.datasets.simulation.things import BUILDERS

Floats = NDArray[np.float64]

MONDAY = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)
FAR_M, MIN_SIDE_PX, HIDDEN_SHARE = 45.0, 6.0, 0.5
FLAT = frozenset({"pothole", "road_crack", "manhole", "damaged_manhole"})  # hide nothing
CONDITIONS = (
    "garbage", "overflowing_bin", "pothole", "road_crack", "damaged_manhole", "damaged_sign",
    "street_vendor", "graffiti",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noise:
    """One-sigma errors.

    Attributes:
        position_m: per axis, drifting.
        correlation_s: time after which the drift has lost 63 % of its memory.
        heading_deg: per frame.
    """

    position_m: float = 3.0
    correlation_s: float = 30.0
    heading_deg: float = 3.0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A patrol vehicle and its camera."""

    device: str
    camera: Camera
    speed_mps: float = 6.0
    step_m: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Mover:
    """A vehicle that drives.

    Attributes:
        id, class_name: as a thing's.
        start_m: (east, north) at the start of the pass, metres.
        velocity_mps: (east, north).
        shapes: around the origin, front at y > 0.
    """

    id: int
    class_name: str
    start_m: tuple[float, float]
    velocity_mps: tuple[float, float]
    shapes: list[Shape]

    def at(self, seconds: float) -> Thing:
        """The thing that it is at a moment."""
        east = self.start_m[0] + seconds * self.velocity_mps[0]
        north = self.start_m[1] + seconds * self.velocity_mps[1]
        heading = float(np.degrees(np.arctan2(*self.velocity_mps)))
        return Thing(self.id, self.class_name, east, north, place(self.shapes, east, north, heading))


@dataclass(frozen=True, slots=True)
class SeenThing:
    """A thing on a frame: its id in the street and its exact box, pixels."""

    thing_id: int
    class_name: str
    box_xyxy_px: tuple[float, float, float, float]
    distance_m: float


@dataclass(frozen=True, slots=True)
class PassFrame:
    """What the vehicle records (noisy) and what is in sight (exact)."""

    id: str
    taken_at: datetime
    lon: float
    lat: float
    heading_deg: float
    true_pose: Pose
    seen: tuple[SeenThing, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One drive along the street."""

    patrol_id: str
    vehicle: Vehicle
    frames: tuple[PassFrame, ...]


def straight_street(
    seed: int, length_m: float = 400.0, neighbour_m: float = 8.0, classes: Sequence[str] = CONDITIONS
) -> Street:
    """A straight street northward, crowded: every second thing has a neighbour of its class close by.

    Args:
        neighbour_m: least distance between two things of one class; half of them come as close as that.
    """
    rng = np.random.default_rng(seed)
    things: list[Thing] = []
    for along in np.arange(15.0, length_m - 10, neighbour_m / 2):
        near = [each for each in things if along - each.north_m < neighbour_m + 3]
        again = [each for each in near if along - each.north_m >= neighbour_m]
        if again and rng.random() < 0.5:
            # Exactly next to one of its kind, on the same side.
            twin = again[0]
            name, east = twin.class_name, twin.east_m
        else:
            name = str(rng.choice(classes))
            side = 1 if SPOTS[name].lateral[0] < 4 or rng.random() < 0.75 else -1
            east = side * float(rng.uniform(*SPOTS[name].lateral))
        taken = any(
            each.class_name == name and np.hypot(each.east_m - east, each.north_m - along) < neighbour_m
            for each in things
        )
        if not taken:
            things.append(_thing(rng, len(things) + 1, name, east, float(along)))
    return Street([], things)


def _thing(rng: np.random.Generator, number: int, name: str, east: float, north: float) -> Thing:
    turn = np.sign(east) * SPOTS[name].turn
    return Thing(number, name, east, north, place(BUILDERS[name](rng), east, north, turn))


def straight_drive(length_m: float, step_m: float, backwards: bool = False) -> list[Pose]:
    """Poses along a straight street: northward on the right-hand lane, or southward on the other."""
    along = np.arange(0, length_m, step_m).tolist()
    if backwards:
        return [Pose(-LANE_M, length_m - each, 180.0) for each in along]
    return [Pose(LANE_M, each, 0.0) for each in along]


def drive_past(
    street: Street,
    vehicle: Vehicle,
    poses: Sequence[Pose],
    number: int,
    noise: Noise = Noise(),
    seed: int = 0,
    start: datetime = MONDAY,
    movers: Sequence[Mover] = (),
) -> Pass:
    """One pass along true poses a step apart.

    Args:
        number: of the pass; decides the noise together with `seed`.
        movers: what drives about meanwhile.
    """
    rng = np.random.default_rng((seed, number, 77))
    step_s = vehicle.step_m / vehicle.speed_mps
    drift = _drift(rng, len(poses), step_s, noise)
    frames = []
    for index, (pose, wrong) in enumerate(zip(poses, drift, strict=True)):
        lon, lat = to_lon_lat(pose.east_m + float(wrong[0]), pose.north_m + float(wrong[1]))
        heading = float((pose.heading_deg + rng.normal(0, noise.heading_deg)) % 360)
        about = [*street.things, *(each.at(index * step_s) for each in movers)]
        seen = things_in_sight(about, View(vehicle.camera, pose))
        taken_at = start + timedelta(seconds=index * step_s)
        frames.append(PassFrame(f"{number:03d}-{index:05d}", taken_at, lon, lat, heading, pose, seen))
    return Pass(f"{vehicle.device}-{number}", vehicle, tuple(frames))


def _drift(rng: np.random.Generator, count: int, step_s: float, noise: Noise) -> Floats:
    """(count, 2) metres; stationary from the first frame on."""
    keep = np.exp(-step_s / noise.correlation_s)
    shocks = rng.normal(0, noise.position_m, (count, 2)) * np.sqrt(1 - keep**2)
    drift = np.empty((count, 2))
    drift[0] = rng.normal(0, noise.position_m, 2)
    for index in range(1, count):
        drift[index] = keep * drift[index - 1] + shocks[index]
    return drift


def things_in_sight(things: Sequence[Thing], view: View) -> tuple[SeenThing, ...]:
    """Exact boxes of what is in the frame and not hidden for the most part by something nearer."""
    width, height = view.camera.size_wh
    here = np.array([view.pose.east_m, view.pose.north_m])
    seen: list[SeenThing] = []
    in_front: list[tuple[float, float, float, float]] = []
    away = {each.id: float(np.hypot(*(np.array([each.east_m, each.north_m]) - here))) for each in things}
    for thing in sorted(things, key=lambda each: away[each.id]):
        if away[thing.id] > FAR_M or not _ahead(thing, view):
            continue
        low, high = whole_pixels(thing, view)
        x0, y0 = np.clip(low, 0, [width, height])
        x1, y1 = np.clip(high, 0, [width, height])
        if min(x1 - x0, y1 - y0) < MIN_SIDE_PX or _hidden((x0, y0, x1, y1), in_front) > HIDDEN_SHARE:
            continue
        box = (float(x0), float(y0), float(x1), float(y1))
        seen.append(SeenThing(thing.id, thing.class_name, box, away[thing.id]))
        if thing.class_name not in FLAT:
            in_front.append(box)
    return tuple(seen)


def _ahead(thing: Thing, view: View) -> bool:
    """Whole in front of the lens; what the vehicle is just passing is not boxed."""
    depth = view.to_camera(np.array([[thing.east_m, thing.north_m, 0.0]]))[0, 2]
    return bool(depth > 3.0)


def _hidden(box: tuple[float, ...], in_front: Sequence[tuple[float, ...]]) -> float:
    """Share of a box that the worst single nearer box hides."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    shares = [
        max(0.0, min(box[2], o[2]) - max(box[0], o[0]))
        * max(0.0, min(box[3], o[3]) - max(box[1], o[1]))
        / area
        for o in in_front
    ]
    return max(shares, default=0.0)
