"""What is sent and shown of places."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    field_validator,
    model_validator,
)

from streetsight.inference.positions.profile import Crs
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Id, Text
from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.places.words import Grade, Kind, Scene, Subject, find_word, words

EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
FIXED = ("people", "hours", "duty", "standard", "rewards")
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,40}$")]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]


def _spelt(subject: Subject) -> Callable[[object], object]:
    """A word of a list, however it is written, as its code."""

    def found(sent: object) -> object:
        if sent is None or sent == "":
            return None
        code = find_word(subject, str(sent))
        if code is None:
            known = ", ".join(f"{each.code} ({each.zh})" for each in words(subject).values())
            raise SpokenError(
                "{value} is not known; expected one of {known}", value=str(sent)[:60], known=known
            )
        return code

    return found


def _own_word(sent: object) -> object:
    """An area type by its code, or the city's own word for one."""
    return (find_word("area_types", sent) or sent or None) if isinstance(sent, str) else sent


def _listed(sent: object) -> object:
    """Several names, as a list or in one text."""
    if sent is None:
        return []
    if isinstance(sent, str):
        for mark in "、，；;\n":
            sent = sent.replace(mark, ",")
        return [each.strip() for each in sent.split(",") if each.strip()]
    return sent


def _or_none(sent: object) -> object:
    return None if isinstance(sent, str) and not sent.strip() else sent


Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]
KindSent = Annotated[Kind, BeforeValidator(_spelt("kinds"))]
Some = BeforeValidator(_or_none)
Person = Annotated[Name | None, Some]
PersonId = Annotated[Id | None, Some]
Long = Annotated[Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] | None, Some]


class FiveFixed(BaseModel):
    """五定: who, when, whose duty, by which standard, with which rewards and penalties."""

    model_config = ConfigDict(extra="forbid")

    people: Long = None
    hours: Long = None
    duty: Long = None
    standard: Long = None
    rewards: Long = None


class Attributes(BaseModel):
    """What is said of a place. Words may be codes, Chinese or English, as in `words.toml`.

    Attributes:
        scene: without one, that of the kind.
        aspect: a member of the grouping `aspect`.
        area_type: of `words.toml`, or the city's own word.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    peer_group: Person = None
    scene: Annotated[Scene | None, BeforeValidator(_spelt("scenes"))] = None
    aspect: Annotated[Annotated[Text, Field(max_length=40)] | None, Some] = None
    area_type: Annotated[Annotated[Text, Field(max_length=40)] | None, BeforeValidator(_own_word)] = None
    grade: Annotated[Grade | None, BeforeValidator(_spelt("grades"))] = None
    unit: Person = None
    co_units: Annotated[list[Name], Field(max_length=20), BeforeValidator(_listed)] = Field(default=[])
    chief_1: Person = None
    chief_1_id: PersonId = None
    chief_2: Person = None
    chief_2_id: PersonId = None
    chief_3: Person = None
    chief_3_id: PersonId = None
    origin: Annotated[str | None, BeforeValidator(_spelt("origins"))] = None
    demonstration: Annotated[str | None, BeforeValidator(_spelt("demonstrations"))] = None
    stage: Annotated[str | None, BeforeValidator(_spelt("stages"))] = None
    five_fixed: FiveFixed = FiveFixed()
    policy: Long = None
    grid_code: Annotated[Annotated[str, Field(pattern=r"^\d{15}$")] | None, Some] = None
    width_m: Annotated[FiniteFloat, Field(ge=0.5, le=500)] | None = None
    radius_m: Annotated[FiniteFloat, Field(ge=1, le=5000)] | None = None

    @model_validator(mode="after")
    def _chiefs_have_names(self) -> "Attributes":
        for level in (1, 2, 3):
            if getattr(self, f"chief_{level}_id") and not getattr(self, f"chief_{level}"):
                raise SpokenError("chief_{level}_id without chief_{level}: say the name, too", level=level)
        return self


ATTRIBUTES = tuple(Attributes.model_fields)


class PlaceSent(Attributes):
    """A place to add.

    Attributes:
        geometry: GeoJSON in `crs`: a polygon, a line with `width_m` or a point with `radius_m`.
        valid_from: from when on; now if not given.
        reason: stays with the register.
    """

    kind: KindSent
    code: Code
    geometry: dict[str, Any]
    crs: Crs = "wgs84"
    valid_from: Moment | None = None
    reason: Reason


class PlaceChanged(BaseModel):
    """What of a place is another from a moment on. What is not sent stays.

    Attributes:
        attributes: as of `Attributes`; null takes one away.
        geometry: GeoJSON in `crs`.
        valid_from: from when on; now if not given.
    """

    model_config = ConfigDict(extra="forbid")

    attributes: dict[str, Any] = Field(default={})
    geometry: dict[str, Any] | None = None
    crs: Crs = "wgs84"
    valid_from: Moment | None = None
    reason: Reason

    @field_validator("attributes")
    @classmethod
    def _stays_itself(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        if {"kind", "code"} & set(attributes):
            raise SpokenError("kind and code stay as they are; end the place and add another")
        return attributes


class PlaceEnded(BaseModel):
    """Attributes: valid_to: from when on there is no such place; now if not given."""

    model_config = ConfigDict(extra="forbid")

    valid_to: Moment | None = None
    reason: Reason


class FindingShown(BaseModel):
    """Something odd about a place; `message` says it in words."""

    place: str
    outcome: str
    message: str


class PlaceShown(BaseModel):
    """A version of a place.

    Attributes:
        missing: those of 五定 that are not said.
        number: of the change of the register that brought it in; ended_number: of the one that ended it.
    """

    id: str
    kind: Kind
    code: str
    name: str
    valid_from: datetime
    valid_to: datetime | None
    peer_group: str | None
    scene: str | None
    aspect: str | None
    area_type: str | None
    grade: str | None
    unit: str | None
    co_units: list[str]
    chief_1: str | None
    chief_1_id: str | None
    chief_2: str | None
    chief_2_id: str | None
    chief_3: str | None
    chief_3_id: str | None
    origin: str | None
    demonstration: str | None
    stage: str | None
    five_fixed: FiveFixed
    missing: list[str]
    policy: str | None
    grid_code: str | None
    width_m: float | None
    radius_m: float | None
    lon: float
    lat: float
    area_path: str | None
    number: int
    ended_number: int | None

    @classmethod
    def of(cls, place: Place) -> "PlaceShown":
        plain = {name: getattr(place, name) for name in cls.model_fields if name != "missing"}
        return cls.model_validate({**plain, "missing": missing_of(place.five_fixed)})


class PlacePage(BaseModel):
    """Places in force, by kind and code; `next_cursor` leads on, None at the end."""

    version: int
    items: list[PlaceShown]
    next_cursor: str | None


class PlaceFeature(BaseModel):
    """GeoJSON; WGS-84. `ground` is what a line or a point covers."""

    type: Literal["Feature"] = "Feature"
    properties: PlaceShown
    geometry: dict[str, Any]
    ground: dict[str, Any] | None = None

    @classmethod
    def of(cls, place: Place) -> "PlaceFeature":
        return cls(properties=PlaceShown.of(place), geometry=place.geometry, ground=place.ground)


class PlaceCollection(BaseModel):
    """GeoJSON; WGS-84. Can be sent back as it is."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    coordinates: Literal["wgs84"] = "wgs84"
    version: int
    features: list[PlaceFeature]


class ChangedShown(BaseModel):
    """Attributes: fields: what is another than before."""

    kind: str
    code: str
    fields: list[str]


class ChangeShown(BaseModel):
    """A change of the register. `number` is 0 for one that was only tried.

    Attributes:
        moment: from which on it holds.
        counts: of places: added, changed, ended, unchanged; refused for lines of a table.
    """

    number: int
    action: str
    moment: datetime
    kinds: list[str]
    counts: dict[str, int]
    crs: str | None
    made_by: str
    made_at: datetime | None
    reason: str
    warnings: list[FindingShown]


class ChangePage(BaseModel):
    """Changes, newest first; `next_cursor` leads on, None at the end."""

    items: list[ChangeShown]
    next_cursor: str | None


class ImportShown(ChangeShown):
    """An import, and what it comes to.

    Attributes:
        added, ended: `kind/code`, the first 200 of each; changed: with what of them.
    """

    added: list[str]
    changed: list[ChangedShown]
    ended: list[str]


class LineRefused(BaseModel):
    """A line of a table that was not taken."""

    line: int
    message: str


class TableShown(ChangeShown):
    """A table of attributes that was brought in."""

    changed: list[ChangedShown]
    refused: list[LineRefused]


class ChiefShown(BaseModel):
    """A chief (街长), the places that are theirs alone, and the chiefs below.

    Attributes:
        level: 1, 2 or 3; 0 for places without any.
        places: `kind/code` of those whose lowest chief this is.
        count: of places here and below.
    """

    level: int
    name: str | None
    person_id: str | None
    count: int
    places: list[str]
    below: list["ChiefShown"]


class IncompleteShown(BaseModel):
    """A place whose 五定 is not whole; `missing` by their names."""

    kind: str
    code: str
    name: str
    unit: str | None
    missing: list[str]
    missing_names: list[str]

    @classmethod
    def of(cls, place: Place, language: Language) -> "IncompleteShown":
        missing = missing_of(place.five_fixed)
        names = [words("five_fixed")[each].label(language) for each in missing]
        return cls(
            kind=place.kind, code=place.code, name=place.name, unit=place.unit, missing=missing,
            missing_names=names,
        )  # fmt: skip


class FiveFixedShown(BaseModel):
    """Completeness of 五定. Attributes: places: how many were looked at; whole: how many lack nothing."""

    places: int
    whole: int
    items: list[IncompleteShown]


class WordShown(BaseModel):
    """A word of the register."""

    code: str
    name: str
    scene: str | None


class SuggestionShown(BaseModel):
    """Ground where confirmed issues lie so close together that it may deserve a point.

    Attributes:
        lon, lat, radius_m: the circle around them; WGS-84.
        issues: how many; open: of these.
        conditions: how many of each; aspects: the same by the grouping `aspect`.
        complaints: share that citizens or hotlines reported.
        within: `kind/code` of registered points that it touches.
        because: why, in words.
        issue_ids: the newest 50.
    """

    lon: float
    lat: float
    radius_m: float
    issues: int
    open: int
    conditions: dict[str, int]
    aspects: dict[str, int]
    complaints: float
    first_found_at: datetime
    last_found_at: datetime
    within: list[str]
    because: str
    issue_ids: list[str]


def missing_of(five_fixed: Mapping[str, Any]) -> list[str]:
    """What of 五定 is not said."""
    return [name for name in FIXED if not five_fixed.get(name)]


def change_shown(change: PlaceChange, warnings: Sequence[FindingShown]) -> dict[str, Any]:
    """What `ChangeShown` has."""
    names = ("number", "action", "moment", "kinds", "counts", "crs", "made_by", "reason")
    plain = {name: getattr(change, name) for name in names}
    return {**plain, "made_at": change.created_at, "warnings": list(warnings)}
