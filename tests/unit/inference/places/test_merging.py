"""Many patrols, one place per thing: whatever the order, with neighbours told apart."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.inference.places.conftest import MakeSighting

from streetsight.inference.places.grid import Cell, cell_of
from streetsight.inference.places.merging import Ending, Merging, Places
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.positions.local import LocalPlane

Groups = list[list[str]]


def groups(places: Places) -> Groups:
    return sorted(sorted(each.id for each in place.sightings) for place in places)


def merged(sightings: Sequence[Sighting], merging: Merging = Merging()) -> Groups:
    places = Places(merging)
    places.add(sightings)
    return groups(places)


def test_one_thing_seen_by_three_patrols_is_one_place(sighting: MakeSighting) -> None:
    seen = [
        sighting("a", "p1", 0, 0),
        sighting("b", "p2", 3, -2, hours=24),
        sighting("c", "p3", -2, 4, hours=48),
    ]

    assert merged(seen) == [["a", "b", "c"]]


def test_classes_stay_apart(sighting: MakeSighting) -> None:
    assert len(merged([sighting("a", "p1", 0, 0), sighting("b", "p2", 0, 0, "pothole")])) == 2


def test_neighbours_are_told_apart_by_the_pattern_they_belong_to(sighting: MakeSighting) -> None:
    """The second receiver is off by 6 m: each thing lies nearer to its neighbour than to itself."""
    row = [("garbage", 0), ("pothole", 5), ("garbage", 10), ("road_crack", 17), ("garbage", 20)]
    first = [sighting(f"a{i}", "p1", 0, y, name, frame="f1") for i, (name, y) in enumerate(row)]
    second = [sighting(f"b{i}", "p2", 1, y + 6, name, hours=5, frame="f2") for i, (name, y) in enumerate(row)]

    assert merged(first + second) == [[f"a{i}", f"b{i}"] for i in range(len(row))]


def test_two_things_on_one_frame_are_never_one(sighting: MakeSighting) -> None:
    seen = [sighting("a", "p1", 0, 0, frame="f"), sighting("b", "p1", 0.5, 0, frame="f")]

    assert len(merged(seen)) == 2
    bridged = [*seen, sighting("c", "p2", 0.2, 0, hours=1), sighting("d", "p3", 0.3, 0, hours=2)]
    assert all(not {"a", "b"} <= set(group) for group in merged(bridged))


def test_a_track_that_broke_is_one_thing_and_so_is_coming_back(sighting: MakeSighting) -> None:
    broke = [sighting("a", "p1", 0, 0), sighting("b", "p1", 0.8, 0.4, hours=2 / 3600)]
    back = sighting("c", "p1", 4, -3, hours=1)

    assert merged(broke) == [["a", "b"]]
    assert merged([*broke, back]) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("class_name", "hours", "places"),
    [("car", 2, 1), ("car", 20, 2), ("street_vendor", 24, 1), ("street_vendor", 100, 2), ("garbage", 100, 1)],
)
def test_what_stands_for_hours_is_another_one_later(
    sighting: MakeSighting, class_name: str, hours: float, places: int
) -> None:
    seen = [sighting("a", "p1", 0, 0, class_name), sighting("b", "p2", 1, 1, class_name, hours=hours)]

    assert len(merged(seen)) == places


def test_after_an_ending_it_is_another_one(sighting: MakeSighting, plane: LocalPlane) -> None:
    old, new = sighting("a", "p1", 0, 0), sighting("b", "p2", 1, 0, hours=30)
    assert old.last_seen is not None
    ending = Ending("garbage", plane.lon, plane.lat, 10.0, old.last_seen + timedelta(hours=20))
    before, after = Places(), Places()
    before.end(ending)
    before.add([old, new])
    after.add([old, new])
    assert groups(after) == [["a", "b"]]

    changes = after.end(ending)

    assert groups(before) == groups(after) == [["a"], ["b"]]
    assert {each.id for each in changes.places} == {"a", "b"}


def test_without_a_position_it_is_a_place_of_its_own(sighting: MakeSighting) -> None:
    lost = [replace(sighting(name, "p1", 0, 0), lon=None, lat=None) for name in "ab"]

    assert merged(lost) == [["a"], ["b"]]


def test_changes_say_what_is_new_and_what_is_gone(sighting: MakeSighting) -> None:
    places = Places()
    later = places.add([sighting("b", "p2", 0, 0, hours=5)])
    earlier = places.add([sighting("a", "p1", 0, 0)])
    again = places.add([sighting("a", "p1", 0, 0)])

    assert [each.id for each in later.places] == ["b"]
    assert [each.id for each in earlier.places] == ["a"]
    assert earlier.gone == {"b"}
    assert not again.places
    assert not again.gone


def crowd(sighting: MakeSighting, seed: int) -> list[Sighting]:
    """A crowded street, three patrols with a receiver error each, some things missed."""
    rng = np.random.default_rng(seed)
    things = [
        (str(rng.choice(["garbage", "pothole", "graffiti"])), *rng.uniform(-6, 6, 1), y)
        for y in range(0, 90, 5)
    ]
    seen = []
    for patrol in range(3):
        shift = rng.normal(0, 3, 2)
        for number, (name, east, north) in enumerate(things):
            if rng.random() < 0.85:
                east_m, north_m = np.array([east, north]) + shift + rng.normal(0, 0.5, 2)
                seen.append(
                    sighting(f"{patrol}-{number}", f"p{patrol}", east_m, north_m, name, hours=patrol * 9.0,
                             frame=f"{patrol}-{number // 4}")
                )  # fmt: skip
    return seen


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_order_and_repetition_change_nothing(
    sighting: MakeSighting, seed: int, random_: random.Random
) -> None:
    seen = crowd(sighting, seed)
    whole = Places()
    whole.add(seen)
    shuffled = seen + random_.sample(seen, len(seen) // 3)
    random_.shuffle(shuffled)
    piecemeal = Places()
    while shuffled:
        size = random_.randint(1, 9)
        piecemeal.add(shuffled[:size])
        shuffled = shuffled[size:]

    assert list(piecemeal) == list(whole)


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=15)
def test_a_store_gives_the_same_places_as_memory(sighting: MakeSighting, seed: int, cut: int) -> None:
    """Half of the sightings are in a store, with their places; the rest comes in over a fresh memory."""
    seen = crowd(sighting, seed)
    whole, first = Places(), Places()
    whole.add(seen)
    first.add(seen[:-cut])
    stored: dict[Cell, list[tuple[Sighting, str]]] = {}
    for place in first:
        for each in place.sightings:
            assert each.lon is not None
            assert each.lat is not None
            stored.setdefault(cell_of(each.lon, each.lat), []).append((each, place.id))
    later = Places(load=lambda cell: stored.get(cell, ()))

    changes = later.add(seen[-cut:])

    known = {place.id: place for place in first if place.id not in changes.gone}
    known |= {place.id: place for place in changes.places}
    assert [known[key] for key in sorted(known)] == list(whole)


def test_places_near_a_position_come_from_the_store(sighting: MakeSighting, plane: LocalPlane) -> None:
    old = sighting("a", "p1", 3, 3)
    assert old.lon is not None
    assert old.lat is not None
    cell = cell_of(old.lon, old.lat)
    places = Places(load=lambda asked: [(old, "a")] if asked == cell else [])

    assert [each.id for each in places.near(plane.lon, plane.lat)] == ["a"]
    assert places.near(plane.lon + 0.01, plane.lat) == []


@given(st.integers(0, 10_000), st.sets(st.integers(0, 40)))
@settings(max_examples=20)
def test_what_is_dropped_leaves_no_trace(sighting: MakeSighting, seed: int, chosen: set[int]) -> None:
    seen = crowd(sighting, seed)
    dropped = {each.id for index, each in enumerate(seen) if index in chosen}
    places, never = Places(), Places()
    places.add(seen)
    never.add([each for each in seen if each.id not in dropped])

    before = {place.id: place for place in places}
    changes = places.drop(dropped)

    assert list(places) == list(never)
    for gone in changes.gone:
        del before[gone]
    assert before | {place.id: place for place in changes.places} == {place.id: place for place in never}
    places.add([each for each in seen if each.id in dropped])
    whole = Places()
    whole.add(seen)
    assert list(places) == list(whole)
