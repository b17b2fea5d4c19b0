"""A camera above a flat road: from pixels to the ground and back.

Ground frame: east and north metres from the point of the ground below the lens. Camera frame: x right,
y down, z forward. The pinhole model and its rotation are the textbook ones (Hartley & Zisserman, Multiple
View Geometry, 2nd ed., chapter 6); ground in view is the plane z = 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.profile import CameraProfile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A mounted camera that looks one way.

    Attributes:
        camera: mounting and optics.
        size_wh: of the upright frame, pixels.
        heading_deg: direction the camera looks, clockwise from north (its yaw is already in it).
    """

    camera: CameraProfile
    size_wh: tuple[int, int]
    heading_deg: float

    @property
    def focal_px(self) -> float:
        """Of square pixels, from the horizontal field of view."""
        return float(self.size_wh[0] / 2 / np.tan(np.radians(self.camera.hfov_deg) / 2))

    @property
    def rotation(self) -> Floats:
        """(3, 3) rows are the camera's right, down and forward axes in east, north, up."""
        heading, pitch = np.radians(self.heading_deg), np.radians(self.camera.pitch_deg)
        roll = np.radians(self.camera.roll_deg)
        right = np.array([np.cos(heading), -np.sin(heading), 0.0])
        ahead = np.array([np.sin(heading), np.cos(heading), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        forward = np.cos(pitch) * ahead - np.sin(pitch) * up
        down = -np.sin(pitch) * ahead - np.cos(pitch) * up
        return np.stack(
            [np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward]
        )

    def to_ground(self, pixels: Floats) -> Floats:
        """(n, 2) pixels as (n, 2) east, north metres; NaN at and above the horizon."""
        width, height = self.size_wh
        plane = (np.asarray(pixels, np.float64) - [width / 2, height / 2]) / self.focal_px
        rays = np.column_stack([plane, np.ones(len(plane))]) @ self.rotation  # (n, 3)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            reach = np.where(rays[:, 2] < -1e-9, -self.camera.height_m / rays[:, 2], np.nan)
        ground: Floats = rays[:, :2] * reach[:, None]
        return ground

    def to_pixels(self, east_north_m: Floats, up_m: float = 0.0) -> Floats:
        """(n, 2) east, north metres, `up_m` above the road, as (n, 2) pixels; NaN behind the camera."""
        ground = np.asarray(east_north_m, np.float64)
        points = np.column_stack([ground, np.full(len(ground), up_m - self.camera.height_m)])
        seen = points @ self.rotation.T  # (n, 3)
        # What is behind the camera divides by nearly nothing too, before it is thrown away.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            plane = np.where(seen[:, 2:] > 1e-6, seen[:, :2] / seen[:, 2:], np.nan)
        pixels: Floats = plane * self.focal_px + np.array(self.size_wh) / 2
        return pixels
