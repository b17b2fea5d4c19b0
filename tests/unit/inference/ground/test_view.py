"""Pixels and the flat road: there and back, and as the simulator's own camera has it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.simulation import camera as simulator
from streetsight.inference.ground.view import View
from streetsight.inference.positions.profile import CameraProfile

profiles = st.builds(
    CameraProfile,
    hfov_deg=st.floats(30, 120),
    height_m=st.floats(0.5, 8),
    pitch_deg=st.floats(0, 40),
    roll_deg=st.floats(-10, 10),
)
views = st.builds(
    View,
    profiles,
    st.tuples(st.integers(320, 4000), st.integers(240, 3000)),
    st.floats(0, 360, exclude_max=True),
)
LEVEL = CameraProfile(hfov_deg=90, height_m=2.0)


@given(views, st.floats(3, 60), st.floats(-25, 25))
def test_ground_comes_back_from_its_pixel(view: View, ahead: float, degrees: float) -> None:
    heading = np.radians(view.heading_deg + degrees)
    ground = np.array([[ahead * np.sin(heading), ahead * np.cos(heading)]])
    pixel = view.to_pixels(ground)
    if np.isfinite(pixel).all():
        np.testing.assert_allclose(view.to_ground(pixel), ground, rtol=1e-6, atol=1e-6)


@given(
    st.floats(30, 110), st.floats(0.5, 4), st.floats(0, 30), st.floats(0, 360, exclude_max=True),
    st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.floats(0, 3)),
)  # fmt: skip
def test_agrees_with_the_simulator(
    hfov: float, height: float, pitch: float, heading: float, point: tuple[float, float, float]
) -> None:
    truth = simulator.View(
        simulator.Camera((1280, 720), hfov, height, pitch), simulator.Pose(0.0, 0.0, heading)
    )
    seen = truth.to_camera(np.array([point]))
    view = View(CameraProfile(hfov_deg=hfov, height_m=height, pitch_deg=pitch), (1280, 720), heading)
    pixel = view.to_pixels(np.array([point[:2]]), up_m=point[2])
    if seen[0, 2] > 1e-3:
        np.testing.assert_allclose(pixel, truth.to_pixels(seen), rtol=1e-6, atol=1e-4)
    elif seen[0, 2] < -1e-3:
        assert np.isnan(pixel).all()


@pytest.mark.parametrize("ahead", [0.0, -1e-320, 1e-320])
def test_a_point_beside_the_lens_has_no_pixel(ahead: float) -> None:
    level = View(LEVEL, (1000, 500), 0.0)

    assert np.isnan(level.to_pixels(np.array([[5.0, ahead]]), up_m=2.0)).all()


def test_at_and_above_the_horizon_there_is_no_ground() -> None:
    ground = View(LEVEL, (1000, 500), 0.0).to_ground(
        np.array([[500.0, 250.0], [500.0, 10.0], [500.0, 350.0]])
    )

    assert np.isnan(ground[:2]).all()
    assert ground[2] == pytest.approx([0.0, 2.0 * 500 / 100])


def test_a_camera_rolled_clockwise_sees_the_right_side_higher() -> None:
    rolled = View(LEVEL.model_copy(update={"roll_deg": 5.0}), (1000, 500), 0.0)

    left, right = rolled.to_pixels(np.array([[-3.0, 10.0], [3.0, 10.0]]))

    assert right[1] < left[1]
