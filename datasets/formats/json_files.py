"""JSON from strangers."""

import json
import math
import re
from typing import Any, Literal

from streetsight.datasets.formats.labels import ExchangeError, Unreadable
from streetsight.datasets.formats.trees import Tree, read_text


def read_json(tree: Tree, name: str) -> Any:
    """A JSON file; NaN and infinity are let through, to be refused where they stand.

    Raises:
        ExchangeError: when it is no JSON, with the place of the fault.
    """
    try:
        return json.loads(read_text(tree, name))
    except Unreadable as error:
        raise ExchangeError("{file}: {reason}", file=name, reason=error) from error
    except (ValueError, RecursionError) as error:  # also a number with thousands of digits
        raise ExchangeError(
            "{file}: expected JSON ({reason}); export it again", file=name, reason=error
        ) from error


def shape_of(tree: Tree, name: str) -> Literal["coco", "labelstudio"] | None:
    """Which tool's JSON this is, without parsing it.

    COCO is an object with `images` and `annotations`; Label Studio is a list of tasks.
    """
    try:
        text = read_text(tree, name)
    except Unreadable:
        return None
    start = text.lstrip()[:1]
    if start == "{" and re.search(r'"images"\s*:\s*\[', text) and re.search(r'"annotations"\s*:\s*\[', text):
        return "coco"
    if start == "[" and re.search(r'"(annotations|completions|rectanglelabels)"\s*:', text):
        return "labelstudio"
    return None


def numbers(values: object) -> list[float] | None:
    """A list of finite numbers, or None."""
    if not isinstance(values, list) or any(isinstance(each, bool) for each in values):
        return None
    try:
        found = [float(each) for each in values if isinstance(each, int | float)]
    except OverflowError:
        return None
    return found if len(found) == len(values) and all(map(math.isfinite, found)) else None
