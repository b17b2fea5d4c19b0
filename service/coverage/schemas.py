"""What is shown of coverage."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any, Literal

import shapely
from pydantic import BaseModel
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from streetsight.service.coverage.service import Ground, Measure

GRID_DEG = 1e-7


class MeasureShown(BaseModel):
    """Coverage in square metres and metres. What was not seen is not clean.

    Attributes:
        day: local; null for all days together, and for frames without a time.
        area_m2, not_seen_m2: null when no area was named.
        driven_m, driven_seen_m: metres of street driven, and those in view of a frame.
    """

    day: date | None
    area_m2: float | None
    seen_m2: float
    passed_m2: float
    not_seen_m2: float | None
    driven_m: float
    driven_seen_m: float
    patrols: int

    @classmethod
    def of(cls, measure: Measure) -> "MeasureShown":
        rounded = {
            name: round(value, 1) if isinstance(value, float) else value
            for name, value in asdict(measure).items()
        }
        return cls.model_validate(rounded)


class CoverageFeature(BaseModel):
    """Attributes: properties: kind: seen, or passed: a vehicle was there, what it saw is unknown."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]
    properties: dict[str, Literal["seen", "passed"]]


class CoverageShown(BaseModel):
    """RFC 7946, WGS-84 lon, lat; with the measure beside the features."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[CoverageFeature]
    measure: MeasureShown

    @classmethod
    def of(cls, ground: Ground) -> "CoverageShown":
        features = [
            CoverageFeature(
                geometry=mapping(shapely.set_precision(each, GRID_DEG)), properties={"kind": kind}
            )
            for kind, each in _kinds(ground)
            if not each.is_empty
        ]  # fmt: skip
        return cls(features=features, measure=MeasureShown.of(ground.measure))


def _kinds(ground: Ground) -> Iterator[tuple[Literal["seen", "passed"], BaseGeometry]]:
    yield "seen", ground.seen
    yield "passed", ground.passed


class DaysShown(BaseModel):
    """Coverage day by day, in order."""

    items: list[MeasureShown]
