"""The contract with systems that score or handle in our place: what issues, leads and events look like.

Version 1. Members may be added within it; none is taken away, renamed or given another meaning without a new
version. `static/` has the same as JSON Schema (2020-12), which a test holds equal to these types.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION: Literal["1.0"] = "1.0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
State = Literal[
    "filed", "dispatched", "to_check", "rework", "shelved", "closed", "not_pursued", "withdrawn"
]  # fmt: skip
LeadState = Literal["open", "confirmed", "rejected", "merged", "gone"]
Source = Literal["patrol", "citizen", "hotline", "inspector"]


class _Told(BaseModel):
    """What is told may have more members in a later version of the same number before the point."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, serialize_by_alias=True)


class Code(_Told):
    """A number of a national table. Attributes: scheme: the table; kind: 事项, 部件 or 事件."""

    scheme: str
    code: str
    kind: str | None = None
    name: str | None = None


class Photo(_Told):
    """A picture that shows it; `/v1/frames/{frame_id}/photo` gives a redacted copy.

    Attributes:
        when: before it was handled, or after.
        sha256: of the original.
    """

    frame_id: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    when: Literal["before", "after"]


class PlaceOf(_Told):
    """A place of the register that it lies in. Attributes: kind: section, point, road, ..."""

    kind: str
    code: str


class IssueV1(_Told):
    """A confirmed lead: what a score may rest on.

    Attributes:
        counts: a person has confirmed it and nobody has taken it back: no upheld appeal, not withdrawn.
        decision_id: of the confirmation that it rests on.
        lon, lat: WGS-84 degrees.
        found_at: when it was seen first; confirmed_at: when a person confirmed it.
        version: grows with every change by a person.
    """

    id: str
    number: str
    district: str
    candidate_id: str
    decision_id: str | None
    counts: bool
    state: State
    source: Source
    condition: str
    class_name: str | None = Field(alias="class")
    code: Code | None
    severity: str | None
    lon: float | None = Field(ge=-180, le=180)
    lat: float | None = Field(ge=-90, le=90)
    area_path: str | None
    area_type: str | None
    places: list[PlaceOf]
    unit: str | None
    found_at: datetime
    confirmed_at: datetime
    dispatched_at: datetime | None
    due_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    closed_how: str | None
    extensions: int = Field(ge=0)
    reworks: int = Field(ge=0)
    reopenings: int = Field(ge=0)
    appeal: Literal["open", "upheld", "refused"] | None
    shelved_until: date | None
    supervision: Literal["white", "yellow", "red"] | None
    photos: list[Photo]
    version: int = Field(ge=1)


class CandidateV1(_Told):
    """A lead: where a person should look. Nobody has confirmed it while it is `open`, and it is no evidence.

    Attributes:
        score: of the detector, 0 to 1; None for what people report.
        release: the model that saw it.
        merged_into_id: the lead that it is a part of.
    """

    id: str
    state: LeadState
    source: Source
    condition: str
    class_name: str | None = Field(alias="class")
    code: Code | None
    severity: str | None
    score: float | None = Field(ge=0, le=1)
    lon: float | None = Field(ge=-180, le=180)
    lat: float | None = Field(ge=-90, le=90)
    area_path: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    sightings: int = Field(ge=0)
    frames: int = Field(ge=0)
    patrols: int = Field(ge=0)
    best_frame_id: str | None
    release: str | None
    decided_at: datetime | None
    merged_into_id: str | None
    version: int = Field(ge=1)


class IssuePageV1(_Told):
    """A page of issues. Attributes: next: the cursor of the next question; more: ask again at once."""

    contract: Literal["1.0"]
    items: list[IssueV1]
    next: str
    more: bool


class CandidatePageV1(_Told):
    """A page of leads, as of issues."""

    contract: Literal["1.0"]
    items: list[CandidateV1]
    next: str
    more: bool


class IssueTold(_Told):
    """Data of issue.created, issue.updated and issue.overdue. Attributes: act, reason: by what it changed."""

    id: str
    number: str
    candidate_id: str
    state: State
    source: Source
    condition: str
    class_name: str | None
    code: Code | None
    severity: str | None
    lon: float | None
    lat: float | None
    area_path: str | None
    unit: str | None
    confirmed_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    appeal: str | None
    version: int
    act: str | None = None
    reason: str | None = None


class OrderTold(_Told):
    """Data of issue.supervised."""

    number: str
    issue_number: str
    colour: Literal["white", "yellow", "red"]
    step: str | None
    unit: str | None
    due_at: datetime | None


class LeadTold(_Told):
    """Data of candidate.*. Attributes: decision: kind of a person's, in candidate.decided."""

    id: str
    state: LeadState
    source: Source
    condition: str
    class_name: str | None = Field(alias="class")
    code: Code | None
    score: float | None
    lon: float | None
    lat: float | None
    sightings: int
    version: int
    decision: str | None = None
    reason: str | None = None


class ScoreTold(_Told):
    """Data of score.closed and score.reopened. Attributes: facts, sheets: digests, of score.closed."""

    scheme: str
    period: str = Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$")
    version: int | None = None
    facts: str | None = None
    sheets: str | None = None


TOLD: Mapping[str, type[_Told]] = {
    "issue.created": IssueTold, "issue.updated": IssueTold, "issue.overdue": IssueTold,
    "issue.supervised": OrderTold, "candidate.created": LeadTold, "candidate.updated": LeadTold,
    "candidate.decided": LeadTold, "candidate.gone": LeadTold, "score.closed": ScoreTold,
    "score.reopened": ScoreTold,
}  # fmt: skip
"""Kind of event -> what its data is."""


class EventV1(_Told):
    """An event as a webhook gets it: CloudEvents 1.0. `data` depends on `type`; other types may come, too."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str = Field(pattern=r"^streetsight\.[a-z_]+\.[a-z_]+$")
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]
    sequence: str | None = Field(default=None, pattern=r"^\d{16}$")
    areapath: str | None = None
    data: dict[str, Any]


SHAPES: Mapping[str, type[_Told]] = {
    "issue": IssueV1, "candidate": CandidateV1, "issues": IssuePageV1, "candidates": CandidatePageV1,
    "event": EventV1,
}  # fmt: skip


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a shape, by its name in `SHAPES`."""
    schema = {"$schema": DIALECT, "$id": f"urn:streetsight:outside:{name}:v1"}
    schema |= SHAPES[name].model_json_schema(mode="serialization" if name != "event" else "validation")
    if name == "event":
        schema |= _by_type(schema)
    return schema


def _by_type(schema: dict[str, Any]) -> dict[str, Any]:
    """What `data` has to be, for each type of event that the contract knows."""
    shapes = {each.__name__: each for each in TOLD.values()}
    definitions: dict[str, Any] = dict(schema.get("$defs", {}))
    for name, shape in shapes.items():
        own = shape.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= own.pop("$defs", {}) | {name: own}
    rules = [
        {"if": {"properties": {"type": {"const": f"streetsight.{kind}"}}},
         "then": {"properties": {"data": {"$ref": f"#/$defs/{shape.__name__}"}}}}
        for kind, shape in TOLD.items()
    ]  # fmt: skip
    return {"$defs": definitions, "allOf": rules}
