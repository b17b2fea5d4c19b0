"""Ground within some metres of what was drawn: a shop's front, a road, a point and all that is near it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.local import LocalPlane


def reach(geometry: Mapping[str, Any], metres: float) -> BaseGeometry:
    """What lies within `metres` of a GeoJSON geometry.

    Args:
        geometry: WGS-84 degrees; of a neighbourhood, as it is computed on one plane.

    Returns:
        Polygons in WGS-84 degrees; the geometry as it is for 0 m.
    """
    drawn = shape(geometry)
    if metres <= 0:
        return drawn
    west, south, east, north = drawn.bounds
    plane = LocalPlane((west + east) / 2, (south + north) / 2)
    around = shapely.buffer(shapely.transform(drawn, plane.to_metres), metres)
    return shapely.transform(around, plane.to_lon_lat)


class Reaches:
    """Grounds in an index: which of them holds a point. Where several do, the smallest; ties by order."""

    def __init__(self, grounds: Mapping[str, BaseGeometry]) -> None:
        """`grounds`: WGS-84 degrees by name."""
        names = list(grounds)
        sizes = shapely.area(np.array([grounds[name] for name in names], object)) if names else []
        order = sorted(range(len(names)), key=lambda number: (sizes[number], number))
        self._names = [names[number] for number in order]
        self._tree = shapely.STRtree([grounds[names[number]] for number in order])
        self.bounds: tuple[float, float, float, float] | None = (
            tuple(shapely.total_bounds(self._tree.geometries).tolist()) if names else None
        )

    def holding(self, lon_lat: NDArray[np.float64]) -> list[str | None]:
        """For each of (n, 2) WGS-84 degrees the name of the ground that holds it; None where none does."""
        first = np.full(len(lon_lat), len(self._names))
        points, grounds = self._tree.query(shapely.points(lon_lat), predicate="intersects")
        np.minimum.at(first, points, grounds)
        return [self._names[number] if number < len(self._names) else None for number in first.tolist()]
