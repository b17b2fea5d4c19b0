"""The rules one by one, and patrols of nonsense: each frame gets a pose, whatever it says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.positions.posing import pose_frames
from streetsight.inference.positions.profile import CameraProfile, DeviceProfile
from streetsight.inference.positions.sanity import (
    at_null_island,
    find_jumps,
    find_second_device,
    find_stationary,
    find_strays,
    find_zig_zag,
    split_at_clock_jumps,
)
from streetsight.models.frame import FrameMetadata, Position

from .conftest import Drive, Floats
from .test_posing import Photo

SECONDS = np.arange(60.0)
EAST = np.column_stack([6 * SECONDS, np.zeros(60)])
SIGMA = np.full(60, 3.0)


def put(points: Floats, where: slice | list[int], by: tuple[float, float]) -> Floats:
    moved = points.copy()
    moved[where] += by
    return moved


def test_null_island_is_small() -> None:
    places = np.array([[0.0, 0.0], [0.005, -0.005], [0.0, 5.0], [114.0, 0.0], [np.nan, np.nan]])
    assert at_null_island(places).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize("where", [[0], [59], [30], [10, 11, 12], [5, 20, 40], list(range(25))])
def test_strays_are_the_fewer(where: list[int]) -> None:
    assert np.flatnonzero(find_strays(SECONDS, put(EAST, where, (0, 20_000)))).tolist() == where


def test_a_train_is_no_stray() -> None:
    assert not find_strays(SECONDS, EAST * 18).any(), "390 km/h"
    assert find_strays(SECONDS, EAST * 19).any(), "410 km/h"


def test_moving_on_after_a_long_way_is_no_stray() -> None:
    later = np.where(SECONDS > 30, SECONDS + 3600, SECONDS)
    assert not find_strays(later, put(EAST, slice(31, None), (30_000, 0))).any()


def test_a_second_device_comes_again_and_again() -> None:
    alternating = put(EAST, list(range(1, 60, 2)), (5_000, 0))
    stray = find_strays(SECONDS, alternating)
    assert find_second_device(SECONDS, alternating, stray).sum() == 30
    once = put(EAST, list(range(20, 30)), (5_000, 0))
    assert not find_second_device(SECONDS, once, find_strays(SECONDS, once)).any(), "one bad stretch"


def test_only_the_jump_itself_jumps() -> None:
    assert np.flatnonzero(find_jumps(SECONDS, put(EAST, [30], (0, 60)), SIGMA)).tolist() == [30]
    assert not find_jumps(SECONDS, put(EAST, [30], (0, 60)), SIGMA * 10).any(), "such noise was stated"


def test_a_dead_end_is_no_jump() -> None:
    """In and out again at the usual speed, a frame every ten seconds."""
    out_and_back = np.column_stack([np.r_[0:240:60, 240:-60:-60].astype(float), np.zeros(9)])
    assert not find_jumps(np.arange(0.0, 90.0, 10.0), out_and_back, np.full(9, 3.0)).any()


def test_standing_is_told_from_crawling() -> None:
    assert not find_stationary(SECONDS, EAST / 6).any(), "walking"
    assert find_stationary(SECONDS, EAST / 60).all()
    by_way = np.column_stack([np.arange(0, 80, 4.0), np.zeros(20)])
    assert not find_stationary(np.arange(0.0, 100.0, 5.0), by_way).any(), "every 4 m of a slow drive"


def test_a_turn_round_is_no_zig_zag() -> None:
    there_and_back = EAST.copy()
    there_and_back[30:, 0] = 2 * there_and_back[30, 0] - there_and_back[30:, 0]
    assert not find_zig_zag(there_and_back).any()
    shaken = put(EAST, list(range(20, 30, 2)), (15, 0))
    assert set(np.flatnonzero(find_zig_zag(shaken))) >= set(range(21, 29))
    assert not find_zig_zag(shaken)[:16].any()


def test_a_round_copied_in_two_folders_is_no_clock_jump() -> None:
    """The second half lies before the first, and the round ends where it began."""
    angle = np.radians(6 * SECONDS)
    ring = 60 * np.column_stack([np.sin(angle), np.cos(angle)])
    swapped = np.r_[30:60, 0:30]
    nothing = np.full(60, np.nan)
    assert (split_at_clock_jumps(SECONDS[swapped], ring[swapped], nothing) == 0).all()


def test_late_fixes_are_no_clock_jump() -> None:
    gps = SECONDS.copy()
    gps[[10, 11, 40]] -= 30
    assert (split_at_clock_jumps(SECONDS, EAST, gps) == 0).all()
    assert (
        split_at_clock_jumps(SECONDS + np.where(SECONDS < 20, 0, 15), EAST, SECONDS).tolist()
        == [0] * 20 + [1] * 40
    )


START = datetime(2026, 5, 6, tzinfo=UTC)
MOMENTS = st.none() | st.integers(-3600, 3600).map(lambda s: START + timedelta(seconds=s / 4))
DEGREES = st.none() | st.floats(0, 359.9)
POSITIONS = st.none() | st.builds(
    Position, st.floats(-180, 180) | st.floats(114.2, 114.3), st.floats(-90, 90) | st.floats(30.5, 30.6),
    st.just("exif"), st.none() | st.floats(0.5, 100), DEGREES,
)  # fmt: skip
METADATA = st.builds(
    FrameMetadata, taken_at=MOMENTS | MOMENTS.map(lambda t: t and t.replace(tzinfo=None)), position=POSITIONS,
    gps_time=MOMENTS, heading_deg=DEGREES, course_deg=DEGREES, speed_mps=st.none() | st.floats(0, 50),
    dop=st.none() | st.floats(0.1, 50), datum=st.none() | st.text(max_size=8),
)  # fmt: skip


@given(
    told=st.lists(METADATA, max_size=25),
    tracked=st.booleans(),
    crs=st.sampled_from(["wgs84", "gcj02", "bd09"]),
)
def test_whatever_the_photos_say_each_gets_a_pose(
    blocks: Drive, told: list[FrameMetadata], tracked: bool, crs: str
) -> None:
    profile = DeviceProfile.model_validate(
        {"coordinates": crs, "camera": CameraProfile(hfov_deg=70, height_m=1.8, forward_m=2)}
    )
    photos = [Photo(str(index), str(index), metadata) for index, metadata in enumerate(told)]
    posing = pose_frames(photos, profile, blocks.track() if tracked else None)
    assert len(posing.poses) == len(told)
    assert sorted(posing.order) == list(range(len(told)))
    for pose in posing.poses:
        assert (pose.taken_at is None) == ("no_time" in pose.problems)
        assert (pose.heading_source is None) == (pose.heading_sigma_deg is None)
        assert (pose.position is not None) or pose.problems
        assert pose.position is None or (pose.position.accuracy_m or 0) > 0
