"""The camera projects as a pinhole does, and headings turn clockwise from north."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streetsight.datasets.simulation.camera import Camera, Floats, Pose, View
from streetsight.datasets.simulation.shapes import Ball, Polygon, place
from streetsight.datasets.simulation.street import CORNER_M, drive

numbers = st.floats(-200, 200)
poses = st.builds(Pose, east_m=numbers, north_m=numbers, heading_deg=st.floats(0, 360, exclude_max=True))
cameras = st.builds(
    Camera,
    size_wh=st.tuples(st.integers(64, 4096), st.integers(64, 4096)),
    hfov_deg=st.floats(30, 110),
    height_m=st.floats(0.5, 4),
    pitch_deg=st.floats(0, 30),
)
views = st.builds(View, camera=cameras, pose=poses)
LEVEL = Camera(size_wh=(1000, 500), pitch_deg=0.0)


def pixel_of(view: View, point: tuple[float, float, float]) -> tuple[float, float]:
    """Pixel (x, y) of a world point in front of the camera."""
    seen = view.to_camera(np.array([point]))
    assert seen[0, 2] > 0
    x, y = view.to_pixels(seen)[0].tolist()
    return x, y


def ground_at(view: View, pixel: Floats) -> Floats:
    """World point (3,) where the ray through a pixel (2,) meets the ground."""
    centred = (pixel - np.array(view.camera.size_wh) / 2) / view.camera.focal_px
    ray = np.array([*centred, 1.0]) @ view.rotation
    ground: Floats = view.origin - ray * view.origin[2] / ray[2]
    return ground


@given(view=views, ahead=st.floats(1, 60), aside=st.floats(-20, 20))
def test_a_ground_point_comes_back_from_its_pixel(view: View, ahead: float, aside: float) -> None:
    heading = np.radians(view.pose.heading_deg)
    level = np.array([np.sin(heading), np.cos(heading), 0.0])
    right = np.array([np.cos(heading), -np.sin(heading), 0.0])
    point = np.array([view.pose.east_m, view.pose.north_m, 0.0]) + ahead * level + aside * right
    (seen,) = view.to_camera(point[None])
    assume(seen[2] > 0.1)
    (pixel,) = view.to_pixels(seen[None])
    np.testing.assert_allclose(ground_at(view, pixel), point, atol=1e-6)


@given(view=views, x=st.integers(0, 63), y=st.integers(0, 63))
def test_rays_pass_through_pixel_centres(view: View, x: int, y: int) -> None:
    ray = view.rays(np.array([x]), np.array([y]))[0, 0]
    (pixel,) = view.to_pixels(view.to_camera((view.origin + 7.0 * ray)[None]))
    np.testing.assert_allclose(pixel, [x + 0.5, y + 0.5], atol=1e-6)


@given(view=views)
def test_the_axes_are_orthonormal_and_right_handed(view: View) -> None:
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view.rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("heading_deg", "ahead", "to_the_right"),
    [
        (0.0, (0, 10), (10, 10)),
        (90.0, (10, 0), (10, -10)),
        (180.0, (0, -10), (-10, -10)),
        (270.0, (-10, 0), (-10, 10)),
    ],
)
def test_headings_turn_clockwise_from_north(
    heading_deg: float, ahead: tuple[float, float], to_the_right: tuple[float, float]
) -> None:
    view = View(LEVEL, Pose(0.0, 0.0, heading_deg))
    assert pixel_of(view, (*ahead, LEVEL.height_m)) == pytest.approx((500, 250))
    x, y = pixel_of(view, (*to_the_right, 0.0))
    assert x > 500
    assert y > 250  # the ground is below the horizon


def test_the_field_of_view_ends_at_the_edge_of_the_picture() -> None:
    camera = Camera(size_wh=(1000, 500), hfov_deg=90.0, pitch_deg=0.0)
    assert pixel_of(View(camera, Pose(0, 0, 0)), (10, 10, camera.height_m)) == pytest.approx((1000, 250))


def test_pitch_tilts_downwards() -> None:
    camera = Camera(size_wh=(1000, 500), height_m=2.0, pitch_deg=45.0)
    assert pixel_of(View(camera, Pose(0, 0, 0)), (0, 2, 0)) == pytest.approx((500, 250))


def test_placed_shapes_turn_clockwise_too() -> None:
    ahead = Polygon(np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 3.0], [1.0, 1.0, 3.0]]), (0, 0, 0))
    polygon, ball = place([ahead, Ball((0.0, 1.0, 2.0), 0.5, (0, 0, 0))], 10.0, 20.0, 90.0)
    assert isinstance(polygon, Polygon)
    assert isinstance(ball, Ball)
    np.testing.assert_allclose(polygon.points, [[11, 20, 2], [11, 20, 3], [11, 19, 3]], atol=1e-12)
    assert ball.centre == pytest.approx((11, 20, 2))
    assert ahead.points[0].tolist() == [0, 1, 2]


def test_the_patrol_turns_right_and_looks_where_it_goes() -> None:
    poses = drive(step_m=1.0, frames=160)
    headings = [pose.heading_deg for pose in poses]
    assert (headings[0], headings[-1]) == (0.0, 90.0)
    assert headings == sorted(headings)
    places = np.array([(pose.east_m, pose.north_m) for pose in poses])
    steps = np.diff(places, axis=0)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 1.0, atol=0.02)
    courses = np.degrees(np.arctan2(steps[:, 0], steps[:, 1]))
    middles = (np.array(headings[:-1]) + np.array(headings[1:])) / 2
    np.testing.assert_allclose(courses, middles, atol=7.0)  # a step cuts the start and end of the arc
    assert places[:, 1].max() < CORNER_M
