"""Reading places from GeoJSON: each feature into a place, and all that is odd about them.

    {"type": "FeatureCollection", "coordinates": "gcj02", "features": [
      {"type": "Feature",
       "properties": {"kind": "道路", "code": "R-07", "name": "车城东路", "grade": "严管", "width_m": 30},
       "geometry": {"type": "LineString", "coordinates": [...]}}]}

Properties have the names of `Attributes` or their Chinese. What would make wrong assignments refuses the
whole file; what can be lived with is a warning that names the place.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from streetsight.inference.positions.profile import Crs
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.areas.outlines import POLYGONS, BadOutline, overlapping, read_outline
from streetsight.service.areas.reading import MESSAGES as OF_AREAS
from streetsight.service.areas.reading import TOLERANCE, declared_crs
from streetsight.service.faults import Invalid
from streetsight.service.groupings.reading import Grouping
from streetsight.service.places.schemas import FIXED, Attributes, Code, KindSent
from streetsight.service.places.words import find_word, words
from streetsight.service.reach import reach

LINES = ("LineString", "MultiLineString")
TYPES = (*POLYGONS, *LINES, "Point")
MAX_PLACES = 50_000
OUR_OWN = frozenset(
    {"id", "valid_from", "valid_to", "missing", "lon", "lat", "area_path", "number", "ended_number"}
)
"""Properties of a place as we show it, which say nothing new when it is sent back."""

MESSAGES = {
    "not_a_feature": OF_AREAS["not_a_feature"],
    "bad_geometry": OF_AREAS["bad_geometry"],
    "out_of_range": OF_AREAS["out_of_range"],
    "crosses": OF_AREAS["crosses"],
    "repaired": OF_AREAS["repaired"],
    "bad_attribute": "{detail}",
    "no_width": "a line needs its width in metres, as width_m",
    "no_radius": "a point needs its radius in metres, as radius_m",
    "unknown_aspect": "aspect {detail} is not known; expected one of {other}",
    "twice": "the code is used {detail} times for this kind; it must be unique",
    "other_kind": "it is a {detail}, and only these kinds are to be replaced: {other}",
    "own_word": "area type {detail} is not one of the list; it is kept as the city's own word",
    "ignored": "properties that mean nothing here were left out: {detail}",
    "overlaps": "{detail} % of the smaller one overlap with {other}; an issue there counts for both",
}


class PlacesRefused(Invalid):
    """Places that cannot be used as they were sent; the message names up to ten."""

    code = "places_refused"
    findings: tuple["Finding", ...] = ()

    def say(self, language: Language) -> str:
        return "; ".join([super().say(language), *(each.say(language) for each in self.findings[:10])])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one place.

    Attributes:
        place: `kind/code`, or `feature 3` where it has none.
        outcome: a key of `MESSAGES`.
        detail, other: what was found, for the message.
    """

    place: str
    outcome: str
    detail: str = ""
    other: str = ""

    def say(self, language: Language) -> str:
        text = translate(MESSAGES[self.outcome], language, detail=self.detail, other=self.other)
        return f"{self.place}: {text}"


@dataclass(frozen=True, slots=True, eq=False)
class PlaceRead:
    """A place as it was sent.

    Attributes:
        values: of its columns: attributes, geometry, ground, lon, lat.
        shape: what it covers, WGS-84.
    """

    kind: str
    code: str
    values: dict[str, Any]
    shape: BaseGeometry

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.code


@dataclass(frozen=True, slots=True, eq=False)
class PlacesRead:
    """Attributes: kinds: that they replace."""

    crs: Crs
    kinds: list[str]
    places: list[PlaceRead]
    warnings: list[Finding]


class NotAPlace(Exception):
    """One place that cannot be used."""

    def __init__(self, outcome: str, detail: object = "", other: str = "") -> None:
        super().__init__(outcome)
        self.outcome, self.detail, self.other = outcome, str(detail), other


class _Head(Attributes):
    kind: KindSent
    code: Code


def read_places(
    document: dict[str, Any], crs: str | None, aspects: Grouping | None, kinds: Sequence[str] = ()
) -> PlacesRead:
    """Places of a FeatureCollection.

    Args:
        crs: coordinate system of the file; None reads it from the file, which must declare it.
        aspects: the grouping that aspects are of; None knows none.
        kinds: that the file is to replace; none takes those that are in it.

    Raises:
        UnknownCrs, PlacesRefused: nothing of it can be used.
    """
    system, errors, warnings = declared_crs(document, crs), list[Finding](), list[Finding]()
    features = document["features"]
    if len(features) > MAX_PLACES or (not features and not kinds):
        raise PlacesRefused("expected 1 to {most} places, got {count}", most=MAX_PLACES, count=len(features))
    read = list[PlaceRead]()
    ignored = Counter[str]()
    for number, feature in enumerate(features, 1):
        try:
            properties = _properties(feature, ignored)
            place = read_place(properties, feature.get("geometry"), system, aspects, warnings)
        except NotAPlace as wrong:
            errors.append(Finding(_name_of(number, feature), wrong.outcome, wrong.detail, wrong.other))
            continue
        if kinds and place.kind not in kinds:
            errors.append(Finding("/".join(place.key), "other_kind", place.kind, ", ".join(kinds)))
        read.append(place)
    counts = Counter(place.key for place in read)
    errors += [Finding("/".join(key), "twice", str(count)) for key, count in counts.items() if count > 1]
    if errors:
        refused = PlacesRefused("no place was changed; problems: {count}", count=len(errors))
        refused.findings = tuple(errors)
        raise refused
    if ignored:
        warnings.append(Finding("-", "ignored", ", ".join(sorted(ignored)[:20])))
    read.sort(key=lambda place: place.key)  # the order of a file means nothing
    return PlacesRead(
        system, sorted(kinds or {place.kind for place in read}), read, [*warnings, *_overlaps(read)]
    )


def read_place(
    properties: Mapping[str, Any],
    geometry: Any,
    crs: Crs,
    aspects: Grouping | None,
    warnings: list[Finding] | None = None,
) -> PlaceRead:
    """One place: its attributes with `kind` and `code`, and what it covers. Raises NotAPlace."""
    try:
        said = _Head.model_validate(properties)
    except ValidationError as error:
        raise NotAPlace("bad_attribute", say_errors(error)) from error
    odd = list[Finding]() if warnings is None else warnings
    name = f"{said.kind}/{said.code}"
    try:
        outline = read_outline(geometry, crs, TYPES)
    except BadOutline as bad:
        raise NotAPlace(bad.outcome, bad.detail) from bad
    if outline.repaired:
        odd.append(Finding(name, "repaired", outline.repaired))
    values = said.model_dump(exclude={"kind", "code"})
    values["aspect"] = aspect_of(said.aspect, aspects)
    values["scene"] = said.scene or words("kinds")[said.kind].scene
    if said.area_type and said.area_type not in words("area_types"):
        odd.append(Finding(name, "own_word", said.area_type))
    covered = _covered(outline.geometry, values)
    inside = covered.representative_point()
    values |= {
        "geometry": _plain(outline.geometry), "lon": inside.x, "lat": inside.y,
        "ground": None if outline.geometry.geom_type in POLYGONS else _plain(covered),
    }  # fmt: skip
    return PlaceRead(said.kind, said.code, values, covered)


def aspect_of(sent: str | None, aspects: Grouping | None) -> str | None:
    """The member of the grouping `aspect` that a word names. Raises NotAPlace."""
    if not sent:
        return None
    members = aspects.members if aspects else []
    for each in members:
        if sent in (each.code, each.zh, each.en):
            return each.code
    raise NotAPlace("unknown_aspect", sent, ", ".join(f"{each.code} ({each.zh})" for each in members) or "-")


def field_of(title: str) -> str | None:
    """The attribute that a property or a column is; None for one that means nothing here."""
    return find_word("fields", title)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with those of 五定, which files name `fixed_...`, where they belong."""
    fixed = {name: flat[f"fixed_{name}"] for name in FIXED if f"fixed_{name}" in flat}
    rest = {name: value for name, value in flat.items() if not name.startswith("fixed_")}
    return {**rest, "five_fixed": {**(rest.get("five_fixed") or {}), **fixed}} if fixed else rest


def say_errors(error: ValidationError) -> str:
    """What is wrong with attributes, each by its name."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'place'}: {each['msg']}" for each in error.errors()[:5]
    )


def _properties(feature: Any, ignored: Counter[str]) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict) or feature.get("type") != "Feature":
        raise NotAPlace("not_a_feature")
    found: dict[str, Any] = {}
    for title, value in properties.items():
        if (name := field_of(str(title))) is not None:
            found[name] = str(value) if name == "code" and isinstance(value, int) else value
        elif title == "five_fixed":
            found["five_fixed"] = value
        elif title not in OUR_OWN:
            ignored[str(title)[:60]] += 1
    return nested(found)


def _name_of(number: int, feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    named = (
        {field_of(str(title)): value for title, value in properties.items()}
        if isinstance(properties, dict)
        else {}
    )
    kind, code = named.get("kind"), named.get("code")
    return f"{kind}/{code}"[:80] if kind and code else f"feature {number}"


def _covered(geometry: BaseGeometry, values: Mapping[str, Any]) -> BaseGeometry:
    if geometry.geom_type in POLYGONS:
        return geometry
    line = geometry.geom_type in LINES
    name = "width_m" if line else "radius_m"
    if values[name] is None:
        raise NotAPlace("no_width" if line else "no_radius")
    return reach(mapping(geometry), values[name] / 2 if line else values[name])


def _plain(geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON as the database gives it back: lists, not tuples."""
    found: dict[str, Any] = json.loads(json.dumps(mapping(geometry)))
    return found


def _overlaps(places: Sequence[PlaceRead]) -> Iterator[Finding]:
    """Drawn grounds of one kind that lie in each other; roads and circles do so by nature."""
    for kind in sorted({place.kind for place in places}):
        drawn = [place for place in places if place.kind == kind and place.values["ground"] is None]
        for one, other, share in overlapping(np.array([place.shape for place in drawn], object)):
            if share > TOLERANCE:
                names = ("/".join(drawn[each].key) for each in (one, other))
                yield Finding(next(names), "overlaps", f"{share * 100:.1f}", next(names))
