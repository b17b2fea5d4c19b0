"""Findings are said in both languages with the numbers that the rules give them."""

import string

import pytest

from streetsight.inference.rules import zone_files
from streetsight.inference.rules.finding import REASONS, Finding, percent
from streetsight.models.language import translate


def fields(text: str) -> dict[str, str]:
    return {name: "7" for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_chinese(reason: str) -> None:
    finding = Finding("rule", "met", reason, fields(REASONS[reason]))
    assert finding.say("zh") != finding.say("en")


def test_every_word_on_zones_has_its_chinese() -> None:
    for text in (*zone_files.MESSAGES.values(), zone_files.MASKED_ANYWAY, zone_files.NOT_MASKED):
        assert translate(text, "zh") != text


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0%"), (1.0, "100%"), (0.999999, "99.9%"), (1e-9, "0.1%"), (0.5, "50.0%"), (0.8341, "83.4%")],
)
def test_what_is_not_certain_is_never_said_to_be(share: float, said: str) -> None:
    assert percent(share) == said
