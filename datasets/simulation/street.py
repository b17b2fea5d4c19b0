"""The layout of a simulated street: an L of two straight legs, what lines it, and the known objects.

Leg 0 runs north along x = 0, leg 1 east along y = `CORNER_M`. The patrol drives on the right.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streetsight.datasets.simulation.camera import Pose
from streetsight.datasets.simulation.shapes import Ball, Colour, Polygon, Shape, cuboid, face, place, ring
from streetsight.datasets.simulation.things import BUILDERS, pick

CORNER_M = 90.0
LEG_M = 80.0
ROAD_HALF_M = 4.0
KERB_M = 0.22
PAVEMENT_END_M = 7.6
LANE_M = 1.7

FACADES: tuple[Colour, ...] = (
    (196, 180, 160), (170, 120, 96), (206, 202, 194), (150, 150, 146), (188, 164, 122), (122, 132, 140),
)  # fmt: skip
SHOPS: tuple[Colour, ...] = ((190, 44, 40), (30, 90, 160), (230, 170, 40), (30, 120, 84), (90, 50, 110))


class Spot(NamedTuple):
    """Lateral range (metres right of the centre line) where a class is put, and how it is turned."""

    lateral: tuple[float, float]
    turn: float = 0.0


# Where the camera can see it well and where a city would find it.
SPOTS: dict[str, Spot] = {
    "garbage": Spot((4.9, 6.4)),
    "overflowing_bin": Spot((4.8, 5.6)),
    "garbage_bin": Spot((4.8, 5.6)),
    "pothole": Spot((0.6, 2.9)),
    "road_crack": Spot((0.6, 2.9)),
    "manhole": Spot((0.6, 2.9)),
    "damaged_manhole": Spot((0.8, 2.9)),
    "sign": Spot((4.5, 5.0)),
    "damaged_sign": Spot((4.5, 5.0)),
    "street_vendor": Spot((5.2, 6.4)),
    "graffiti": Spot((PAVEMENT_END_M - 0.03, PAVEMENT_END_M - 0.03), turn=90.0),
    "car": Spot((4.9, 5.4)),
    "van": Spot((4.9, 5.4)),
    "truck": Spot((5.1, 5.5)),
    "motorcycle": Spot((4.8, 6.2), turn=20.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """A known object.

    Attributes:
        id: 1 and up, as in the truth file.
        class_name: taxonomy class.
        east_m, north_m: where it stands.
        shapes: what is drawn for it, in the world frame.
    """

    id: int
    class_name: str
    east_m: float
    north_m: float
    shapes: list[Shape]


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """Scenery that carries no label, and the known objects."""

    scenery: list[Shape]
    things: list[Thing]


def build_street(seed: int) -> Street:
    """The same street for the same seed, every class at least once."""
    rng = np.random.default_rng(seed)
    return Street(_scenery(rng), _things(rng))


def drive(step_m: float, frames: int) -> list[Pose]:
    """Poses every `step_m` metres: up leg 0, round the corner, along leg 1."""
    straight, radius = CORNER_M - 6.0, 6.0 - LANE_M
    arc = np.pi / 2 * radius
    poses = []
    for index in range(frames):
        s = index * step_m
        if s < straight:
            poses.append(Pose(LANE_M, s, 0.0))
        elif s < straight + arc:
            turn = (s - straight) / radius
            east = LANE_M + radius * (1 - np.cos(turn))
            poses.append(Pose(float(east), float(straight + radius * np.sin(turn)), float(np.degrees(turn))))
        else:
            poses.append(Pose(LANE_M + radius + s - straight - arc, CORNER_M - LANE_M, 90.0))
    return poses


def _on_leg(leg: int, along: float, lateral: float) -> tuple[float, float]:
    """East, north of a place `along` a leg and `lateral` metres right of its centre line."""
    return (lateral, along) if leg == 0 else (along, CORNER_M - lateral)


def _things(rng: np.random.Generator) -> list[Thing]:
    names = [*SPOTS, *rng.permutation(list(SPOTS)).tolist()]
    rng.shuffle(names[: len(SPOTS)])
    slots = [(0, along) for along in np.arange(11.0, CORNER_M - 9, 5.2)]
    slots += [(1, along) for along in np.arange(12.0, LEG_M, 5.2)]
    things = []
    for index, (leg, along) in enumerate(slots):
        name = names[index % len(names)]
        spot = SPOTS[name]
        in_road = spot.lateral[0] < ROAD_HALF_M
        side = 1 if in_road or rng.random() < 0.72 else -1
        lateral = side * rng.uniform(*spot.lateral)
        east, north = _on_leg(leg, float(along + rng.uniform(-0.8, 0.8)), float(lateral))
        jitter = 0.0 if name == "graffiti" else rng.uniform(-8, 8)
        heading = 90.0 * leg + side * spot.turn + jitter
        shapes = _with_shadow(BUILDERS[name](rng), flat=in_road or name == "graffiti")
        things.append(Thing(index + 1, name, east, north, place(shapes, east, north, heading)))
    return things


def _with_shadow(shapes: list[Shape], flat: bool) -> list[Shape]:
    """A soft dark patch under what stands, so that it touches the ground."""
    if flat:
        return shapes
    points = np.vstack(
        [s.points[:, :2] if isinstance(s, Polygon) else np.array([s.centre[:2]]) for s in shapes]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2
    layers: list[Shape] = []
    for grow in (1.25, 1.1, 0.95):
        outline = ring((0, 0, 0.002), 1.0, 20)
        outline[:, :2] = centre + outline[:, :2] * (half * grow + 0.06)
        layers.append(Polygon(outline, (18, 18, 22), opacity=0.22))
    return layers + shapes


def _scenery(rng: np.random.Generator) -> list[Shape]:
    shapes: list[Shape] = []
    for leg in (0, 1):
        for side in (-1, 1):
            shapes += _row_of_houses(rng, leg, side)
            shapes += _row_of_trees(rng, leg, side)
    return shapes


def _row_of_houses(rng: np.random.Generator, leg: int, side: int) -> list[Shape]:
    shapes: list[Shape] = []
    along = -30.0
    while along < CORNER_M + LEG_M + 40:
        width, height = rng.uniform(8, 15), rng.uniform(7, 19)
        middle = along + width / 2
        house = _house(rng, width - 0.3, height)
        lateral = side * PAVEMENT_END_M
        east, north = _on_leg(leg, middle, lateral)
        if not _in_other_street(leg, along, along + width):
            shapes += place(house, east, north, 90.0 * leg + side * 90.0)
        along += width
    return shapes


def _in_other_street(leg: int, start: float, end: float) -> bool:
    crossing = CORNER_M if leg == 0 else 0.0
    return start < crossing + PAVEMENT_END_M and end > crossing - PAVEMENT_END_M


def _house(rng: np.random.Generator, width: float, height: float) -> list[Shape]:
    """A front in the plane y = 0 with shop, signboard and windows, and the body behind it."""
    wall = pick(rng, FACADES)
    shapes: list[Shape] = cuboid((0, 5.0), (width, 10.0), (0, height), wall, 0.1)
    shapes.append(_panel((-width / 2, width / 2), (0, 0.5), -0.01, (110, 108, 104)))
    if rng.random() < 0.7:
        board = pick(rng, SHOPS)
        shapes.append(_panel((-width * 0.46, width * 0.46), (2.9, 3.6), -0.05, board, glow=0.5))
        for x in np.linspace(-width * 0.3, width * 0.3, 5):
            shapes.append(_panel((x - 0.22, x + 0.22), (3.05, 3.45), -0.06, (245, 240, 225), glow=0.6))
        shade: Colour = (54, 60, 66) if rng.random() < 0.6 else (150, 152, 154)
        for x in np.arange(-width / 2 + 1.4, width / 2 - 1.2, 2.5):
            shapes.append(
                _panel((x - 1.0, x + 1.0), (0.3, 2.7), -0.02, shade, glow=0.5 if shade[0] < 100 else 0)
            )
    for z in np.arange(4.4, height - 1.2, 2.9):
        for x in np.arange(-width / 2 + 1.3, width / 2 - 0.8, 2.2):
            lit = 0.9 if rng.random() < 0.3 else 0.0
            shapes.append(_panel((x - 0.58, x + 0.58), (z - 0.1, z + 1.5), -0.02, (208, 206, 200)))
            shapes.append(_panel((x - 0.5, x + 0.5), (z, z + 1.4), -0.03, (74, 90, 104), glow=lit))
    return shapes


def _panel(
    x: tuple[float, float], z: tuple[float, float], y: float, colour: Colour, glow: float = 0.0
) -> Polygon:
    flat = face([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])], colour, 0.04)
    return Polygon(flat.points, colour, flat.grain, glow)


def _row_of_trees(rng: np.random.Generator, leg: int, side: int) -> list[Shape]:
    shapes: list[Shape] = []
    for number, along in enumerate(np.arange(-8.0, CORNER_M + LEG_M + 20, 13.0)):
        if _in_other_street(leg, along - 2, along + 2):
            continue
        east, north = _on_leg(leg, float(along + rng.uniform(-1, 1)), side * (PAVEMENT_END_M - 0.7))
        shapes += place(_lamp() if number % 3 == 2 else _tree(rng), east, north, 90.0 * leg)
    return shapes


def _tree(rng: np.random.Generator) -> list[Shape]:
    shapes: list[Shape] = cuboid((0, 0), (0.26, 0.26), (0, 2.6), (92, 74, 58), 0.25)
    for _ in range(9):
        x, y, z = rng.normal(0, 0.6, 3)
        green = (int(rng.integers(40, 70)), int(rng.integers(84, 124)), int(rng.integers(38, 62)))
        shapes.append(Ball((x, y, 3.5 + z * 0.8), rng.uniform(0.6, 0.95), green, 0.45))
    return shapes


def _lamp() -> list[Shape]:
    pole = cuboid((0, 0), (0.14, 0.14), (0, 5.4), (104, 108, 112))
    head = cuboid((-0.5, 0), (1.0, 0.2), (5.3, 5.42), (104, 108, 112))
    bulb = face(
        [(-0.9, -0.1, 5.29), (-0.4, -0.1, 5.29), (-0.4, 0.1, 5.29), (-0.9, 0.1, 5.29)], (255, 236, 190)
    )
    return [*pole, *head, Polygon(bulb.points, bulb.colour, 0.0, glow=1.0)]
