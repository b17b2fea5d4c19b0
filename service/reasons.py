"""Reasons that people choose from, as a noun's `reasons.toml` lists them."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from streetsight.models.taxonomy import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One of a file. Attributes: needs_text: the code alone does not say why."""

    code: str
    zh: str
    en: str
    needs_text: bool = False

    def say(self, language: Language) -> str:
        """In words."""
        return self.zh if language == "zh" else self.en


Kind = TypeVar("Kind", bound=Reason)


def read_reasons(path: Path, kind: type[Kind]) -> dict[str, Kind]:
    """Code -> reason, in the order of the file."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {code: kind(code=code, **entry) for code, entry in found.items()}


def known(reasons: Callable[[], Mapping[str, Reason]]) -> Callable[[str], str]:
    """Validator: a code that the file has. Raises ValueError."""

    def check(code: str) -> str:
        if code not in reasons():
            raise ValueError(f"expected one of {', '.join(reasons())}")
        return code

    return check


def require_text(reason: Reason, text: str | None) -> None:
    """Raises ValueError when a reason needs words and has none."""
    if reason.needs_text and not text:
        raise ValueError(f"reason {reason.code}: say why in text")
