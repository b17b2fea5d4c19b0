"""Slices leave nothing out and count what belongs to them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import see
from streetsight.training.evaluation.slices import Slice, slices

Photo = Callable[..., Judged]

HERE, TINY = [10, 10, 50, 50], [80, 80, 84, 85]


@pytest.fixture(scope="module")
def card() -> Card:
    return load_release().card


def rows(judged: list[Judged], card: Card, kind: str, category: str = "garbage") -> dict[str, Slice]:
    found = slices(judged, see(judged, card), draws=20)
    return {each.name: each for each in found if each.kind == kind and each.category == category}


def test_a_small_and_a_large_thing_are_counted_apart(photo: Photo, card: Card) -> None:
    judged = [photo([("garbage", HERE), ("garbage", TINY)], [("garbage", HERE, 0.9)])]
    sizes = rows(judged, card, "size")
    assert {name: (each.boxes, each.recall) for name, each in sizes.items()} == {
        "small": (1, 0.0),
        "large": (1, 1.0),
    }
    assert all(each.rough for each in sizes.values())


def test_photos_are_sorted_by_light(photo: Photo, card: Card) -> None:
    dim = replace(photo([("garbage", HERE)], group="a"), brightness=50.0)
    bright = replace(photo([("garbage", HERE)], [("garbage", HERE, 0.9)], group="b"), brightness=180.0)
    light = rows([dim, bright], card, "light")
    assert {name: each.recall for name, each in light.items()} == {"dim": 0.0, "bright": 1.0}
    assert light["bright"].intervals["recall"] == (1.0, 1.0)


def test_a_source_without_a_thing_still_has_false_alarms(photo: Photo, card: Card) -> None:
    judged = [
        photo([("garbage", HERE)], [("garbage", HERE, 0.9)], source="streets"),
        photo([], [("garbage", HERE, 0.9)], source="look-alikes"),
        photo([], [("garbage", HERE, 0.9)], labelled=["pothole"], source="others"),
    ]
    sources = rows(judged, card, "source")
    assert set(sources) == {"streets", "look-alikes"}
    empty = sources["look-alikes"]
    assert (empty.boxes, empty.ap50, empty.recall, empty.precision) == (0, None, None, 0.0)
    assert empty.false_alarms_per_100 == 100.0
