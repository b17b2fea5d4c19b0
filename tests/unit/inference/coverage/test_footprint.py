"""The ground in view: it projects back into the picture, and hidden ground is never in it."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.coverage.footprint import (
    SightRules,
    footprint_of,
    ground_in,
    sight_of,
    useful_distance_m,
    visible_ground,
)
from streetsight.inference.ground.view import View
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.frame import PatrolFrame

BuildFrame = Callable[..., PatrolFrame]

views = st.builds(
    View,
    st.builds(
        CameraProfile,
        hfov_deg=st.floats(30, 120),
        height_m=st.floats(1, 8),
        pitch_deg=st.floats(-10, 90),
        roll_deg=st.floats(-20, 20),
    ),
    st.sampled_from([(1280, 720), (720, 1280), (640, 640)]),
    st.floats(0, 359),
)
boxes = st.tuples(st.floats(0, 600), st.floats(0, 600), st.floats(10, 600), st.floats(10, 400)).map(
    lambda each: (each[0], each[1], each[0] + each[2], each[1] + each[3])
)


@given(views, st.floats(5, 60))
def test_ground_in_view_projects_back_into_the_picture(view: View, useful_m: float) -> None:
    ground = visible_ground(view, np.zeros((0, 4)), useful_m)
    if ground.area < 1e-3:
        return
    points = np.vstack(
        [shapely.get_coordinates(ground), shapely.get_coordinates(ground.representative_point())]
    )
    pixels = view.to_pixels(points)
    far_out = np.abs(points).max() > 1e-6 and np.isnan(pixels).any()
    assert not far_out
    assert (pixels > -0.1).all()
    assert (pixels < np.array(view.size_wh) + 0.1).all()
    assert np.hypot(*points.T).max() <= useful_m + 1e-6


@given(views, st.floats(5, 60), st.integers(0, 2**32 - 1))
def test_pixels_of_near_ground_lie_in_the_footprint(view: View, useful_m: float, seed: int) -> None:
    pixels = np.random.default_rng(seed).uniform([0, 0], view.size_wh, (40, 2))
    points = view.to_ground(pixels)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[np.hypot(*points.T) < useful_m * 0.998]  # the circle is a polygon of 64 corners
    ground = shapely.buffer(visible_ground(view, np.zeros((0, 4)), useful_m), 1e-6)
    assert shapely.contains_xy(ground, points).all()


@given(views, st.lists(boxes, min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_hidden_ground_is_never_covered(view: View, hiding: list[tuple[float, ...]], seed: int) -> None:
    ground = shapely.buffer(visible_ground(view, np.array(hiding), 25.0), -1e-6)
    random = np.random.default_rng(seed)
    for x0, y0, x1, y1 in hiding:
        points = view.to_ground(random.uniform([x0, y0], [x1, y1], (20, 2)))
        points = points[np.isfinite(points).all(axis=1)]
        points = points[np.hypot(*points.T) < 24.9]
        assert not shapely.contains_xy(ground, points).any()


def test_boxes_that_touch_hide_each_their_own() -> None:
    """Their union has corners that differ in the last bit only; GEOS once left the third box seen."""
    camera = CameraProfile(
        hfov_deg=61.61328125, height_m=2.24767791884727, pitch_deg=46.296875, roll_deg=1.91796875
    )
    view = View(camera, (640, 640), 14.65459066318018)
    hiding = np.array([(0, 0, 10, 10), (0, 10, 10, 40), (160, 0, 187, 10)], float)
    whole = visible_ground(view, np.zeros((0, 4)), 25.0)
    assert whole.area - visible_ground(view, hiding, 25.0).area == pytest.approx(0.36734, abs=1e-4)


def test_behind_a_car_the_wedge_is_missing_to_the_end(build_frame: BuildFrame, plane: LocalPlane) -> None:
    footprint = footprint_of(build_frame(boxes=(("car", (600, 300, 800, 500)),)), "p")
    assert footprint is not None
    view = footprint.view
    assert view is not None
    beside, before, behind = (
        plane.to_lon_lat(view.to_ground(np.array([pixel], float)))[0]
        for pixel in ([500, 460], [700, 520], [700, 360])
    )
    assert shapely.contains_xy(footprint.ground, *beside)
    assert shapely.contains_xy(footprint.ground, *before)
    assert not shapely.contains_xy(footprint.ground, *behind)


def test_garbage_hides_nothing(build_frame: BuildFrame) -> None:
    with_garbage = footprint_of(build_frame(boxes=(("garbage", (600, 300, 800, 500)),)), "p")
    without = footprint_of(build_frame(), "p")
    assert with_garbage is not None
    assert without is not None
    assert with_garbage.ground.equals(without.ground)


@pytest.mark.parametrize(
    ("how", "sight", "reasons"),
    [
        ({}, "seen", ()),
        ({"faults": ("too_dark", "blurred")}, "nothing", ("too_dark", "blurred")),
        ({"positioned": False}, "nothing", ("no_position",)),
        ({"problems": ("null_island",)}, "nothing", ("no_position",)),
        ({"problems": ("stationary",)}, "seen", ()),
        ({"heading_deg": None}, "passed", ("no_heading",)),
        ({"heading_sigma_deg": 60.0}, "passed", ("unsure_heading",)),
        ({"camera": None}, "passed", ("no_camera",)),
    ],
)
def test_what_a_frame_is_good_for(
    build_frame: BuildFrame, how: dict[str, object], sight: str, reasons: tuple[str, ...]
) -> None:
    frame = build_frame(**how)
    assert sight_of(frame) == (sight, reasons)
    footprint = footprint_of(frame, "p")
    assert (footprint.sight if footprint else "nothing") == sight


def test_a_camera_that_shows_no_ground_covers_nothing(build_frame: BuildFrame) -> None:
    skywards = CameraProfile(hfov_deg=40, height_m=2, pitch_deg=-30)
    assert footprint_of(build_frame(camera=skywards), "p") is None


def test_useful_distance_is_where_a_thing_is_as_small_as_said() -> None:
    view = View(CameraProfile(hfov_deg=70, height_m=1.8), (1280, 720), 0.0)
    distance = useful_distance_m(view, 0.5)
    edges = view.to_pixels(np.array([[-0.25, distance], [0.25, distance]]))
    assert edges[1, 0] - edges[0, 0] == pytest.approx(24.0)


def test_without_heading_only_the_ground_underfoot_is_passed(build_frame: BuildFrame) -> None:
    footprint = footprint_of(build_frame(heading_deg=None), "p", SightRules(passed_m=3.0))
    assert footprint is not None
    metres = LocalPlane(footprint.lon, footprint.lat).to_metres(shapely.get_coordinates(footprint.ground))
    assert np.hypot(*metres.T).max() == pytest.approx(3.0, abs=1e-6)


def test_an_empty_rectangle_shows_no_ground() -> None:
    view = View(CameraProfile(hfov_deg=70, height_m=1.8), (1280, 720), 0.0)
    assert len(ground_in(view, (100, 500, 100, 600), 25.0)) == 0
