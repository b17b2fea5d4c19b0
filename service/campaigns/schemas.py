"""What is asked and shown of campaigns, but for their ledger."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streetsight.models.language import SpokenError
from streetsight.service.areas.reading import Kind as AreaKind
from streetsight.service.campaigns.phases import PhaseSent, require_order
from streetsight.service.campaigns.states import Kind, State, possible
from streetsight.service.campaigns.tables import Campaign, CampaignCheck, CampaignPlace
from streetsight.service.dependencies import Id, Text
from streetsight.service.issues.schemas import Photos, UnitName, Words
from streetsight.service.issues.subsets import SubsetSent, Word
from streetsight.service.moments import Moment

Reason = Annotated[Text, Field(min_length=1, max_length=500)]
IssueName = Annotated[str, Field(pattern=r"^[0-9a-f-]{15,36}$")]
Outcome = Literal["in_order", "found"]
CampaignKind = Literal["campaign", "sweep"]
MANY = 5000


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SelectionSent(_Sent):
    """Which places, as the registers have them; those of the campaign's area alone are taken.

    Attributes:
        codes: of registered places; `market:M01` where several kinds have a code.
        kinds: all registered places of these kinds.
        areas: codes of areas; area_kinds: all areas of these kinds.
    """

    codes: Annotated[list[Word], Field(max_length=MANY)] = []
    kinds: Annotated[list[Word], Field(max_length=50)] = []
    areas: Annotated[list[Word], Field(max_length=MANY)] = []
    area_kinds: Annotated[list[AreaKind], Field(max_length=10)] = []

    @model_validator(mode="after")
    def _some(self) -> "SelectionSent":
        if not (self.codes or self.kinds or self.areas or self.area_kinds):
            raise SpokenError("expected some of codes, kinds, areas and area_kinds")
        return self


class CampaignSent(_Sent):
    """A campaign as it is written down.

    Attributes:
        kind: sweep: every place has to be looked at before it ends.
        area: path or code; None for the whole city.
        phases: one after the other; `GET /v1/campaigns/templates` proposes some.
        lead, co_units: 牵头单位 and 配合单位.
    """

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    kind: CampaignKind = "campaign"
    purpose: Words | None = None
    area: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    phases: Annotated[list[PhaseSent], Field(min_length=1, max_length=20)]
    subset: SubsetSent = SubsetSent()
    places: SelectionSent
    lead: UnitName
    co_units: Annotated[list[UnitName], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _fits(self) -> "CampaignSent":
        require_order(self.phases)
        if self.lead in self.co_units:
            raise SpokenError("co_units: {lead} leads already", lead=self.lead)
        return self


class Start(_Sent):
    """开始: places are fixed as they are now."""

    kind: Literal["start"]
    text: Words | None = None


class AddPlaces(_Sent):
    """Places that come later."""

    kind: Literal["add_places"]
    places: SelectionSent
    reason: Reason


class RemovePlace(_Sent):
    """A place that counts no more; what was checked there stays written down."""

    kind: Literal["remove_place"]
    place_id: Id
    reason: Reason


class AddIssue(_Sent):
    """A line that place, day or class would not have brought."""

    kind: Literal["add_issue"]
    issue: IssueName
    place_id: Id | None = None
    reason: Reason


class RemoveIssue(_Sent):
    """A line that does not belong here."""

    kind: Literal["remove_issue"]
    issue: IssueName
    reason: Reason


class Transfer(_Sent):
    """案件移交: a line is handed over to a department that this system does not know.

    Attributes:
        reference: number of the letter; witness: who took part (互为见证).
    """

    kind: Literal["transfer"]
    issue: IssueName
    department: UnitName
    reference: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    witness: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    text: Words


class LeftOver(_Sent):
    """A line that is not struck at the end, and why."""

    issue: IssueName
    reason: Reason


class End(_Sent):
    """结束: all lines are struck, handed over, or left over with a reason each.

    Attributes:
        unseen_reason: of a sweep, why places were not looked at.
    """

    kind: Literal["end"]
    text: Words
    left_over: Annotated[list[LeftOver], Field(max_length=MANY)] = []
    unseen_reason: Reason | None = None


Asked = Annotated[
    Start | AddPlaces | RemovePlace | AddIssue | RemoveIssue | Transfer | End, Field(discriminator="kind")
]


class CheckSent(_Sent):
    """A look at a place.

    Attributes:
        outcome: in_order: looked at, nothing found; found: issues were found, which are entered as such.
        photos: ids of frames, from `POST /v1/photos`.
        at: when; now if not given.
    """

    place_id: Id
    outcome: Outcome
    text: Words | None = None
    photos: Photos = []
    at: Moment | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> "CheckSent":
        if self.outcome == "in_order" and not self.photos and not self.text:
            raise SpokenError("in_order: show it by a photo, or say what was looked at in text")
        return self


class CampaignShown(BaseModel):
    """A campaign.

    Attributes:
        phase: name of the phase that today is in; None between and outside of them.
        possible: acts that its state allows.
        closing: how it ended; None before.
    """

    id: str
    name: str
    kind: CampaignKind
    purpose: str | None
    state: State
    area_path: str | None
    phases: list[PhaseSent]
    first: date
    last: date
    phase: str | None
    subset: SubsetSent
    places: SelectionSent
    lead: str
    co_units: list[str]
    made_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    closing: dict[str, Any] | None
    possible: list[Kind]
    version: int

    @classmethod
    def of(cls, row: Campaign, units: list[tuple[str, bool]], today: date) -> "CampaignShown":
        """`units`: name, and whether it leads."""
        computed = {"places", "lead", "co_units", "phase", "possible"}
        plain = {name: getattr(row, name) for name in cls.model_fields if name not in computed}
        now_in = (each["name"] for each in row.phases if each["first"] <= str(today) <= each["last"])
        return cls.model_validate(
            {
                **plain,
                "places": row.selection,
                "lead": next(name for name, leads in units if leads),
                "co_units": [name for name, leads in units if not leads],
                "phase": next(now_in, None),
                "possible": possible(row.state),
            }
        )


class CampaignPage(BaseModel):
    """Campaigns, newest first; `next_cursor` leads on, None at the end."""

    items: list[CampaignShown]
    next_cursor: str | None


class PlaceShown(BaseModel):
    """A place of a campaign. Attributes: id: None in a draft, whose places are not fixed yet."""

    id: str | None
    source: Literal["area", "place"]
    code: str
    name: str
    kind: str
    lon: float
    lat: float
    geometry: dict[str, Any] | None
    area_path: str | None
    unit: str | None
    added_by: str | None
    reason: str | None
    removed_at: datetime | None
    removed_by: str | None
    removed_reason: str | None

    @classmethod
    def of(cls, row: CampaignPlace, outlines: bool) -> "PlaceShown":
        shown = {name: getattr(row, name) for name in cls.model_fields}
        return cls.model_validate(shown if outlines else {**shown, "geometry": None})


class PlacePage(BaseModel):
    """Places; `next_cursor` leads on, None at the end. A draft shows what would be fixed now, at once."""

    items: list[PlaceShown]
    next_cursor: str | None


class CheckShown(BaseModel):
    """A look at a place. Attributes: counts: it was on a day of a phase that counts."""

    id: str
    place_id: str
    outcome: Outcome
    at: datetime
    counts: bool
    by: str
    unit: str | None
    text: str | None
    photos: list[str]

    @classmethod
    def of(cls, row: CampaignCheck) -> "CheckShown":
        return cls(
            id=row.id, place_id=row.place_id, outcome=row.outcome, at=row.at, counts=row.counts,  # type: ignore[arg-type]
            by=row.actor_name, unit=row.unit, text=row.text, photos=row.frame_ids,
        )  # fmt: skip


class CheckPage(BaseModel):
    """Looks, newest first; `next_cursor` leads on, None at the end."""

    items: list[CheckShown]
    next_cursor: str | None
