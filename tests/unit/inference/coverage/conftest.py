"""Frames of an exact patrol, by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose, PoseProblem
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections
from streetsight.models.frame import Position

BuildFrame = Callable[..., PatrolFrame]
CAMERA = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
NAMES = ("garbage", "car")
MONDAY = datetime(2026, 5, 4, 8, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture(scope="session")
def plane() -> LocalPlane:
    """Where the frames of `build_frame` are."""
    return LocalPlane(114.26, 30.54)


@pytest.fixture(scope="session")
def build_frame(plane: LocalPlane) -> BuildFrame:
    def build(
        north_m: float = 0.0,
        name: str | None = None,
        *,
        east_m: float = 0.0,
        heading_deg: float | None = 0.0,
        heading_sigma_deg: float | None = 1.0,
        accuracy_m: float | None = 1.0,
        camera: CameraProfile | None = CAMERA,
        boxes: tuple[tuple[str, tuple[float, float, float, float]], ...] = (),
        faults: tuple[str, ...] = (),
        problems: tuple[PoseProblem, ...] = (),
        taken_at: datetime | None = MONDAY,
        positioned: bool = True,
        around: LocalPlane = plane,
    ) -> PatrolFrame:
        lon, lat = around.to_lon_lat(np.array([east_m, north_m])).tolist()
        position = Position(lon, lat, "gpx", accuracy_m, heading_deg) if positioned else None
        return PatrolFrame(
            name or f"frame at {east_m}, {north_m}",
            "photo.jpg",
            Pose(
                taken_at + timedelta(seconds=north_m / 6) if taken_at else None,
                position,
                heading_sigma_deg,
                problems,
            ),
            (1280, 720),
            Detections(
                np.array([box for _, box in boxes], np.float32).reshape(-1, 4),
                np.full(len(boxes), 0.9, np.float32),
                np.array([NAMES.index(name) for name, _ in boxes], np.int64),
            ),
            NAMES,
            camera,
            faults=faults,
        )

    return build
