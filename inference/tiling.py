"""Small or far things in large photos: detect on overlapping tiles as well, then merge.

Merging is greedy by intersection over the smaller box within a class, as sahi's GREEDYNMM does, so that a
thing cut by a tile's edge becomes one box again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.session import Detector
from streetsight.models.boxes import Boxes, areas, intersections
from streetsight.models.detections import Detections, concatenate


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a photo is cut.

    Attributes:
        size: side of a tile, pixels of the photo; 0 means the model's input size.
        overlap: share of a tile that the next one repeats.
        batch: tiles per call of the model.
        merge_threshold: intersection over the smaller box from which two boxes are one thing.
    """

    size: int = 0
    overlap: float = 0.2
    batch: int = 8
    merge_threshold: float = 0.5


def tile_origins(side: int, tile: int, overlap: float) -> list[int]:
    """Left (or top) edges of tiles that cover `side` pixels; the last one ends at the border."""
    step = max(1, tile - int(tile * overlap))
    origins = [0]
    while origins[-1] + tile < side:
        origins.append(min(origins[-1] + step, side - tile))
    return origins


def detect_tiled(
    detector: Detector, image_rgb_hwc: NDArray[np.uint8], tiling: Tiling, min_score: float | None = None
) -> Detections:
    """Detections on the whole picture and on its tiles, merged, best first.

    Args:
        image_rgb_hwc: (h, w, 3) uint8, at full resolution.
    """
    height, width = image_rgb_hwc.shape[:2]
    tile = tiling.size or detector.card.input.size
    found = [detector.detect(image_rgb_hwc, min_score=min_score)]
    tile_w, tile_h = min(tile, width), min(tile, height)
    corners = [
        (x, y)
        for y in tile_origins(height, tile_h, tiling.overlap)
        for x in tile_origins(width, tile_w, tiling.overlap)
    ]
    if len(corners) > 1:
        for start in range(0, len(corners), tiling.batch):
            chunk = corners[start : start + tiling.batch]
            views = [image_rgb_hwc[y : y + tile_h, x : x + tile_w] for x, y in chunk]
            for (x, y), part in zip(chunk, detector.detect_batch(views, min_score), strict=True):
                shift = np.array([x, y, x, y], dtype=np.float32)
                found.append(Detections(part.boxes_xyxy_px + shift, part.scores, part.class_ids))
    return merge_by_class(concatenate(found), tiling.merge_threshold)


def merge_by_class(detections: Detections, threshold: float) -> Detections:
    """Boxes of one class that overlap by `threshold` of the smaller become their common hull.

    The best score stays. The result is sorted best first.
    """
    merged: list[tuple[Boxes, float, int]] = []
    for class_id in np.unique(detections.class_ids):
        members = detections[detections.class_ids == class_id]
        members = members[np.argsort(-members.scores, kind="stable")]
        for hull, score in _merge(members.boxes_xyxy_px, members.scores, threshold):
            merged.append((hull, score, int(class_id)))
    merged.sort(key=lambda each: -each[1])
    if not merged:
        return Detections.empty()
    return Detections(
        np.stack([hull for hull, _, _ in merged]).astype(np.float32),
        np.array([score for _, score, _ in merged], dtype=np.float32),
        np.array([class_id for _, _, class_id in merged], dtype=np.int64),
    )


def _merge(boxes: Boxes, scores: NDArray[np.float32], threshold: float) -> list[tuple[Boxes, float]]:
    """Greedy: the best box absorbs all that overlap it, then the best of the rest, and so on."""
    if not len(boxes):
        return []
    smaller = np.minimum(areas(boxes)[:, None], areas(boxes)[None, :])
    overlap = intersections(boxes, boxes) / np.maximum(smaller, 1e-9)
    left = np.ones(len(boxes), dtype=bool)
    hulls = []
    for index in range(len(boxes)):
        if not left[index]:
            continue
        group = left & (overlap[index] >= threshold)
        group[index] = True
        left &= ~group
        low, high = boxes[group, :2].min(axis=0), boxes[group, 2:].max(axis=0)
        hulls.append((np.concatenate([low, high]), float(scores[index])))
    return hulls
