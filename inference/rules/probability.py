"""How likely a position that is not exact lies inside a polygon, without sampling.

A position with a covariance is a bivariate normal. Whitening the plane turns it into the standard one and
the polygon into another polygon; over a polygon the standard normal integrates edge by edge:

    P = sum over edges of  dphi / 2 pi  -  (T(d, tan phi2) - T(d, tan phi1))

with d the distance of the edge's line from the position, phi the angles to its ends from the foot of the
perpendicular, and T Owen's function. Owen, Tables for computing bivariate normal probabilities, Ann. Math.
Stat. 27 (1956), part 4; the same idea in DiDonato & Hageman, SIAM J. Sci. Stat. Comput. 3 (1982).
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from streetsight.inference.places.sighting import Covariance
from streetsight.inference.positions.local import LocalPlane

Floats = NDArray[np.float64]

LEAST_VARIANCE_M2 = 1e-6  # a position is never surer than a millimetre
_ON_THE_LINE = 1e-12  # sigmas; keeps 0 / 0 out, changes nothing


def probability_inside(geometry: BaseGeometry, lon: float, lat: float, covariance_m2: Covariance) -> float:
    """That the true position lies in the geometry, 0 to 1.

    Args:
        geometry: valid Polygon or MultiPolygon, WGS-84 degrees; anything without an area gives 0.
        lon, lat: the estimated position, WGS-84 degrees.
        covariance_m2: of the position; a variance below 1 mm squared counts as that.
    """
    plane, spread = LocalPlane(lon, lat), _whitening(covariance_m2)
    total = 0.0
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon" and not part.is_empty:
            outer, *holes = (
                _ring_probability(plane.to_metres(shapely.get_coordinates(ring)) @ spread)
                for ring in (part.exterior, *part.interiors)
            )
            total += outer - sum(holes)
    return min(1.0, max(0.0, total))


def reach_m(covariance_m2: Covariance, sigmas: float = 6.0) -> float:
    """How far from its estimate a position can be for all that matters (2e-9 lie beyond 6 sigmas)."""
    east, cross, north = covariance_m2
    widest = (east + north) / 2 + math.hypot((east - north) / 2, cross)  # the larger eigenvalue
    return sigmas * math.sqrt(max(widest, LEAST_VARIANCE_M2))


def _whitening(covariance_m2: Covariance) -> Floats:
    """(2, 2) by which metres are multiplied from the right to become standard deviations."""
    east, cross, north = covariance_m2
    variances, axes = np.linalg.eigh(np.array([[east, cross], [cross, north]], np.float64))
    whitening: Floats = axes / np.sqrt(np.maximum(variances, LEAST_VARIANCE_M2))
    return whitening


def _ring_probability(points: Floats) -> float:
    """Standard normal mass within a closed ring, (n, 2) standard deviations, either way round."""
    from scipy.special import owens_t  # a third of a second to import

    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    starts, steps = points[:-1][lengths > 0], steps[lengths > 0]
    along = steps / lengths[lengths > 0, None]
    begin = np.einsum("ni,ni->n", starts, along)
    end = begin + lengths[lengths > 0]
    side = starts[:, 0] * along[:, 1] - starts[:, 1] * along[:, 0]
    away = np.maximum(np.abs(side), _ON_THE_LINE)
    angle = (np.arctan2(end, away) - np.arctan2(begin, away)) / (2 * np.pi)
    beyond = owens_t(away, end / away) - owens_t(away, begin / away)
    return abs(float(np.sign(side) @ (angle - beyond)))
