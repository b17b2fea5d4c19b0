"""Where things stand: exact boxes lead to the truth, and the stated uncertainty is honest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetsight.inference.ground.locate import Look, locate, rough_place
from streetsight.inference.ground.motion import proven_speed
from streetsight.inference.ground.stance import Stance, stance_of
from streetsight.inference.ground.view import View
from streetsight.inference.positions.profile import CameraProfile

CAMERA = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
SIZE_WH = (1280, 720)
CUBE = Stance(lower=0.0, lower_sigma=0.05, width=1.0, width_sigma=0.4, depth=0.0, middle_sigma=0.1)


def look_at(
    east: float,
    north: float,
    wide: float = 1.0,
    camera_north: float = 0.0,
    up: float = 0.0,
    heading: float = 0.0,
) -> Look:
    """A look from (0, camera_north) at an upright plate that faces the camera."""
    view = View(CAMERA, SIZE_WH, heading)
    away = np.array([east, north - camera_north])
    side = np.array([away[1], -away[0]]) / np.hypot(*away) * wide / 2
    feet = view.to_pixels(np.array([away - side, away + side]), up)
    top = view.to_pixels(np.array([away]), up + 1.0)
    x0, x1 = sorted(feet[:, 0].tolist())
    box = np.clip([x0, float(top[0, 1]), x1, float(feet[:, 1].mean())], 0, [*SIZE_WH, *SIZE_WH]).tolist()
    return Look(view, (0.0, camera_north), (box[0], box[1], box[2], box[3]), 1.0, 0.5)


@given(st.floats(-3, 4), st.floats(15, 22), st.floats(0.5, 2.0))
@settings(max_examples=40)
def test_exact_boxes_lead_to_the_truth(east: float, north: float, wide: float) -> None:
    fix = locate([look_at(east, north, wide, camera_north=at) for at in (0.0, 3.0, 6.0)], CUBE)

    away = fix.east_north_m - [east, north]
    assert np.hypot(*away) < 1.0
    assert away @ np.linalg.solve(fix.covariance_m2, away) < 6.0
    assert fix.width_m == pytest.approx(wide, rel=0.25)


def test_a_sign_above_the_camera_is_placed_by_frames_from_different_places() -> None:
    looks = [look_at(4.0, 20.0, 0.75, camera_north=at, up=2.1) for at in (0.0, 4.0, 8.0, 12.0)]

    fix = locate(looks, stance_of("damaged_sign"))

    assert np.hypot(*(fix.east_north_m - [4.0, 20.0])) < 1.5


def test_more_sides_make_it_surer_and_far_things_are_unsure_along_the_view() -> None:
    near = locate([look_at(0.0, 10.0)], CUBE).covariance_m2
    far = locate([look_at(0.0, 30.0)], CUBE).covariance_m2
    both = locate([look_at(0.0, 30.0), look_at(0.0, 30.0, camera_north=15.0)], CUBE).covariance_m2

    assert far[1, 1] > 4 * far[0, 0]
    assert far[1, 1] > 4 * near[1, 1]
    assert both[1, 1] < far[1, 1]


def test_contradicting_frames_make_it_less_sure() -> None:
    looks = [look_at(2.0, 18.0, camera_north=at) for at in (0.0, 4.0, 8.0)]
    wrong = [*looks[:2], look_at(6.0, 18.0, camera_north=8.0)]

    assert np.trace(locate(wrong, CUBE).covariance_m2) > 2 * np.trace(locate(looks, CUBE).covariance_m2)


def test_a_box_cut_by_the_lower_edge_is_near() -> None:
    cut = Look(View(CAMERA, SIZE_WH, 0.0), (0.0, 0.0), (500, 400, 800, 720), 1.0, 0.5)
    _, _, distance, _ = rough_place(cut, CUBE)

    assert 1.0 < distance < 4.5


@pytest.mark.parametrize("class_name", ["garbage", "car", "sign", "graffiti", "a_city's_own_class"])
def test_every_class_has_a_stance_and_any_box_a_finite_place(class_name: str) -> None:
    for box in [(0, 0, 1280, 720), (0, 0, 2, 2), (600, 10, 640, 30), (1270, 700, 1280, 720)]:
        look = Look(View(CAMERA, SIZE_WH, 350.0), (5.0, 5.0), box, 15.0, 1.0)
        fix = locate([look], stance_of(class_name))
        assert np.isfinite(fix.east_north_m).all()
        assert (np.linalg.eigvalsh(fix.covariance_m2) > 0).all()


def moving(speed: float) -> list[Look]:
    """A car that drives away northward, seen every half second from a vehicle at 6 m/s."""
    return [look_at(1.0, 12.0 + speed * t, 1.8, camera_north=6.0 * t) for t in (0.0, 0.5, 1.0, 1.5)]


def test_a_parked_car_is_not_proven_to_move_and_a_driving_one_is() -> None:
    times = [0.0, 0.5, 1.0, 1.5]

    assert proven_speed(moving(0.0), times, stance_of("car")) == 0.0
    driving = proven_speed(moving(9.0), times, stance_of("car"))
    assert driving is not None
    assert 4.0 < driving < 10.0
    assert proven_speed(moving(0.0)[:2], times[:2], stance_of("car")) is None
