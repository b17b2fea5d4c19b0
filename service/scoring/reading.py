"""Schemes as they are written: YAML or JSON files, and the same as JSON over HTTP."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.models.validation import Faults, say_fault
from streetsight.service.faults import Invalid
from streetsight.service.places.words import words
from streetsight.service.scoring.plans import overridden
from streetsight.service.scoring.schemes import TAGS, Scheme, Where

EXAMPLES = Path(__file__).with_name("examples")
DAYS, LIGHTS, INSPECTIONS = ("workday", "holiday"), ("day", "night"), ("ordinary", "announced")
Groupings = Mapping[str, Collection[str]]
CHANNELS = ("patrol", "inspector", "third_party", "citizen", "hotline")


class SchemeRefused(Invalid):
    """A scheme that cannot be used; the message names each place and what to change."""

    code = "scheme_refused"
    problems: Sequence[str] = ()
    faults: Faults | None = None

    def places(self, language: Language) -> Sequence[tuple[str, str]]:
        if self.faults is not None:
            return [(_place(each["loc"]), say_fault(each, language)) for each in self.faults.rows]
        parted = (each.partition(": ") for each in self.problems)
        return [(place, what) if what else ("", place) for place, _, what in parted]


class _InScheme(Faults):
    """What is wrong with a scheme, with its places as people count."""

    def lines(self, language: Language) -> list[str]:
        return [f"{_place(each['loc'])}: {say_fault(each, language)}" for each in self.rows]


def read_scheme_file(path: Path, groupings: Groupings) -> Scheme:
    """A scheme of a file. Raises SchemeRefused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SchemeRefused("{path} cannot be read: {reason}", path=path, reason=_line(error)) from error
    return read_scheme_text(data, str(path), groupings)


def read_scheme_text(data: bytes, name: str, groupings: Groupings) -> Scheme:
    """A scheme as the bytes of a file. Args: name: of the file; `.json` is JSON. Raises SchemeRefused."""
    try:
        text = data.decode("utf-8-sig")
        content = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise SchemeRefused("{path} cannot be read: {reason}", path=name, reason=_line(error)) from error
    return read_scheme(content, groupings)


def read_scheme(content: Any, groupings: Groupings) -> Scheme:
    """A scheme as parsed YAML or JSON, whole and free of contradictions.

    Args:
        groupings: the city's, by name with the codes of their members: rules may ask for them as tags.

    Raises:
        SchemeRefused
    """
    try:
        scheme = Scheme.model_validate(content)
        for override in scheme.overrides:
            overridden(tuple(scheme.parts), override)
    except ValidationError as error:
        faults = _InScheme.of(error)
        refused = SchemeRefused("the scheme cannot be used: {problems}", problems=faults)
        refused.problems, refused.faults = faults.lines("en"), faults
        raise refused from error
    if problems := [*_odd_tags(scheme, groupings)]:
        raise _refused(problems)
    return scheme


def example_schemes() -> dict[str, Path]:
    """Shipped examples by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.yaml"))}


def _refused(problems: list[str]) -> SchemeRefused:
    more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
    refused = SchemeRefused("the scheme cannot be used: {problems}", problems="; ".join(problems[:10]) + more)
    refused.problems = problems
    return refused


def _place(location: tuple[int | str, ...]) -> str:
    """`parts.0.items.2.rules.1.per_problem.points` as people count: parts 1, items 3, rules 2, points."""
    kinds = {"per_problem", "per_rate", "banded", "per_unit", "binary", "bonus", "by_figure", "manual"}
    words = [str(each + 1) if isinstance(each, int) else each for each in location if each not in kinds]
    return ".".join(words) or "scheme"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _odd_tags(scheme: Scheme, groupings: Groupings) -> Iterator[str]:
    """Tags that no case has, and values that they never have: a rule of these would never take anything."""
    taxonomy = default_taxonomy()
    known: dict[str, Collection[str]] = {
        "condition": (*taxonomy.conditions, "other"), "class": taxonomy.names, "channel": CHANNELS,
        "road_grade": tuple(words("grades")), "day": DAYS, "light": LIGHTS, "inspection": INSPECTIONS,
        **groupings,
    }  # fmt: skip
    for place, where in _wheres(scheme):
        for tag, values in where.items():
            if tag not in TAGS and tag not in groupings:
                yield f"{place}: there is no tag {tag}; expected one of {', '.join((*TAGS, *groupings))}"
            for value in values:
                if tag in known and value not in known[tag]:
                    yield f"{place}.{tag}: {value} is not known; expected one of {', '.join(known[tag])}"


def _wheres(scheme: Scheme) -> Iterator[tuple[str, Where]]:
    yield "otherwise", {tag: [value] for tag, value in scheme.otherwise.items()}
    for number, each in enumerate(scheme.exempt, 1):
        yield f"exempt.{number}.where", each.where
    for part in scheme.parts:
        yield f"parts {part.key}.where", part.where
        for item in part.items:
            yield f"{part.key}.{item.key}.where", item.where
            for rule in item.rules:
                yield f"{part.key}.{item.key}.{rule.key}.where", getattr(rule, "where", {})
