"""Coverage as GeoJSON (RFC 7946): ground seen, ground only passed, and ground of an area not seen."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.coverage.covered import Coverage

DIGITS = 1e-7  # of a degree: a centimetre


def covered_ground(coverage: Coverage) -> dict[str, Any]:
    """All ground of all days, tile by tile, each piece with the frames that show some of it.

    Properties: `kind` ("seen" or "passed"), `day`, `frame_ids`, `patrol_ids`.
    """
    features = []
    for day in coverage.days:
        for seen, passed, footprints in coverage.ground(day):
            for kind, ground in (("seen", seen), ("passed", passed)):
                of_kind = [each for each in footprints if each.sight == kind]
                properties = {
                    "kind": kind,
                    "day": day.isoformat() if day else None,
                    "frame_ids": sorted({each.frame_id for each in of_kind}),
                    "patrol_ids": sorted({each.patrol_id for each in of_kind}),
                }
                features += _features(ground, properties)
    return {"type": "FeatureCollection", "features": features}


def covered_areas(coverage: Coverage, areas: Mapping[str, BaseGeometry]) -> dict[str, Any]:
    """Each area on each day, as up to three features: seen, passed and not seen.

    Properties: `kind` ("seen", "passed" or "not_seen"), `area`, and the fields of `Measure`.

    Raises:
        AreaError: an area that is not valid.
    """
    features = []
    for day in coverage.days:
        for name, area in areas.items():
            measure = asdict(coverage.measure(day, area))
            measure["day"] = day.isoformat() if day else None
            grounds = list(coverage.ground(day, area))
            seen = shapely.union_all([each for each, _, _ in grounds])
            passed = shapely.union_all([each for _, each, _ in grounds])
            rest = shapely.difference(shapely.difference(area, seen), passed)
            for kind, ground in (("seen", seen), ("passed", passed), ("not_seen", rest)):
                features += _features(ground, {"kind": kind, "area": name, **_rounded(measure)})
    return {"type": "FeatureCollection", "features": features}


def _features(ground: BaseGeometry, properties: dict[str, Any]) -> list[dict[str, Any]]:
    polygons = [
        each
        for each in shapely.get_parts(shapely.set_precision(ground, DIGITS))
        if each.geom_type == "Polygon" and not each.is_empty
    ]
    if not polygons:
        return []
    geometry = shapely.orient_polygons(shapely.MultiPolygon(polygons))  # outer rings counter-clockwise
    return [{"type": "Feature", "geometry": shapely.geometry.mapping(geometry), "properties": properties}]


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in values.items()}
