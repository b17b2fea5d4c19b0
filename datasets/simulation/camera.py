"""A pinhole camera on a vehicle above a ground plane.

World frame: metres, x east, y north, z up, ground at z = 0. Camera frame: x right, y down, z forward.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """Mounting and optics.

    Attributes:
        size_wh: picture width and height, pixels.
        hfov_deg: horizontal field of view, degrees.
        height_m: lens above ground.
        pitch_deg: downward tilt, degrees (0 looks at the horizon).
    """

    size_wh: tuple[int, int] = (1280, 720)
    hfov_deg: float = 70.0
    height_m: float = 1.8
    pitch_deg: float = 6.0

    @property
    def focal_px(self) -> float:
        return float(self.size_wh[0] / 2 / np.tan(np.radians(self.hfov_deg) / 2))


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera stands on the ground and looks.

    Attributes:
        east_m, north_m: ground position in the world frame.
        heading_deg: clockwise from north.
    """

    east_m: float
    north_m: float
    heading_deg: float


@dataclass(frozen=True, slots=True)
class View:
    """A camera at a pose: the two directions of the projection."""

    camera: Camera
    pose: Pose

    @property
    def origin(self) -> Floats:
        """(3,) lens position, world metres."""
        return np.array([self.pose.east_m, self.pose.north_m, self.camera.height_m])

    @property
    def rotation(self) -> Floats:
        """(3, 3) rows are the camera's right, down and forward axes in the world frame."""
        heading, pitch = np.radians(self.pose.heading_deg), np.radians(self.camera.pitch_deg)
        level = np.array([np.sin(heading), np.cos(heading), 0.0])
        forward = np.cos(pitch) * level + np.array([0.0, 0.0, -np.sin(pitch)])
        right = np.array([np.cos(heading), -np.sin(heading), 0.0])
        return np.stack([right, np.cross(forward, right), forward])

    def to_camera(self, points: Floats) -> Floats:
        """World points (n, 3) in the camera frame (n, 3), metres."""
        return (points - self.origin) @ self.rotation.T

    def to_pixels(self, points_camera: Floats) -> Floats:
        """Camera-frame points (n, 3) with z > 0 as pixels (n, 2)."""
        width, height = self.camera.size_wh
        scaled = points_camera[:, :2] / points_camera[:, 2:] * self.camera.focal_px
        pixels: Floats = scaled + np.array([width / 2, height / 2])
        return pixels

    def rays(self, xs: NDArray[np.int64], ys: NDArray[np.int64]) -> Floats:
        """World directions (h, w, 3) through the pixel centres of a grid; unit depth along z."""
        width, height = self.camera.size_wh
        u = (xs + 0.5 - width / 2) / self.camera.focal_px
        v = (ys + 0.5 - height / 2) / self.camera.focal_px
        grid = np.stack([*np.meshgrid(u, v), np.ones((len(ys), len(xs)))], axis=-1)
        directions: Floats = grid @ self.rotation
        return directions
