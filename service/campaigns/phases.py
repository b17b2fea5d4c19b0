"""Phases of a campaign: their days, which of them count, and templates of city documents."""

import tomllib
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streetsight.models.language import SpokenError
from streetsight.service.dependencies import Text
from streetsight.service.moments import morning

TEMPLATES = Path(__file__).with_name("templates.toml")
Window = tuple[date, date]
"""First and last day, both included."""


class PhaseSent(BaseModel):
    """Attributes: first, last: days, both included; counts: what is found then is of the ledger."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=60)]
    first: date
    last: date
    counts: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> "PhaseSent":
        if self.last < self.first:
            raise SpokenError(
                "{name} ends on {last}, before it begins on {first}",
                name=self.name,
                last=self.last,
                first=self.first,
            )
        return self


class PhaseProposed(BaseModel):
    """A phase of a template. Attributes: first, last: None where its document says none."""

    name: str
    first: date | None
    last: date | None
    counts: bool


class TemplateShown(BaseModel):
    """Attributes: source: the document that it was taken from."""

    name: str
    zh: str
    en: str
    source: str
    phases: list[PhaseProposed]


def require_order(phases: Sequence[PhaseSent]) -> None:
    """Raises ValueError unless they follow one another, and some count."""
    for one, two in pairwise(phases):
        if two.first <= one.last:
            raise SpokenError(
                "phases: {name} begins on {first}, when {name_2} goes on until {last}",
                name=two.name,
                first=two.first,
                name_2=one.name,
                last=one.last,
            )
    if not any(phase.counts for phase in phases):
        raise SpokenError("phases: no phase counts, so the ledger would stay empty; set counts of one")


def phases_of(rows: Sequence[dict[str, Any]]) -> list[PhaseSent]:
    """As they are stored."""
    return [PhaseSent.model_validate(row) for row in rows]


def counting_windows(rows: Sequence[dict[str, Any]]) -> list[Window]:
    """Days of the phases that count."""
    return [(phase.first, phase.last) for phase in phases_of(rows) if phase.counts]


def counts_on(rows: Sequence[dict[str, Any]], day: date) -> bool:
    """Whether a day is one of a phase that counts."""
    return any(first <= day <= last for first, last in counting_windows(rows))


def moments_of(window: Window, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first moment of a window and the first one after it, UTC."""
    first, last = window
    return morning(first, zone), morning(last, zone, days=1)


def templates(year: int) -> list[TemplateShown]:
    """Shipped templates, with the days of a year where their documents say months."""
    return [
        TemplateShown(
            name=name, zh=entry["zh"], en=entry["en"], source=entry["source"],
            phases=[_proposed(phase, year) for phase in entry["phases"]],
        )
        for name, entry in _templates().items()
    ]  # fmt: skip


def _proposed(phase: dict[str, Any], year: int) -> PhaseProposed:
    months = phase.get("months")
    first = date(year, months[0], 1) if months else None
    last = date(year, months[1], monthrange(year, months[1])[1]) if months else None
    return PhaseProposed(name=phase["name"], first=first, last=last, counts=phase["counts"])


@cache
def _templates() -> dict[str, Any]:
    return tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
