"""Where a thing stands, from its boxes on the frames of one patrol.

Each frame says three things: the bearing (the box's middle), the lower edge (where it meets the road, if
it does), and the width. Least squares over all frames finds the place, the height of the lower edge and the
width together, with priors by class: near frames tell the distance, frames from different sides
triangulate, and a sign on its pole is placed by its size and by triangulation alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.ground.stance import Stance
from streetsight.inference.ground.view import View

Floats = NDArray[np.float64]

BORDER_PX = 2.0
EDGE_SIGMA_PX = 3.0  # of a box's edges, plus the share below
EDGE_SIGMA_SHARE = 0.04
UNSEEN_SIGMA_PX = 1e4  # an edge cut off by the frame says nothing
DEFAULT_RANGE_M = 12.0
PRIOR_SIGMA_M = 24.0  # keeps a place that no frame tells from running away
DEFAULT_WIDTH_M, DEFAULT_WIDTH_SIGMA = 1.2, 0.8  # relative; only a start
ITERATIONS, STEP = 8, 1e-4
HUBER = 2.0
MIN_DISTANCE_M, MAX_DISTANCE_M = 1.0, 150.0
CUT_SHARE, CUT_SIGMA = 0.85, 0.3  # of the distance at the frame's lower edge


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame's view of a thing.

    Attributes:
        view: camera and heading.
        east_north_m: (2,) of the lens in the local plane.
        box_xyxy_px: of the thing.
        heading_sigma_deg, pitch_sigma_deg: one sigma of this frame.
        drift_m: one sigma, per axis, of the receiver's error here against that of the other looks.
    """

    view: View
    east_north_m: tuple[float, float]
    box_xyxy_px: tuple[float, float, float, float]
    heading_sigma_deg: float
    pitch_sigma_deg: float
    drift_m: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Fix:
    """Where a thing stands in the local plane.

    Attributes:
        east_north_m: (2,) middle of the thing.
        covariance_m2: (2, 2) by boxes, pitch and heading; the receiver's error is not in it.
        width_m: across the line of sight, or None when the boxes do not tell.
    """

    east_north_m: Floats
    covariance_m2: Floats
    width_m: float | None


def rough_place(look: Look, stance: Stance) -> tuple[float, float, float, float]:
    """East, north, distance and its sigma (metres) of a thing by one frame alone; quick, for association."""
    (x0, _, x1, y1), view = look.box_xyxy_px, look.view
    width, height = view.size_wh
    focal, camera = view.focal_px, view.camera
    bearing = math.radians(view.heading_deg) + math.atan(((x0 + x1) / 2 - width / 2) / focal)
    estimates = []  # of the logarithm of the distance, with its variance
    below = math.atan((y1 - height / 2) / focal) + math.radians(camera.pitch_deg)
    drop = camera.height_m - stance.lower
    if below > 1e-3 and drop > 0.2:
        error = math.hypot(math.radians(look.pitch_sigma_deg), EDGE_SIGMA_PX / focal) / math.tan(below)
        variance = error**2 + (stance.lower_sigma / drop) ** 2
        reach = drop / math.tan(below)
        if y1 >= height - BORDER_PX:  # it goes on below the frame, so it is nearer than this
            reach, variance = reach * CUT_SHARE, CUT_SIGMA**2
        estimates.append((math.log(reach), variance))
    if stance.width and x0 > BORDER_PX and x1 < width - BORDER_PX:
        estimates.append((math.log(focal * stance.width / max(x1 - x0, 1.0)), stance.width_sigma**2 + 0.01))
    if not estimates:
        estimates.append((math.log(DEFAULT_RANGE_M), 1.0))
    weight = sum(1 / variance for _, variance in estimates)
    distance = math.exp(sum(value / variance for value, variance in estimates) / weight) + stance.depth / 2
    distance = min(max(distance, MIN_DISTANCE_M), MAX_DISTANCE_M)
    east, north = look.east_north_m
    sigma = distance / math.sqrt(weight)
    return east + distance * math.sin(bearing), north + distance * math.cos(bearing), distance, sigma


def locate(looks: Sequence[Look], stance: Stance) -> Fix:
    """Place a thing by all frames that show it.

    Args:
        looks: at least one.

    Returns:
        The least-squares place. Its covariance grows where the frames contradict each other, and never
        falls below what the priors allow.
    """
    scene = _Scene.of(looks, stance)
    width = stance.width or DEFAULT_WIDTH_M
    state = np.array([*scene.nearest, stance.lower, math.log(width)])
    for _ in range(ITERATIONS):
        residuals, jacobian, weights = scene.linearise(state)
        normal = (jacobian * weights[:, None]).T @ jacobian
        step = np.linalg.solve(normal, -(jacobian * weights[:, None]).T @ residuals)
        step *= min(1.0, 8.0 / max(float(np.hypot(step[0], step[1])), 1e-9))
        state = state + step
        if np.abs(step).max() < 1e-3:
            break
    residuals, jacobian, weights = scene.linearise(state)
    covariance = np.linalg.inv((jacobian * weights[:, None]).T @ jacobian)
    spread = float(weights @ residuals**2) / max(1, len(residuals) - len(state))
    return Fix(
        state[:2],
        covariance[:2, :2] * max(1.0, spread) + np.eye(2) * stance.middle_sigma**2,
        scene.width(state),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """All looks at one thing as arrays, and the residuals of a hypothesis (east, north, lower, log width)."""

    PRIORS = 4

    origins: Floats  # (n, 3)
    rotations: Floats  # (n, 3, 3)
    focals: Floats  # (n,)
    measured: Floats  # (n, 3) middle x, lower y, width; pixels from the principal point
    sigmas: Floats  # (n, 3)
    stance: Stance
    prior_place: Floats  # (2,)
    nearest: Floats  # (2,) the rough place by the nearest look

    @classmethod
    def of(cls, looks: Sequence[Look], stance: Stance) -> "_Scene":
        focals = np.array([look.view.focal_px for look in looks])
        boxes = np.array([look.box_xyxy_px for look in looks])  # (n, 4)
        sizes = np.array([look.view.size_wh for look in looks], float)  # (n, 2)
        wide = boxes[:, 2] - boxes[:, 0]
        cut_side = (boxes[:, 0] < BORDER_PX) | (boxes[:, 2] > sizes[:, 0] - BORDER_PX)
        cut_below = boxes[:, 3] > sizes[:, 1] - BORDER_PX
        measured = np.column_stack(
            [(boxes[:, 0] + boxes[:, 2]) / 2 - sizes[:, 0] / 2, boxes[:, 3] - sizes[:, 1] / 2, wide]
        )
        edge = np.hypot(EDGE_SIGMA_PX, EDGE_SIGMA_SHARE * wide)
        rough = np.array([rough_place(look, stance) for look in looks])  # (n, 4)
        distance, drift = rough[:, 2], np.array([look.drift_m for look in looks])
        heights = np.array([look.view.camera.height_m for look in looks])
        turn, tilt = (
            np.radians([getattr(look, name) for look in looks]) * focals
            for name in ("heading_sigma_deg", "pitch_sigma_deg")
        )
        turn = np.hypot(turn, focals * drift / distance)
        tilt = np.hypot(tilt, focals * heights * drift / distance**2)
        grow = np.hypot(edge * math.sqrt(2), wide * drift / distance)
        sigmas = np.column_stack(
            [
                np.hypot(edge, turn) + np.where(cut_side, wide, 0.0),
                np.where(cut_below, UNSEEN_SIGMA_PX, np.hypot(edge, tilt)),
                np.where(cut_side | (not stance.width), UNSEEN_SIGMA_PX, grow),
            ]
        )
        origins = np.array([[*look.east_north_m, look.view.camera.height_m] for look in looks])
        rotations = np.array([look.view.rotation for look in looks])
        return cls(
            origins, rotations, focals, measured, sigmas, stance,
            prior_place=np.median(rough[:, :2], axis=0), nearest=rough[np.argmin(distance), :2],
        )  # fmt: skip

    def linearise(self, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Residuals (3 n + 4,), their derivatives (3 n + 4, 4) by small differences, and Huber's weights."""
        base, *stepped = self._residuals(np.vstack([state, state + np.eye(4) * STEP]))
        weights = np.minimum(1.0, HUBER / np.maximum(np.abs(base), 1e-9))
        weights[-self.PRIORS :] = 1.0
        return base, (np.array(stepped) - base).T / STEP, weights

    def width(self, state: Floats) -> float | None:
        """Metres across the line of sight, from the frames that show both sides; None if none does."""
        whole = self.sigmas[:, 0] < self.measured[:, 2]
        if not whole.any():
            return None
        front = self._to_camera((state[:2] - self.origins[:, :2])[None], state[2:3])[0]
        return float(np.median((self.measured[:, 2] * front[:, 2] / self.focals)[whole]))

    def _residuals(self, states: Floats) -> Floats:
        """(m, 4) hypotheses to (m, 3 n + 4) residuals in sigmas."""
        count, stance = len(states), self.stance
        away = states[:, None, :2] - self.origins[:, :2]  # (m, n, 2)
        distance = np.maximum(np.hypot(away[..., 0], away[..., 1]), 0.3)
        near = away * np.maximum(1 - stance.depth / 2 / distance, 0.2)[..., None]
        middle = self._to_camera(away, states[:, 2])
        front = self._to_camera(near, states[:, 2])
        predicted = np.stack(
            [
                self.focals * middle[..., 0] / middle[..., 2],
                self.focals * front[..., 1] / front[..., 2],
                self.focals * np.exp(states[:, 3:]) / front[..., 2],
            ],
            axis=-1,
        )  # (m, n, 3)
        misses = ((predicted - self.measured) / self.sigmas).reshape(count, -1)
        wide, wide_sigma = (
            (stance.width, stance.width_sigma) if stance.width else (DEFAULT_WIDTH_M, DEFAULT_WIDTH_SIGMA)
        )
        expected = np.array([*self.prior_place, stance.lower, math.log(wide)])
        sigmas = np.array([PRIOR_SIGMA_M, PRIOR_SIGMA_M, stance.lower_sigma, wide_sigma])
        residuals: Floats = np.hstack([misses, (states - expected) / sigmas])
        return residuals

    def _to_camera(self, away: Floats, heights: Floats) -> Floats:
        """(m, n, 2) ground vectors and (m,) heights to (m, n, 3) in each camera's frame, kept before it."""
        up = heights[:, None, None] - self.origins[None, :, 2:]  # (m, n, 1)
        points = np.matmul(self.rotations, np.concatenate([away, up], axis=-1)[..., None])[..., 0]
        points[..., 2] = np.maximum(points[..., 2], 0.3)
        in_front: Floats = points
        return in_front
