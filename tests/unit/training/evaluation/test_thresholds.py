"""Threshold rules: read, followed, fallen back from, and said."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.models.card import Card
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import condition_categories, score
from streetsight.training.evaluation.thresholds import (
    FALLBACK,
    MIN_BOXES,
    Choice,
    Rule,
    RuleError,
    Rules,
    choose,
    in_words,
    parse_rules,
    with_thresholds,
)

Photo = Callable[..., Judged]

HERE, AWAY = [10, 10, 50, 50], [60, 60, 90, 90]


@pytest.fixture(scope="module")
def card() -> Card:
    return load_release().card


def street(photo: Photo, name: str, good: list[float], bad: list[float], unseen: int = 0) -> list[Judged]:
    """A photo for each score: right ones and wrong ones, and labels that nothing sees."""
    return [
        *(photo([(name, HERE)], [(name, HERE, each)]) for each in good),
        *(photo([], [(name, AWAY, each)]) for each in bad),
        *(photo([(name, HERE)]) for _ in range(unseen)),
    ]


def chosen(judged: list[Judged], card: Card, *rules: str) -> dict[str, Choice]:
    return {each.name: each for each in choose(judged, card, parse_rules(rules, card.class_names))}


SURE = [0.9 - index / 100 for index in range(20)]  # 0.90 ... 0.71
UNSURE = [0.5 - index / 100 for index in range(10)]  # 0.50 ... 0.41


def test_best_f1_stops_where_more_would_cost_more(photo: Photo, card: Card) -> None:
    judged = street(photo, "garbage", SURE, UNSURE, unseen=5)
    choice = chosen(judged, card, "best-f1")["garbage"]
    assert choice.threshold == pytest.approx(0.71, abs=1e-3)
    assert (choice.precision, choice.recall, choice.boxes) == (1.0, 0.8, 25)


def test_precision_takes_all_that_it_allows(photo: Photo, card: Card) -> None:
    judged = street(photo, "garbage", [*SURE, 0.3], UNSURE)
    assert chosen(judged, card, "precision>=0.8")["garbage"].threshold == pytest.approx(0.46, abs=1e-3)
    assert chosen(judged, card, "precision>=0.6")["garbage"].threshold == pytest.approx(0.3, abs=1e-3)


def test_what_is_never_precise_enough_gets_best_f1_and_the_card_says_so(photo: Photo, card: Card) -> None:
    judged = street(photo, "garbage", SURE, [0.95, 0.94, 0.93, 0.92, 0.91])
    choices = choose(judged, card, parse_rules(["precision>=0.9"], card.class_names))
    assert choices[0].rule == Rule()
    assert choices[0].threshold == pytest.approx(0.71, abs=1e-3)
    assert "best F1, as precision >= 0.9 is never reached: garbage" in in_words(choices)


def test_too_few_boxes_choose_nothing(photo: Photo, card: Card) -> None:
    judged = street(photo, "garbage", SURE[: MIN_BOXES - 1], [])
    choice = chosen(judged, card, "best-f1")["garbage"]
    assert (choice.threshold, choice.rule) == (FALLBACK, None)


def test_a_condition_is_precise_as_a_whole(photo: Photo, card: Card) -> None:
    """The sure class makes room for the hard one: more is found than with each class on its own."""
    hard = [(0.9 - index / 50, index % 2 == 0) for index in range(40)]
    judged = [
        *street(photo, "garbage", SURE * 2, []),
        *street(photo, "overflowing_bin", [s for s, right in hard if right], [s for s, r in hard if not r]),
    ]
    (category,) = (each for each in condition_categories(card) if each.name == "exposed_garbage")

    def found(*rules: str) -> tuple[float, int]:
        choices = choose(judged, card, parse_rules(rules, card.class_names))
        floors = {each.name: each.threshold for each in choices}
        hits = score(judged, category, floors).hits[:, 0]
        return float(hits.mean()), int(hits.sum())

    together, alone = found("exposed_garbage=precision>=0.7"), found("precision>=0.7")
    assert together[0] >= 0.7
    assert together[1] > alone[1]


def test_the_card_gets_thresholds_and_the_rule(photo: Photo, card: Card) -> None:
    apart = card.classes[-1].model_copy(update={"apart": True})
    card = card.model_copy(update={"classes": (*card.classes[:-1], apart)})
    judged = street(photo, "garbage", SURE, UNSURE)
    new = with_thresholds(card, choose(judged, card, Rules(own={"garbage": Rule(0.8)})))
    assert new.classes[0].threshold == pytest.approx(0.46, abs=1e-3)
    assert new.class_names == card.class_names
    assert new.classes[-1].apart, "what else a class is stays"
    assert new.threshold_rule.startswith(
        "chosen on validation photos. precision >= 0.8: garbage; 0.25, fewer"
    )


def test_rules_are_read() -> None:
    names = ("garbage", "pothole", "road_crack")
    rules = parse_rules(["precision >= .8, garbage=best-f1", "broken_facility=precision>=0.7"], names)
    assert rules.default == Rule(0.8)
    assert rules.of("garbage") == Rule()
    assert rules.of("pothole") == rules.of("road_crack") == Rule(0.7, "broken_facility")


@pytest.mark.parametrize("text", ["best", "precision>0.8", "precision>=80", "garbage=", "recall>=0.5"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match=r"cannot be read; expected best-f1, precision>=0\.8"):
        parse_rules([text], ("garbage",))


def test_a_rule_for_what_the_release_does_not_know_is_refused() -> None:
    with pytest.raises(RuleError, match="no class or condition potholes"):
        parse_rules(["potholes=best-f1"], ("garbage",))


def test_a_threshold_rule_that_cannot_be_read_is_said_before_the_export(tmp_path: Path) -> None:
    command = ["export", str(tmp_path), "--name", "new", "--photos", str(tmp_path), "--output", str(tmp_path)]
    done = CliRunner().invoke(app, [*command, "--threshold-rule", "precision>=80", "--lang", "en"])
    assert done.exit_code == 2
    assert "threshold rule 'precision>=80' cannot be read" in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []
