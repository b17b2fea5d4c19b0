"""Interpolation between fixes, and never where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.positions.tracks import MAX_GAP_S, Fix, Track, build_track

from .conftest import START_S, WUHAN, Drive, Floats, fixes


def straight(times: Floats, segment: int = 0) -> list[Fix]:
    """6 m/s due east."""
    points = np.column_stack([6 * (times - START_S), np.zeros(len(times))])
    return [each._replace(segment=segment) for each in fixes(times, points)]


def built(fixes: list[Fix]) -> Track:
    track = build_track(fixes, "wgs84")
    assert track is not None
    return track


@given(st.lists(st.floats(0, 60), min_size=1, max_size=30), st.integers(1, 5))
def test_a_straight_drive_is_met_exactly(moments: list[float], every: int) -> None:
    track = built(straight(START_S + np.arange(0.0, 61.0, every)))
    at = np.minimum(np.array(moments), track.times_s[-1] - START_S) + START_S
    found = track.at(at)
    east, north = WUHAN.to_metres(found.lon_lat).T
    np.testing.assert_allclose(east, 6 * (at - START_S), atol=2e-3)  # float64 seconds since 1970: 0.2 us
    np.testing.assert_allclose(north, 0, atol=1e-3)
    np.testing.assert_allclose(found.course_deg, 90, atol=1e-3)
    np.testing.assert_allclose(found.speed_mps, 6, rtol=1e-5)


@given(st.permutations(range(20)))
def test_the_order_of_points_changes_nothing(order: list[int]) -> None:
    points = straight(START_S + np.arange(20.0))
    np.testing.assert_array_equal(built([points[i] for i in order]).lon_lat, built(points).lon_lat)


def test_outside_between_segments_and_in_gaps_nobody_knows() -> None:
    seconds = np.array([0.0, 1, 2, 10, 11, 12, 12 + MAX_GAP_S + 1, 12 + MAX_GAP_S + 2])
    parts = straight(START_S + seconds[:3]) + straight(START_S + seconds[3:], segment=1)
    found = built(parts).at(START_S + np.array([-0.1, 0, 2, 2.1, 9.9, 10, 12, 12.1, 43.0, 43.5, 44.0, 44.1]))
    known = np.isfinite(found.lon_lat[:, 0])
    assert known.tolist() == [False, True, True, False, False, True, True, False, True, True, True, False]
    assert (np.isfinite(found.between_m) == known).all()


def test_a_moment_between_fixes_is_less_sure() -> None:
    track = built(straight(START_S + np.array([0.0, 10, 20])))
    between = track.at(START_S + np.array([0.0, 5, 9, 10])).between_m
    assert between[0] == between[3] == 0
    assert between[1] > between[2] > 0


def test_one_fix_knows_its_own_moment() -> None:
    track = built(straight(np.array([START_S])))
    found = track.at(np.array([START_S, START_S + 0.1, np.nan]))
    assert np.isfinite(found.lon_lat[:, 0]).tolist() == [True, False, False]
    assert np.isnan(found.course_deg).all()


def test_across_the_date_line() -> None:
    points = [Fix(START_S, 179.9999, -17.0), Fix(START_S + 2, -179.9999, -17.0)]
    lon = built(points).at(np.array([START_S + 1.0])).lon_lat[0, 0]
    assert abs(abs(lon) - 180) < 1e-9


def test_courses_turn_through_north(blocks: Drive) -> None:
    """Halfway from 350 to 10 degrees is 0, not 180."""
    track = blocks.track()
    at = np.arange(blocks.times_s[0] + 5, blocks.times_s[-1] - 5, 0.3)
    wrong = (track.at(at).course_deg - blocks.heading_at(at) + 180) % 360 - 180
    assert np.abs(wrong).max() < 45
    assert np.median(np.abs(wrong)) < 1


def test_standing_has_no_sure_course() -> None:
    rng = np.random.default_rng(0)
    times = START_S + np.arange(60.0)
    track = built(fixes(times, rng.normal(0, 0.7, (60, 2))))
    assert np.nanmedian(track.course_sigma_deg) > 30


def test_nothing_usable_is_no_track() -> None:
    assert build_track([], "wgs84") is None
    assert build_track([Fix(START_S, 0, 0), Fix(np.nan, 114, 30), Fix(START_S, 114, np.nan)], "wgs84") is None


@pytest.mark.parametrize("fault", ["times_s", "lon_lat", "accuracy_m"])
def test_columns_must_fit(fault: str) -> None:
    whole = built(straight(START_S + np.arange(4.0)))
    columns = {name: getattr(whole, name) for name in Track.__slots__}
    columns[fault] = columns[fault][::-1] if fault == "times_s" else columns[fault][1:]
    with pytest.raises(ValueError, match="expected"):
        Track(**columns)
