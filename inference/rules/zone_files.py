"""Reading a zone file: GeoJSON (RFC 7946) in any of the coordinate systems that maps in China use.

    {"type": "FeatureCollection", "coordinates": "gcj02", "time_zone": "+08:00", "features": [
      {"type": "Feature",
       "properties": {"kind": "vending_permitted", "name": "East gate night market",
                      "windows": [{"days": "fri-sun", "from": "18:00", "to": "01:00"}]},
       "geometry": {"type": "Polygon", "coordinates": [...]}}]}

Every feature gets an outcome; what is wrong with one costs no other. A zone that forbids or permits counts
only as it was drawn, without fault. A masking one counts as far as it can be understood: masking too much
does less harm than masking too little.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import Crs
from streetsight.inference.rules.schedule import Schedule, parse_window, parse_zone
from streetsight.inference.rules.settings import ZoneKind
from streetsight.inference.rules.zones import Zone, ZoneMap
from streetsight.models.language import SpokenError, translate
from streetsight.models.taxonomy import Language

Floats = NDArray[np.float64]
Convert = Callable[[Floats, Crs], Floats]  # (n, 2) degrees of a system as WGS-84

FeatureOutcome = Literal[
    "accepted", "not_a_feature", "no_geometry", "wrong_geometry", "bad_coordinates", "unclosed_ring",
    "out_of_range", "swapped_lon_lat", "far_from_patrol", "self_crossing", "unknown_kind", "unknown_class",
    "bad_window", "no_time_zone", "windows_ignored",
]  # fmt: skip
MESSAGES: dict[FeatureOutcome, str] = {
    "accepted": "in use",
    "not_a_feature": "not a GeoJSON feature with properties and geometry",
    "no_geometry": "the feature has no geometry",
    "wrong_geometry": "expected a Polygon or MultiPolygon, got {detail}",
    "bad_coordinates": "a ring needs at least four points of two numbers, got {detail}",
    "unclosed_ring": "a ring does not end where it begins; the file may be cut short",
    "out_of_range": "coordinates beyond 180 or 90 degrees: {detail}; is the file in metres?",
    "swapped_lon_lat": "longitude and latitude seem swapped: {detail}; GeoJSON has longitude first",
    "far_from_patrol": "{detail} km from the patrol; is this another city's file?",
    "self_crossing": "the outline crosses itself or touches itself ({detail}); draw it again",
    "unknown_kind": "unknown kind {detail}",
    "unknown_class": "unknown class {detail}",
    "bad_window": "hours cannot be read: {detail}",
    "no_time_zone": "hours need a time_zone such as +08:00, in the feature or in the file",
    "windows_ignored": "in use at all hours: what is masked has no hours",
}  # fmt: skip
MASKED_ANYWAY = "in use, masking all of its outline's hull: {reason}"
NOT_MASKED = "not masked, and nothing keeps what is inside from leaving the patrol: {reason}"

FAR_KM = 200.0


class ZoneFileError(SpokenError):
    """A zone file as a whole cannot be used."""


@dataclass(frozen=True, slots=True)
class FeatureReport:
    """What became of one feature.

    Attributes:
        index: from 0, in the file's order.
        detail: what was found instead, for the message.
        used: whether its zone is in the map.
        masks: whether it is of a masking kind, so that leaving it out has consequences.
    """

    index: int
    name: str
    outcome: FeatureOutcome
    detail: str
    used: bool
    masks: bool

    def say(self, language: Language) -> str:
        reason = translate(MESSAGES[self.outcome], language, detail=self.detail)
        if not self.masks or self.outcome in ("accepted", "windows_ignored"):
            return reason
        return translate(MASKED_ANYWAY if self.used else NOT_MASKED, language, reason=reason)


def read_zones(
    path: Path,
    kinds: Mapping[str, ZoneKind],
    class_names: Collection[str],
    near: tuple[float, float] | None = None,
    convert: Convert | None = None,
    only_kind: str | None = None,
) -> tuple[ZoneMap, tuple[FeatureReport, ...]]:
    """Read a zone file.

    Args:
        kinds: of zones, from the rules.
        class_names: of the taxonomy, for features that concern some classes only.
        near: WGS-84 lon, lat of the patrol; zones farther than 200 km from it are refused.
        convert: from the file's coordinate system; None is the product's own.
        only_kind: all features are of this kind, whatever they say.

    Raises:
        ZoneFileError: the file cannot be read, is no FeatureCollection, or declares what is not known.
    """
    return parse_zones(_read(path), path, kinds, class_names, near, convert, only_kind)


def parse_zones(
    values: Mapping[str, Any],
    name: Path | str,
    kinds: Mapping[str, ZoneKind],
    class_names: Collection[str],
    near: tuple[float, float] | None = None,
    convert: Convert | None = None,
    only_kind: str | None = None,
) -> tuple[ZoneMap, tuple[FeatureReport, ...]]:
    """`read_zones` of a FeatureCollection that was read already; `name` is what messages call it.

    Raises:
        ZoneFileError: it declares what is not known.
    """
    reader = _Reader(
        kinds, frozenset(class_names), near, convert or _to_wgs84, _crs(name, values),
        values.get("time_zone"), only_kind,
    )  # fmt: skip
    zones, reports = [], []
    for index, feature in enumerate(values["features"]):
        zone, report = reader.read(index, feature)
        reports.append(report)
        zones += [zone] if zone else []
    return ZoneMap(zones, kinds), tuple(reports)


class _Refused(Exception):
    def __init__(self, outcome: FeatureOutcome, detail: object = "") -> None:
        super().__init__(outcome)
        self.outcome, self.detail = outcome, str(detail)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What holds for all features of one file."""

    kinds: Mapping[str, ZoneKind]
    class_names: frozenset[str]
    near: tuple[float, float] | None
    convert: Convert
    crs: Crs
    time_zone: Any
    only_kind: str | None

    def read(self, index: int, feature: Any) -> tuple[Zone | None, FeatureReport]:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        if self.only_kind:
            properties = {**properties, "kind": self.only_kind}
        kind = self.kinds.get(str(properties.get("kind")))
        name = str(properties.get("name") or f"{properties.get('kind', 'zone')} {index + 1}")
        masks = kind is not None and kind.masks
        zone, outcome, detail = None, "accepted", ""
        try:
            zone = self._zone(name, feature, properties)
            if masks and properties.get("windows"):
                outcome = "windows_ignored"
        except _Refused as refused:
            outcome, detail = refused.outcome, refused.detail
            if masks:
                zone = self._hull(name, properties["kind"], feature)
        return zone, FeatureReport(
            index, name, cast(FeatureOutcome, outcome), detail, zone is not None, masks
        )

    def _zone(self, name: str, feature: Any, properties: dict[str, Any]) -> Zone:
        if not isinstance(feature, dict) or feature.get("type") != "Feature" or not properties:
            raise _Refused("not_a_feature")
        if str(properties.get("kind")) not in self.kinds:
            raise _Refused("unknown_kind", f"{properties.get('kind')!r}; known: {', '.join(self.kinds)}")
        masks = self.kinds[properties["kind"]].masks
        return Zone(
            name,
            properties["kind"],
            self._geometry(feature.get("geometry")),
            None if masks else self._classes(properties.get("classes")),
            None if masks else self._schedule(properties),
        )

    def _classes(self, names: Any) -> frozenset[str] | None:
        if names is None:
            return None
        listed = names if isinstance(names, list) else [names]
        if unknown := [str(each) for each in listed if str(each) not in self.class_names]:
            raise _Refused("unknown_class", ", ".join(unknown))
        return frozenset(map(str, listed))

    def _schedule(self, properties: dict[str, Any]) -> Schedule | None:
        windows = properties.get("windows")
        if windows is None:
            return None
        zone = properties.get("time_zone", self.time_zone)
        if zone is None:
            raise _Refused("no_time_zone")
        try:
            if not isinstance(windows, list) or not windows:
                raise ValueError(f"expected a list of windows, got {windows!r}")
            return Schedule(tuple(parse_window(each) for each in windows), parse_zone(zone))
        except ValueError as error:
            raise _Refused("bad_window", error) from error

    def _geometry(self, value: Any) -> BaseGeometry:
        rings = [self._ring(ring) for ring in _rings(value)]
        if any(not np.array_equal(ring[0], ring[-1]) for ring in rings):
            raise _Refused("unclosed_ring")
        geometry = _polygons(value, iter(rings))
        if not geometry.is_valid or geometry.area == 0:
            raise _Refused("self_crossing", shapely.is_valid_reason(geometry))
        return geometry

    def _ring(self, points: Any) -> Floats:
        """(n, 2) WGS-84 degrees."""
        degrees = _numbers(points)
        if len(degrees) < 4:
            raise _Refused("bad_coordinates", f"{len(degrees)} points")
        worst = tuple(np.abs(degrees).max(axis=0))
        if worst[1] > 90 and worst[1] <= 180 and worst[0] <= 90:
            raise _Refused("swapped_lon_lat", _shown(degrees[0]))
        if worst[0] > 180 or worst[1] > 90:
            raise _Refused("out_of_range", _shown(degrees[np.abs(degrees).sum(axis=1).argmax()]))
        degrees = degrees if self.crs in ("wgs84", "cgcs2000") else self.convert(degrees, self.crs)
        self._check_distance(degrees)
        return degrees

    def _check_distance(self, degrees: Floats) -> None:
        if self.near is None or (away := _kilometres(self.near, degrees)) <= FAR_KM:
            return
        turned = degrees[:, ::-1]
        if np.abs(turned[:, 1]).max() <= 90 and _kilometres(self.near, turned) <= FAR_KM:
            raise _Refused("swapped_lon_lat", _shown(degrees[0]))
        raise _Refused("far_from_patrol", round(away))

    def _hull(self, name: str, kind: str, feature: Any) -> Zone | None:
        """All that a faulty masking feature may cover; None when not even its points can be read."""
        try:
            points = np.concatenate([self._hull_points(ring) for ring in _rings(feature.get("geometry"))])
        except (_Refused, ValueError):
            return None
        hull = shapely.convex_hull(shapely.multipoints(points))
        return Zone(name, kind, hull) if hull.area > 0 else None

    def _hull_points(self, ring: Any) -> Floats:
        degrees = _numbers(ring)
        return self._ring(np.concatenate([degrees, np.repeat(degrees[:1], 2, axis=0)]).tolist())


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise ZoneFileError("{path}: not a readable JSON file ({reason})", path=path, reason=error) from error
    if (
        not isinstance(values, dict)
        or values.get("type") != "FeatureCollection"
        or not isinstance(values.get("features"), list)
    ):
        raise ZoneFileError("{path}: expected a GeoJSON FeatureCollection with a list of features", path=path)
    return values


def _crs(path: Path | str, values: Mapping[str, Any]) -> Crs:
    """The file's system: `coordinates`, or the `crs` of GeoJSON before RFC 7946, or WGS-84."""
    declared = values.get("coordinates", "wgs84")
    if declared not in get_args(Crs):
        raise ZoneFileError(
            "{path}: coordinates {declared} are not known; choose one of {known}",
            path=path, declared=repr(declared), known=", ".join(get_args(Crs)),
        )  # fmt: skip
    if "crs" in values and values["crs"] is not None:
        text = json.dumps(values["crs"]).upper()
        if not any(text.rstrip('"}').endswith(end) for end in ("CRS84", ":4326", ":4490", ":CRS84H")):
            raise ZoneFileError(
                "{path}: its crs {declared} is neither WGS-84 nor CGCS2000; convert the file first",
                path=path, declared=text,
            )  # fmt: skip
        if declared in ("gcj02", "bd09"):
            raise ZoneFileError("{path}: crs and coordinates contradict each other; keep one", path=path)
    return cast(Crs, declared)


def _rings(value: Any) -> list[Any]:
    """Outlines and holes of a geometry, one after the other."""
    if value is None:
        raise _Refused("no_geometry")
    kind = value.get("type") if isinstance(value, dict) else None
    parts = value.get("coordinates") if kind in ("Polygon", "MultiPolygon") else None
    if parts is None:
        raise _Refused("wrong_geometry", kind or type(value).__name__)
    polygons = [parts] if kind == "Polygon" else parts
    if not isinstance(polygons, list) or not polygons or not all(isinstance(p, list) and p for p in polygons):
        raise _Refused("bad_coordinates", "none")
    return [ring for polygon in polygons for ring in polygon]


def _polygons(value: dict[str, Any], rings: Any) -> BaseGeometry:
    """The geometry again, of rings that were read."""
    parts = [value["coordinates"]] if value["type"] == "Polygon" else value["coordinates"]
    read = [[next(rings) for _ in polygon] for polygon in parts]
    polygons = [shapely.Polygon(outer, holes) for outer, *holes in read]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _numbers(points: Any) -> Floats:
    """(n, 2) of any list of points; heights are left out."""
    try:
        degrees = np.array([point[:2] for point in points], np.float64)
    except (TypeError, ValueError, KeyError) as error:
        raise _Refused("bad_coordinates", str(points)[:60]) from error
    if degrees.ndim != 2 or degrees.shape[1] != 2 or not np.isfinite(degrees).all():
        raise _Refused("bad_coordinates", str(points)[:60])
    return degrees


def _kilometres(near: tuple[float, float], degrees: Floats) -> float:
    """From a position to the nearest of the points."""
    return float(np.hypot(*LocalPlane(*near).to_metres(degrees).T).min()) / 1000


def _shown(point: Floats) -> str:
    return f"{point[0]:.5f}, {point[1]:.5f}"


def _to_wgs84(degrees: Floats, crs: Crs) -> Floats:
    from streetsight.inference.positions.coordinates import to_wgs84

    return to_wgs84(degrees, crs)
