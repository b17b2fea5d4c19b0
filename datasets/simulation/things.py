"""The known objects of a simulated street, each built around the origin: x right, y away, z up, metres."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from streetsight.datasets.simulation.shapes import (
    Ball,
    Colour,
    Polygon,
    Shape,
    blob,
    cuboid,
    face,
    ring,
    strip,
    wheel,
)

UP = (0.0, 0.0, 1.0)
BAGS: tuple[Colour, ...] = ((40, 42, 46), (236, 236, 230), (52, 92, 168), (30, 30, 32), (196, 60, 52))
LITTER: tuple[Colour, ...] = (
    (240, 240, 236), (214, 176, 120), (88, 150, 84), (206, 70, 60), (90, 120, 190), (160, 140, 110),
)  # fmt: skip
BINS: tuple[Colour, ...] = ((52, 110, 70), (44, 84, 150), (70, 76, 84), (170, 60, 52))
PAINTS: tuple[Colour, ...] = (
    (228, 230, 232), (32, 34, 38), (150, 156, 162), (150, 32, 36), (34, 64, 120), (196, 190, 176),
)  # fmt: skip


def pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def garbage(rng: np.random.Generator) -> list[Shape]:
    """A heap of bags with litter around it."""
    spread = rng.uniform(0.5, 0.9)
    shapes = _litter(rng, int(rng.integers(16, 40)), spread * 1.5)
    for _ in range(int(rng.integers(4, 11))):
        radius = rng.uniform(0.16, 0.34)
        x, y = rng.normal(0, spread / 2, 2)
        height = radius * 0.7 + max(0.0, 0.45 - np.hypot(x, y)) * rng.uniform(0, 1)
        shapes.append(Ball((x, y, height), radius, pick(rng, BAGS), grain=0.25))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.normal(0, spread / 2, 2)
        side = rng.uniform(0.25, 0.5)
        shapes += cuboid((x, y), (side, side * 0.8), (0, side * 0.6), (178, 138, 92), 0.15)
    return shapes


def garbage_bin(rng: np.random.Generator) -> list[Shape]:
    colour = pick(rng, BINS)
    shapes = cuboid((0, 0), (0.52, 0.56), (0.08, 0.95), colour, 0.05, taper=1.18)
    return [*shapes, *cuboid((0, 0), (0.66, 0.7), (0.95, 1.03), _shade(colour, 0.8)), *wheel(0.24, 0.2, 0.09)]


def overflowing_bin(rng: np.random.Generator) -> list[Shape]:
    """A bin whose lid stands open over bags, with spill on the ground."""
    colour = pick(rng, BINS)
    shapes = cuboid((0, 0), (0.52, 0.56), (0.08, 0.95), colour, 0.05, taper=1.18)
    lid = [(-0.33, 0.33, 0.97), (0.33, 0.33, 0.97), (0.33, 0.5, 1.55), (-0.33, 0.5, 1.55)]
    shapes.append(face(lid, _shade(colour, 0.8)))
    for _ in range(int(rng.integers(5, 9))):
        x, y = rng.uniform(-0.24, 0.24, 2)
        shapes.append(Ball((x, y, rng.uniform(0.98, 1.22)), rng.uniform(0.13, 0.22), pick(rng, BAGS), 0.25))
    return shapes + _litter(rng, int(rng.integers(3, 9)), 0.5)


def pothole(rng: np.random.Generator) -> list[Shape]:
    radius = rng.uniform(0.35, 0.75)
    rim = blob(rng, (0, 0, 0.004), radius * 1.18, 0.2)
    hole = blob(rng, (0, 0, 0.006), radius, 0.25)
    floor = blob(rng, (0.0, 0.06 * radius, 0.008), radius * 0.72, 0.3)
    return [
        Polygon(rim, (148, 144, 136), 0.3),
        Polygon(hole, (44, 42, 40), 0.3),
        Polygon(floor, (84, 78, 70), 0.45),
    ]


def road_crack(rng: np.random.Generator) -> list[Shape]:
    shapes: list[Shape] = []
    for _ in range(int(rng.integers(2, 4))):
        steps = rng.normal([0.0, 0.22], [0.14, 0.06], (9, 2))
        path = np.cumsum(np.vstack([rng.uniform(-0.4, 0.4, 2) - [0, 0.9], steps]), axis=0)
        level = np.column_stack([path, np.full(len(path), 0.005)])
        shapes += strip(level, rng.uniform(0.03, 0.06), (36, 34, 34), UP)
    return shapes


def manhole(rng: np.random.Generator) -> list[Shape]:
    return [
        Polygon(ring((0, 0, 0.004), 0.42, 24), (128, 126, 122), 0.15),
        Polygon(ring((0, 0, 0.006), 0.36, 24), (76, 74, 72), 0.2),
        *_lid_ribs(0.3),
    ]


def damaged_manhole(rng: np.random.Generator) -> list[Shape]:
    """An open shaft with its cover pushed aside and tilted."""
    lid = ring((0, 0, 0), 0.36, 24)
    lid[:, 2] = (lid[:, 0] + 0.36) * 0.3
    lid += np.array([rng.choice([-1, 1]) * 0.42, rng.uniform(-0.15, 0.3), 0.03])
    shaft = ring((0.02, 0.03, 0.008), 0.33, 24)
    return [
        Polygon(blob(rng, (0, 0, 0.003), 0.55, 0.2), (136, 130, 120), 0.35),
        Polygon(ring((0, 0, 0.005), 0.4, 24), (104, 100, 96), 0.2),
        Polygon(shaft, (10, 10, 12), 0.02),
        Polygon(lid, (72, 68, 64), 0.25),
    ]


def sign(rng: np.random.Generator) -> list[Shape]:
    return _sign(rng, tilt=0.0, damaged=False)


def damaged_sign(rng: np.random.Generator) -> list[Shape]:
    return _sign(rng, tilt=float(rng.choice([-1, 1]) * rng.uniform(0.25, 0.5)), damaged=True)


def street_vendor(rng: np.random.Generator) -> list[Shape]:
    """A table of goods under a parasol, with the vendor behind it."""
    width = rng.uniform(1.5, 2.1)
    shapes = cuboid(
        (0, 0), (width, 0.8), (0.0, 0.72), pick(rng, ((168, 60, 52), (60, 96, 150), (190, 150, 90))), 0.12
    )
    fruit: tuple[Colour, ...] = ((224, 60, 40), (240, 160, 40), (90, 160, 60), (230, 210, 70), (150, 60, 120))
    for x in np.arange(-width / 2 + 0.16, width / 2 - 0.1, 0.3):
        colour = pick(rng, fruit)
        shapes += [
            Ball((x + dx, y, 0.8 + dz), 0.08, colour, 0.1)
            for dx, dz in ((-0.07, 0), (0.07, 0), (0.0, 0.09))
            for y in (-0.24, 0.0, 0.24)
        ]
    shapes += cuboid((0, 0.25), (0.05, 0.05), (0.72, 2.25), (120, 116, 110))
    stripes = (pick(rng, ((208, 48, 44), (40, 96, 178), (40, 140, 90), (240, 150, 40))), (240, 238, 230))
    rim = ring((0, 0.1, 1.95), width * 0.68, 16)
    shapes += [
        Polygon(np.stack([rim[i], rim[(i + 1) % 16], np.array([0, 0.1, 2.5])]), stripes[i % 2])
        for i in range(16)
    ]
    return shapes + _person(0.35, 0.75, pick(rng, ((60, 80, 120), (150, 60, 60), (70, 110, 80))))


def graffiti(rng: np.random.Generator) -> list[Shape]:
    """Scrawls on an upright wall in the plane y = 0."""
    shapes: list[Shape] = []
    colours: tuple[Colour, ...] = ((20, 20, 24), (190, 30, 40), (30, 60, 170), (20, 120, 70))
    for line in range(int(rng.integers(2, 4))):
        colour, z = pick(rng, colours), 0.9 + 0.45 * line
        turn = np.linspace(0, rng.uniform(6, 10) * np.pi, 48)
        x = np.linspace(-0.9, 0.9, 48) + 0.16 * np.cos(turn)
        path = np.column_stack([x, np.full(48, -0.01), z + 0.17 * np.sin(turn * rng.uniform(0.8, 1.2))])
        shapes += strip(path, 0.05, colour, (0.0, 1.0, 0.0))
    return shapes


def car(rng: np.random.Generator) -> list[Shape]:
    return _vehicle(pick(rng, PAINTS), length=4.5, width=1.8, bonnet=0.92, roof=1.48, cabin=(-1.2, 1.0))


def van(rng: np.random.Generator) -> list[Shape]:
    return _vehicle(pick(rng, PAINTS[:3]), length=4.6, width=1.75, bonnet=1.0, roof=1.95, cabin=(-2.2, 1.7))


def truck(rng: np.random.Generator) -> list[Shape]:
    """A small lorry: cab in front (y > 0), box behind it."""
    shapes = cuboid(
        (0, -0.6), (2.0, 3.8), (0.85, 2.7), pick(rng, ((226, 226, 220), (60, 110, 160), (190, 120, 50)))
    )
    shapes += cuboid((0, 2.05), (1.9, 1.3), (0.5, 2.1), pick(rng, PAINTS), taper=0.94)
    shapes += cuboid((0, -0.2), (1.8, 5.0), (0.5, 0.85), (40, 40, 44))
    for y in (-1.6, 1.9):
        shapes += [*wheel(-0.98, y, 0.42), *wheel(0.98, y, 0.42)]
    return shapes + _lights(-2.53, 0.75, 0.8)


def motorcycle(rng: np.random.Generator) -> list[Shape]:
    """An electric scooter, seen along y."""
    colour = pick(rng, PAINTS)
    shapes = [
        *wheel(0.0, -0.62, 0.24),
        *wheel(0.0, 0.62, 0.24),
        *wheel(0.06, -0.62, 0.24),
        *wheel(-0.06, 0.62, 0.24),
    ]
    shapes += cuboid((0, -0.35), (0.3, 0.75), (0.35, 0.72), colour)
    shapes += cuboid((0, -0.35), (0.26, 0.7), (0.72, 0.82), (24, 24, 26))
    shapes += cuboid((0, 0.1), (0.3, 0.4), (0.26, 0.34), colour)
    shapes += cuboid((0, 0.48), (0.34, 0.12), (0.3, 0.98), colour)
    shapes += cuboid((0, 0.46), (0.68, 0.06), (0.98, 1.05), (40, 40, 44))
    return [
        *shapes,
        Ball((0.3, 0.46, 1.16), 0.06, (50, 50, 56)),
        Ball((-0.3, 0.46, 1.16), 0.06, (50, 50, 56)),
    ]


BUILDERS: dict[str, Callable[[np.random.Generator], list[Shape]]] = {
    builder.__name__: builder
    for builder in (
        garbage, garbage_bin, overflowing_bin, pothole, road_crack, manhole, damaged_manhole, sign,
        damaged_sign, street_vendor, graffiti, car, van, truck, motorcycle,
    )
}  # fmt: skip


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue


def _litter(rng: np.random.Generator, count: int, spread: float) -> list[Shape]:
    shapes: list[Shape] = []
    for _ in range(count):
        x, y = rng.normal(0, spread / 2, 2)
        size = rng.uniform(0.04, 0.14)
        outline = blob(rng, (x, y, rng.uniform(0.005, 0.06)), size, 0.5)
        shapes.append(Polygon(outline, pick(rng, LITTER), 0.2))
    return shapes


def _lid_ribs(radius: float) -> list[Shape]:
    ribs: list[Shape] = []
    for y in np.linspace(-radius * 0.8, radius * 0.8, 7):
        half = float(np.sqrt(radius**2 - y**2))
        path = np.array([[-half, y, 0.007], [half, y, 0.007]])
        ribs += strip(path, 0.03, (112, 110, 106), UP)
    return ribs


def _sign(rng: np.random.Generator, tilt: float, damaged: bool) -> list[Shape]:
    pole = cuboid((0, 0.03), (0.07, 0.07), (0, 2.1), (150, 152, 154))
    shapes: list[Shape] = [replace(side, boxed=False) for side in pole if isinstance(side, Polygon)]
    kind = int(rng.integers(3))
    fill: Colour = ((30, 80, 170), (235, 235, 232), (240, 200, 50))[kind]
    edge: Colour = ((240, 240, 240), (200, 36, 40), (24, 24, 26))[kind]
    outer = _plate(24 if kind < 2 else 3, 0.42, 0.0)
    inner = _plate(24 if kind < 2 else 3, 0.33, -0.012)
    bar = np.array([[-0.2, -0.024, -0.05], [0.2, -0.024, -0.05], [0.2, -0.024, 0.06], [-0.2, -0.024, 0.06]])
    plates = [Polygon(outer, edge), Polygon(inner, fill), Polygon(bar, edge)]
    if damaged:
        for _ in range(int(rng.integers(4, 8))):
            rust = blob(rng, (*rng.uniform(-0.24, 0.24, 2), 0.0), rng.uniform(0.05, 0.14), 0.5)
            upright = np.column_stack([rust[:, 0], np.full(len(rust), -0.03), rust[:, 1]])
            plates.append(Polygon(upright, pick(rng, ((120, 66, 34), (90, 50, 30), (60, 56, 52))), 0.35))
    fold = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    for plate in plates:
        points = plate.points.copy()
        if damaged:  # the outer third is bent back
            points[:, 1] += np.maximum(0, points[:, 0] - 0.1) * 0.9
        shapes.append(Polygon(points @ fold.T + np.array([0, 0, 2.15]), plate.colour, plate.grain))
    return shapes


def _plate(corners: int, radius: float, y: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 2
    return np.column_stack([radius * np.cos(turn), np.full(corners, y), radius * np.sin(turn)])


def _person(x: float, y: float, coat: Colour) -> list[Shape]:
    legs = cuboid((x, y), (0.3, 0.2), (0, 0.85), (46, 48, 58))
    body = cuboid((x, y), (0.46, 0.26), (0.85, 1.45), coat, 0.1, taper=0.85)
    return [
        *legs,
        *body,
        Ball((x, y, 1.6), 0.13, (196, 152, 124), 0.05),
        Ball((x, y + 0.03, 1.65), 0.12, (30, 26, 24)),
    ]


def _vehicle(
    paint: Colour, length: float, width: float, bonnet: float, roof: float, cabin: tuple[float, float]
) -> list[Shape]:
    """A car body with a cabin; its rear is at y < 0."""
    rear, front = cabin
    shapes = cuboid((0, 0), (width, length), (0.28, bonnet), paint, 0.03, taper=0.97)
    middle, depth = (rear + front) / 2, front - rear
    shapes += cuboid((0, middle), (width * 0.92, depth), (bonnet, roof), (38, 44, 52), 0.02, taper=0.8)
    roof_half = (width * 0.92 * 0.4, depth * 0.4)
    shapes += cuboid(
        (0, middle), (roof_half[0] * 2, roof_half[1] * 2), (roof - 0.04, roof + 0.01), paint, 0.03
    )
    for x in (-width / 2 - 0.005, width / 2 + 0.005):
        shapes += [*wheel(x, -length * 0.31, 0.31), *wheel(x, length * 0.31, 0.31)]
    shapes += cuboid((0, 0), (width * 0.96, length * 1.01), (0.26, 0.4), (36, 36, 40))
    return shapes + _lights(-length / 2 - 0.03, width * 0.36, 0.72)


def _lights(y: float, x: float, z: float) -> list[Shape]:
    return [
        face(
            [(s - 0.13, y, z), (s + 0.13, y, z), (s + 0.13, y, z + 0.14), (s - 0.13, y, z + 0.14)],
            (176, 26, 30),
            0.0,
        )
        for s in (-x, x)
    ]
