"""Builders: a square of metres around one point, a camera's glimpses, places of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zones import Zone, ZoneMap
from streetsight.models.taxonomy import default_taxonomy

PLANE = LocalPlane(114.26, 30.54)
NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in China

Build = Callable[..., Any]


@pytest.fixture
def glimpse() -> Build:
    def build(
        seconds: float | None = 0.0, box: Sequence[float] = (600, 300, 800, 440), **changes: Any
    ) -> Any:
        values = {
            "frame_id": f"frame at {seconds} {tuple(box)}",
            "taken_at": None if seconds is None else NOON + timedelta(seconds=seconds),
            "score": 0.8,
            "box_xyxy_px": tuple(map(float, box)),
            "size_wh": (1280, 720),
            "distance_m": 8.0,
        }
        return Glimpse(**{**values, **changes})

    return build


@pytest.fixture
def sighting(glimpse: Build) -> Build:
    def build(
        seconds: float | None = 0.0,
        east: float | None = 0.0,
        north: float = 0.0,
        glimpses: Sequence[Glimpse] | None = None,
        **changes: Any,
    ) -> Any:
        lon, lat = (None, None) if east is None else PLANE.to_lon_lat(np.array([east, north])).tolist()
        values = {
            "id": f"sighting {seconds} {east} {north}",
            "patrol_id": f"patrol {seconds}",
            "device_id": "car-1",
            "class_name": "car",
            "glimpses": tuple(glimpses) if glimpses is not None else (glimpse(seconds),),
            "lon": lon,
            "lat": lat,
            "own_m2": (1.0, 0.0, 1.0),
            "located_by": "nothing" if east is None else "ground",
            "speed_mps": 0.0,
        }
        return Sighting(**{**values, **changes})

    return build


@pytest.fixture
def place() -> Build:
    def build(
        *sightings: Sighting,
        east: float | None = 0.0,
        north: float = 0.0,
        sigma_m: float = 1.0,
        class_name: str = "car",
        name: str = "place",
    ) -> Any:
        lon, lat = (None, None) if east is None else PLANE.to_lon_lat(np.array([east, north])).tolist()
        return Place(name, class_name, tuple(sightings), lon, lat, (sigma_m**2, 0.0, sigma_m**2))

    return build


@pytest.fixture
def zone() -> Build:
    def build(kind: str, box_m: Sequence[float] = (-10, -10, 10, 10), **changes: Any) -> Any:
        corners = PLANE.to_lon_lat(np.array(box_m, float).reshape(2, 2)).ravel()
        return Zone(**{"name": kind, "kind": kind, "geometry": shapely.box(*corners), **changes})

    return build


@pytest.fixture
def context() -> Build:
    def build(*zones: Zone, **changes: Any) -> Any:
        rules = changes.pop("rules", None) or load_rules()
        values = {
            "zones": ZoneMap(zones, rules.zone_kinds),
            "rules": rules,
            "taxonomy": default_taxonomy(),
            "devices": {"car-1": DeviceProfile(device="car-1")},
        }
        return Context(**{**values, **changes})

    return build
