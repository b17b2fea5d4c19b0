"""The ground that one frame really shows.

The edges of the picture and the lens span four planes; with the flat road they leave a wedge of ground, cut
off at the distance beyond which a thing is too small to judge. What lies in the box of a vehicle is hidden.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from streetsight.inference.ground.view import View
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import WITHOUT_POSITION
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.frame import Position

Floats = NDArray[np.float64]
Sight = Literal["seen", "passed", "nothing"]

BAD_LIGHT = frozenset({"too_dark", "over_exposed"})
"""Faults of the quality gate that leave it known which ground was in view."""

CIRCLE_CORNERS = 64  # a polygon of so many corners lies within 0.12 % of its circle


@dataclass(frozen=True, slots=True)
class SightRules:
    """What counts as seen.

    Attributes:
        useful_m: ground farther than this from the lens is not seen; `useful_distance_m` gives it by size.
        passed_m: radius of the ground that counts as passed where it is unknown what a frame shows.
        max_heading_sigma_deg: a heading less sure than this does not tell which ground is in view.
        blocking: classes behind which ground is hidden.
    """

    useful_m: float = 25.0
    passed_m: float = 5.0
    max_heading_sigma_deg: float = 20.0
    blocking: frozenset[str] = frozenset({"car", "van", "truck", "bus"})


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """What one frame covers. Not shrunk by its uncertainty, which is carried along.

    Attributes:
        sight: "seen"; "passed": the vehicle was here, but what the frame shows is unknown; or "dim": it was
            in view, in light that shows nothing.
        lon, lat: of the lens.
        ground: WGS-84 degrees; longitudes run on beyond 180 where it crosses the date line.
        position_sigma_m, heading_sigma_deg: one sigma, or None when unknown.
        view: None for "passed".
        brightness: mean luma 0-255 by the quality gate, or None.
    """

    frame_id: str
    patrol_id: str
    taken_at: datetime | None
    sight: Literal["seen", "passed", "dim"]
    lon: float
    lat: float
    ground: BaseGeometry
    position_sigma_m: float | None
    heading_sigma_deg: float | None
    view: View | None = None
    brightness: float | None = None


def useful_distance_m(view: View, size_m: float, min_px: float = 24.0) -> float:
    """Distance at which a thing of this size is still `min_px` long."""
    return view.focal_px * size_m / min_px


def position_of(frame: PatrolFrame) -> Position | None:
    """Where the frame was taken, if that is to be believed."""
    return None if WITHOUT_POSITION & set(frame.pose.problems) else frame.pose.position


def sight_of(frame: PatrolFrame, rules: SightRules = SightRules()) -> tuple[Sight, tuple[str, ...]]:
    """What a frame is good for, and why not for more: faults of the quality gate, or of the pose."""
    position, sigma = position_of(frame), frame.pose.heading_sigma_deg
    if frame.faults:
        return "nothing", frame.faults
    if position is None:
        return "nothing", ("no_position",)
    if position.heading_deg is None:
        return "passed", ("no_heading",)
    if sigma is not None and sigma > rules.max_heading_sigma_deg:
        return "passed", ("unsure_heading",)
    if frame.camera is None:
        return "passed", ("no_camera",)
    return "seen", ()


def view_of(frame: PatrolFrame) -> View:
    """The view of a frame whose sight is "seen"."""
    position = frame.pose.position
    assert position is not None
    assert position.heading_deg is not None
    assert frame.camera is not None
    return View(frame.camera, frame.size_wh, position.heading_deg)


def footprint_of(
    frame: PatrolFrame, patrol_id: str, rules: SightRules = SightRules(), brightness: float | None = None
) -> Footprint | None:
    """The ground that a frame shows; None when it covers nothing (`sight_of` says why, or it shows none)."""
    sight, _ = sight_of(frame, rules)
    if sight == "nothing":
        return None
    view = view_of(frame) if sight == "seen" else None
    ground = (
        visible_ground(view, blocking_boxes(frame, rules), rules.useful_m) if view else _disc(rules.passed_m)
    )
    if ground.is_empty:
        return None
    position = frame.pose.position
    assert position is not None
    degrees = LocalPlane(position.lon, position.lat).metres_per_degree
    return Footprint(
        frame.id,
        patrol_id,
        frame.pose.taken_at,
        sight,
        position.lon,
        position.lat,
        shapely.transform(ground, lambda metres: metres / degrees + [position.lon, position.lat]),
        position.accuracy_m,
        frame.pose.heading_sigma_deg,
        view,
        brightness,
    )


def dim_footprint_of(
    frame: PatrolFrame, patrol_id: str, rules: SightRules = SightRules(), brightness: float | None = None
) -> Footprint | None:
    """The ground that was in view of a frame in bad light; None for other frames, and when unknown."""
    if not BAD_LIGHT.intersection(frame.faults):
        return None
    shown = footprint_of(replace(frame, faults=()), patrol_id, rules, brightness)
    return replace(shown, sight="dim") if shown is not None and shown.sight == "seen" else None


def blocking_boxes(frame: PatrolFrame, rules: SightRules = SightRules()) -> Floats:
    """(n, 4) float64 xyxy pixels of what hides the ground behind it."""
    names = [frame.class_names[index] for index in frame.detections.class_ids]
    blocks = np.array([name in rules.blocking for name in names], bool)
    return np.asarray(frame.detections.boxes_xyxy_px[blocks], np.float64)


GRID_M = 1e-7


def visible_ground(view: View, boxes_xyxy_px: Floats, useful_m: float) -> BaseGeometry:
    """Polygons in east, north metres around the lens: what the picture shows, without what boxes hide.

    A box hides the ground that its pixels would show: from its lower edge away from the camera. A camera
    that looks over the roof still sees what lies beyond it.
    """
    whole = _polygon(ground_in(view, (0.0, 0.0, *view.size_wh), useful_m))
    if whole.is_empty or not len(boxes_xyxy_px):
        return whole
    hidden = [_polygon(ground_in(view, tuple(box), useful_m)) for box in boxes_xyxy_px.tolist()]
    # On a grid: corners that differ in their last bit made GEOS forget a whole piece of the difference.
    return shapely.difference(whole, shapely.union_all(hidden, grid_size=GRID_M), grid_size=GRID_M)


def ground_in(view: View, region_xyxy_px: Sequence[float], useful_m: float) -> Floats:
    """(n, 2) corners, east and north metres, of the convex ground within a rectangle of the picture.

    Args:
        useful_m: the ground ends at this distance from below the lens.

    Returns:
        Counter-clockwise; empty when the rectangle shows no ground so near.
    """
    x0, y0, x1, y1 = region_xyxy_px
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 2))
    (width, height), focal = view.size_wh, view.focal_px
    inward = np.array(  # normals of the planes through the lens and the rectangle's edges, camera frame
        [
            [focal, 0, width / 2 - x0],
            [-focal, 0, x1 - width / 2],
            [0, focal, height / 2 - y0],
            [0, -focal, y1 - height / 2],
        ]
    )
    planes = inward @ view.rotation  # (4, 3) east, north, up
    ring = _circle(useful_m)
    for east, north, up in planes / np.linalg.norm(planes, axis=1, keepdims=True):
        ring = _clip(ring, ring @ [east, north] - up * view.camera.height_m)
    return ring


def _clip(ring: Floats, inside: Floats) -> Floats:
    """The part of a convex ring where `inside`, (n,) linear in place, is not negative."""
    corners = []  # Sutherland-Hodgman
    for index in range(len(ring)):
        here, before = inside[index], inside[index - 1]
        if (here < 0) != (before < 0):
            corners.append(ring[index - 1] + (ring[index] - ring[index - 1]) * before / (before - here))
        if here >= 0:
            corners.append(ring[index])
    return np.array(corners).reshape(-1, 2)


def _circle(radius_m: float) -> Floats:
    angles = np.arange(CIRCLE_CORNERS) * 2 * math.pi / CIRCLE_CORNERS
    return radius_m * np.column_stack([np.cos(angles), np.sin(angles)])


def _disc(radius_m: float) -> BaseGeometry:
    return _polygon(_circle(radius_m))


def _polygon(ring: Floats) -> BaseGeometry:
    return shapely.Polygon(ring) if len(ring) > 2 else shapely.Polygon()
