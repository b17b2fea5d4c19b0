"""Reading areas from GeoJSON: each feature into an area, and all that is odd about them.

    {"type": "FeatureCollection", "coordinates": "gcj02", "features": [
      {"type": "Feature",
       "properties": {"code": "330106003", "name": "翠苑街道", "kind": "subdistrict", "parent": "330106"},
       "geometry": {"type": "Polygon", "coordinates": [...]}}]}

What would make wrong assignments is an error, and refuses the whole file: half a city is no city. A boundary
that crosses itself is one, unless what it encloses stays the same to 1 %. What can be mended or lived with is
a warning that names the area.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.profile import Crs
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.areas.outlines import BadOutline, overlapping, read_outline
from streetsight.service.faults import Invalid

Kind = Literal["city", "district", "subdistrict", "community", "section", "grid"]
KINDS_ZH: dict[str, Kind] = {
    "市": "city", "区": "district", "县": "district", "街道": "subdistrict", "镇": "subdistrict",
    "社区": "community", "村": "community", "片区": "section", "网格": "grid", "单元网格": "grid",
}  # fmt: skip
MAX_AREAS = 50_000
PATH_LENGTH, CODE_LENGTH, NAME_LENGTH = 200, 30, 100
TOLERANCE = 0.01  # share of an area that may lie outside its parent, or in a sibling: digitising is not exact
_CODE = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

MESSAGES = {
    "not_a_feature": "not a GeoJSON feature with properties and geometry",
    "bad_code": "code {detail}: expected up to 30 letters, digits, dots, dashes or underscores",
    "bad_name": "name {detail}: expected a text of up to 100 characters",
    "bad_kind": "kind {detail} is not known; choose one of {kinds}",
    "bad_geometry": "the geometry cannot be used: {detail}",
    "out_of_range": "coordinates beyond 180 or 90 degrees ({detail}); is the file in metres, or swapped?",
    "twice": "the code is used {detail} times; codes must be unique",
    "unknown_parent": "its parent {detail} is not in the file; add it, or leave parent out",
    "cycle": "it is its own ancestor: {detail}",
    "too_deep": "the path {detail} is longer than 200 characters; use shorter codes",
    "crosses": "its boundary crosses itself at {detail}: longitude, latitude and the corners of both sides; "
    "move or take out a corner so that no two sides cross",
    "repaired": "the outline was not valid ({detail}) and was repaired; look at it on a map",
    "outside_parent": "{detail} % of it lie outside its parent",
    "overlaps": "{detail} % of the smaller one overlap with its sibling {other}",
    "no_name": "has no name; its code is shown instead",
}


class AreasRefused(Invalid):
    """A file of areas with errors; the message names up to ten."""

    code = "areas_refused"
    findings: tuple["Finding", ...] = ()

    def say(self, language: Language) -> str:
        return "; ".join([super().say(language), *(each.say(language) for each in self.findings[:10])])


class UnknownCrs(Invalid):
    """The coordinate system is not declared, or not known."""

    code = "unknown_crs"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one area.

    Attributes:
        area: its code, or `feature 3` where it has none.
        outcome: a key of `MESSAGES`.
        detail, other: what was found, for the message.
    """

    area: str
    outcome: str
    detail: str = ""
    other: str = ""

    def say(self, language: Language) -> str:
        kinds = ", ".join(get_args(Kind))
        text = translate(MESSAGES[self.outcome], language, detail=self.detail, other=self.other, kinds=kinds)
        return f"{self.area}: {text}"


@dataclass(frozen=True, slots=True, eq=False)
class AreaRead:
    """An area of a file; `geometry` is valid and WGS-84, `path` starts and ends with a slash."""

    code: str
    name: str
    kind: str
    parent: str | None
    geometry: BaseGeometry
    path: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AreasRead:
    """Attributes: areas: parents before their children."""

    crs: Crs
    areas: list[AreaRead]
    warnings: list[Finding]


class _Bad(Exception):
    def __init__(self, outcome: str, detail: object = "") -> None:
        super().__init__(outcome)
        self.outcome, self.detail = outcome, str(detail)[:200]


@dataclass(slots=True)
class _Notes:
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


def read_areas(document: dict[str, Any], crs: str | None = None) -> AreasRead:
    """Areas of a FeatureCollection.

    Args:
        crs: coordinate system of the file; None reads it from the file, which must declare it.

    Raises:
        UnknownCrs, AreasRefused: nothing of it can be used.
    """
    system, notes = declared_crs(document, crs), _Notes()
    if not 0 < len(document["features"]) <= MAX_AREAS:
        raise AreasRefused(
            "expected 1 to {most} areas, got {count}", most=MAX_AREAS, count=len(document["features"])
        )
    read = [_area(number, each, system, notes) for number, each in enumerate(document["features"], 1)]
    areas = [each for each in read if each is not None]
    placed = _placed(areas, notes)
    if notes.errors:
        refused = AreasRefused("no area was changed; problems: {count}", count=len(notes.errors))
        refused.findings = tuple(notes.errors)
        raise refused
    return AreasRead(system, placed, [*notes.warnings, *_misfits(placed)])


def declared_crs(document: dict[str, Any], parameter: str | None) -> Crs:
    """The coordinate system: of the parameter, the member `coordinates`, or `crs` of older GeoJSON.

    Raises:
        UnknownCrs: when none is declared, or one that is not known, or two that contradict each other.
    """
    member = document.get("crs")
    old = None if member is None else member if isinstance(member, str) else _old_crs(member)
    declared = {
        str(each).lower() for each in (parameter, document.get("coordinates"), old) if each is not None
    }
    if not declared:
        raise UnknownCrs(
            "the coordinate system is not declared; send crs=... or write coordinates into the file, one of "
            "{known}: a wrong one moves everything by 500 m",
            known=", ".join(get_args(Crs)),
        )  # fmt: skip
    if len(declared) != 1 or not declared <= set(get_args(Crs)):
        raise UnknownCrs(
            "the coordinate system {declared} is not known, or two contradict each other; expected one of "
            "{known}",
            declared=" / ".join(sorted(declared)), known=", ".join(get_args(Crs)),
        )  # fmt: skip
    return cast(Crs, declared.pop())


def _old_crs(member: Any) -> str:
    text = json.dumps(member).upper().rstrip('"} ')
    if text.endswith(("CRS84", ":4326", "CRS84H")):
        return "wgs84"
    return "cgcs2000" if text.endswith(":4490") else text[:80]


def _area(number: int, feature: Any, crs: Crs, notes: _Notes) -> AreaRead | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    name = f"feature {number}"
    try:
        if not isinstance(properties, dict) or feature.get("type") != "Feature":
            raise _Bad("not_a_feature")
        code = name = _code(properties.get("code"))
        parent = properties.get("parent", properties.get("parent_code"))
        if not properties.get("name"):
            notes.warnings.append(Finding(code, "no_name"))
        return AreaRead(
            code,
            _name(properties.get("name") or code),
            _kind(properties.get("kind")),
            None if parent in (None, "") else _code(parent),
            _geometry(feature.get("geometry"), crs, code, notes),
        )
    except _Bad as bad:
        notes.errors.append(Finding(name, bad.outcome, bad.detail))
        return None


def _code(value: Any) -> str:
    code = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not 0 < len(code) <= CODE_LENGTH or set(code) - set(_CODE):
        raise _Bad("bad_code", repr(value))
    return code


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > NAME_LENGTH or not value.isprintable():
        raise _Bad("bad_name", repr(value))
    return value


def _kind(value: Any) -> Kind:
    kind = KINDS_ZH.get(str(value), value)
    if kind not in get_args(Kind):
        raise _Bad("bad_kind", repr(value))
    return cast(Kind, kind)


def _geometry(value: Any, crs: Crs, code: str, notes: _Notes) -> BaseGeometry:
    try:
        outline = read_outline(value, crs, tolerance=TOLERANCE)
    except BadOutline as bad:
        raise _Bad(bad.outcome, bad.detail) from bad
    if outline.repaired:
        notes.warnings.append(Finding(code, "repaired", outline.repaired))
    return outline.geometry


def _placed(areas: list[AreaRead], notes: _Notes) -> list[AreaRead]:
    """Areas with their paths, parents first."""
    by_code = {area.code: area for area in areas}
    if len(by_code) < len(areas):
        counts: dict[str, int] = {}
        for area in areas:
            counts[area.code] = counts.get(area.code, 0) + 1
        notes.errors += [Finding(code, "twice", str(count)) for code, count in counts.items() if count > 1]
    placed = []
    for area in by_code.values():
        try:
            path = _path(area, by_code)
        except _Bad as bad:
            notes.errors.append(Finding(area.code, bad.outcome, bad.detail))
        else:
            placed.append(AreaRead(area.code, area.name, area.kind, area.parent, area.geometry, path))
    return sorted(placed, key=lambda area: (area.path.count("/"), area.path))


def _path(area: AreaRead, by_code: dict[str, AreaRead]) -> str:
    codes = [area.code]
    while area.parent is not None:
        if area.parent not in by_code:
            raise _Bad("unknown_parent", area.parent)
        if area.parent in codes:
            raise _Bad("cycle", " > ".join([*codes, area.parent]))
        codes.append(area.parent)
        area = by_code[area.parent]
    path = f"/{'/'.join(reversed(codes))}/"
    if len(path) > PATH_LENGTH:
        raise _Bad("too_deep", path)
    return path


def _misfits(areas: list[AreaRead]) -> Iterator[Finding]:
    """Children that stick out of their parents, siblings that overlap."""
    by_code, siblings = {area.code: area for area in areas}, dict[str | None, list[AreaRead]]()
    for area in areas:
        siblings.setdefault(area.parent, []).append(area)
        if area.parent is not None:
            share = area.geometry.difference(by_code[area.parent].geometry).area / area.geometry.area
            if share > TOLERANCE:
                yield Finding(area.code, "outside_parent", f"{share * 100:.1f}")
    for family in siblings.values():
        yield from _overlaps(family)


def _overlaps(family: list[AreaRead]) -> Iterator[Finding]:
    shapes = np.array([area.geometry for area in family], object)
    for one, other, share in overlapping(shapes):
        if share > TOLERANCE:
            yield Finding(family[one].code, "overlaps", f"{share * 100:.1f}", family[other].code)
