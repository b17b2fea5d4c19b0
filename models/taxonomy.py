"""The versioned taxonomy: detector classes, the conditions they map to, names, colours, national codes.

The data is `taxonomy.toml`, and a city's own additions in the file that `STREETSIGHT_TAXONOMY` names;
this file only reads and checks them.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]
Parking = Literal["motor", "non_motor"]

DEFAULT_PATH = Path(__file__).with_name("taxonomy.toml")
ADDITIONS_VARIABLE = "STREETSIGHT_TAXONOMY"
FIRST_ADDED_ID = 1000  # below are ours, so that no later version takes a city's id


class TaxonomyError(ValueError):
    """A taxonomy file contradicts itself or lacks something."""


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a national code table. A code without its scheme is meaningless.

    Attributes:
        scheme: the table, e.g. "GB/T 47678.5-2026".
        kind: 事项 (matter), 事件 (event, 2013) or 部件 (component).
        code: digits within the scheme and kind.
        name: the table's own name for it.
        source: where the code was read.
        verified: True once a person has checked it against the printed standard.
    """

    scheme: str
    kind: str
    code: str
    name: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """What a person confirms: `exposed_garbage`, `street_vending`, ..."""

    name: str
    zh: str
    en: str
    colour: str
    optional: bool = False

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class DetectorClass:
    """What a release outputs.

    Attributes:
        id: stable integer, never reused.
        condition: name of the condition it is a lead for, or None for context.
        parking: for vehicles, which parking rule applies (`illegal_parking` is a rule, not a class).
        colour: "#RRGGBB", used by pictures, pages and charts alike.
    """

    id: int
    name: str
    zh: str
    en: str
    colour: str
    note: str
    codes: tuple[Code, ...]
    condition: str | None = None
    parking: Parking | None = None

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All classes and conditions of one version."""

    version: str
    schemes: dict[str, str]
    conditions: dict[str, Condition]
    classes: tuple[DetectorClass, ...]

    def __post_init__(self) -> None:
        _check(self)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.classes)

    def __getitem__(self, name: str) -> DetectorClass:
        for each in self.classes:
            if each.name == name:
                return each
        raise KeyError(
            f"no class named {name!r} in taxonomy version {self.version}; known: {', '.join(self.names)}"
        )

    def leads_of(self, name: str) -> tuple[str, ...]:
        """Conditions that a class can lead to: its own, and illegal parking for what can be parked."""
        entry = self[name]
        own = (entry.condition,) if entry.condition else ()
        return (*own, "illegal_parking") if entry.parking else own

    def __contains__(self, name: str) -> bool:
        return name in self.names


def load_taxonomy(path: Path = DEFAULT_PATH) -> Taxonomy:
    """Read a taxonomy file.

    Raises:
        TaxonomyError: naming the file and the entry that is wrong.
    """
    data = _read(path)
    with _naming(path):
        return Taxonomy(
            version=data["version"],
            schemes=data["schemes"],
            conditions=_read_conditions(data["conditions"]),
            classes=tuple(_read_class(entry) for entry in data["classes"]),
        )


def with_additions(base: Taxonomy, path: Path) -> Taxonomy:
    """A taxonomy with a city's own classes, and conditions for them where it has new ones.

    The file has the form of `taxonomy.toml` without `version`; `schemes`, `conditions` and `codes` may be
    missing. Ids of added classes start at 1000. The version becomes the base's, "+" and the first eight
    hex digits of the sha256 of the file, so that a card tells which additions it was trained with.

    Raises:
        TaxonomyError: naming the file and the entry that is wrong or taken.
    """
    data = _read(path)
    with _naming(path):
        conditions = _read_conditions(data.get("conditions", {}))
        classes = tuple(_read_class({"codes": [], "note": "", **entry}) for entry in data["classes"])
        for each in classes:
            if each.id < FIRST_ADDED_ID:
                raise TaxonomyError(f"class {each.name}: added ids start at {FIRST_ADDED_ID}, got {each.id}")
        taken = sorted(set(conditions) & set(base.conditions))
        if taken:
            raise TaxonomyError(f"conditions {taken} exist already and cannot be redefined")
        return Taxonomy(
            version=f"{base.version}+{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}",
            schemes={**base.schemes, **data.get("schemes", {})},
            conditions={**base.conditions, **conditions},
            classes=(*base.classes, *classes),
        )


@cache
def default_taxonomy() -> Taxonomy:
    """The taxonomy that ships with the product, with the additions this installation names.

    Raises:
        TaxonomyError: the file of additions is missing or wrong.
    """
    additions = os.environ.get(ADDITIONS_VARIABLE)
    return with_additions(load_taxonomy(), Path(additions)) if additions else load_taxonomy()


def _read(path: Path) -> dict[str, Any]:
    with _naming(path):
        return tomllib.loads(path.read_text(encoding="utf-8"))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Faults of a file's content as `TaxonomyError` with its name."""
    try:
        yield
    except KeyError as error:
        raise TaxonomyError(f"{path}: the entry {error} is missing") from error
    except (OSError, TypeError, ValueError) as error:  # TOML errors are ValueErrors, so are ours
        raise TaxonomyError(f"{path}: {error}") from error


def _read_conditions(entries: dict[str, Any]) -> dict[str, Condition]:
    return {name: Condition(name=name, **fields) for name, fields in entries.items()}


def _read_class(entry: dict[str, Any]) -> DetectorClass:
    codes = tuple(Code(**code) for code in entry["codes"])
    return DetectorClass(**{**entry, "codes": codes})


def _check(taxonomy: Taxonomy) -> None:
    for what, values in (
        ("id", [str(each.id) for each in taxonomy.classes]),
        ("name", list(taxonomy.names)),
    ):
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            raise TaxonomyError(f"class {what} used twice: {sorted(twice)}")
    for each in taxonomy.classes:
        if each.condition is not None and each.condition not in taxonomy.conditions:
            raise TaxonomyError(
                f"class {each.name}: condition {each.condition!r} is not defined; "
                f"defined: {', '.join(taxonomy.conditions)}"
            )
        for code in each.codes:
            if code.scheme not in taxonomy.schemes:
                raise TaxonomyError(f"class {each.name}: code scheme {code.scheme!r} is not listed")
    coloured: list[DetectorClass | Condition] = [*taxonomy.classes, *taxonomy.conditions.values()]
    for entry in coloured:
        if not re.fullmatch(r"#[0-9A-F]{6}", entry.colour):
            raise TaxonomyError(f"{entry.name}: colour {entry.colour!r} is not of the form #RRGGBB")
