"""What is shown of coverage."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from typing import Any, Literal

import shapely
from pydantic import BaseModel
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from streetsight.service.coverage.service import Driven, Ground, Measure

GRID_DEG = 1e-7
GroundKind = Literal["seen", "passed", "dim"]


class MeasureShown(BaseModel):
    """Coverage in square metres and metres. What was not seen is not clean.

    Attributes:
        day: local; null for all days together, and for frames without a time.
        dim_m2: in view in bad light only; it counts as not seen.
        area_m2, not_seen_m2: null when no area was named.
        driven_m, driven_seen_m: metres of street driven, and those in view of a frame.
    """

    day: date | None
    area_m2: float | None
    seen_m2: float
    passed_m2: float
    dim_m2: float
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
    """Ground of one kind.

    Attributes:
        properties: kind: seen; passed: a vehicle was there, what it saw is unknown; or dim: it was in view,
            in bad light only.
    """

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]
    properties: dict[str, GroundKind]


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


def _kinds(ground: Ground) -> Iterator[tuple[GroundKind, BaseGeometry]]:
    yield "seen", ground.seen
    yield "passed", ground.passed
    yield "dim", ground.dim


class WayDriven(BaseModel):
    """Attributes: patrol_id, device: whose way it was; day: local."""

    patrol_id: str
    device: str
    day: date | None


class WayFeature(BaseModel):
    """A way as GeoJSON."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]
    properties: WayDriven


class WaysShown(BaseModel):
    """RFC 7946, WGS-84 lon, lat: what patrols drove, one feature for each of them and day, newest first."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[WayFeature]

    @classmethod
    def of(cls, ways: Iterable[Driven]) -> "WaysShown":
        return cls(
            features=[
                WayFeature(
                    geometry=mapping(shapely.set_precision(shapely.line_merge(each.lines), GRID_DEG)),
                    properties=WayDriven(patrol_id=each.patrol_id, device=each.device, day=each.day),
                )
                for each in ways
            ]
        )


class DaysShown(BaseModel):
    """Coverage day by day, in order."""

    items: list[MeasureShown]
