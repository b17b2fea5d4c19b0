"""Which area a place lies in: the areas in force as an index in memory, made once for each version."""

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select

from streetsight.service.areas.tables import Area, AreaVersion
from streetsight.service.store.sessions import ReadSession

KEPT_VERSIONS = 4  # the one in force, the one before, and those of other databases in tests


class AreaIndex:
    """The areas of one version. Immutable, so that threads may share it."""

    def __init__(self, paths: list[str], geometries: list[BaseGeometry]) -> None:
        """`geometries`: shapely, WGS-84 degrees, one for each path."""
        # smallest first, then by path: the first hit is the answer, and the same one every time
        sizes = shapely.area(np.array(geometries, object))
        order = sorted(range(len(paths)), key=lambda index: (sizes[index], paths[index]))
        self._paths = [paths[index] for index in order]
        self._tree = shapely.STRtree([geometries[index] for index in order])

    def path_at(self, lon: float, lat: float) -> str | None:
        """Path of the smallest area that holds the point; its outline belongs to it."""
        hits = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        return self._paths[min(hits)] if len(hits) else None


def area_index(session: ReadSession) -> AreaIndex | None:
    """The areas in force; None before the first import."""
    newest = select(AreaVersion.id).order_by(AreaVersion.number.desc()).limit(1)
    version_id = session.connection().scalar(newest)
    if version_id is None:
        return None
    if (index := _made.get(version_id)) is None:
        rows = session.execute(select(Area.path, Area.geometry).where(Area.version_id == version_id)).all()
        index = AreaIndex([path for path, _ in rows], [shape(geometry) for _, geometry in rows])
        while len(_made) >= KEPT_VERSIONS:
            _made.pop(next(iter(_made)), None)  # the oldest; another thread may have been quicker
        _made[version_id] = index
    return index


_made: dict[str, AreaIndex] = {}
