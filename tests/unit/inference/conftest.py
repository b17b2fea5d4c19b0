"""What several tests of this folder share: a detector, a rendered street, hand-made cards."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.render import render
from streetsight.datasets.simulation.street import build_street, drive
from streetsight.inference.session import Detector
from streetsight.models.card import Card, CardClass, Head, ModelInput, ModelOutput
from streetsight.models.releases import Release

BuildCard = Callable[..., Card]


@pytest.fixture(scope="session")
def detector(release: Release) -> Detector:
    """The release on the reference backend: float32, the same on every processor."""
    return Detector(release, provider="onnx")


@pytest.fixture(scope="session")
def street_rgb() -> NDArray[np.uint8]:
    """A good picture, (360, 640, 3): the simulated street by day."""
    return render(build_street(0), Camera((640, 360)), drive(4.0, 3)[2], "day", seed=0).image_rgb_hwc


@pytest.fixture(scope="session")
def build_card() -> BuildCard:
    def build(
        head: Head = "end_to_end",
        names: tuple[str, ...] = ("pothole", "garbage"),
        thresholds: tuple[float, ...] = (0.5, 0.5),
        size: int = 64,
        rectangular: bool = True,
        nms_iou: float = 0.5,
        max_detections: int = 300,
        onnx_sha256: str = "0" * 64,
    ) -> Card:
        return Card(
            name="hand-made",
            created=date(2026, 1, 2),
            architecture="none",
            licence="AGPL-3.0-or-later",
            onnx_sha256=onnx_sha256,
            taxonomy_version="1",
            classes=tuple(
                CardClass(id=i, name=name, threshold=threshold)
                for i, (name, threshold) in enumerate(zip(names, thresholds, strict=True))
            ),
            input=ModelInput(size=size, rectangular=rectangular),
            output=ModelOutput(
                head=head,
                nms_iou=nms_iou if head == "one_to_many" else None,
                max_detections=max_detections,
            ),
        )

    return build
