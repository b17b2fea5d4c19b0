"""What people report and what it means in our taxonomy: data, of ours or of the city's."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language, default_taxonomy

SHIPPED = Path(__file__).with_name("categories.toml")
OTHER = "other"
"""The category of what fits no other; every file has it, without a condition."""


class CategoriesError(SpokenError):
    """The file of categories cannot be used."""


class Category(BaseModel):
    """One kind of report.

    Attributes:
        condition, class_name: of our taxonomy; without a condition a person has to sort the report.
        aliases: other names of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(pattern="^[a-z0-9_]{1,60}$")]
    zh: Annotated[str, Field(min_length=1, max_length=60)]
    en: Annotated[str, Field(min_length=1, max_length=60)]
    condition: str | None = None
    class_name: Annotated[str | None, Field(alias="class")] = None
    aliases: tuple[str, ...] = ()

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    same_within_m: Annotated[float, Field(gt=0, le=1000)] = 30.0
    categories: list[Category]


@dataclass(frozen=True, slots=True)
class Categories:
    """All of them, in the order in which they are shown.

    Attributes:
        same_within_m: a report so near to an open candidate of its condition is about the same thing.
    """

    all: tuple[Category, ...]
    same_within_m: float = 30.0

    def __getitem__(self, code: str) -> Category | None:
        return next((each for each in self.all if each.code == code), None)

    def by_name(self, name: str) -> Category | None:
        """The category of this code, name or alias; of `市容环境-暴露垃圾` the last part counts too."""
        wanted = (_plain(name), _plain(name.replace("/", "-").replace(">", "-").rpartition("-")[2]))
        for each in self.all:
            if {_plain(known) for known in (each.code, each.zh, each.en, *each.aliases)} & set(wanted):
                return each
        return None


@cache
def load_categories(path: Path | None = None) -> Categories:
    """The categories of a file; the shipped ones without.

    Raises:
        CategoriesError: naming what is wrong in it.
    """
    path = path or SHIPPED
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else error
        raise CategoriesError("{path} cannot be used: {reason}", path=path, reason=reason) from error
    _check(path, found.categories)
    return Categories(tuple(found.categories), found.same_within_m)


def _check(path: Path, categories: list[Category]) -> None:
    taxonomy, codes = default_taxonomy(), [each.code for each in categories]
    for each in categories:
        known = each.condition is None or each.condition in taxonomy.conditions
        leads = each.class_name is None or (
            each.class_name in taxonomy and each.condition in taxonomy.leads_of(each.class_name)
        )
        if not known or not leads or codes.count(each.code) > 1:
            raise CategoriesError(
                "{path}: category {code} occurs twice, or its condition {condition} and class {name} do not "
                "go together in the taxonomy",
                path=path, code=each.code, condition=each.condition, name=each.class_name,
            )  # fmt: skip
    if OTHER not in codes:
        raise CategoriesError("{path}: the category `other` is missing", path=path)


def _plain(name: str) -> str:
    return "".join(name.split()).lower()
