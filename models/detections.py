"""What one release saw on one frame: parallel arrays, checked at construction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.models.boxes import Boxes, check_boxes


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """n detections, best score first when they come from a detector.

    Attributes:
        boxes_xyxy_px: (n, 4) float32, pixels of the upright original image.
        scores: (n,) float32 in [0, 1].
        class_ids: (n,) int64, contiguous ids of the release (its card names them).
    """

    boxes_xyxy_px: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        check_boxes("boxes_xyxy_px", self.boxes_xyxy_px)
        count = len(self.boxes_xyxy_px)
        _check_vector("scores", self.scores, count, np.dtype(np.float32))
        _check_vector("class_ids", self.class_ids, count, np.dtype(np.int64))
        if count and not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError(
                f"scores must lie in [0, 1], got {self.scores.min():.3g} to {self.scores.max():.3g}"
            )

    @classmethod
    def empty(cls) -> "Detections":
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, keep: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Detections":
        """The detections that a mask, an index array or a slice selects, in that order."""
        return Detections(self.boxes_xyxy_px[keep], self.scores[keep], self.class_ids[keep])


def concatenate(parts: list[Detections]) -> Detections:
    """All detections of several sets on the same frame, in order."""
    if not parts:
        return Detections.empty()
    return Detections(
        np.concatenate([part.boxes_xyxy_px for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.class_ids for part in parts]),
    )


def _check_vector(name: str, values: NDArray[np.generic], count: int, dtype: np.dtype[np.generic]) -> None:
    if not isinstance(values, np.ndarray) or values.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), got {np.shape(values)}")
    if values.dtype != dtype:
        raise ValueError(f"{name} must be {dtype}, got {values.dtype}")
