"""Sightings with short literals."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from streetsight.inference.places.sighting import Glimpse, Sighting
from streetsight.inference.positions.local import LocalPlane

PLANE = LocalPlane(114.26, 30.54)
START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)

MakeSighting = Callable[..., Sighting]


@pytest.fixture(scope="session")
def plane() -> LocalPlane:
    return PLANE


@pytest.fixture(scope="session")
def sighting() -> MakeSighting:
    """`sighting("a1", "a", east, north)`: one glimpse, GPS sigma 3 m, own sigma 0.5 m."""

    def make(
        name: str,
        patrol: str,
        east: float,
        north: float,
        class_name: str = "garbage",
        hours: float = 0.0,
        frame: str | None = None,
        gps_m: float = 3.0,
    ) -> Sighting:
        lon, lat = PLANE.to_lon_lat(np.array([east, north])).tolist()
        moment = START + timedelta(hours=hours)
        glimpse = Glimpse(frame or f"frame-{name}", moment, 0.8, (0, 0, 50, 50), (1280, 720), 10.0)
        return Sighting(
            name, patrol, f"device-{patrol}", class_name, (glimpse,), moment, moment, lon, lat,
            (0.25, 0.0, 0.25), (gps_m**2, 0.0, gps_m**2), "ground",
        )  # fmt: skip

    return make
