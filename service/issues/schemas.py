"""What is asked and shown of issues."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from streetsight.inference.rules.settings import Level
from streetsight.models.codes import Kind as CodeKind
from streetsight.models.frame import PositionSource
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.calendar.clocks import Limit
from streetsight.service.calendar.reading import LimitSent
from streetsight.service.decisions.schemas import CodeSent
from streetsight.service.dependencies import Id, Text
from streetsight.service.groupings.schemas import GroupShown
from streetsight.service.issues.reasons import reasons
from streetsight.service.issues.states import RUNNING, Kind, State
from streetsight.service.issues.tables import Issue, IssuePhoto, Supervision
from streetsight.service.moments import Moment
from streetsight.service.reasons import known, require_text
from streetsight.service.store.types import now

Colour = Literal["white", "yellow", "red"]
Proposal = Literal["close", "rework", "reopen"]
Words = Annotated[Text, Field(min_length=1, max_length=2000)]
UnitName = Annotated[Text, Field(min_length=1, max_length=100)]
AreaType = Annotated[Text, Field(min_length=1, max_length=40)]
Photos = Annotated[list[Id], Field(max_length=20)]
Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
PHOTO_FACTS = (
    "frame_id", "act_id", "taken_at", "lon", "lat", "position_source", "distance_m", "warning",
)  # fmt: skip


class _Asked(BaseModel):
    """Attributes: photos: ids of frames, from `POST /v1/photos`."""

    model_config = ConfigDict(extra="forbid")

    text: Words | None = None
    photos: Photos = []


class _Saying(_Asked):
    text: Words


class _Timed(_Asked):
    """Attributes: limit, due_at: how long, or until when; at most one of them."""

    limit: LimitSent | None = None
    due_at: Moment | None = None

    @model_validator(mode="after")
    def _one_deadline(self) -> "_Timed":
        if self.limit is not None and self.due_at is not None:
            raise SpokenError("expected limit or due_at, not both")
        return self


class Dispatch(_Timed):
    """派遣: a unit has to handle it. Without limit and due_at, the table of deadlines says until when."""

    kind: Literal["dispatch"]
    unit: UnitName
    co_units: Annotated[list[UnitName], Field(max_length=20)] = []
    area_type: AreaType | None = None


class Handle(_Saying):
    """现场处置: handled on the spot, which closes it; with a photo that shows so."""

    kind: Literal["handle"]
    photos: Annotated[list[Id], Field(min_length=1, max_length=20)]


class Answer(_Saying):
    """处置反馈: the unit says what it did, with photos from after it."""

    kind: Literal["answer"]
    photos: Annotated[list[Id], Field(min_length=1, max_length=20)]


class Return(_Saying):
    """回退: the unit says why it is not its task."""

    kind: Literal["return"]


class Close(_Asked):
    """销号: checked and done. Before the unit has answered, say what was found, or show it."""

    kind: Literal["close"]


class Rework(_Timed):
    """返工: not accepted; text says why. The clock goes on, unless there is a new limit."""

    kind: Literal["rework"]
    text: Words


class AskExtension(_Timed):
    """申请延期: text says why. Without a limit, as long again as it was given first."""

    kind: Literal["ask_extension"]
    text: Words


class GrantExtension(_Timed):
    """批准延期. Without limit and due_at, what was asked for."""

    kind: Literal["grant_extension"]


class RefuseExtension(_Saying):
    """不批准延期."""

    kind: Literal["refuse_extension"]


class Pause(_Saying):
    """The clock stands still; text says why."""

    kind: Literal["pause"]


class Resume(_Asked):
    """The clock goes on; what was left of the limit is left."""

    kind: Literal["resume"]


class Shelve(_Saying):
    """挂账: cannot be handled now; text says why. The clock stands still."""

    kind: Literal["shelve"]
    until: date


class Unshelve(_Asked):
    """Taken up again."""

    kind: Literal["unshelve"]


class Appeal(_Saying):
    """申诉: the unit contests it."""

    kind: Literal["appeal"]


class UpholdAppeal(_Saying):
    """申诉成立: it counts against nobody. The issue itself goes on; drop it if it is none."""

    kind: Literal["uphold_appeal"]


class RefuseAppeal(_Saying):
    """申诉不成立."""

    kind: Literal["refuse_appeal"]


class LookBack(_Asked):
    """回头看: still in order."""

    kind: Literal["look_back"]


class Reopen(_Saying):
    """回头看 failed, or it was set aside wrongly: an issue again."""

    kind: Literal["reopen"]


class Drop(_Asked):
    """不予立案: no issue after all, for a reason of `GET /v1/issues/reasons`."""

    kind: Literal["drop"]
    reason: Annotated[str, AfterValidator(known(reasons))]

    @model_validator(mode="after")
    def _says_why(self) -> "Drop":
        require_text(reasons()[self.reason], self.text)
        return self


class Supervise(_Saying):
    """督办: an order of a colour."""

    kind: Literal["supervise"]
    colour: Colour


class EndSupervision(_Saying):
    """督办销号: the order is done with."""

    kind: Literal["end_supervision"]


class Keep(_Asked):
    """What was proposed by a later pass is not followed."""

    kind: Literal["keep"]


class Comment(_Asked):
    """Said, and nothing changed."""

    kind: Literal["comment"]

    @model_validator(mode="after")
    def _says_something(self) -> "Comment":
        if not self.text and not self.photos:
            raise SpokenError("expected text or photos")
        return self


Asked = Annotated[
    Dispatch | Handle | Answer | Return | Close | Rework | AskExtension | GrantExtension | RefuseExtension
    | Pause | Resume | Shelve | Unshelve | Appeal | UpholdAppeal | RefuseAppeal | LookBack | Reopen | Drop
    | Supervise | EndSupervision | Keep | Comment,
    Field(discriminator="kind"),
]  # fmt: skip


class PlaceSent(BaseModel):
    """Where it is: degrees in `crs`, one sigma in metres."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    crs: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    source: PositionSource = "map_pin"
    accuracy_m: Annotated[FiniteFloat, Field(gt=0, le=10_000)] | None = None


class DetectionSent(BaseModel):
    """What was tagged on a photo: the box that a person has accepted or drawn.

    Attributes:
        box_xyxy_px: pixels of the upright original.
        score: of the detector; None for a box that a person drew.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    frame_id: Id
    class_name: Annotated[Text, Field(max_length=60)] = Field(alias="class")
    box_xyxy_px: Box
    score: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _is_a_box(self) -> "DetectionSent":
        x1, y1, x2, y2 = self.box_xyxy_px
        if not (0 <= x1 < x2 and 0 <= y1 < y2):
            raise SpokenError("box_xyxy_px: expected 0 <= x1 < x2 and 0 <= y1 < y2")
        if self.class_name not in default_taxonomy():
            raise SpokenError("class: expected one of {names}", names=", ".join(default_taxonomy().names))
        return self


class CodeWanted(CodeSent):
    """Attributes: kind: of the table's lists, where a number stands in several."""

    kind: CodeKind | None = None


class IssueEntered(BaseModel):
    """An issue that a person has seen: what, where, and what shows it.

    Attributes:
        code: of any table of `GET /v1/codes`.
        condition: where the code has one; else it is `other`.
        position, or area (code or path) and place (in words): one of the two ways is needed.
        photos: ids of frames from `POST /v1/photos`.
        found_at: when it was seen; now if not given.
    """

    model_config = ConfigDict(extra="forbid")

    code: CodeWanted
    condition: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")] | None = None
    severity: Level | None = None
    position: PlaceSent | None = None
    area: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    area_type: AreaType | None = None
    place: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    description: Words | None = None
    photos: Photos = []
    detection: DetectionSent | None = None
    unit: UnitName | None = None
    found_at: Moment | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> "IssueEntered":
        if self.position is None and not (self.area and self.place):
            raise SpokenError("expected position, or area and place: where it is, in words")
        if self.condition not in (None, "other", *default_taxonomy().conditions):
            raise SpokenError(
                "condition: expected one of {names}", names=", ".join(default_taxonomy().conditions)
            )
        return self


class LimitShown(BaseModel):
    """Attributes: amount: minutes, or days for clocks of days; says: in words."""

    clock: str
    amount: int
    says: str

    @classmethod
    def of(cls, row: dict[str, Any] | None, language: Language) -> "LimitShown | None":
        limit = Limit.of(row) if row else None
        return cls(clock=limit.clock, amount=limit.amount, says=limit.say(language)) if limit else None


class IssueShown(BaseModel):
    """A confirmed candidate, and how far it has come.

    Attributes:
        number: of its day, as people quote it; unique with `district`, the outermost area.
        unit: who has to handle it (责任单位), where that is known.
        lon, lat: WGS-84 degrees.
        condition: `other` for what no condition names.
        place: where it is, in words.
        best_frame_id, best_box: where it is seen best; pixels of the upright original.
        due_at: None without a deadline; while the clock stands still, what it was when it stopped.
        overdue: the clock runs and the deadline has passed, or had when it was answered.
        paused: the clock stands still.
        extension: asked, while one is.
        appeal: open, upheld or refused.
        proposal: what a later pass suggests; `proposed_because` says why.
        version: of `If-Match`.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    number: str
    district: str
    candidate_id: str
    source: str
    state: State
    area_path: str | None
    area_type: str | None
    condition: str
    class_name: str | None = Field(alias="class")
    code: dict[str, Any] | None
    severity: str | None
    unit: str | None
    lon: float | None
    lat: float | None
    place: str | None
    description: str | None
    best_frame_id: str | None
    best_box: Box | None
    confirmed_at: datetime
    confirmed_by: str
    dispatched_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    closed_how: str | None
    looked_back_at: datetime | None
    clock_limit: dict[str, Any] | None
    due_at: datetime | None
    overdue: bool
    paused: bool
    extension: str | None
    extensions: int
    appeal: str | None
    shelved_until: date | None
    reworks: int
    reopenings: int
    supervision: Colour | None
    proposal: Proposal | None
    proposed_because: dict[str, Any] | None
    proposed_at: datetime | None
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, issue: Issue) -> "IssueShown":
        return cls.model_validate(fields_of(issue))


class IssuePage(BaseModel):
    """Issues, newest first or by deadline; `next_cursor` leads on, None at the end."""

    items: list[IssueShown]
    next_cursor: str | None


class PhotoShown(BaseModel):
    """A photo of an act; its picture is at `/v1/frames/{frame_id}/photo`.

    Attributes:
        act: kind of the act that it came with.
        distance_m: from the place that the issue shows.
        warning: far, no_position or no_place; `says` it in words.
    """

    frame_id: str
    act_id: str
    act: str
    at: datetime
    taken_at: datetime | None
    lon: float | None
    lat: float | None
    position_source: str | None
    distance_m: float | None
    warning: str | None
    says: str | None


class SupervisionShown(BaseModel):
    """A supervision order (督办单), with all that a printed one says of itself."""

    id: str
    issue_id: str
    number: str
    colour: Colour
    step: str | None
    text: str
    unit: str | None
    due_at: datetime | None
    issued_by: str
    issued_at: datetime
    ended_at: datetime | None
    ended_text: str | None

    @classmethod
    def of(cls, row: Supervision) -> "SupervisionShown":
        shown = {name: getattr(row, name) for name in cls.model_fields if name != "issued_at"}
        return cls.model_validate({**shown, "issued_at": row.created_at})


class SupervisionPage(BaseModel):
    """Orders, newest first; `next_cursor` leads on, None at the end."""

    items: list[SupervisionShown]
    next_cursor: str | None


class KindShown(BaseModel):
    """An act that is possible now, with its name for a button."""

    kind: Kind
    label: str


class PlaceNamed(BaseModel):
    """A place that an issue lies in, as it was when the thing was found; see `/v1/places/{kind}/{code}`."""

    id: str
    kind: str
    code: str
    name: str
    grade: str | None
    unit: str | None


class IssueDetail(IssueShown):
    """An issue with what hangs on it, for who asks.

    Attributes:
        places: by kind and code; groups: where it belongs in each grouping.
        co_units: units that co-operate.
        limit: `clock_limit` in words.
        possible: acts that who asks can do now.
        photos: of its acts, the first one first.
        supervisions: orders, the first one first.
    """

    places: list[PlaceNamed]
    groups: list[GroupShown]
    co_units: list[str]
    limit: LimitShown | None
    possible: list[KindShown]
    photos: list[PhotoShown]
    supervisions: list[SupervisionShown]


class ActShown(BaseModel):
    """Something of the timeline.

    Attributes:
        what: act, decision (of the candidate) or recheck (what a later pass has seen there).
        label: kind, in words.
        details: what was asked for, or the probabilities of a re-check.
        before, after: what changed of the issue, or of the candidate.
    """

    id: str
    at: datetime
    what: Literal["act", "decision", "recheck"]
    kind: str
    label: str
    by: str | None
    role: str | None
    unit: str | None
    reason: str | None
    reason_text: str | None
    text: str | None
    details: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    photos: list[PhotoShown]


class ActMade(BaseModel):
    """An act, and the issue as it is by it.

    Attributes:
        warnings: what is odd about its photos, in words; nothing was refused for it.
    """

    act: ActShown
    issue: IssueDetail
    warnings: list[str]


class SimilarShown(BaseModel):
    """Something open nearby that may be the same.

    Attributes:
        what: issue, or candidate: a lead that nobody has confirmed.
        same_code: whether it has the code that was asked for.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    what: Literal["issue", "candidate"]
    id: str
    number: str | None
    state: str
    distance_m: float
    condition: str
    class_name: str | None = Field(alias="class")
    code: dict[str, Any] | None
    same_code: bool
    description: str | None
    best_frame_id: str | None
    since: datetime


class IssueMade(BaseModel):
    """The issue that was entered, and what was open nearby already."""

    issue: IssueDetail
    similar: list[SimilarShown]
    warnings: list[str]


class IssueCounts(BaseModel):
    """How many there are, by what badges show.

    Attributes:
        states: all states, zeros included.
        overdue, extension_asked, appeal_open, proposed, to_look_again: of the open ones; to_look_again:
            shelved, and the day has come.
        supervision: by colour, of orders in force.
    """

    total: int
    states: dict[State, int]
    overdue: int
    extension_asked: int
    appeal_open: int
    proposed: int
    to_look_again: int
    supervision: dict[Colour, int]


class ReasonShown(BaseModel):
    code: str
    text: str
    needs_text: bool


def fields_of(issue: Issue) -> dict[str, Any]:
    """What `IssueShown` has, by name."""
    computed = {"class_name", "overdue", "paused"}
    plain = {name: getattr(issue, name) for name in IssueShown.model_fields if name not in computed}
    return {**plain, "class": issue.class_name, "overdue": is_overdue(issue), "paused": is_paused(issue)}


def is_paused(issue: Issue) -> bool:
    return issue.state in RUNNING and issue.paused_at is not None


def is_overdue(issue: Issue) -> bool:
    """Whether the clock has passed the deadline; where it stands still, whether it had."""
    if issue.due_at is None or issue.state not in (*RUNNING, "to_check", "shelved"):
        return False
    return issue.due_at < (issue.paused_at or now())


def photo_shown(photo: IssuePhoto, act: str, says: str | None) -> PhotoShown:
    """A photo of an act, its warning in words."""
    plain = {name: getattr(photo, name) for name in PHOTO_FACTS}
    return PhotoShown(**plain, act=act, at=photo.created_at, says=says)
