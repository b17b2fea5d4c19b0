"""What pydantic finds wrong, in both languages."""

import string
import tomllib
from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_core._pydantic_core import list_all_errors

from streetsight.models.language import CATALOGUES, SpokenError, translate
from streetsight.models.validation import Faults, say_fault


class Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=3)] = ""
    count: Annotated[int, Field(ge=1)] = 1
    days: list[date] = []
    colour: Literal["red", "yellow"] = "red"

    @field_validator("name")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == "old":
            raise ValueError("never written down")
        if name == "own":
            raise SpokenError("no release named {name}", name=name)
        return name


def faults(**sent: object) -> list[ErrorDetails]:
    with pytest.raises(ValidationError) as caught:
        Sent.model_validate(sent)
    return caught.value.errors()


@pytest.mark.parametrize(
    ("sent", "english", "chinese"),
    [
        ({"name": "long"}, "String should have at most 3 characters", "最多 3 个字符"),
        ({"count": 0}, "Input should be greater than or equal to 1", "应不小于 1"),
        ({"count": "many"}, "Input should be a valid integer", "应为整数"),
        ({"days": ["soon"]}, "Input should be a valid date", "应为日期,如 2026-11-22"),
        ({"colour": "blue"}, "Input should be 'red' or 'yellow'", "应为以下之一:'red' or 'yellow'"),
        ({"more": 1}, "Extra inputs are not permitted", "没有这一项"),
        ({"name": "old"}, "Value error, never written down", "never written down"),
        ({"name": "own"}, "no release named own", translate("no release named {name}", "zh", name="own")),
    ],
)
def test_each_kind_is_said_in_both(sent: dict[str, object], english: str, chinese: str) -> None:
    (fault,) = faults(**sent)
    assert say_fault(fault, "en").startswith(english)
    assert say_fault(fault, "zh") == chinese


def test_faults_are_a_value_that_is_spoken_where_it_is_said() -> None:
    found = Faults(faults(count=0, days=["soon"]))
    assert translate("{reason}", "zh", reason=found) == "count: 应不小于 1; days.0: 应为日期,如 2026-11-22"
    assert str(found).startswith("count: Input should be greater")
    assert SpokenError("{reason}", reason=found).say("zh").startswith("count: 应不小于 1")


def test_the_table_names_types_and_fields_that_pydantic_has() -> None:
    known = {str(each["type"]): each for each in list_all_errors()}
    table = tomllib.loads((CATALOGUES / "pydantic.toml").read_text(encoding="utf-8"))
    assert set(table) <= set(known)
    for kind, text in table.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert fields <= set(known[kind].get("example_context") or {}), kind
