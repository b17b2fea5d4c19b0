"""The worst mistakes come first and say what stands against them."""

from collections.abc import Callable

import pytest

from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import see
from streetsight.training.evaluation.mistakes import Mistake, explain, worst_mistakes

Photo = Callable[..., Judged]

HERE, HALF, AWAY, SMALL = [10, 10, 50, 50], [10, 32, 50, 72], [60, 60, 90, 90], [80, 5, 85, 10]
ELSEWHERE = ("garbage", [0, 90, 9, 99])  # so that there is something to judge


@pytest.fixture(scope="module")
def card() -> Card:
    return load_release().card


def found(judged: Judged, card: Card, kind: str) -> list[Mistake]:
    return [each for each in worst_mistakes([judged], see([judged], card), card) if each.kind == kind]


@pytest.mark.parametrize(
    ("labels", "seen", "cause", "words"),
    [
        ([("pothole", HERE)], [("garbage", HERE, 0.9)], "other_class", "labelled as pothole there"),
        ([("garbage", HERE)], [("garbage", HALF, 0.9)], "loose", "box lies badly: overlaps only 29 %"),
        ([], [("garbage", HERE, 0.9)], "nothing_there", "nothing labelled there"),
        (
            [("garbage", HERE)],
            [("garbage", HERE, 0.95), ("garbage", HERE, 0.9)],
            "twice",
            "seen twice: another box takes the label",
        ),
    ],
)
def test_false_alarms_say_why(
    photo: Photo,
    card: Card,
    labels: list[tuple[str, list[int]]],
    seen: list[tuple[str, list[int], float]],
    cause: str,
    words: str,
) -> None:
    (mistake,) = found(photo([*labels, ELSEWHERE], seen), card, "false_alarm")
    assert mistake.cause == cause
    assert explain(mistake, "en") == words
    assert explain(mistake, "zh") != words


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        ([], "unseen"),
        ([("garbage", HERE, 0.01)], "unsure"),
        ([("pothole", HERE, 0.9)], "other_class"),
        ([("garbage", HALF, 0.9)], "loose"),
    ],
)
def test_missed_labels_say_why(
    photo: Photo, card: Card, seen: list[tuple[str, list[int], float]], cause: str
) -> None:
    (mistake,) = found(photo([("garbage", HERE)], seen), card, "missed")
    assert mistake.cause == cause
    assert explain(mistake, "en")


def test_the_surest_and_the_largest_come_first(photo: Photo, card: Card) -> None:
    judged = photo(
        [("garbage", SMALL), ("garbage", HERE)], [("garbage", AWAY, 0.8), ("garbage", [0, 80, 9, 99], 0.9)]
    )
    assert [each.score for each in found(judged, card, "false_alarm")] == pytest.approx([0.9, 0.8])
    assert [each.box_xyxy_px.tolist() for each in found(judged, card, "missed")] == [HERE, SMALL]
