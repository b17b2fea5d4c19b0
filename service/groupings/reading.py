"""Groupings as they are written: TOML files, and the same as JSON over HTTP."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from streetsight.models.codes import OTHER, code_table
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.dependencies import Text
from streetsight.service.documents.reading import Name, Strict, read_file

EXAMPLES = Path(__file__).with_name("examples")
DEFAULT = "default"
ALL = "*"
"""At the end of a number: all that begin so."""

Code = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[Text, Field(min_length=1, max_length=60)]
Number = Annotated[str, Field(pattern=r"^\d{1,11}\*?$")]


class Member(Strict):
    """A group: an issue belongs to it by its condition, by its class, or by its code; one of them is enough.

    Attributes:
        codes: numbers by their scheme; `07*` is all that begin with 07.
        note: what a reader should know of it.
    """

    code: Code
    zh: Label
    en: Label
    conditions: Annotated[list[str], Field(max_length=200)] = Field(default=[])
    classes: Annotated[list[str], Field(max_length=200)] = Field(default=[])
    codes: dict[str, Annotated[list[Number], Field(max_length=1000)]] = Field(default={})
    note: Annotated[Text, Field(max_length=500)] | None = None

    @field_validator("conditions")
    @classmethod
    def _known_conditions(cls, names: list[str]) -> list[str]:
        return _known("condition", names, [*default_taxonomy().conditions, OTHER])

    @field_validator("classes")
    @classmethod
    def _known_classes(cls, names: list[str]) -> list[str]:
        return _known("class", names, [*default_taxonomy().names])

    @field_validator("codes")
    @classmethod
    def _known_codes(cls, codes: dict[str, list[str]]) -> dict[str, list[str]]:
        _known("scheme", list(codes), [*default_taxonomy().schemes])
        for scheme, numbers in codes.items():
            known = {each.code.code for each in code_table() if each.code.scheme == scheme}
            for number in numbers:
                if not any(_fits(number, each) for each in known):
                    raise ValueError(f"{scheme} has no {number} that is known here; see GET /v1/codes")
        return codes

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def fits(self, condition: str, class_name: str | None, scheme: str | None, number: str | None) -> bool:
        """Whether an issue belongs here, as far as this member says."""
        coded = scheme is not None and number is not None and self.has_code(scheme, number)
        return coded or condition in self.conditions or class_name in self.classes

    def has_code(self, scheme: str, number: str) -> bool:
        """Whether a code is among those named."""
        return any(_fits(each, number) for each in self.codes.get(scheme, ()))


class Grouping(Strict):
    """One way to group issues. The first member that fits counts, so broad ones come last."""

    code: Code
    zh: Label
    en: Label
    note: Annotated[Text, Field(max_length=500)] | None = None
    members: Annotated[list[Member], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _once(self) -> "Grouping":
        _require_once("member", [each.code for each in self.members])
        return self

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def member(self, code: str) -> Member | None:
        """The member of this code."""
        return next((each for each in self.members if each.code == code), None)


class GroupingDocument(Strict):
    """All groupings of a city.

    Attributes:
        example: shipped as one; a city checks it before it goes by it.
    """

    name: Name
    source: Annotated[Text, Field(max_length=500)] | None = None
    example: bool = False
    groupings: Annotated[list[Grouping], Field(min_length=1, max_length=40)]

    @model_validator(mode="after")
    def _once(self) -> "GroupingDocument":
        _require_once("grouping", [each.code for each in self.groupings])
        return self

    @cached_property
    def by_code(self) -> dict[str, Grouping]:
        """Groupings by their code."""
        return {each.code: each for each in self.groupings}

    @cached_property
    def known(self) -> dict[tuple[str, str, str | None, str | None, str | None], str | None]:
        """What was found out already; see `grouping.group_of`."""
        return {}


def default_document() -> GroupingDocument:
    """The shipped groupings, which count while a city has none of its own."""
    return read_file(example_files()[DEFAULT], GroupingDocument)


def example_files() -> dict[str, Path]:
    """Shipped examples by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.toml"))}


def _fits(wanted: str, number: str) -> bool:
    return number.startswith(wanted[:-1]) if wanted.endswith(ALL) else number == wanted


def _known(what: str, names: list[str], known: list[str]) -> list[str]:
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"{what} {unknown[0]} is not known; expected some of {', '.join(known)}")
    return names


def _require_once(what: str, codes: list[str]) -> None:
    if twice := sorted({each for each in codes if codes.count(each) > 1}):
        raise ValueError(f"{what} {twice[0]} is there twice; give one of them another code")
