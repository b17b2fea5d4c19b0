"""Positions of places: independent receivers add up, repetition does not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.inference.places.conftest import MakeSighting

from streetsight.inference.places.fusion import fuse
from streetsight.inference.positions.local import LocalPlane


def test_three_receivers_shrink_the_error_by_the_root_of_three(sighting: MakeSighting) -> None:
    one = fuse([sighting("a", "p1", 0, 0)]).covariance_m2[0]
    three = fuse([sighting(name, f"p{name}", 0, 0) for name in "abc"]).covariance_m2[0]

    assert three == pytest.approx(one / 3, rel=1e-6)


@given(st.integers(2, 30))
def test_one_patrol_never_beats_its_receiver(sighting: MakeSighting, count: int) -> None:
    place = fuse([sighting(str(number), "p1", 0, 0, hours=number / 3600) for number in range(count)])

    assert place.covariance_m2[0] >= 9.0


def test_the_mean_lies_between_and_nearer_to_the_surer(sighting: MakeSighting, plane: LocalPlane) -> None:
    place = fuse([sighting("a", "p1", 0, 0, gps_m=1.0), sighting("b", "p2", 10, 0, gps_m=3.0)])
    assert place.lon is not None
    east, north = plane.to_metres(np.array([place.lon, place.lat])).tolist()

    assert (east, north) == (pytest.approx(10 * 1.25 / 10.5, abs=0.01), pytest.approx(0, abs=0.01))


def test_members_are_in_order_of_time_and_the_first_names_the_place(sighting: MakeSighting) -> None:
    late, early = sighting("a", "p1", 0, 0, hours=9), sighting("b", "p2", 0, 0, hours=1)
    untimed = replace(sighting("c", "p3", 0, 0), first_seen=None, last_seen=None)

    place = fuse([late, untimed, early])

    assert [each.id for each in place.sightings] == ["c", "b", "a"]
    assert place.id == "c"
