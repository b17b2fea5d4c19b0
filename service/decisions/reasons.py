"""Reasons for rejecting a candidate: `reasons.toml`, read and checked."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from streetsight.models.taxonomy import Language

Label = Literal["negative", "positive", "none"]
"""What a rejection says of the box for training."""

PATH = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True, slots=True)
class Reason:
    """One of `reasons.toml`.

    Attributes:
        label: what it says of the box for training.
        label_by_rule: the same where the class is an issue by a rule only, as parking is; None: no other.
        needs_text: the code alone does not say why.
    """

    code: str
    zh: str
    en: str
    label: Label
    label_by_rule: Label | None = None
    needs_text: bool = False

    def say(self, language: Language) -> str:
        """In words."""
        return self.zh if language == "zh" else self.en


@cache
def reasons() -> dict[str, Reason]:
    """Code -> reason, in the order of the file."""
    found = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return {code: Reason(code, **entry) for code, entry in found.items()}
