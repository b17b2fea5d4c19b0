"""The numbers of the rules: shipped as `rules.toml`, changed by a city's own file, checked on reading."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Code, Language, Taxonomy, default_taxonomy

SHIPPED = Path(__file__).with_name("rules.toml")
COMPONENT = "部件"  # the thing itself; 事项 and 事件 are what is wrong with it

Level = Literal["low", "medium", "high"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class RulesError(SpokenError):
    """A file of rules cannot be used; the message names it and the entry."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Certainty(_Strict):
    """Probabilities between "met" and "not met"."""

    met: Share
    not_met: Share
    lead: Share
    mask: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _in_order(self) -> "Certainty":
        if not self.not_met < self.lead < self.met:
            raise ValueError(
                f"expected not_met < lead < met, got {self.not_met:g}, {self.lead:g}, {self.met:g}"
            )
        return self


class Gate(_Strict):
    """What a class needs to be a lead at all."""

    min_px: NotNegative
    min_width_m: NotNegative
    min_frames: Annotated[int, Field(ge=1)]
    sure_score: Share
    min_passes: Annotated[int, Field(ge=1)]


class Parking(_Strict):
    """Standing and dwell."""

    fixed_min_s: Positive
    fixed_max_gap_s: Positive
    fixed_max_move: Positive
    passes_min_minutes: Positive
    passes_max_hours: Positive
    zone_lead: Annotated[float, Field(gt=0, le=1)]
    max_standing_mps: Positive


class Pair(_Strict):
    """The evidence pair."""

    min_interval_s: Positive
    min_width_px: Annotated[int, Field(gt=0)]
    min_height_px: Annotated[int, Field(gt=0)]
    max_clock_error_s: NotNegative
    same_place_m: Positive


class Pictures(_Strict):
    """What a good panorama and a good close-up are."""

    margin: Annotated[float, Field(ge=0, lt=0.5)]
    panorama_share: Annotated[float, Field(gt=0, lt=1)]
    panorama_max_share: Annotated[float, Field(gt=0, le=1)]


class Vending(_Strict):
    stall_hours: Positive


class Garbage(_Strict):
    accumulated_hours: Positive
    accumulated_m2: Positive


class Facility(_Strict):
    """Filing conditions, most of which only a person can measure."""

    road_damage_m2: Positive
    crack_length_m: Positive
    crack_width_mm: Positive
    drop_mm: Positive
    lid_drop_mm: Positive


class AreaShare(_Strict):
    """Area over the square of the width."""

    low: Positive
    middle: Positive
    high: Positive

    @model_validator(mode="after")
    def _in_order(self) -> "AreaShare":
        if not self.low <= self.middle <= self.high:
            raise ValueError(f"expected low <= middle <= high, got {self.low}, {self.middle}, {self.high}")
        return self


class AreaRules(_Strict):
    width_sigma: Annotated[float, Field(ge=0, lt=0.5)]
    shares: dict[str, AreaShare]


class SeverityRule(_Strict):
    level: Level
    large_m2: Positive
    long_hours: Positive


class Duplicates(_Strict):
    radius_m: NotNegative
    hours: NotNegative


class SubType(_Strict):
    """What exactly it may be, with the codes of each scheme."""

    zh: str
    en: str
    codes: tuple[Code, ...]

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class ZoneKind(_Strict):
    """What a kind of zone does to whatever stands in it; the comment in `rules.toml` explains the fields."""

    zh: str
    en: str
    forbids: frozenset[str] = frozenset()
    permits: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    over_permits: bool = False
    masks: bool = False
    level: Level | None = None
    sub_type: str | None = None

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Rules(_Strict):
    """All of `rules.toml`."""

    scheme: str
    optional_conditions: frozenset[str]
    certainty: Certainty
    gates: dict[str, Gate]
    parking: Parking
    pair: Pair
    pictures: Pictures
    vending: Vending
    garbage: Garbage
    facility: Facility
    area: AreaRules
    severity: dict[str, SeverityRule]
    duplicates: Duplicates
    classes: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    sub_types: dict[str, SubType]
    zone_kinds: dict[str, ZoneKind]

    def gate(self, class_name: str) -> Gate:
        return self.gates.get(class_name, self.gates["default"])

    def severity_of(self, class_name: str) -> SeverityRule:
        return self.severity.get(class_name, self.severity["default"])


def load_rules(city: Path | None = None, taxonomy: Taxonomy | None = None) -> Rules:
    """The shipped rules, with what a city's file says differently.

    Args:
        city: TOML that holds only what differs: tables are merged key by key, lists replaced.
        taxonomy: whose classes, conditions and codes the rules speak of; None is the default one.

    Raises:
        RulesError: naming the file, the entry, what was expected and what it is.
    """
    taxonomy = taxonomy or default_taxonomy()
    path = city or SHIPPED
    over = _read(city) if city else {}
    try:
        values = _merged(_shipped(), over)
        rules = Rules.model_validate(_completed(values, taxonomy))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']} (got {each['input']!r})"
            for each in error.errors()
        )
        raise RulesError("{path}: {reason}", path=path, reason=faults) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # of another shape altogether
        raise RulesError("{path}: {reason}", path=path, reason=error) from error
    if unknown := _unknown_names(rules, taxonomy):
        raise RulesError("{path}: {reason}", path=path, reason="; ".join(unknown))
    return rules


def subjects_of(class_name: str, taxonomy: Taxonomy) -> frozenset[str]:
    """What zones may call a class: its parking rule and its condition."""
    entry = taxonomy[class_name]
    return frozenset(name for name in (entry.parking, entry.condition) if name)


@cache
def _shipped() -> dict[str, Any]:
    return _read(SHIPPED)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # TOML and UTF-8 errors are ValueErrors
        raise RulesError("{path}: not a readable TOML file ({reason})", path=path, reason=error) from error


def _merged(base: dict[str, Any], over: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Tables of both key by key; anything else is replaced."""
    merged = base | over
    for key, value in base.items():
        if isinstance(value, dict) and key in over:
            if not isinstance(over[key], dict):
                raise ValueError(f"{where}{key}: expected a table, got {over[key]!r}")
            merged[key] = _merged(value, over[key], f"{where}{key}.")
    return merged


def _completed(values: dict[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    """With the defaults of gates and severities in each, and codes of the taxonomy in full."""
    completed = dict(values)
    for table in ("gates", "severity"):
        default = values[table]["default"]
        completed[table] = {
            name: {**default, **entry} if isinstance(entry, dict) else entry
            for name, entry in values[table].items()
        }
    completed["sub_types"] = {
        name: {**entry, "codes": [_code(name, code, taxonomy) for code in entry.get("codes", [])]}
        for name, entry in values["sub_types"].items()
    }
    return completed


def _code(sub_type: str, entry: dict[str, Any], taxonomy: Taxonomy) -> Code:
    if set(entry) != {"scheme", "code"}:
        try:
            return Code(**{"verified": False, **entry})
        except TypeError as error:
            raise ValueError(f"sub_types.{sub_type}.codes: {error}") from error
    known = (code for each in taxonomy.classes for code in each.codes if code.kind != COMPONENT)
    for code in known:
        if (code.scheme, code.code) == (entry["scheme"], entry["code"]):
            return code
    raise ValueError(
        f"sub_types.{sub_type}.codes: {entry['scheme']} {entry['code']} is not in the taxonomy; "
        "give kind, name and source too"
    )


def _unknown_names(rules: Rules, taxonomy: Taxonomy) -> list[str]:
    """Names that refer to nothing, one sentence each."""
    subjects = {"motor", "non_motor", *taxonomy.conditions}
    schemes = {code.scheme for each in rules.sub_types.values() for code in each.codes}
    wanted: list[tuple[str, set[str], set[str]]] = [
        ("scheme", {rules.scheme}, set(taxonomy.schemes)),
        ("sub_types: scheme", schemes, set(taxonomy.schemes)),
        ("optional_conditions", set(rules.optional_conditions), set(taxonomy.conditions)),
        ("gates", set(rules.gates) - {"default"}, set(taxonomy.names)),
        ("severity", set(rules.severity) - {"default"}, set(taxonomy.names)),
        ("area.shares", set(rules.area.shares), set(taxonomy.names)),
        ("classes", set(rules.classes), set(taxonomy.names)),
    ]
    for name, listed in rules.classes.items():
        wanted.append((f"classes.{name}", set(listed), set(rules.sub_types)))
    for name, kind in rules.zone_kinds.items():
        wanted.append((f"zone_kinds.{name}", set(kind.forbids | kind.permits | kind.marks), subjects))
        wanted.append((f"zone_kinds.{name}.sub_type", {kind.sub_type or ""} - {""}, set(rules.sub_types)))
    return [
        f"{where}: unknown {', '.join(sorted(names - known))}; known: {', '.join(sorted(known))}"
        for where, names, known in wanted
        if names - known
    ]
