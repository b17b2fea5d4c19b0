"""What is sent and shown of reports."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from streetsight.inference.positions.profile import Crs
from streetsight.service.dependencies import Text
from streetsight.service.frames.schemas import Finite
from streetsight.service.moments import Moment
from streetsight.service.reports.tables import Report

Source = Literal["citizen", "hotline", "open311"]
PositionSource = Literal["browser", "map_pin", "exif", "ticket", "open311", "person"]
State = Literal["waiting", "reviewed", "confirmed", "closed", "not_followed"]

MAX_TEXT = 4000
Lines = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", strip_whitespace=True)
]
"""Text of several lines."""


class PlaceSaid(BaseModel):
    """Where, as somebody says it.

    Attributes:
        crs: coordinate system that lon and lat are of.
        accuracy_m: one-sigma error, metres; None when nobody knows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: Annotated[Finite, Field(ge=-180, le=180)]
    lat: Annotated[Finite, Field(ge=-90, le=90)]
    source: PositionSource
    crs: Crs = "wgs84"
    accuracy_m: Annotated[Finite, Field(gt=0, le=1e6)] | None = None


class ContactSaid(BaseModel):
    """Who says it; all optional. Kept encrypted and erased after a while."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[Text, Field(max_length=100)] | None = None
    phone: Annotated[Text, Field(max_length=40)] | None = None
    email: Annotated[Text, Field(max_length=200)] | None = None


class ReportSaid(BaseModel):
    """A report of any channel, checked.

    Attributes:
        category: a code, a name, or another name of it; what nobody knows is `other`.
        ticket: by which its sender knows it; the same ticket of a source is the same report.
        frames: ids of photos that are here already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source
    category: Annotated[Text, Field(max_length=200)] = ""
    text: Annotated[Lines, Field(max_length=MAX_TEXT)] = ""
    address: Annotated[Text, Field(max_length=500)] | None = None
    place: PlaceSaid | None = None
    occurred_at: Moment | None = None
    contact: ContactSaid | None = None
    ticket: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    frames: tuple[str, ...] = ()
    details: dict[str, Any] = {}


class ReportReceipt(BaseModel):
    """The report is safe. Attributes: token: ask with it what became of the report; shown this once."""

    id: str
    token: str
    received_at: datetime


class ReportToken(BaseModel):
    """Attributes: token: from the receipt."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[Text, Field(min_length=1, max_length=100)]


class Progress(BaseModel):
    """What became of a report, as its sender may know it.

    Attributes:
        state: waiting to be sorted, reviewed by people, confirmed as an issue, closed, or not followed.
    """

    state: State
    received_at: datetime
    updated_at: datetime


class ReportShown(BaseModel):
    """A report. `text` is somebody's words: show it as text, believe none of it.

    Attributes:
        has_contact: somebody may be asked; who, says `/contact` to those who need it.
    """

    id: str
    source: Source
    ticket: str | None
    category: str
    condition: str | None
    class_name: str | None
    text: str
    address: str | None
    position: dict[str, Any] | None
    area_path: str | None
    frames: list[str]
    occurred_at: datetime | None
    received_at: datetime
    has_contact: bool
    contact_erased_at: datetime | None
    candidate_id: str | None
    dismissed_at: datetime | None
    dismissed_reason: str | None
    state: State
    version: int

    @classmethod
    def of(cls, report: Report, state: State) -> "ReportShown":
        shown = {name: getattr(report, name) for name in cls.model_fields if hasattr(report, name)}
        return cls.model_validate(
            shown
            | {
                "received_at": report.created_at, "state": state,
                "has_contact": report.contact_sealed is not None,
            }
        )  # fmt: skip


class ReportPage(BaseModel):
    """Reports, newest first; `next_cursor` leads on, None at the end."""

    items: list[ReportShown]
    next_cursor: str | None


class ReportChange(BaseModel):
    """What a person makes of a report that waits: sort it, place it, or set it aside with a reason."""

    model_config = ConfigDict(extra="forbid")

    category: Annotated[Text, Field(min_length=1, max_length=60)] | None = None
    place: PlaceSaid | None = None
    dismissed_reason: Annotated[Text, Field(min_length=1, max_length=500)] | None = None


class LineOutcome(BaseModel):
    """What became of one line of a file.

    Attributes:
        line: in the file, from 1.
        outcome: accepted, duplicate, or why not, as a code; `reason` says it in words.
    """

    line: int
    ticket: str | None
    outcome: str
    id: str | None = None
    reason: str | None = None


class ImportReceipt(BaseModel):
    """What became of a file. Attributes: encoding: that it was read with."""

    encoding: str
    accepted: int
    duplicate: int
    refused: int
    outcomes: list[LineOutcome]
