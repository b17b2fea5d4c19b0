"""Coordinate systems against published pairs, round trips everywhere, and at the edges of the rule."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streetsight.inference.positions.coordinates import Floats, from_wgs84, to_wgs84
from streetsight.inference.positions.profile import Crs

SYSTEMS: tuple[Crs, ...] = get_args(Crs)
WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271

# WGS-84 and GCJ-02 lon, lat: three from the tests of github.com/googollee/eviltransform (python/test.py),
# which computes on an ellipsoid 108 m larger (2e-7 degrees), one from github.com/wandergis/coordtransform.
PUBLISHED_GCJ02 = {
    "Shanghai": ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    "Shenzhen": ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    "Beijing": ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    "Tian'anmen": ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
}


def point(lon: float, lat: float) -> Floats:
    return np.array([[lon, lat]])


@pytest.mark.parametrize(("wgs84", "gcj02"), PUBLISHED_GCJ02.values(), ids=PUBLISHED_GCJ02.keys())
def test_gcj02_as_published(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    np.testing.assert_allclose(from_wgs84(point(*wgs84), "gcj02"), point(*gcj02), atol=3e-7, rtol=0)
    np.testing.assert_allclose(to_wgs84(point(*gcj02), "gcj02"), point(*wgs84), atol=3e-7, rtol=0)


def test_bd09_as_published() -> None:
    """From github.com/wandergis/coordtransform; its ways back are approximations, good to 1e-5 degrees."""
    wgs84, bd09 = point(116.404, 39.915), point(116.41662724378733, 39.922699552216216)
    np.testing.assert_allclose(from_wgs84(wgs84, "bd09"), bd09, atol=1e-9, rtol=0)
    back = point(116.3913836995125, 39.907253214522164)
    np.testing.assert_allclose(to_wgs84(wgs84, "bd09"), back, atol=2e-5, rtol=0)


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000"])
def test_cgcs2000_is_wgs84(crs: Crs) -> None:
    assert (to_wgs84(point(114.26, 30.54), crs) == point(114.26, 30.54)).all()


def next_to(edge: float) -> st.SearchStrategy[float]:
    """Within 60 km of an edge, and within a millimetre of it."""
    return st.floats(edge - 0.6, edge + 0.6) | st.floats(edge - 1e-8, edge + 1e-8)


LONS = st.floats(-180, 180) | st.floats(73, 136) | next_to(WEST) | next_to(EAST) | next_to(105.0)
LATS = st.floats(-90, 90) | st.floats(3, 54) | next_to(SOUTH) | next_to(NORTH)


@given(lon=LONS, lat=LATS, crs=st.sampled_from(SYSTEMS))
@example(lon=105.0, lat=35.0, crs="gcj02")  # the root of the polynomial
@example(lon=WEST, lat=SOUTH, crs="bd09")
@example(lon=0.0, lat=0.0, crs="bd09")
def test_round_trips_both_ways(lon: float, lat: float, crs: Crs) -> None:
    here = point(lon, lat)
    np.testing.assert_allclose(to_wgs84(from_wgs84(here, crs), crs), here, atol=1e-9, rtol=0)
    np.testing.assert_allclose(from_wgs84(to_wgs84(here, crs), crs), here, atol=1e-9, rtol=0)


@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90), crs=st.sampled_from(SYSTEMS))
def test_no_shift_outside_china(lon: float, lat: float, crs: Crs) -> None:
    if WEST <= lon <= EAST and SOUTH <= lat <= NORTH:
        return
    assert (from_wgs84(point(lon, lat), crs) == point(lon, lat)).all()
    assert (to_wgs84(point(lon, lat), crs) == point(lon, lat)).all()


# Khunjerab, Heixiazi island, Mohe, James Shoal: the ends of the country as its maps have them.
ENDS = [(73.50, 39.40), (135.09, 48.45), (122.33, 53.56), (112.28, 3.97)]


@pytest.mark.parametrize(("lon", "lat"), ENDS)
def test_the_fade_lies_outside_china(lon: float, lat: float) -> None:
    assert min(lon - WEST, EAST - lon, lat - SOUTH, NORTH - lat) > 0.5


def test_many_at_once_and_what_is_missing_stays_missing() -> None:
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(70, 140, 2000), rng.uniform(0, 57, 2000)])
    points[5] = np.nan
    there = from_wgs84(points, "bd09")
    assert np.isnan(there[5]).all()
    np.testing.assert_allclose(to_wgs84(there, "bd09"), points, atol=1e-9, rtol=0)
    np.testing.assert_array_equal(there[7:8], from_wgs84(points[7:8], "bd09"))


def test_the_shift_of_wuhan_is_half_a_kilometre() -> None:
    """What a wrong declaration costs."""
    east, north = (from_wgs84(point(114.26, 30.54), "gcj02") - point(114.26, 30.54))[0] * [96_000, 111_000]
    assert 400 < np.hypot(east, north) < 700
