"""Ground within metres, and which ground holds a point: against plain geometry."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box, mapping

from streetsight.inference.positions.local import LocalPlane
from streetsight.service.reach import Reaches, reach

LAT = st.floats(-60, 60)
LON = st.floats(-179, 179)


@given(LON, LAT, st.floats(1, 200), st.floats(0, 2 * np.pi), st.floats(0.1, 2))
def test_what_is_nearer_than_the_reach_lies_in_it(
    lon: float, lat: float, metres: float, bearing: float, share: float
) -> None:
    around = reach(mapping(Point(lon, lat)), metres)
    away = np.array([np.sin(bearing), np.cos(bearing)]) * metres * share
    point = Point(LocalPlane(lon, lat).to_lon_lat(away))
    if not 0.99 < share < 1.01:  # a circle has corners here
        assert around.contains(point) is (share < 1)


def test_a_line_reaches_to_both_sides_and_nothing_reaches_nowhere() -> None:
    line = LineString([(120.0, 30.0), (120.001, 30.0)])
    around = reach(mapping(line), 11.0)
    assert around.contains(Point(120.0005, 30.00009))
    assert around.contains(Point(120.0005, 29.99991))
    assert not around.contains(Point(120.0005, 30.00011))
    assert reach(mapping(line), 0).equals(line)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6)), max_size=12), st.data())
def test_the_smallest_ground_that_holds_a_point_is_its_own(
    squares: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    grounds = {str(number): box(x, y, x + side, y + side) for number, (x, y, side) in enumerate(squares)}
    places = data.draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8))
    points = np.array(places, np.float64).reshape(-1, 2) / 2
    found = Reaches(grounds).holding(points)
    for point, name in zip(points, found, strict=True):
        holding = [key for key, ground in grounds.items() if ground.intersects(shapely.points(point))]
        assert name == min(holding, key=lambda key: (grounds[key].area, int(key)), default=None)


@pytest.mark.parametrize("count", [0, 1])
def test_bounds_of_all_grounds(count: int) -> None:
    grounds = {"a": box(1, 2, 3, 4)} if count else {}
    assert Reaches(grounds).bounds == ((1, 2, 3, 4) if count else None)
