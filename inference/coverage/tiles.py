"""The map cut into tiles of a thousandth of a degree, so that what is new touches little of what is old.

Unions are made in degrees: a local plane only stretches them, so they are the same ones, without seams.
"""

import math
from collections.abc import Iterator

import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.local import LocalPlane

Tile = tuple[int, int]

PER_DEGREE = 1000  # tiles; 111 m from south to north
_ROUND = 360 * PER_DEGREE


def tile_box(tile: Tile) -> BaseGeometry:
    """Its square, WGS-84 degrees."""
    return shapely.box(*(each / PER_DEGREE for each in (*tile, tile[0] + 1, tile[1] + 1)))


def tile_of(lon: float, lat: float) -> Tile:
    """The tile that a point lies in."""
    return _wrapped(_index(lon)), _index(lat)


def pieces(geometry: BaseGeometry) -> Iterator[tuple[Tile, BaseGeometry]]:
    """A geometry cut at the edges of tiles, brought back into [-180, 180] across the date line.

    What lies on an edge belongs to the tile east or north of it.
    """
    if geometry.is_empty:
        return
    west, south, east, north = (_index(edge) for edge in geometry.bounds)
    for x in range(west, east + 1):
        for y in range(south, north + 1):
            box = tile_box((x, y))
            piece = shapely.intersection(geometry, box)
            if piece.is_empty or piece.bounds[0] == box.bounds[2] or piece.bounds[1] == box.bounds[3]:
                continue
            around = _wrapped(x)
            if around != x:
                turn = (around - x) / PER_DEGREE
                piece = translate(piece, turn)
            yield (around, y), piece


def area_m2(geometry: BaseGeometry) -> float:
    """Of a neighbourhood in WGS-84 degrees."""
    return float(_in_metres(geometry).area)


def length_m(geometry: BaseGeometry) -> float:
    """Of lines of a neighbourhood in WGS-84 degrees."""
    return float(_in_metres(geometry).length)


def _in_metres(geometry: BaseGeometry) -> BaseGeometry:
    if geometry.is_empty:
        return geometry
    west, south, east, north = geometry.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    degrees = LocalPlane(lon, lat).metres_per_degree
    return shapely.transform(geometry, lambda each: (each - [lon, lat]) * degrees)


def _index(degrees: float) -> int:
    index = math.floor(degrees * PER_DEGREE)  # off by one where the product rounds
    return index + ((index + 1) / PER_DEGREE <= degrees) - (index / PER_DEGREE > degrees)


def _wrapped(x: int) -> int:
    return (x + _ROUND // 2) % _ROUND - _ROUND // 2
