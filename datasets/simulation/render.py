"""Draw a street as a camera sees it: a small depth-buffer rasteriser with light and weather.

Every pixel keeps the id of the object it shows, so that truth boxes are those of the visible part.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.simulation.camera import Camera, Floats, Pose, View
from streetsight.datasets.simulation.shapes import Ball, Polygon, Shape
from streetsight.datasets.simulation.street import (
    CORNER_M,
    KERB_M,
    PAVEMENT_END_M,
    ROAD_HALF_M,
    Street,
)

Weather = Literal["day", "dusk", "rain"]
Mask = NDArray[np.bool_]
Image = NDArray[np.uint8]

NEAR_M = 0.3
FAR_M = 160.0
SUN = np.array([0.45, -0.4, 0.8])
SUPERSAMPLING = 1.5


@dataclass(frozen=True, slots=True)
class Light:
    """Tint of everything lit, colours of the sky (zenith, horizon) and what the sensor does."""

    tint: tuple[float, float, float]
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    glow: float
    noise: float
    wet: float


LIGHTS: dict[Weather, Light] = {
    "day": Light((1.0, 0.99, 0.96), (112, 158, 214), (214, 226, 236), 0.0, 2.5, 0.0),
    "dusk": Light((0.44, 0.42, 0.5), (38, 46, 84), (188, 122, 92), 1.0, 7.0, 0.0),
    "rain": Light((0.68, 0.7, 0.74), (148, 154, 162), (186, 190, 194), 0.25, 4.0, 0.3),
}


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """A finished picture and what is where in it.

    Attributes:
        image_rgb_hwc: (h, w, 3) uint8.
        ids: (h, w) int32, object id of each pixel, 0 for scenery.
    """

    image_rgb_hwc: Image
    ids: NDArray[np.int32]


def render(street: Street, camera: Camera, pose: Pose, weather: Weather, seed: int) -> Rendering:
    """The street from one pose; the same arguments give the same bytes on one version of numpy and cv2."""
    width, height = camera.size_wh
    big = Camera(
        (int(width * SUPERSAMPLING), int(height * SUPERSAMPLING)),
        camera.hfov_deg, camera.height_m, camera.pitch_deg,
    )  # fmt: skip
    canvas = _Canvas(View(big, pose), LIGHTS[weather])
    for shape in street.scenery:
        canvas.draw(shape, 0)
    for thing in street.things:
        for shape in thing.shapes:
            canvas.draw(shape, thing.id)
    image = canvas.finished()
    rng = np.random.default_rng((seed, int(pose.east_m * 100) & 0xFFFF, int(pose.north_m * 100) & 0xFFFF))
    small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    ids = cv2.resize(canvas.ids, (width, height), interpolation=cv2.INTER_NEAREST)
    return Rendering(_sensor(small, weather, rng), np.asarray(ids, dtype=np.int32))


class _Canvas:
    """Colour, depth and id of every pixel while a picture is being drawn."""

    def __init__(self, view: View, light: Light) -> None:
        self.view, self.light = view, light
        width, height = view.camera.size_wh
        self.rays = view.rays(np.arange(width), np.arange(height))
        self.depth = np.full((height, width), np.inf)
        self.ids = np.zeros((height, width), dtype=np.int32)
        self.noise = np.random.default_rng(7).uniform(-1, 1, (256, 256))
        self.colour = self._sky()
        self.ground_depth = self._lay_ground()

    def draw(self, shape: Shape, object_id: int) -> None:
        if isinstance(shape, Polygon):
            self._draw_polygon(shape, object_id)
        else:
            self._draw_ball(shape, object_id)

    def finished(self) -> Image:
        """(h, w, 3) uint8 with haze, and wet reflections where it rains."""
        haze = np.clip(self.depth / 220, 0, 0.75)[..., None]
        haze[~np.isfinite(self.depth)] = 0
        lit = self.colour * (1 - haze) + np.array(self.light.horizon) * haze
        if self.light.wet:
            lit = _with_reflections(lit, self.depth == self.ground_depth, self.view, self.light.wet)
        return np.clip(lit, 0, 255).astype(np.uint8)

    def _sky(self) -> Floats:
        up = np.clip(self.rays[..., 2] / np.linalg.norm(self.rays, axis=-1) * 2.2, 0, 1)[..., None]
        sky: Floats = np.array(self.light.zenith) * up + np.array(self.light.horizon) * (1 - up)
        return sky

    def _lay_ground(self) -> Floats:
        falling = self.rays[..., 2] < -1e-6
        depth = np.where(falling, -self.view.origin[2] / np.where(falling, self.rays[..., 2], -1), np.inf)
        ground = depth < FAR_M
        east = self.view.origin[0] + depth[ground] * self.rays[..., 0][ground]
        north = self.view.origin[1] + depth[ground] * self.rays[..., 1][ground]
        colour = _ground_colour(east, north)
        grain = (
            self._grain(east, north, depth[ground], 24.0) * 0.10
            + self._grain(east, north, depth[ground], 1.7) * 0.05
        )
        self.colour[ground] = colour * (1 + grain)[:, None] * np.array(self.light.tint)
        self.depth[ground] = depth[ground]
        return np.where(ground, depth, np.nan)

    def _grain(self, a: Floats, b: Floats, depth: Floats, scale: float) -> Floats:
        """Surface noise that fades where a pixel covers more than its grain."""
        rows, columns = (a * scale).astype(np.int64) & 255, (b * scale).astype(np.int64) & 255
        grain: Floats = self.noise[rows, columns] / (1 + depth / 12)
        return grain

    def _draw_polygon(self, shape: Polygon, object_id: int) -> None:
        corners = _clip_near(self.view.to_camera(shape.points))
        if len(corners) < 3:
            return
        normal = _normal(corners)
        found = self._window(self.view.to_pixels(corners))
        if found is None or normal is None:
            return
        window, inside = found
        rays = self.rays[window] @ self.view.rotation.T
        slope = rays @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = (normal @ corners[0]) / slope
        seen = inside & (depth > 0) & (depth < self.depth[window])
        shade = 0.74 + 0.26 * abs(float(normal @ (self.view.rotation @ (SUN / np.linalg.norm(SUN)))))
        self._paint(window, seen, depth, shape, object_id, np.full(depth.shape, shade))

    def _draw_ball(self, ball: Ball, object_id: int) -> None:
        centre = self.view.to_camera(np.array([ball.centre]))
        if centre[0, 2] < NEAR_M + ball.radius:
            return
        middle = self.view.to_pixels(centre)[0]
        radius = self.view.camera.focal_px * ball.radius / centre[0, 2]
        outline = middle + radius * np.column_stack([np.cos(_TURN), np.sin(_TURN)])
        found = self._window(outline)
        if found is None:
            return
        window, inside = found
        ys, xs = np.mgrid[window]
        dx, dy = (xs + 0.5 - middle[0]) / radius, (ys + 0.5 - middle[1]) / radius
        bulge = np.sqrt(np.clip(1 - dx**2 - dy**2, 0, 1))
        depth = centre[0, 2] - ball.radius * bulge
        seen = inside & (depth < self.depth[window])
        shade = np.clip(0.62 - 0.3 * dy + 0.22 * bulge - 0.08 * dx, 0.35, 1.1)
        flat = Polygon(np.zeros((3, 3)), ball.colour, ball.grain)
        self._paint(window, seen, depth, flat, object_id, shade)

    def _window(self, outline: Floats) -> tuple[tuple[slice, slice], Mask] | None:
        """The part of the picture that an outline covers, and which of its pixels are inside."""
        width, height = self.view.camera.size_wh
        low = np.maximum(np.floor(outline.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(outline.max(axis=0)) + 1, [width, height]).astype(int)
        if (high <= low).any():
            return None
        limited = np.clip(outline, -8 * width, 8 * width) - low
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=np.uint8)
        cv2.fillPoly(mask, [np.round(limited * 16).astype(np.int32)], 1, shift=4)
        return (slice(low[1], high[1]), slice(low[0], high[0])), mask.astype(bool)

    def _paint(
        self,
        window: tuple[slice, slice],
        seen: Mask,
        depth: Floats,
        shape: Polygon,
        object_id: int,
        shade: Floats,
    ) -> None:
        if not seen.any():
            return
        at = depth[seen]
        points = self.view.origin + at[:, None] * self.rays[window][seen]
        across = points[:, 0] + points[:, 1]
        grain = self._grain(across, points[:, 2] + points[:, 1] * 0.3, at, 31.0) * shape.grain
        lit = np.array(self.light.tint) * shade[seen][:, None] * (1 + grain)[:, None]
        glow = shape.glow * self.light.glow
        colour = np.array(shape.colour, dtype=float) * (lit * (1 - glow)) + np.array([255, 214, 150]) * glow
        target = self.colour[window]
        target[seen] = target[seen] * (1 - shape.opacity) + colour * shape.opacity
        if shape.opacity == 1:
            self.depth[window][seen] = at
            self.ids[window][seen] = object_id if shape.boxed else 0


_TURN = np.linspace(0, 2 * np.pi, 28, endpoint=False)


def _ground_colour(east: Floats, north: Floats) -> Floats:
    """RGB of the ground at world points, (n, 3): asphalt, markings, kerb, paving."""
    side_0, side_1 = np.abs(east), np.where(east > -ROAD_HALF_M, np.abs(north - CORNER_M), np.inf)
    side_0 = np.where(north < CORNER_M + ROAD_HALF_M, side_0, np.inf)
    away = np.minimum(side_0, side_1)
    along = np.where(side_0 < side_1, north, east)
    crossing = (side_0 < ROAD_HALF_M + 1) & (side_1 < ROAD_HALF_M + 1)
    colour = np.full((len(east), 3), (92.0, 92.0, 94.0))
    colour[np.abs(away - LANE_WEAR_M) < 0.35] = (84.0, 84.0, 86.0)
    dashed = (away < 0.07) & (np.mod(along, 9.0) < 5.0) & ~crossing
    edge = (np.abs(away - (ROAD_HALF_M - 0.35)) < 0.06) & ~crossing
    colour[dashed | edge] = (214.0, 212.0, 204.0)
    colour[away >= ROAD_HALF_M] = (168.0, 166.0, 160.0)
    paving = away >= ROAD_HALF_M + KERB_M
    joint = (np.mod(east, 0.5) < 0.03) | (np.mod(north, 0.5) < 0.03)
    colour[paving] = (150.0, 140.0, 130.0)
    colour[paving & joint] = (122.0, 114.0, 106.0)
    tactile = paving & (np.abs(away - 6.4) < 0.2)
    colour[tactile] = (186.0, 160.0, 84.0)
    colour[away > PAVEMENT_END_M] = (128.0, 124.0, 118.0)
    return colour


LANE_WEAR_M = 1.1


def _normal(corners: Floats) -> Floats | None:
    edges = corners[1:] - corners[0]
    crosses = np.cross(edges[:-1], edges[1:])
    lengths = np.linalg.norm(crosses, axis=1)
    best = int(np.argmax(lengths))
    return None if lengths[best] < 1e-9 else crosses[best] / lengths[best]


def _clip_near(points: Floats) -> Floats:
    """Camera-frame polygon cut at the near plane (Sutherland-Hodgman against one plane)."""
    if (points[:, 2] >= NEAR_M).all():
        return points
    kept = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] >= NEAR_M) != (end[2] >= NEAR_M):
            kept.append(start + (end - start) * (NEAR_M - start[2]) / (end[2] - start[2]))
    return np.array(kept).reshape(-1, 3)


def _with_reflections(lit: Floats, ground: Mask, view: View, strength: float) -> Floats:
    """Mirror what stands above the horizon into wet ground, smeared downwards."""
    height = lit.shape[0]
    pitch = np.radians(view.camera.pitch_deg)
    horizon = int(height / 2 - view.camera.focal_px * np.tan(pitch))
    rows = np.clip(2 * horizon - np.arange(height), 0, height - 1)
    mirrored = cv2.blur(lit[rows].astype(np.float32), (9, 61))
    mixed = lit * (1 - strength) * 0.9 + mirrored * strength
    return np.where(ground[..., None], mixed, lit)


def _sensor(image: Image, weather: Weather, rng: np.random.Generator) -> Image:
    """Rain streaks, vignette, slight motion blur and sensor noise."""
    height, width = image.shape[:2]
    picture = image.astype(np.float32)
    if weather == "rain":
        picture = _with_streaks(picture, rng)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    picture *= (1 - 0.16 * (xs**2 + ys**2))[..., None].astype(np.float32)
    if weather == "dusk":
        picture = np.asarray(cv2.blur(picture, (3, 1)), dtype=np.float32)
    picture += rng.normal(0, LIGHTS[weather].noise, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _with_streaks(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    veil = np.zeros((height, width), dtype=np.uint8)
    for x, y, length in zip(
        rng.integers(0, width, 260), rng.integers(0, height, 260), rng.integers(8, 34, 260), strict=True
    ):
        cv2.line(veil, (int(x), int(y)), (int(x) + 2, int(y + length)), 255, 1, cv2.LINE_AA)
    blend = (cv2.blur(veil, (1, 5)).astype(np.float32) / 255 * 0.28)[..., None]
    streaked: NDArray[np.float32] = np.add(picture * (1 - blend), 225 * blend)
    return streaked
