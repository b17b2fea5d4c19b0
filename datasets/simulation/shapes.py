"""Flat polygons and balls, the two things the renderer can draw, and solids made of them."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A planar polygon.

    Attributes:
        points: (k, 3) corners in order, metres.
        colour: RGB 0..255 in full light.
        grain: strength of the surface noise, 0 (paint) to about 0.4 (rubble).
        glow: 1 for what shines by itself at dusk (windows, lamps).
        opacity: below 1 it tints what lies under it and hides nothing (shadows, stains).
        boxed: False for what people leave out of an object's box (a sign's pole).
    """

    points: Floats
    colour: Colour
    grain: float = 0.06
    glow: float = 0.0
    opacity: float = 1.0
    boxed: bool = True


@dataclass(frozen=True, slots=True)
class Ball:
    """A sphere: bags, foliage, fruit."""

    centre: tuple[float, float, float]
    radius: float
    colour: Colour
    grain: float = 0.12


Shape = Polygon | Ball


def place(shapes: list[Shape], east: float, north: float, heading_deg: float = 0.0) -> list[Shape]:
    """Shapes built around the origin (x right, y away, z up), turned clockwise and moved."""
    angle = np.radians(-heading_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    offset = np.array([east, north, 0.0])
    placed: list[Shape] = []
    for shape in shapes:
        if isinstance(shape, Polygon):
            placed.append(replace(shape, points=shape.points @ turn.T + offset))
        else:
            x, y, z = (turn @ np.array(shape.centre) + offset).tolist()
            placed.append(replace(shape, centre=(x, y, z)))
    return placed


def face(points: list[tuple[float, float, float]], colour: Colour, grain: float = 0.06) -> Polygon:
    return Polygon(np.array(points, dtype=np.float64), colour, grain)


def cuboid(
    centre: tuple[float, float],
    size: tuple[float, float],
    z: tuple[float, float],
    colour: Colour,
    grain: float = 0.06,
    taper: float = 1.0,
) -> list[Shape]:
    """An upright box; `taper` scales its top (a car's cabin, a bin)."""
    (x, y), (half_w, half_d) = centre, (size[0] / 2, size[1] / 2)
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    low = [(x + sx * half_w, y + sy * half_d, z[0]) for sx, sy in corners]
    high = [(x + sx * half_w * taper, y + sy * half_d * taper, z[1]) for sx, sy in corners]
    sides = [face([low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]], colour, grain) for i in range(4)]
    return [*sides, face(high, colour, grain)]


def ring(centre: tuple[float, float, float], radius: float, count: int = 20) -> Floats:
    """(count, 3) points of a level circle."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x, y, z = centre
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn), np.full(count, z)], axis=1)


def blob(
    rng: np.random.Generator, centre: tuple[float, float, float], radius: float, roughness: float = 0.25
) -> Floats:
    """A level, irregular outline, as of a pothole."""
    points = ring(centre, 1.0, 18)
    scale = radius * (1 + roughness * rng.uniform(-1, 1, 18))[:, None]
    points[:, :2] = np.array(centre[:2]) + (points[:, :2] - np.array(centre[:2])) * scale
    return points


def strip(path: Floats, width: float, colour: Colour, normal: tuple[float, float, float]) -> list[Shape]:
    """A polyline (k, 3) drawn with a width, in the plane that has this normal."""
    shapes: list[Shape] = []
    for start, end in pairwise(path):
        side = np.cross(end - start, np.array(normal))
        side *= width / 2 / max(float(np.linalg.norm(side)), 1e-9)
        shapes.append(Polygon(np.stack([start - side, end - side, end + side, start + side]), colour))
    return shapes


def wheel(x: float, y: float, radius: float, colour: Colour = (25, 25, 28)) -> list[Shape]:
    """An upright disc facing sideways (its axle along x)."""

    def disc(r: float, dx: float, shade: Colour) -> Polygon:
        circle = ring((0, 0, 0), r, 16)
        points = np.stack([np.full(16, x + dx), y + circle[:, 0], radius + circle[:, 1]], axis=1)
        return Polygon(points, shade)

    hub = (130, 132, 136)
    return [disc(radius, 0, colour), disc(radius * 0.55, -0.01, hub), disc(radius * 0.55, 0.01, hub)]
