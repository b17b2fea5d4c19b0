"""What is known beforehand of how things of a class stand in a street."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATH = Path(__file__).with_name("stance.toml")


@dataclass(frozen=True, slots=True)
class Stance:
    """Priors of one class; `stance.toml` has the figures and their sources.

    Attributes:
        lower, lower_sigma: height of the lower edge above the road, metres.
        width: across the line of sight, metres; 0 says nothing.
        width_sigma: relative to the width.
        depth: extent along the line of sight, metres; the lower edge is its near side.
        middle_sigma: of where the middle is, per axis, metres: things of a class differ in depth and shape.
    """

    lower: float
    lower_sigma: float
    width: float
    width_sigma: float
    depth: float
    middle_sigma: float


def stance_of(class_name: str) -> Stance:
    """The class's stance; the default one for classes that a city added."""
    stances = _stances()
    return stances.get(class_name, stances["default"])


@cache
def _stances() -> dict[str, Stance]:
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    default = data["default"]
    return {
        "default": Stance(**default),
        **{name: Stance(**{**default, **each}) for name, each in data["classes"].items()},
    }
