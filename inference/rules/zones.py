"""Zones of a city's map, and which of them a position may lie in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.places.sighting import Covariance
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.rules.probability import probability_inside, reach_m
from streetsight.inference.rules.schedule import Schedule
from streetsight.inference.rules.settings import ZoneKind


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One zone, of a map or of a fixed camera's picture.

    Attributes:
        kind: name of a `ZoneKind`.
        geometry: valid Polygon or MultiPolygon; WGS-84 degrees on a map, fractions of the upright frame's
            width and height on a picture.
        classes: the only ones it concerns; None for all.
        schedule: when it counts; None for always.
    """

    name: str
    kind: str
    geometry: BaseGeometry
    classes: frozenset[str] | None = None
    schedule: Schedule | None = None

    def in_force(self, moment: datetime | None) -> bool | None:
        """At this moment; None when it has hours and the moment is unknown."""
        if self.schedule is None:
            return True
        return None if moment is None else self.schedule.in_force(moment)


class ZoneMap:
    """Zones with an index, so that a position is compared with its neighbourhood only.

    Attributes:
        zones: all of them, masking ones included.
        kinds_present: those that have zones here, by name.
    """

    def __init__(self, zones: Sequence[Zone], kinds: Mapping[str, ZoneKind]) -> None:
        self.zones = tuple(zones)
        self.kinds_present = {zone.kind: kinds[zone.kind] for zone in self.zones}
        self._tree = shapely.STRtree([zone.geometry for zone in self.zones])

    def near(self, lon: float, lat: float, covariance_m2: Covariance) -> list[Zone]:
        """Zones that a position with this uncertainty may lie in (6 sigmas), in the map's order."""
        reach = reach_m(covariance_m2)
        west, south, east, north = LocalPlane(lon, lat).to_lon_lat(
            np.array([[-reach, -reach], [reach, reach]])
        ).ravel()  # fmt: skip
        return [
            self.zones[index] for index in sorted(self._tree.query(shapely.box(west, south, east, north)))
        ]

    def masking(self, lon: float, lat: float, covariance_m2: Covariance) -> float:
        """How likely a position lies where nothing may leave the patrol."""
        if not any(kind.masks for kind in self.kinds_present.values()):
            return 0.0
        inside = [
            zone.geometry
            for zone in self.near(lon, lat, covariance_m2)
            if self.kinds_present[zone.kind].masks
        ]  # fmt: skip
        return probability_inside(shapely.union_all(inside), lon, lat, covariance_m2) if inside else 0.0
