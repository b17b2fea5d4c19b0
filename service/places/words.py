"""What the register can say of a place: codes, their names, and other ways to write them (`words.toml`)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from streetsight.models.taxonomy import Language

PATH = Path(__file__).with_name("words.toml")
Kind = Literal[
    "section", "point", "road", "compound", "park", "toilet", "junction", "site", "riverbank", "market",
    "school", "other",
]  # fmt: skip
Scene = Literal["road", "compound", "park", "toilet", "junction", "site", "riverbank"]
Grade = Literal["strict", "regulated", "guided"]
Subject = Literal[
    "kinds", "scenes", "area_types", "grades", "origins", "demonstrations", "stages", "five_fixed", "fields"
]


@dataclass(frozen=True, slots=True)
class Word:
    """Attributes: scene: of a kind, what its places have by themselves."""

    code: str
    zh: str
    en: str
    words: tuple[str, ...] = ()
    scene: str | None = None

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@cache
def words(subject: Subject) -> dict[str, Word]:
    """All of one list, by code."""
    return {
        code: Word(code, entry["zh"], entry["en"], tuple(entry.get("words", ())), entry.get("scene"))
        for code, entry in _file()[subject].items()
    }


def find_word(subject: Subject, text: str) -> str | None:
    """The code of a word, however it is written; None for one that is not known."""
    return _spellings(subject).get(_plain(text))


@cache
def _spellings(subject: Subject) -> dict[str, str]:
    return {
        _plain(spelt): word.code
        for word in words(subject).values()
        for spelt in (*word.words, word.en, word.zh, word.code)
    }


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))
