"""What re-checking assumes, as data: `recheck.toml`, or a city's own file of that form."""

import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from streetsight.models.language import SpokenError

PATH = Path(__file__).with_name("recheck.toml")


class RecheckRulesError(SpokenError):
    """A file of rules cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is assumed of one class; see `recheck.toml`."""

    half_life_days: float
    height_m: float


@dataclass(frozen=True, slots=True)
class RecheckRules:
    """The file's fields; `recheck.toml` explains each."""

    useful_m: float
    min_px: float
    hidden_share: float
    gone_at: float
    present_at: float
    min_covered: float
    look_correlation: float
    fresh_per_m2: float
    fresh_single_share: float
    prior_range: tuple[float, float]
    prior_unknown: float
    default_recall: float
    default_weight_boxes: float
    default: Kind
    confused: tuple[frozenset[str], ...] = ()
    classes: dict[str, Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in _SHARES}
        shares |= {"prior_range": self.prior_range[0]} | {"prior_range[1]": self.prior_range[1]}
        wrong = {name: value for name, value in shares.items() if not 0 <= value <= 1}
        positive = ("useful_m", "min_px", "fresh_per_m2")
        wrong |= {name: getattr(self, name) for name in positive if not getattr(self, name) > 0}
        if wrong:
            raise ValueError(f"out of range: {wrong}; shares lie in [0, 1], lengths above 0")

    def kind(self, class_name: str) -> Kind:
        """The class's assumptions; the default ones for classes not listed."""
        return self.classes.get(class_name, self.default)

    def may_be(self, one: str, other: str) -> bool:
        """Whether a detection of one class may show a thing of the other."""
        return one == other or any({one, other} <= group for group in self.confused)


_SHARES = (
    "hidden_share", "gone_at", "present_at", "min_covered", "look_correlation", "fresh_single_share",
    "prior_unknown", "default_recall",
)  # fmt: skip


@cache
def default_rules() -> RecheckRules:
    """The rules that ship with the product."""
    return read_rules(PATH)


def read_rules(path: Path) -> RecheckRules:
    """Read a file of rules.

    Raises:
        RecheckRulesError: naming the file and what is wrong in it.
    """
    try:
        return _rules(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RecheckRulesError(
            "{path}: not usable as re-check rules ({reason})", path=path, reason=error
        ) from error


def _rules(data: dict[str, Any]) -> RecheckRules:
    unknown = sorted(set(data) - {each.name for each in fields(RecheckRules)})
    if unknown:
        raise ValueError(f"unknown fields {unknown}")
    data["prior_range"] = tuple(data["prior_range"])
    data["confused"] = tuple(frozenset(group) for group in data.get("confused", ()))
    default = data["default"]
    data["classes"] = {name: Kind(**{**default, **each}) for name, each in data.get("classes", {}).items()}
    return RecheckRules(**{**data, "default": Kind(**default)})
