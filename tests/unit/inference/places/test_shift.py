"""How far a patrol's receiver is off at a place, as the things that it saw around tell."""

from datetime import timedelta

import numpy as np
import pytest
from benchmarks.passes import FIRST, SECOND, Sighted, sight
from tests.unit.inference.places.conftest import MakeSighting

from streetsight.datasets.simulation.passes import MONDAY, Noise, drive_past, straight_drive, straight_street
from streetsight.datasets.simulation.street import Street
from streetsight.inference.places.fusion import matrix
from streetsight.inference.places.merging import Places
from streetsight.inference.positions.local import LocalPlane

CHI_95 = 5.99  # chi-squared, 2 degrees of freedom
ROW = [("garbage", 0), ("pothole", 5), ("garbage", 10), ("road_crack", 17), ("garbage", 20)]


def test_the_shift_is_that_of_the_pattern_around(sighting: MakeSighting) -> None:
    """The second receiver is off by 6 m, and sees all but one."""
    places = Places()
    places.add([sighting(f"a{i}", "p1", 0, y, name, frame="f1") for i, (name, y) in enumerate(ROW)])
    places.add(
        [
            sighting(f"b{i}", "p2", 1, y + 6, name, hours=5, frame="f2")
            for i, (name, y) in enumerate(ROW)
            if i != 1
        ]
    )

    missing = next(each for each in places if each.class_name == "pothole")
    shift = places.shift_of("p2", missing)

    assert shift is not None
    assert (shift.east_m, shift.north_m) == pytest.approx((1, 6), abs=0.3)
    assert np.trace(matrix(shift.covariance_m2)) < 2.0


def test_the_shift_is_from_the_place_as_merged(sighting: MakeSighting) -> None:
    """The place lies between its two sightings; the patrol's own sighting says where it has it."""
    places = Places()
    places.add([sighting("a", "p1", 0, 0), sighting("b", "p2", 2, 4, hours=5)])
    (place,) = places

    shift = places.shift_of("p2", place)

    assert shift is not None
    assert (shift.east_m, shift.north_m) == pytest.approx((1, 2), abs=0.3)


def test_patrols_that_contradict_each_other_leave_it_unsure(sighting: MakeSighting) -> None:
    """For one of the two, the third patrol saw the neighbour 8 m away."""
    agreeing, torn = Places(), Places()
    for places, away in ((agreeing, 0), (torn, 8)):
        places.add([sighting("a", "p1", 0, 0), sighting("b", "p2", 0, 0.5, hours=5)])
        places.add([sighting("x", "p1", 0, 12, "pothole"), sighting("y", "p3", 0, 12, "pothole", hours=9)])
        places.add([sighting("z", "p2", 0, 12 - away, "pothole", hours=5, gps_m=5.0)])

    sure, unsure = (
        places.shift_of("p3", next(each for each in places if each.id == "a")) for places in (agreeing, torn)
    )

    assert sure is not None
    assert unsure is not None
    assert unsure.covariance_m2[2] > sure.covariance_m2[2] + 9


def test_a_patrol_that_saw_nothing_near_says_nothing(sighting: MakeSighting) -> None:
    places = Places()
    places.add([sighting("a", "p1", 0, 0), sighting("far", "p2", 0, 500, hours=5)])

    place = next(each for each in places if each.id == "a")
    assert places.shift_of("p2", place) is None
    assert places.shift_of("p1", place) is None


def test_on_simulated_passes_it_is_as_good_as_it_says() -> None:
    """A third pass over a street from which half of the things are gone."""
    inside, errors = [], []
    for seed in range(2):
        street, sighted, places = straight_street(seed, 240.0), Sighted(), Places()
        poses, left = straight_drive(240.0, 4.0), Street([], street.things[::2])
        for number, vehicle in enumerate((FIRST, SECOND)):
            start = MONDAY + timedelta(days=number)
            run = drive_past(street, vehicle, poses, number, Noise(), seed, start)
            places.add(sight(run, Noise(), sighted))
        run = drive_past(left, FIRST, poses, 2, Noise(), seed, MONDAY + timedelta(days=2))
        third = {sighted.thing_of[each.id]: each for each in sight(run, Noise(), sighted)}
        places.add(third.values())
        for place in places:
            earlier = {
                sighted.thing_of[e.id] for e in place.sightings if e.patrol_id != run.patrol_id
            } & third.keys()
            if place.lon is None or place.lat is None or len(earlier) != 1:
                continue
            seen, shift = third[earlier.pop()], places.shift_of(run.patrol_id, place)
            assert shift is not None
            away = LocalPlane(place.lon, place.lat).to_metres(np.array([seen.lon, seen.lat], np.float64))
            away = away - [shift.east_m, shift.north_m]
            spread = matrix(shift.covariance_m2) + matrix(seen.own_m2)
            inside.append(float(away @ np.linalg.solve(spread, away)) <= CHI_95)
            errors.append(float(np.hypot(*away)))

    assert len(inside) > 40
    assert np.mean(inside) >= 0.9
    assert np.median(errors) < 1.5
