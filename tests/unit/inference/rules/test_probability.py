"""That a position lies in a polygon: against closed forms, against counting, and what must always hold."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.rules.probability import probability_inside, reach_m

LON, LAT = 114.26, 30.54
PLANE = LocalPlane(LON, LAT)


def on_map(geometry_m: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry_m, PLANE.to_lon_lat)


def at(geometry_m: BaseGeometry, covariance: tuple[float, float, float]) -> float:
    return probability_inside(on_map(geometry_m), LON, LAT, covariance)


def normal(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


covariances = st.tuples(
    st.floats(0.1, 20), st.floats(0.1, 20), st.floats(-0.95, 0.95)
).map(lambda v: (v[0] ** 2, v[2] * v[0] * v[1], v[1] ** 2))  # fmt: skip
boxes = st.tuples(
    st.floats(-30, 30), st.floats(-30, 30), st.floats(0.1, 40), st.floats(0.1, 40)
).map(lambda v: shapely.box(v[0], v[1], v[0] + v[2], v[1] + v[3]))  # fmt: skip


@pytest.mark.parametrize(
    ("box", "sigma", "expected"),
    [
        ((-1, -1, 1, 1), 1.0, (2 * normal(1) - 1) ** 2),
        ((-2, -1, 2, 1), 2.0, (2 * normal(1) - 1) * (2 * normal(0.5) - 1)),
        ((0, -500, 500, 500), 3.0, 0.5),  # exactly on the border
        ((0, 0, 500, 500), 3.0, 0.25),  # exactly on a corner
        ((5, -500, 500, 500), 2.5, 1 - normal(2)),
        ((-500, -500, 500, 500), 3.0, 1.0),
        ((100, 100, 200, 200), 3.0, 0.0),
        ((-1, -1, 1, 1), 0.0, 1.0),  # a position without any uncertainty
        ((1, 1, 2, 2), 0.0, 0.0),
    ],
)
def test_boxes_against_the_closed_form(box: tuple[float, ...], sigma: float, expected: float) -> None:
    assert at(shapely.box(*box), (sigma**2, 0.0, sigma**2)) == pytest.approx(expected, abs=1e-6)


def test_a_disc_against_the_closed_form() -> None:
    disc = shapely.Point(0, 0).buffer(3.0, quad_segs=200)
    assert at(disc, (4.0, 0.0, 4.0)) == pytest.approx(1 - math.exp(-9 / 8), abs=1e-4)


@given(covariances, boxes)
def test_it_is_the_share_of_true_positions_inside(
    covariance: tuple[float, float, float], box: BaseGeometry
) -> None:
    east, cross, north = covariance
    points = np.random.default_rng(1).multivariate_normal([0, 0], [[east, cross], [cross, north]], 20_000)
    counted = float(shapely.contains_xy(box, points[:, 0], points[:, 1]).mean())
    assert at(box, covariance) == pytest.approx(counted, abs=0.02)


@given(covariances, boxes, st.floats(0.05, 0.95))
def test_parts_sum_to_the_whole(
    covariance: tuple[float, float, float], box: BaseGeometry, cut: float
) -> None:
    west, south, east, north = box.bounds
    middle = west + cut * (east - west)
    left, right = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    assert at(left, covariance) + at(right, covariance) == pytest.approx(at(box, covariance), abs=1e-7)


@given(covariances, boxes)
def test_a_hole_is_taken_out(covariance: tuple[float, float, float], box: BaseGeometry) -> None:
    around = shapely.box(-100, -100, 100, 100)
    inside, outside = at(box, covariance), at(shapely.difference(around, box), covariance)
    assert inside + outside == pytest.approx(at(around, covariance), abs=1e-7)


@given(covariances, boxes)
def test_the_way_round_does_not_matter(covariance: tuple[float, float, float], box: BaseGeometry) -> None:
    assert at(shapely.reverse(box), covariance) == pytest.approx(at(box, covariance), abs=1e-9)
    assert 0 <= at(box, covariance) <= 1


@given(covariances, boxes, st.floats(0.01, 10))
def test_a_larger_zone_is_never_less_likely(
    covariance: tuple[float, float, float], box: BaseGeometry, metres: float
) -> None:
    assert at(box.buffer(metres, join_style="mitre"), covariance) >= at(box, covariance) - 1e-7


@pytest.mark.parametrize("empty", [shapely.Polygon(), shapely.Point(LON, LAT), shapely.LineString()])
def test_what_has_no_area_holds_nothing(empty: BaseGeometry) -> None:
    assert probability_inside(empty, LON, LAT, (1.0, 0.0, 1.0)) == 0


def test_the_reach_follows_the_longer_axis() -> None:
    assert reach_m((9.0, 0.0, 1.0)) == pytest.approx(18)
    assert reach_m((5.0, 4.0, 5.0)) == pytest.approx(18)  # along the diagonal
