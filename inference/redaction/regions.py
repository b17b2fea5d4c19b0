"""From boxes of plates, persons and vehicles to the parts of a picture that are covered."""

from collections.abc import Iterator

import numpy as np

from streetsight.inference.redaction.mosaic import Region
from streetsight.inference.redaction.policy import Policy
from streetsight.models.boxes import Boxes


def plate_regions(boxes_xyxy_px: Boxes, policy: Policy) -> Iterator[Region]:
    """The whole plate, grown."""
    for x0, y0, x1, y1 in boxes_xyxy_px.tolist():
        margin = policy.plate_margin * (y1 - y0)
        yield Region((x0 - margin, y0 - margin, x1 + margin, y1 + margin), policy.plate_cell * (y1 - y0))


def head_regions(boxes_xyxy_px: Boxes, policy: Policy) -> Iterator[Region]:
    """The top of each person."""
    for x0, y0, x1, y1 in boxes_xyxy_px.tolist():
        width, height = x1 - x0, y1 - y0
        head = min(height, max(policy.head_share * height, policy.head_share_of_width * width))
        margin = policy.head_margin * head
        cell = min(width, head) / policy.head_cells
        yield Region((x0 - margin, y0 - margin, x1 + margin, y0 + head + margin), cell)


def band_regions(vehicles_xyxy_px: Boxes, plates_xyxy_px: Boxes, policy: Policy) -> Iterator[Region]:
    """The lower part of near vehicles in whose box no plate lies.

    Args:
        plates_xyxy_px: those that are sure enough to be the vehicle's own.
    """
    centres = (plates_xyxy_px[:, :2] + plates_xyxy_px[:, 2:]) / 2
    for vehicle in vehicles_xyxy_px:
        height = float(vehicle[3] - vehicle[1])
        has_plate = ((centres > vehicle[:2]) & (centres < vehicle[2:])).all(axis=1).any()
        if height >= policy.band_min_px and not has_plate:
            x0, y0, x1, y1 = vehicle.tolist()
            yield Region((x0, y0 + policy.band_top * height, x1, y1), policy.band_cell * height)


def view_around(
    vehicle_xyxy_px: Boxes, size_wh: tuple[int, int], margin: float
) -> tuple[int, int, int, int] | None:
    """What to look at again around a vehicle, whole pixels; None when it fills the picture as it is.

    Args:
        margin: share of the longer side by which it grows.
    """
    x0, y0, x1, y1 = vehicle_xyxy_px.tolist()
    grown = margin * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - grown)), max(0, int(y0 - grown))
    right = min(size_wh[0], int(np.ceil(x1 + grown)))
    bottom = min(size_wh[1], int(np.ceil(y1 + grown)))
    enlarges = max(right - left, bottom - top) <= MOST_OF_PICTURE * max(size_wh)
    return (left, top, right, bottom) if enlarges else None


MOST_OF_PICTURE = 0.8
"""A view larger than this would be looked at no larger than before."""
