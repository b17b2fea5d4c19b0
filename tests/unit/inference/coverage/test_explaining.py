"""Places and sightings explained together."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.coverage.explaining import Belief, Fresh, Known, Seen, believe

FRESH = Fresh(0.001, 0.5)


def known(east: float, north: float, present: float = 0.5, missed: float = 0.1) -> Known:
    return Known(np.array([east, north]), np.eye(2), present, missed, 0.2)


def seen(east: float, north: float, single: bool = False) -> Seen:
    return Seen(np.array([east, north]), np.eye(2) * 0.25, single)


def belief(place: int, places: list[Known], sightings: list[Seen], sigma_m: float = 0.0) -> Belief:
    fits = np.ones((len(places), len(sightings)), bool)
    return believe(place, places, sightings, fits, np.eye(2) * sigma_m**2, FRESH)


def test_nothing_seen_is_bayes_rule() -> None:
    alone = belief(0, [known(0, 0)], [])
    assert alone.gone == pytest.approx(0.5 / (0.5 + 0.5 * 0.1))
    assert (alone.matched, alone.sighting) == (0, None)


def test_a_sighting_at_the_place_is_the_place() -> None:
    there = belief(0, [known(0, 0)], [seen(0.5, 0.2)])
    assert there.matched > 0.95
    assert there.gone < 0.05
    assert there.sighting == 0


def test_a_sighting_far_off_says_nothing() -> None:
    assert belief(0, [known(0, 0)], [seen(30, 0)]) == belief(0, [known(0, 0)], [])


def test_a_neighbours_sighting_is_the_neighbours() -> None:
    places = [known(0, 0), known(8, 0)]
    left, right = (belief(index, places, [seen(7.5, 0)], 2.0) for index in (0, 1))
    assert right.matched > 0.9
    assert left.gone > 0.8
    alone = belief(0, places[:1], [seen(7.5, 0)], 2.0)
    assert alone.gone < left.gone  # without the neighbour it could be this thing, shifted


def test_the_receivers_error_is_one_for_all_neighbours() -> None:
    places = [known(0, 0), known(8, 0), known(0, 9)]
    shifted = [seen(x + 5, y - 4) for x, y in ((0, 0), (8, 0), (0, 9))]
    for index in range(3):
        found = belief(index, places, shifted, 4.0)
        assert found.matched > 0.9
        assert found.sighting == index


def test_one_glimpse_weighs_less_than_many() -> None:
    once, often = (belief(0, [known(0, 0)], [seen(2, 1, single)]) for single in (True, False))
    assert once.matched < often.matched


spots = st.tuples(st.floats(-6, 6), st.floats(-6, 6))


@given(st.lists(spots, min_size=1, max_size=3), st.lists(spots, max_size=3))
def test_equals_the_sum_over_all_explanations(
    where: list[tuple[float, float]], what: list[tuple[float, float]]
) -> None:
    places, sightings = [known(*each) for each in where], [seen(*each) for each in what]
    found = belief(0, places, sightings)
    unmatched = total = 0.0
    for choice in itertools.product([None, *range(len(sightings))], repeat=len(places)):
        taken = [each for each in choice if each is not None]
        if len(taken) > len(set(taken)):
            continue
        weight = math.prod(_weight(one, each, sightings) for one, each in zip(places, choice, strict=True))
        total += weight
        unmatched += weight if choice[0] is None else 0
    assert found.matched == pytest.approx(1 - unmatched / total, abs=1e-9)


def _weight(one: Known, choice: int | None, sightings: list[Seen]) -> float:
    if choice is None:
        return 1 - one.present + one.present * one.missed
    away = sightings[choice].east_north_m - one.east_north_m
    square = float(away @ away) / 1.25
    if square >= 13.8:
        return 0.0
    density = math.exp(-square / 2) / (2 * math.pi * 1.25)
    return one.present * (1 - one.missed) * density * (1 - one.single) / (FRESH.per_m2 * 0.5)
