"""Judged photos made by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval", reason="needs the training extra")

from streetsight.datasets.records import LabelRecord
from streetsight.models.detections import Detections
from streetsight.training.evaluation.judging import Judged

Box = Sequence[float]
Photo = Callable[..., Judged]

CLASSES = ("garbage", "overflowing_bin", "pothole")


@pytest.fixture(scope="session")
def photo() -> Photo:
    """Builds a photo of 100 x 100 pixels: labels as (class, box), detections as (class, box, score)."""

    def build(
        labels: Sequence[tuple[str, Box]] = (),
        seen: Sequence[tuple[str, Box, float]] = (),
        group: str = "g",
        labelled: Sequence[str] = CLASSES,
        source: str = "s",
        image: str = "a.jpg",
    ) -> Judged:
        names = tuple(name for name, _ in labels)
        boxes = np.array([box for _, box in labels], np.float32).reshape(-1, 4)
        order = np.argsort([-score for *_, score in seen], kind="stable").astype(np.int64)
        return Judged(
            LabelRecord(Path(image), source, group, frozenset(labelled), names, boxes / np.float32(100)),
            (100, 100),
            {name: boxes[np.array(names) == name] for name in set(names)},
            Detections(
                np.array([box for _, box, _ in seen], np.float32).reshape(-1, 4),
                np.array([score for *_, score in seen], np.float32),
                np.array([CLASSES.index(name) for name, *_ in seen], np.int64),
            )[order],
        )

    return build
