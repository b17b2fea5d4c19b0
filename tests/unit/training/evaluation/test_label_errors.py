"""Planted label errors are named, and come before what is in order."""

from collections.abc import Callable

import pytest

from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.label_errors import Suspect, explain, suspects

Photo = Callable[..., Judged]

HERE, LOOSE, AWAY = [10, 10, 50, 50], [20, 20, 60, 60], [60, 60, 90, 90]


@pytest.fixture(scope="module")
def card() -> Card:
    return load_release().card


def in_order(photo: Photo) -> list[Judged]:
    """Photos on which labels and release agree: what is usual."""
    return [photo([("garbage", HERE)], [("garbage", HERE, 0.9)]) for _ in range(60)]


def first(photo: Photo, card: Card, odd: Judged) -> Suspect:
    found = suspects([*in_order(photo), odd], card)
    assert found[0].photo == 60
    assert all(each.photo == 60 or each.score < found[0].score / 2 for each in found)
    return found[0]


def test_a_sure_detection_that_nobody_labelled(photo: Photo, card: Card) -> None:
    suspect = first(photo, card, photo([], [("garbage", AWAY, 0.8)]))
    assert (suspect.kind, suspect.name, suspect.box_xyxy_px.tolist()) == ("missing_label", "garbage", AWAY)
    assert explain(suspect, "en") == "garbage is seen here (0.80) and nobody labelled it"


def test_a_label_that_nothing_sees(photo: Photo, card: Card) -> None:
    suspect = first(photo, card, photo([("garbage", AWAY)]))
    assert (suspect.kind, suspect.seen_as, suspect.seen_xyxy_px) == ("unseen_label", None, None)


def test_a_label_that_is_seen_as_another_class(photo: Photo, card: Card) -> None:
    suspect = first(photo, card, photo([("pothole", HERE)], [("overflowing_bin", HERE, 0.9)]))
    assert (suspect.kind, suspect.name, suspect.seen_as) == ("class_swap", "pothole", "overflowing_bin")


def test_a_label_that_lies_badly(photo: Photo, card: Card) -> None:
    suspect = first(photo, card, photo([("garbage", LOOSE)], [("garbage", HERE, 0.9)]))
    assert suspect.kind == "loose_box"
    assert suspect.seen_xyxy_px is not None
    assert suspect.seen_xyxy_px.tolist() == HERE


def test_labels_that_the_release_agrees_with_are_no_suspects(photo: Photo, card: Card) -> None:
    assert suspects(in_order(photo), card) == []


def test_two_classes_on_one_place_both_labelled_are_no_swap(photo: Photo, card: Card) -> None:
    odd = photo(
        [("garbage", HERE), ("overflowing_bin", HERE)],
        [("garbage", HERE, 0.9), ("overflowing_bin", HERE, 0.9)],
    )
    assert not [each for each in suspects([*in_order(photo), odd], card) if each.kind == "class_swap"]


def test_what_the_source_does_not_label_is_no_missing_label(photo: Photo, card: Card) -> None:
    odd = photo([], [("pothole", AWAY, 0.9)], labelled=["garbage"])
    assert suspects([*in_order(photo), odd], card) == []


def test_one_thing_seen_twice_is_one_suspect(photo: Photo, card: Card) -> None:
    odd = photo([], [("garbage", HERE, 0.8), ("garbage", LOOSE, 0.7)])
    assert len([each for each in suspects([*in_order(photo), odd], card) if each.photo == 60]) == 1


def test_every_kind_is_explained_in_both_languages(photo: Photo, card: Card) -> None:
    odd = [
        photo([], [("garbage", AWAY, 0.8)]),
        photo([("garbage", AWAY)]),
        photo([("pothole", HERE)], [("overflowing_bin", HERE, 0.9)]),
        photo([("garbage", LOOSE)], [("garbage", HERE, 0.9)]),
    ]
    found = suspects([*in_order(photo), *odd], card)
    assert {each.kind for each in found} == {"missing_label", "unseen_label", "class_swap", "loose_box"}
    assert all(explain(each, "en") != explain(each, "zh") for each in found)
