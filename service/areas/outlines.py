"""Outlines as they are drawn: read, moved to WGS-84, and refused where they cross themselves."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.inference.positions.profile import Crs

POLYGONS = ("Polygon", "MultiPolygon")
SAME = 1e-9  # share of an area that is rounding
CROSSINGS_NAMED = 3


class BadOutline(Exception):
    """It cannot be used.

    Attributes:
        outcome: bad_geometry, out_of_range or crosses.
        detail: what was found, in the coordinates of the file.
    """

    def __init__(self, outcome: str, detail: object = "") -> None:
        super().__init__(outcome)
        self.outcome, self.detail = outcome, str(detail)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Attributes: geometry: valid, WGS-84 degrees; repaired: what was wrong with it, "" for nothing."""

    geometry: BaseGeometry
    repaired: str = ""


def read_outline(value: Any, crs: Crs, types: Collection[str] = POLYGONS, tolerance: float = SAME) -> Outline:
    """A GeoJSON geometry.

    A boundary that only touches itself, or has a spike, is repaired. One that crosses itself encloses other
    ground than was meant, so it is refused.

    Args:
        types: of geometry that are taken.
        tolerance: share of the area by which the repaired outline may differ from the drawn one.

    Raises:
        BadOutline: saying what, and where.
    """
    drawn = _drawn(value, types)

    def convert(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        return to_wgs84(degrees, crs)

    geometry = shapely.transform(drawn, convert)
    if drawn.geom_type not in POLYGONS:
        if drawn.length == 0 and drawn.geom_type != "Point":
            raise BadOutline("bad_geometry", "a line without length")
        return Outline(geometry)
    if geometry.is_valid and geometry.area > 0:
        return Outline(geometry)
    repaired = _repaired(geometry)
    if abs(repaired.area - geometry.area) > tolerance * repaired.area:
        raise BadOutline("crosses", _where_it_crosses(drawn))
    return Outline(repaired, shapely.is_valid_reason(geometry))


def overlapping(shapes: NDArray[Any]) -> Iterator[tuple[int, int, float]]:
    """Pairs of polygons (an object array) that share ground, and how much of the smaller one that is."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if one < other:
            smaller = min(shapes[one].area, shapes[other].area)
            yield one, other, shapely.intersection(shapes[one], shapes[other]).area / smaller


def _drawn(value: Any, types: Collection[str]) -> BaseGeometry:
    if not isinstance(value, dict) or value.get("type") not in types:
        raise BadOutline("bad_geometry", f"expected a {' or '.join(types)}")
    try:
        drawn = shapely.force_2d(shape(value))
    except Exception as error:  # shapely raises many kinds for nonsense
        raise BadOutline("bad_geometry", error) from error
    points = shapely.get_coordinates(drawn)
    if drawn.is_empty or not np.isfinite(points).all():
        raise BadOutline("bad_geometry", "no points, or points that are no numbers")
    if np.abs(points[:, 0]).max() > 180 or np.abs(points[:, 1]).max() > 90:
        raise BadOutline("out_of_range", points[np.abs(points).sum(axis=1).argmax()].tolist())
    return drawn


def _repaired(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of what was drawn; lines and points that come with them are dropped."""
    mended = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(mended) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        raise BadOutline("bad_geometry", "it has no inside")
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _where_it_crosses(drawn: BaseGeometry) -> str:
    """The first crossings: longitude and latitude as in the file, and the corners on both sides of each."""
    found: dict[str, str] = {}
    for at, one, other in _crossings(drawn):
        found.setdefault(f"{at.x:.6f}, {at.y:.6f}", f"({one} / {other})")
        if len(found) > CROSSINGS_NAMED:
            break
    named = [f"{at} {sides}" for at, sides in [*found.items()][:CROSSINGS_NAMED]]
    if len(found) > CROSSINGS_NAMED:
        named.append("...")
    return "; ".join(named) or str(shapely.is_valid_reason(drawn))


def _crossings(drawn: BaseGeometry) -> Iterator[tuple[shapely.Point, str, str]]:
    rings = shapely.get_rings(shapely.get_parts(drawn))
    corners = [shapely.get_coordinates(ring) for ring in rings]
    sides = np.concatenate([np.stack([each[:-1], each[1:]], axis=1) for each in corners])
    names = [
        (number, side, len(each) - 1)
        for number, each in enumerate(corners, 1)
        for side in range(len(each) - 1)
    ]
    lines = shapely.linestrings(sides)
    first, second = shapely.STRtree(lines).query(lines, predicate="intersects")
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if one < other and not _are_neighbours(names[one], names[other]):
            met = shapely.intersection(lines[one], lines[other])
            yield met.representative_point(), _side(names[one], len(rings)), _side(names[other], len(rings))


def _are_neighbours(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Whether two sides of one ring share a corner anyway."""
    return one[0] == other[0] and (other[1] - one[1]) % one[2] in (1, one[2] - 1)


def _side(name: tuple[int, int, int], rings: int) -> str:
    ring, side, count = name
    text = f"{side + 1}-{(side + 1) % count + 1}"
    return text if rings == 1 else f"{text} of ring {ring}"
