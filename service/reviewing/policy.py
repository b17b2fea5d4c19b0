"""The order in which leads are reviewed: `policy.toml`, or the city's own file, read and put into SQL."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ColumnElement, Float, case, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from streetsight.models.language import SpokenError
from streetsight.service.candidates.tables import Candidate
from streetsight.service.store.types import UtcDateTime

PATH = Path(__file__).with_name("policy.toml")

Factor = Annotated[float, Field(gt=0, le=1000)]


class PolicyError(SpokenError):
    """A policy file that cannot be used."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Uncertainty(_Part):
    """Attributes: most: factor where the score is 0.5 or unknown; it is 1 where it is 0 or 1."""

    most: Factor


class Age(_Part):
    """Attributes: days: after so many the priority has doubled, after twice as many it is threefold."""

    days: Factor


class Policy(_Part):
    """Priority = risk x uncertainty x age.

    Attributes:
        severity: risk by severity; `none` is that of leads without one.
        source: what risk is multiplied by; 1 where a source is not named.
    """

    severity: Mapping[str, Factor]
    source: Mapping[str, Factor] = {}
    uncertainty: Uncertainty
    age: Age

    def priority(self, at: datetime) -> ColumnElement[float]:
        """Of a candidate at a moment, for the database."""
        usual = self.severity.get("none", 1.0)
        risk = _by(Candidate.severity, self.severity, usual) * _by(Candidate.source, self.source, 1.0)
        unsure = 1 + (self.uncertainty.most - 1) * (1 - func.abs(2 * Candidate.score - 1))
        days = _days_until(Candidate.created_at, literal(at, UtcDateTime()))
        return risk * func.coalesce(unsure, self.uncertainty.most) * (1 + days / self.age.days)


@cache
def load_policy(path: Path | None = None) -> Policy:
    """The shipped policy, or that of a file. Raises PolicyError."""
    try:
        return Policy.model_validate(tomllib.loads((path or PATH).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(
            "{path}: the review policy cannot be read: {problem}", path=path, problem=error
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise PolicyError(
            "{path}: {field} of the review policy cannot be used: {problem}; see the shipped policy.toml",
            path=path, field=".".join(map(str, first["loc"])), problem=first["msg"],
        ) from error  # fmt: skip


def _by(column: Any, factors: Mapping[str, float], otherwise: float) -> ColumnElement[float]:
    if not factors:
        return literal(otherwise, Float())
    return case(*((column == name, factor) for name, factor in factors.items()), else_=otherwise)


class _days_until(FunctionElement[float]):
    """Days from one moment to another."""

    inherit_cache = True
    type = Float()


@compiles(_days_until)
def _julian(element: _days_until, compiler: Any, **options: Any) -> str:
    begin, end = (compiler.process(each, **options) for each in element.clauses)
    return f"(julianday({end}) - julianday({begin}))"


@compiles(_days_until, "postgresql")
def _epochs(element: _days_until, compiler: Any, **options: Any) -> str:
    begin, end = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST(extract(epoch FROM ({end} - {begin})) AS double precision) / 86400)"
