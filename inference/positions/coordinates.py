"""Between WGS-84 and the coordinate systems of Chinese maps.

The offset of GCJ-02 was never published; this is the polynomial and the sines that the public has used
since 2010 (github.com/googollee/eviltransform, github.com/wandergis/coordtransform, Krasovsky's ellipsoid).
BD-09 is Baidu's second offset upon GCJ-02 (the same sources). CGCS2000 differs from WGS-84 by centimetres
and is taken as the same.

There is no shift outside China. "China" is the rectangle of those sources, 72.004-137.8347 E and
0.8293-55.8271 N. A shift that ends at a line would leave points without a counterpart on one side of it and
give some two on the other, so here it fades out over the outermost half degree of the rectangle, which lies
outside China's territory all around: inside it is the published one, and each point everywhere has exactly
one counterpart.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.profile import Crs

Floats = NDArray[np.float64]

_A, _E2 = 6378245.0, 0.00669342162296594323  # Krasovsky's ellipsoid, metres
_LOW, _HIGH = np.array([72.004, 0.8293]), np.array([137.8347, 55.8271])  # lon, lat
_FADE_DEG = 0.5
_BD_TURN = np.pi * 3000 / 180
_BD_OFFSET = np.array([0.0065, 0.006])
_ENOUGH_DEG = 1e-13
_MAX_ROUNDS = 60  # each takes at least nine tenths of the rest: the shift changes slowly


def to_wgs84(lon_lat: Floats, crs: Crs) -> Floats:
    """(n, 2) degrees of `crs` as (n, 2) WGS-84 degrees, to 1e-9 degrees; NaN stays NaN."""
    points = np.asarray(lon_lat, np.float64)
    if crs == "bd09":
        points = _undo(_baidu_shift, points)
    if crs in ("gcj02", "bd09"):
        points = _undo(_mars_shift, points)
    return points


def from_wgs84(lon_lat: Floats, crs: Crs) -> Floats:
    """(n, 2) WGS-84 degrees as (n, 2) degrees of `crs`; NaN stays NaN."""
    points = np.asarray(lon_lat, np.float64)
    if crs in ("gcj02", "bd09"):
        points = points + _mars_shift(points)
    if crs == "bd09":
        points = points + _baidu_shift(points)
    return points


def _undo(shift: Callable[[Floats], Floats], shifted: Floats) -> Floats:
    """What `shift` moves to `shifted`, by fixed-point iteration."""
    points = shifted - shift(shifted)
    for _ in range(_MAX_ROUNDS):
        better = shifted - shift(points)
        moved = np.abs(better - points)
        points = better
        if not np.any(moved > _ENOUGH_DEG):
            break
    return points


def _share(lon_lat: Floats) -> Floats:
    """(n, 1) share of the shift that applies: 1 in China, 0 outside the rectangle."""
    inside = np.minimum(lon_lat - _LOW, _HIGH - lon_lat).min(axis=-1, keepdims=True)
    share: Floats = np.clip(inside / _FADE_DEG, 0.0, 1.0)
    return share


def _mars_shift(lon_lat: Floats) -> Floats:
    """(n, 2) degrees from WGS-84 to GCJ-02."""
    lon, lat = lon_lat[..., 0], lon_lat[..., 1]
    x, y = lon - 105.0, lat - 35.0
    # Without clipping the polynomial would overflow for nonsense far outside, where its share is 0.
    x, y = np.clip(x, -40, 40), np.clip(y, -40, 40)
    ripple = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (ripple + 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (ripple + 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    phi = np.radians(np.clip(lat, -80, 80))
    squeeze = 1 - _E2 * np.sin(phi) ** 2
    shift = np.stack(
        [
            np.degrees(east / (_A / np.sqrt(squeeze) * np.cos(phi))),
            np.degrees(north / (_A * (1 - _E2) / squeeze**1.5)),
        ],
        axis=-1,
    )
    return shift * _share(lon_lat)


def _baidu_shift(lon_lat: Floats) -> Floats:
    """(n, 2) degrees from GCJ-02 to BD-09."""
    lon, lat = lon_lat[..., 0], lon_lat[..., 1]
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_TURN)
    moved = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1) + _BD_OFFSET
    shift: Floats = (moved - lon_lat) * _share(lon_lat)
    return shift
