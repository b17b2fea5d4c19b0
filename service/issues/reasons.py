"""Reasons for not pursuing an issue: `reasons.toml`, read and checked."""

from functools import cache
from pathlib import Path

from streetsight.service.reasons import Reason, read_reasons

PATH = Path(__file__).with_name("reasons.toml")


@cache
def reasons() -> dict[str, Reason]:
    """Code -> reason, in the order of the file."""
    return read_reasons(PATH, Reason)
