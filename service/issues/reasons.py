"""Reasons for not pursuing an issue: `reasons.toml`, read and checked."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from streetsight.models.taxonomy import Language

PATH = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True, slots=True)
class Reason:
    """One of `reasons.toml`. Attributes: needs_text: the code alone does not say why."""

    code: str
    zh: str
    en: str
    needs_text: bool = False

    def say(self, language: Language) -> str:
        """In words."""
        return self.zh if language == "zh" else self.en


@cache
def reasons() -> dict[str, Reason]:
    """Code -> reason, in the order of the file."""
    found = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return {code: Reason(code, **entry) for code, entry in found.items()}
