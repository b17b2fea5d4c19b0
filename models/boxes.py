"""Box formats and the only conversions between them.

xyxy: left, top, right, bottom. xywh: left, top, width, height. cxcywh: centre, width, height.
`_px` is pixels of the upright original image, `_norm` is fractions of its width and height.
"""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def check_boxes(name: str, boxes: Boxes) -> None:
    """Refuse what is not (n, 4) float32.

    Raises:
        ValueError: naming the field, what was expected and what it is.
    """
    if not isinstance(boxes, np.ndarray) or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must be an array of shape (n, 4), got {np.shape(boxes)}")
    if boxes.dtype != np.float32:
        raise ValueError(f"{name} must be float32, got {boxes.dtype}")


def xyxy_to_xywh(boxes_xyxy: Boxes) -> Boxes:
    """(n, 4) float32 xyxy to xywh, same frame."""
    return np.concatenate([boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]], axis=1)


def xywh_to_xyxy(boxes_xywh: Boxes) -> Boxes:
    """(n, 4) float32 xywh to xyxy, same frame."""
    return np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)


def xyxy_to_cxcywh(boxes_xyxy: Boxes) -> Boxes:
    """(n, 4) float32 xyxy to cxcywh, same frame."""
    low, high = boxes_xyxy[:, :2], boxes_xyxy[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def cxcywh_to_xyxy(boxes_cxcywh: Boxes) -> Boxes:
    """(n, 4) float32 cxcywh to xyxy, same frame."""
    centre, half = boxes_cxcywh[:, :2], boxes_cxcywh[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def norm_to_px(boxes: Boxes, size_wh: tuple[int, int]) -> Boxes:
    """(n, 4) float32 boxes of any format, fractions to pixels of an image of this size."""
    return boxes * np.array([*size_wh, *size_wh], dtype=np.float32)


def px_to_norm(boxes: Boxes, size_wh: tuple[int, int]) -> Boxes:
    """(n, 4) float32 boxes of any format, pixels to fractions."""
    fractions: Boxes = np.divide(boxes, np.array([*size_wh, *size_wh], dtype=np.float32))
    return fractions


def clip_xyxy(boxes_xyxy_px: Boxes, size_wh: tuple[int, int]) -> Boxes:
    """(n, 4) float32 xyxy boxes limited to the image; a box outside becomes empty, not negative."""
    limit = np.array([*size_wh, *size_wh], dtype=np.float32)
    clipped: Boxes = np.clip(boxes_xyxy_px, 0, limit)
    return clipped


def areas(boxes_xyxy: Boxes) -> NDArray[np.float32]:
    """(n,) float32, squared units of the frame; 0 for boxes that are inside out."""
    squares: NDArray[np.float32] = np.prod(np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0), axis=1)
    return squares


def iou(a_xyxy: Boxes, b_xyxy: Boxes) -> NDArray[np.float32]:
    """Intersection over union of each pair, (n, m) float32 in [0, 1]; 0 where both are empty."""
    shared = intersections(a_xyxy, b_xyxy)
    union = areas(a_xyxy)[:, None] + areas(b_xyxy)[None, :] - shared
    ratios: NDArray[np.float32] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratios


def intersections(a_xyxy: Boxes, b_xyxy: Boxes) -> NDArray[np.float32]:
    """Shared area of each pair, (n, m) float32."""
    low = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    high = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    shared: NDArray[np.float32] = np.prod(np.maximum(high - low, 0), axis=2)
    return shared
