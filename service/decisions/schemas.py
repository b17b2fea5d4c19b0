"""What is asked and shown of decisions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from streetsight.inference.patrol.rows import code_row
from streetsight.inference.rules.settings import Level
from streetsight.models.codes import find_code
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Code, Language, default_taxonomy
from streetsight.service.decisions.reasons import Label, Rejection, reasons
from streetsight.service.decisions.states import Kind
from streetsight.service.decisions.tables import Decision
from streetsight.service.dependencies import Id, Text
from streetsight.service.reasons import known, require_text

MOST_AT_ONCE = 200

Words = Annotated[Text, Field(min_length=1, max_length=2000)]
Key = Annotated[Text, Field(min_length=1, max_length=200)]
SightingId = Annotated[Text, Field(min_length=1, max_length=36)]
Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


def _known_class(name: str) -> str:
    if name not in default_taxonomy():
        raise SpokenError(
            "expected a class of the taxonomy: {names}", names=", ".join(default_taxonomy().names)
        )
    return name


def _known_condition(name: str) -> str:
    known = default_taxonomy().conditions
    if name not in known:
        raise SpokenError("expected one of {names}", names=", ".join(known))
    return name


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    text: Words | None = None


class Confirm(_Asked):
    """It is an issue. `unit`: who has to handle it (责任单位), where that is known already."""

    kind: Literal["confirm"]
    unit: Annotated[Text, Field(min_length=1, max_length=100)] | None = None


class Reject(_Asked):
    """It is none, for a reason of `GET /v1/decisions/reasons`."""

    kind: Literal["reject"]
    reason: Annotated[str, AfterValidator(known(reasons))]

    @model_validator(mode="after")
    def _says_why(self) -> "Reject":
        require_text(reasons()[self.reason], self.text)
        return self


class CodeSent(BaseModel):
    """A code with the table that it is of: alone it means nothing."""

    model_config = ConfigDict(extra="forbid")

    scheme: Annotated[Text, Field(min_length=1, max_length=60)]
    code: Annotated[Text, Field(min_length=1, max_length=20)]


class PositionCorrected(BaseModel):
    """WGS-84 degrees."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]


class BoxCorrected(BaseModel):
    """Where it is on one of its frames: x1, y1, x2, y2 in pixels of the upright original."""

    model_config = ConfigDict(extra="forbid")

    frame_id: Id
    box_xyxy_px: Box

    @model_validator(mode="after")
    def _is_a_box(self) -> "BoxCorrected":
        x1, y1, x2, y2 = self.box_xyxy_px
        if not (0 <= x1 < x2 and 0 <= y1 < y2):
            raise SpokenError("box_xyxy_px: expected 0 <= x1 < x2 and 0 <= y1 < y2")
        return self


class Correct(_Asked):
    """It is there, but not as it was said; at least one of these. The detector's own word is kept beside it.

    Without `condition`, a class brings its own.
    """

    kind: Literal["correct"]
    class_name: Annotated[str, AfterValidator(_known_class)] | None = Field(default=None, alias="class")
    condition: Annotated[str, AfterValidator(_known_condition)] | None = None
    code: CodeSent | None = None
    severity: Level | None = None
    position: PositionCorrected | None = None
    box: BoxCorrected | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "Correct":
        if not self.model_dump(exclude={"kind", "text"}, exclude_none=True):
            raise SpokenError("expected at least one of class, condition, code, severity, position, box")
        return self


class Merge(_Asked):
    """It is the same case as another candidate, which takes over what it rests on."""

    kind: Literal["merge"]
    into: Id


class Split(_Asked):
    """It is two cases: these sightings go to a new candidate, the others stay."""

    kind: Literal["split"]
    sightings: Annotated[list[SightingId], Field(min_length=1, max_length=1000)]


class Reopen(_Asked):
    """Take back the latest confirmation, rejection or merging: one's own, or as an admin anybody's."""

    kind: Literal["reopen"]


Asked = Annotated[Confirm | Reject | Correct | Merge | Split | Reopen, Field(discriminator="kind")]


class OneOfMany(BaseModel):
    """A decision of a list, with what a single one has in its headers.

    Attributes:
        version: of the candidate, as it was read.
        key: Idempotency-Key of this decision.
    """

    model_config = ConfigDict(extra="forbid")

    candidate_id: Id
    version: Annotated[int, Field(ge=1)]
    key: Key | None = None
    decision: Asked


class ManyAsked(BaseModel):
    """Decisions, each of which stands or falls alone."""

    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[list[OneOfMany], Field(min_length=1, max_length=MOST_AT_ONCE)]


class ReasonShown(BaseModel):
    """Attributes: label: what it says of the box for training."""

    code: str
    text: str
    label: Label
    needs_text: bool

    @classmethod
    def of(cls, reason: Rejection, language: Language) -> "ReasonShown":
        return cls(
            code=reason.code, text=reason.say(language), label=reason.label, needs_text=reason.needs_text
        )


class DecisionShown(BaseModel):
    """A decision as it was made.

    Attributes:
        before, after: what changed of the candidate.
        other_id: the candidate that it was merged into, or that was split off.
        undoes_id: the decision that a reopening took back.
    """

    id: str
    candidate_id: str
    kind: Kind
    reason: str | None
    reason_text: str | None
    text: str | None
    by: str
    role: str
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]
    other_id: str | None
    undoes_id: str | None

    @classmethod
    def of(cls, row: Decision, language: Language) -> "DecisionShown":
        reason = reasons().get(row.reason or "")
        return cls(
            id=row.id, candidate_id=row.candidate_id, kind=row.kind,  # type: ignore[arg-type]
            reason=row.reason, reason_text=reason.say(language) if reason else None, text=row.text,
            by=row.actor_name, role=row.actor_role, at=row.created_at, before=row.before, after=row.after,
            other_id=row.other_id, undoes_id=row.undoes_id,
        )  # fmt: skip


class DecisionPage(BaseModel):
    """Decisions, newest first; `next_cursor` leads on, None at the end."""

    items: list[DecisionShown]
    next_cursor: str | None


class DecisionMade(BaseModel):
    """A decision, and what became of the candidate by it.

    Attributes:
        state, version: of the candidate now.
        issue_id, issue_number: of the issue that stands for it, if it is one.
    """

    decision: DecisionShown
    state: str
    version: int
    issue_id: str | None
    issue_number: str | None


class ManyOutcome(BaseModel):
    """What became of one of many.

    Attributes:
        status: what it would have been answered alone.
        outcome: decided, repeated, or why not, as a code; `problem` says it in words.
        version: of the candidate now, where that is known.
    """

    candidate_id: str
    status: int
    outcome: str
    version: int | None = None
    made: DecisionMade | None = None
    problem: str | None = None


class ManyMade(BaseModel):
    """One outcome per decision, in their order."""

    outcomes: list[ManyOutcome]


def code_in_full(sent: CodeSent) -> dict[str, Any]:
    """The code as candidates carry it, with the table's name for it where we know that."""
    found = find_code(sent.scheme, sent.code)
    row = code_row(found.code if found else Code(sent.scheme, "", sent.code, "", "", verified=False))
    assert row is not None
    return row
