"""Class names of other tools, matched with the taxonomy's."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Taxonomy

DROP = "-"


class MappingError(SpokenError):
    """A class mapping that cannot be read or names what the taxonomy does not have."""


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Their names -> ours.

    What is not given is matched by the taxonomy's own names: the class name with any case and dashes,
    the English or the Chinese name.

    Attributes:
        given: theirs -> ours, or None for a class whose boxes are dropped.
    """

    given: Mapping[str, str | None]
    taxonomy: Taxonomy

    def knows(self, theirs: str) -> bool:
        return theirs in self.given or self._by_name(theirs) is not None

    def __getitem__(self, theirs: str) -> str | None:
        """Our name, or None when its boxes are dropped."""
        return self.given[theirs] if theirs in self.given else self._by_name(theirs)

    def _by_name(self, theirs: str) -> str | None:
        plain = _plain(theirs)
        for each in self.taxonomy.classes:
            if plain in (each.name, _plain(each.en), each.zh):
                return each.name
        return None


def read_class_map(rules: Sequence[str], taxonomy: Taxonomy) -> ClassMap:
    """From what the command line was given.

    Args:
        rules: each `theirs=ours`, `theirs=-` to drop, or the path of a TOML file of such pairs.

    Raises:
        MappingError: naming the rule and what was expected.
    """
    given: dict[str, str | None] = {}
    for rule in rules:
        pairs = _read_file(Path(rule)) if rule.endswith(".toml") else dict([_pair(rule)])
        for theirs, ours in pairs.items():
            if ours != DROP and ours not in taxonomy:
                raise MappingError(
                    "{theirs}={ours}: no class {ours} in the taxonomy; known: {known}",
                    theirs=theirs, ours=ours, known=", ".join(taxonomy.names),
                )  # fmt: skip
            given[theirs] = None if ours == DROP else ours
    return ClassMap(given, taxonomy)


def _pair(rule: str) -> tuple[str, str]:
    theirs, equals, ours = rule.rpartition("=")  # our names have no "=", theirs may
    if not equals or not theirs:
        raise MappingError("class rule {rule}: expected theirs=ours, theirs=- or a .toml file", rule=rule)
    return theirs, ours.strip()


def _read_file(path: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # TOML errors are ValueErrors
        raise MappingError("{path}: cannot be read as TOML ({reason})", path=path, reason=error) from error
    pairs = content.get("classes", content)
    if not isinstance(pairs, dict) or not all(isinstance(ours, str) for ours in pairs.values()):
        raise MappingError('{path}: expected lines like "their name" = "garbage", or "-" to drop', path=path)
    return pairs


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())
