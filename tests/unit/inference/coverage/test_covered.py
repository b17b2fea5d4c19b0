"""Coverage of many frames: unions, days, metres, who saw what, and the GeoJSON of it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.coverage.covered import AreaError, Coverage
from streetsight.inference.coverage.geojson import covered_areas, covered_ground
from streetsight.inference.coverage.tiles import area_m2, pieces
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame

BuildFrame = Callable[..., PatrolFrame]
DAY = date(2026, 5, 4)

stands = st.lists(
    st.tuples(st.floats(-60, 60), st.floats(-60, 60), st.floats(0, 359.9)), min_size=1, max_size=6
)


def square(plane: LocalPlane, east: float, north: float, half: float) -> shapely.Polygon:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + [east, north]
    return shapely.Polygon(plane.to_lon_lat(corners))


@given(stands)
def test_union_is_at_most_the_sum_and_repeats_change_nothing(
    build_frame: BuildFrame, stands: list[tuple[float, float, float]]
) -> None:
    frames = [
        build_frame(north, f"{index}", east_m=east, heading_deg=heading)
        for index, (east, north, heading) in enumerate(stands)
    ]
    coverage, single = Coverage(), 0.0
    for frame in frames:
        footprint = coverage.add(frame, "p")
        assert footprint is not None
        single += area_m2(footprint.ground)
    once = coverage.measure(DAY)
    assert once.seen_m2 <= single * (1 + 1e-5)  # areas are taken in planes of their own
    for frame in frames:
        assert coverage.add(frame, "again") is None
    assert coverage.measure(DAY) == once


@given(stands)
def test_more_frames_never_shrink_coverage_and_order_does_not_matter(
    build_frame: BuildFrame, stands: list[tuple[float, float, float]]
) -> None:
    frames = [
        build_frame(north, f"{index}", east_m=east, heading_deg=heading)
        for index, (east, north, heading) in enumerate(stands)
    ]
    coverage, areas = Coverage(), [0.0]
    for frame in frames:
        coverage.add(frame, "p")
        areas.append(coverage.measure(DAY).seen_m2)
    assert all(after >= before - 1e-6 for before, after in pairwise(areas))
    backwards = Coverage()
    for frame in reversed(frames):
        backwards.add(frame, "p")
    assert backwards.measure(DAY).seen_m2 == pytest.approx(areas[-1], rel=1e-9)


def test_the_union_equals_one_made_at_once_in_metres(build_frame: BuildFrame, plane: LocalPlane) -> None:
    coverage, footprints = Coverage(), []
    for index in range(40):  # over several tiles
        footprints.append(coverage.add(build_frame(index * 8.0, heading_deg=index * 3.0), "p"))
    grounds = [shapely.transform(each.ground, plane.to_metres) for each in footprints if each]
    assert coverage.measure(DAY).seen_m2 == pytest.approx(shapely.union_all(grounds).area, rel=1e-4)


def test_who_saw_a_point_how_well_and_in_what_light(build_frame: BuildFrame, plane: LocalPlane) -> None:
    coverage = Coverage()
    for north in (0.0, 4.0, 8.0, 30.0):
        coverage.add(build_frame(north, f"at {north:.0f}"), "p", brightness=100 + north)
    lon, lat = plane.to_lon_lat(np.array([1.0, 20.0])).tolist()
    seen = coverage.seen(lon, lat)
    assert [each.frame_id for each in seen] == ["at 8", "at 4", "at 0"]
    assert seen[0].distance_m == pytest.approx(np.hypot(1, 12), rel=1e-4)
    assert seen[0].px_per_m == pytest.approx(914 / 12.1, rel=0.02)  # focal length / depth
    assert seen[0].brightness == 108
    coverage.add(build_frame(12.0, "at 12"), "later")
    assert coverage.seen(lon, lat)[0].frame_id == "at 12"
    assert coverage.seen(lon, lat, date(2026, 5, 5)) == []
    assert coverage.seen(lon + 1, lat) == []


def test_days_are_local(build_frame: BuildFrame) -> None:
    late = datetime(2026, 5, 4, 23, 30, tzinfo=timezone(timedelta(hours=8)))
    own, eastern = Coverage(), Coverage(zone=timezone(timedelta(hours=10)))
    for coverage in (own, eastern):
        coverage.add(build_frame(taken_at=late), "p")
        coverage.add(build_frame(name="undated", taken_at=None), "p")
    assert own.days == [DAY, None]
    assert eastern.days == [date(2026, 5, 5), None]


def test_a_dark_frame_leaves_ground_unseen_not_clean(build_frame: BuildFrame, plane: LocalPlane) -> None:
    area = square(plane, 0, 15, 5)
    coverage = Coverage()
    coverage.add(build_frame(faults=("too_dark",)), "p")
    coverage.add(build_frame(4.0, heading_deg=None), "p")
    measure = coverage.measure(DAY, square(plane, 0, 10, 12))
    assert measure.seen_m2 == 0
    assert measure.passed_m2 == pytest.approx(np.pi * 25, rel=0.01)
    assert measure.refused == {"no_heading": 1, "too_dark": 1}
    assert coverage.measure(DAY, area).not_seen_m2 == pytest.approx(100, rel=1e-3)


def test_metres_of_street_and_of_the_drive(build_frame: BuildFrame, plane: LocalPlane) -> None:
    coverage = Coverage()
    for index in range(26):
        coverage.add(build_frame(index * 4.0), "p")
    street, side_street = (
        shapely.LineString(plane.to_lon_lat(np.array(ends, float)))
        for ends in ([[0, -50], [0, 150]], [[0, 50], [300, 50]])
    )
    measure = coverage.measure(DAY, streets=[street, side_street])
    assert measure.street_m == pytest.approx(500, rel=1e-3)
    assert measure.street_seen_m is not None
    assert (
        121 < measure.street_seen_m - 100 * np.tan(np.radians(35)) * 0 < 160
    )  # ahead 125 m, and some of the side
    assert measure.driven_m == pytest.approx(100, rel=1e-3)
    assert 94 < measure.driven_seen_m < 97  # the ground below the bonnet is seen by the frame before


def test_a_jump_is_not_driven(build_frame: BuildFrame) -> None:
    coverage = Coverage()
    for north in (0.0, 4.0, 504.0, 508.0):
        coverage.add(build_frame(north), "p")
    assert coverage.measure(DAY).driven_m == pytest.approx(8, rel=1e-3)


def test_coverage_goes_across_the_date_line(build_frame: BuildFrame) -> None:
    coverage, at_the_line = Coverage(), LocalPlane(180.0, -17.0)
    footprint = coverage.add(build_frame(around=at_the_line, heading_deg=90.0, east_m=-12.0), "p")
    assert footprint is not None
    assert coverage.measure(DAY).seen_m2 == pytest.approx(area_m2(footprint.ground), rel=1e-6)
    for east in (-5.0, 5.0):
        lon, lat = at_the_line.to_lon_lat(np.array([east, 0.0])).tolist()
        assert [each.distance_m for each in coverage.seen(lon, lat)] == [pytest.approx(12 + east, rel=1e-3)]
    assert all(
        -180 <= lon <= 180
        for feature in covered_ground(coverage)["features"]
        for lon, _ in shapely.get_coordinates(shapely.geometry.shape(feature["geometry"]))
    )


def test_tiles_part_an_area_without_loss(plane: LocalPlane) -> None:
    area = square(plane, 30, 40, 400)
    assert sum(area_m2(piece) for _, piece in pieces(area)) == pytest.approx(640_000, rel=1e-4)


def test_geojson_keeps_seen_passed_and_not_seen_apart(build_frame: BuildFrame, plane: LocalPlane) -> None:
    coverage, area = Coverage(), square(plane, 0, 20, 30)
    coverage.add(build_frame(name="a"), "monday")
    coverage.add(build_frame(25.0, "b", heading_deg=None), "monday")
    features = covered_areas(coverage, {"north side": area})["features"]
    shapes = {each["properties"]["kind"]: shapely.geometry.shape(each["geometry"]) for each in features}
    assert set(shapes) == {"seen", "passed", "not_seen"}
    assert sum(area_m2(each) for each in shapes.values()) == pytest.approx(
        area_m2(area), rel=1e-3
    )  # corners are rounded to 1 cm
    assert features[0]["properties"]["area"] == "north side"
    assert features[0]["properties"]["day"] == "2026-05-04"
    for each in features:  # RFC 7946: outer rings run counter-clockwise
        for polygon in each["geometry"]["coordinates"]:
            assert shapely.LinearRing(polygon[0]).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in polygon[1:])
    ground = covered_ground(coverage)["features"]
    assert {tuple(each["properties"]["frame_ids"]) for each in ground} == {("a",), ("b",)}


def test_a_polygon_that_crosses_itself_is_refused_by_name(build_frame: BuildFrame) -> None:
    bow = shapely.Polygon([(114.0, 30.0), (115.0, 31.0), (115.0, 30.0), (114.0, 31.0)])
    coverage = Coverage()
    coverage.add(build_frame(), "p")
    with pytest.raises(AreaError, match="Self-intersection"):
        coverage.measure(DAY, bow)


def test_ground_in_bad_light_is_dim_until_it_is_seen(build_frame: BuildFrame) -> None:
    coverage = Coverage()
    assert coverage.add(build_frame(0.0, "dark", faults=("too_dark",)), "p") is None
    [(_, dim), *more] = coverage.dim(DAY)
    assert list(coverage.tiles(DAY)) == []
    assert coverage.measure(DAY).refused == {"too_dark": 1}
    whole = area_m2(dim) + sum(area_m2(each) for _, each in more)
    coverage.add(build_frame(10.0, "bright"), "p")
    assert 0 < sum(area_m2(each) for _, each in coverage.dim(DAY)) < whole
    coverage.add(build_frame(0.0, "the same, bright"), "p")
    assert sum(area_m2(each) for _, each in coverage.dim(DAY)) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "how",
    [{"faults": ("blurred",)}, {"faults": ("lens_covered",)}, {"faults": ("too_dark",), "heading_deg": None}],
)
def test_what_else_is_wrong_with_a_frame_leaves_nothing(
    build_frame: BuildFrame, how: dict[str, object]
) -> None:
    coverage = Coverage()
    coverage.add(build_frame(**how), "p")
    assert list(coverage.dim(DAY)) == []
