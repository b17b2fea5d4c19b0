"""Which places a point lies in, at any moment: the whole register in memory, once for each change of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, or_, select

from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.store.sessions import ReadSession

KEPT_VERSIONS = 2  # the one in force, and the one that a running job still works by
FOREVER = np.iinfo(np.int64).max
BLOCK = 5000  # versions in memory at once while the index is made


@dataclass(frozen=True, slots=True)
class Ground:
    """A version of a place, as far as an index knows it.

    Attributes:
        place_id: of the row; valid_from, valid_to: as in `Place`.
        geometry: what it covers, WGS-84 degrees.
    """

    place_id: str
    kind: str
    code: str
    valid_from: datetime
    valid_to: datetime | None
    geometry: BaseGeometry


class PlaceIndex:
    """All versions of all places. Immutable, so that threads may share it.

    The outline of a place belongs to it: a point on the border of two lies in both.
    """

    def __init__(self, grounds: list[Ground]) -> None:
        # by kind and code: what a point lies in is always said in the same order
        self._grounds = sorted(grounds, key=lambda each: (each.kind, each.code, each.valid_from))
        self._from = np.array([_microseconds(each.valid_from) for each in self._grounds], np.int64)
        self._to = np.array(
            [FOREVER if each.valid_to is None else _microseconds(each.valid_to) for each in self._grounds],
            np.int64,
        )
        geometries = np.array([each.geometry for each in self._grounds], object)
        shapely.prepare(geometries)
        self._tree = shapely.STRtree(geometries)

    def __len__(self) -> int:
        return len(self._grounds)

    def at(self, lon: float, lat: float, moment: datetime) -> list[Ground]:
        """What a point lies in at a moment, by kind and code; WGS-84 degrees."""
        _, hits = self.pairs(np.array([[lon, lat]]), np.array([_microseconds(moment)]))
        return [self._grounds[each] for each in hits.tolist()]

    def many(self, lon_lat: NDArray[np.float64], moments: list[datetime]) -> list[list[Ground]]:
        """The same for many points, each at its own moment.

        Args:
            lon_lat: (n, 2) WGS-84 degrees.
        """
        found: list[list[Ground]] = [[] for _ in moments]
        times = np.array([_microseconds(each) for each in moments], np.int64)
        for point, hit in zip(*(each.tolist() for each in self.pairs(lon_lat, times)), strict=True):
            found[point].append(self._grounds[hit])
        return found

    def pairs(
        self, lon_lat: NDArray[np.float64], times: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Numbers of points, ascending, and of the grounds that each lies in.

        Args:
            lon_lat: (n, 2) WGS-84 degrees; times: (n,) microseconds since 1970.
        """
        points, hits = self._tree.query(shapely.points(lon_lat), predicate="intersects")
        then = (self._from[hits] <= times[points]) & (times[points] < self._to[hits])
        points, hits = points[then], hits[then]
        order = np.lexsort((hits, points))
        return points[order], hits[order]

    def touching(self, geometry: BaseGeometry, moment: datetime) -> list[Ground]:
        """What has something of a geometry in it, or of its outline, at a moment."""
        hits, time = np.sort(self._tree.query(geometry, predicate="intersects")), _microseconds(moment)
        return [self._grounds[each] for each in hits[(self._from[hits] <= time) & (time < self._to[hits])]]


@dataclass(frozen=True, slots=True)
class IndexAt:
    """The register as it is in force at one moment."""

    index: PlaceIndex
    moment: datetime

    def at(self, lon: float, lat: float) -> list[Ground]:
        """What a point lies in, by kind and code; WGS-84 degrees."""
        return self.index.at(lon, lat, self.moment)

    def touching(self, geometry: BaseGeometry) -> list[Ground]:
        """What has something of a geometry in it, or of its outline."""
        return self.index.touching(geometry, self.moment)


def place_index(session: ReadSession) -> PlaceIndex:
    """The register as it stands, with all its past."""
    newest = select(PlaceChange.id).order_by(PlaceChange.number.desc()).limit(1)
    change_id = session.connection().scalar(newest)
    if change_id is None:
        return EMPTY
    if (index := _made.get(change_id)) is None:
        index = PlaceIndex(list(_grounds(session)))
        while len(_made) >= KEPT_VERSIONS:
            _made.pop(next(iter(_made)), None)  # the oldest; another thread may have been quicker
        _made[change_id] = index
    return index


def was_ever_in_force() -> ColumnElement[bool]:
    """Condition that a version counted at some time, or will."""
    return or_(Place.valid_to.is_(None), Place.valid_to > Place.valid_from)


def _grounds(session: ReadSession) -> Iterator[Ground]:
    columns = (
        Place.id,
        Place.kind,
        Place.code,
        Place.valid_from,
        Place.valid_to,
        Place.ground,
        Place.geometry,
    )
    found = select(*columns).where(was_ever_in_force())
    for row in session.execute(found, execution_options={"yield_per": BLOCK}):
        yield Ground(
            row.id, row.kind, row.code, row.valid_from, row.valid_to, shape(row.ground or row.geometry)
        )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


EMPTY = PlaceIndex([])
_made: dict[str, PlaceIndex] = {}
