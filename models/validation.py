"""What pydantic finds wrong, for people: where, and what, in their language.

English is pydantic's own. The Chinese of the usual kinds of errors is in `messages/pydantic.toml`, by their
`type`; a validator of ours that raises SpokenError says its own words in both.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from streetsight.models.language import CATALOGUES, SpokenError, translate
from streetsight.models.taxonomy import Language


class Faults:
    """What is wrong with something that was sent or written: a value of a message, spoken where it is said.

    Attributes:
        rows: pydantic's errors.
        root: what the whole is called, where an error is about no field of it.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], root: str = "") -> None:
        self.rows, self.root = rows, root

    @classmethod
    def of(cls, error: ValidationError, root: str = "", most: int = 10) -> "Faults":
        """Those of a model that could not be made, the first ones."""
        return cls(error.errors()[:most], root)

    def lines(self, language: Language) -> list[str]:
        """Each with its field, as `phases.0.last: ...`."""
        return [": ".join(filter(None, (field_of(each) or self.root, say_fault(each, language))))
                for each in self.rows]  # fmt: skip

    def say(self, language: Language) -> str:
        return "; ".join(self.lines(language))

    def __str__(self) -> str:
        return self.say("en")


def field_of(fault: Mapping[str, Any]) -> str:
    """Where it is, as `phases.0.last`; nothing for the whole."""
    return ".".join(map(str, fault["loc"]))


def say_fault(fault: Mapping[str, Any], language: Language) -> str:
    """What an error of pydantic says, without its field. A type that is not known stays English."""
    context = fault.get("ctx") or {}
    own = context.get("error")
    if isinstance(own, SpokenError):
        return own.say(language)
    text = _chinese().get(fault["type"]) if language == "zh" else None
    if text is None:
        return str(fault["msg"])
    if isinstance(own, Exception):
        context = {**context, "error": translate(str(own), language)}
    return text.format(**context)


@cache
def _chinese() -> dict[str, str]:
    return tomllib.loads((CATALOGUES / "pydantic.toml").read_text(encoding="utf-8"))
