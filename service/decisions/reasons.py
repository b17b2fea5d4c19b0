"""Reasons for rejecting a candidate: `reasons.toml`, read and checked."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from streetsight.service.reasons import Reason, read_reasons

Label = Literal["negative", "positive", "none"]
"""What a rejection says of the box for training."""

PATH = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Reason):
    """One of `reasons.toml`.

    Attributes:
        label: what it says of the box for training.
        label_by_rule: the same where the class is an issue by a rule only, as parking is; None: no other.
    """

    label: Label
    label_by_rule: Label | None = None


@cache
def reasons() -> dict[str, Rejection]:
    """Code -> reason, in the order of the file."""
    return read_reasons(PATH, Rejection)
