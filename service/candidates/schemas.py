"""What is shown of candidates."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.inference.rules.finding import REASONS, say_reason
from streetsight.models.taxonomy import Language
from streetsight.service.candidates.tables import Candidate, CandidateRecheck, CandidateReport
from streetsight.service.decisions.schemas import DecisionShown
from streetsight.service.decisions.states import Kind, State
from streetsight.service.detections.schemas import ResultShown
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.sightings.schemas import SightingShown
from streetsight.service.store.types import with_offset

Source = Literal["patrol", "citizen", "hotline", "inspector"]
Box = tuple[float, float, float, float]


class PositionShown(BaseModel):
    """Attributes: lon, lat: WGS-84 degrees; covariance_m2: [east-east, east-north, north-north] or None."""

    lon: float
    lat: float
    covariance_m2: list[float] | None


class CandidateShown(BaseModel):
    """A lead, not evidence: it counts only once a person has confirmed it.

    Attributes:
        code: proposed national code, with the table that it is of.
        score: an order in which to look, no probability.
        best_frame_id, best_box: where it is seen best; x1, y1, x2, y2 in pixels of the upright original.
        gone_because: of state gone: recheck or withdrawn.
        pinned: a person has said which sightings belong to it.
        version: of `If-Match`.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    source: Source
    condition: str
    class_name: str | None = Field(alias="class")
    code: dict[str, Any] | None
    state: State
    gone_because: str | None
    score: float | None
    severity: str | None
    position: PositionShown | None
    area_path: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    sightings: int
    frames: int
    patrols: int
    needs_second_look: bool
    best_frame_id: str | None
    best_box: Box | None
    release: str | None
    description: str | None
    pinned: bool
    merged_into_id: str | None
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Candidate) -> "CandidateShown":
        return cls.model_validate(fields_of(row))


class CandidatePage(BaseModel):
    """Candidates, newest first; `next_cursor` leads on, None at the end."""

    items: list[CandidateShown]
    next_cursor: str | None


class FindingShown(BaseModel):
    """What one rule found, for machines and in words."""

    rule: str
    state: str
    reason: str
    values: dict[str, Any]
    says: str

    @classmethod
    def of(cls, row: dict[str, Any], language: Language) -> "FindingShown":
        reason, values = row["reason"], row.get("values", {})
        says = say_reason(reason, values, language) if reason in REASONS else reason
        return cls(rule=row["rule"], state=row["state"], reason=reason, values=values, says=says)


class FrameTaken(BaseModel):
    """A frame as evidence: which bytes, when and where. Its photo is at `/v1/frames/{id}/photo`."""

    id: str
    sha256: str
    taken_at: datetime | None
    lon: float | None
    lat: float | None
    device_id: str
    patrol_id: str | None

    @classmethod
    def of(cls, frame: Frame) -> "FrameTaken":
        return cls(
            id=frame.id, sha256=frame.sha256, lon=frame.lon, lat=frame.lat, device_id=frame.device_id,
            taken_at=with_offset(frame.taken_at, frame.taken_offset_minutes), patrol_id=frame.patrol_id,
        )  # fmt: skip


class SightingTraced(SightingShown):
    """A sighting that a candidate rests on.

    Attributes:
        late: it came after a person had decided: attached, and nothing follows from it.
        pinned: a person put it here.
    """

    late: bool
    pinned: bool


class RecheckShown(BaseModel):
    """What a later pass says: outcome and the probabilities behind it."""

    patrol_id: str
    at: datetime
    outcome: str
    gone: float
    matched: float
    covered: float
    missed: float
    present_before: float
    sighting_id: str | None
    frames: list[str]

    @classmethod
    def of(cls, row: CandidateRecheck) -> "RecheckShown":
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class ReportShown(BaseModel):
    """What a person outside said of it. Who that was is not shown here."""

    id: str
    source: Source
    description: str | None
    lon: float | None
    lat: float | None
    uncertainty_m: float | None
    distance_m: float | None
    frame_ids: list[str]
    reported_at: datetime | None
    received_at: datetime

    @classmethod
    def of(cls, row: CandidateReport) -> "ReportShown":
        shown = {name: getattr(row, name) for name in cls.model_fields if name != "received_at"}
        return cls.model_validate({**shown, "received_at": row.created_at})


class Detected(BaseModel):
    """What the detector and the rules said, where a person has said otherwise since."""

    model_config = ConfigDict(serialize_by_alias=True)

    class_name: str | None = Field(default=None, alias="class")
    condition: str | None = None
    code: dict[str, Any] | None = None
    severity: str | None = None
    lon: float | None = None
    lat: float | None = None
    best_frame_id: str | None = None
    best_box: Box | None = None


class CandidateTraced(CandidateShown):
    """A candidate with all that it rests on, from the decisions down to the release.

    Attributes:
        findings: of the rules, what could not be measured included.
        proposal, alternatives: sub-types with their codes, the likeliest first.
        evidence: panorama, close-up and pair of pictures.
        area_m2: [m2, low, high], or None.
        traced: its sightings, the best one first; `best` is where each is seen best.
        frames_shown: the frames of those, of the reports and of the evidence, by id.
        result: all that the release found on the best frame.
        parts: candidates that were merged into this one.
        detected: the detector's own word where a person has corrected it.
        possible: decisions that can be made in this state.
    """

    findings: list[FindingShown]
    proposal: dict[str, Any] | None
    alternatives: list[dict[str, Any]]
    evidence: dict[str, Any]
    area_m2: list[float] | None
    traced: list[SightingTraced]
    frames_shown: dict[str, FrameTaken]
    result: ResultShown | None
    rechecks: list[RecheckShown]
    reports: list[ReportShown]
    decisions: list[DecisionShown]
    parts: list[str]
    detected: Detected | None
    issue: IssueShown | None
    possible: list[Kind]


def fields_of(row: Candidate) -> dict[str, Any]:
    """What `CandidateShown` has, by name."""
    plain = {
        name: getattr(row, name)
        for name in CandidateShown.model_fields
        if name not in ("class_name", "position")
    }
    there = row.lon is not None and row.lat is not None
    position = {"lon": row.lon, "lat": row.lat, "covariance_m2": row.covariance_m2} if there else None
    return {**plain, "class": row.class_name, "position": position}
