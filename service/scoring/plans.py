"""A scheme made ready for one subject: overrides applied, and which item and rule a case is a matter of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from streetsight.service.scoring.schemes import Item, Override, Part, Rule, Scheme, Where

Route = tuple[int, int | None]
"""Number of an item, and of the rule in it that takes points per problem; None when no rule does."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Parts of a scheme as they are for a subject; tells where a case belongs."""

    scheme: Scheme
    parts: tuple[Part, ...]
    _tags: tuple[str, ...]
    _kept: dict[tuple[str | None, ...], tuple[Route | None, ...]] = field(default_factory=dict)

    def routes(self, tags: Mapping[str, str]) -> tuple[Route | None, ...]:
        """For each part, where a case with these tags belongs; None when it is not its matter."""
        signature = tuple(map(tags.get, self._tags))
        found = self._kept.get(signature)
        if found is None:
            found = self._kept[signature] = tuple(_route(part, tags) for part in self.parts)
        return found


def fits(where: Where, tags: Mapping[str, str]) -> bool:
    """Whether each tag that is asked for has one of the values."""
    return all(tags.get(tag) in values for tag, values in where.items())


def plan_for(scheme: Scheme, code: str, group: str) -> Plan:
    """The plan for a subject; subjects without overrides of their own share one."""
    chosen = tuple(
        number
        for number, each in enumerate(scheme.overrides)
        if code in each.subjects or group in each.groups
    )
    return _plan(_Identity(scheme), chosen)


def overridden(parts: tuple[Part, ...], override: Override) -> tuple[Part, ...]:
    """Parts with other numbers. Raises ValidationError when these make no sense."""
    return tuple(
        Part.model_validate(
            {**part.model_dump(), "items": [_item(part, item, override) for item in part.items]}
        )
        for part in parts
    )


class _Identity:
    """A scheme as a key of the cache: the same object, for its content is large."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme

    def __hash__(self) -> int:
        return id(self.scheme)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.scheme is self.scheme


@lru_cache(maxsize=256)
def _plan(identity: _Identity, chosen: tuple[int, ...]) -> Plan:
    scheme, parts = identity.scheme, tuple(identity.scheme.parts)
    for number in chosen:
        parts = overridden(parts, scheme.overrides[number])
    asked = {tag for part in parts for where in _wheres(part) for tag in where}
    return Plan(scheme, parts, tuple(sorted(asked)))


def _wheres(part: Part) -> list[Where]:
    items = [item.where for item in part.items]
    return [part.where, *items, *(getattr(rule, "where", {}) for item in part.items for rule in item.rules)]


def _item(part: Part, item: Item, override: Override) -> dict[str, Any]:
    path = f"{part.key}.{item.key}"
    rules = [{**rule.model_dump(), **override.rules.get(f"{path}.{rule.key}", {})} for rule in item.rules]
    return {**item.model_dump(), **override.items.get(path, {}), "rules": rules}


def _route(part: Part, tags: Mapping[str, str]) -> Route | None:
    if not fits(part.where, tags):
        return None
    number = next((index for index, item in enumerate(part.items) if fits(item.where, tags)), None)
    return None if number is None else (number, _rule(part.items[number].rules, tags))


def _rule(rules: list[Rule], tags: Mapping[str, str]) -> int | None:
    per_problem = ((index, rule) for index, rule in enumerate(rules) if rule.kind == "per_problem")
    return next((index for index, rule in per_problem if fits(rule.where, tags)), None)
