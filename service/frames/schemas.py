"""What is sent and shown of frames."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from streetsight.models.frame import PositionSource
from streetsight.service.dependencies import Id, Text
from streetsight.service.detections.schemas import ResultShown
from streetsight.service.faults import Invalid
from streetsight.service.frames.tables import Frame
from streetsight.service.moments import Moment
from streetsight.service.store.types import with_offset

Value = TypeVar("Value")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class InvalidMetadata(Invalid):
    """The metadata of a photo cannot be understood."""

    code = "invalid_metadata"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PositionSent(_Strict):
    """Where the camera was, as in `models.frame.Position`: WGS-84, metres, degrees from true north."""

    lon: Annotated[Finite, Field(ge=-180, le=180)]
    lat: Annotated[Finite, Field(ge=-90, le=90)]
    source: PositionSource = "device"
    accuracy_m: Annotated[Finite, Field(gt=0, le=1e6)] | None = None
    heading_deg: Annotated[Finite, Field(ge=0, lt=360)] | None = None
    altitude_m: Annotated[Finite, Field(ge=-1e4, le=1e5)] | None = None


class MetadataSent(_Strict):
    """What a device says of a photo; all optional, none guessed. What it says goes before the file's EXIF.

    Attributes:
        name: of the file.
        sha256: of its bytes; checked, so that a copy damaged on the way is refused.
        patrol_id: from POST /v1/patrols.
        taken_at: with an offset from UTC.
        clock_offset_s: the device's clock minus the server's, as it last measured; kept, never applied here.
    """

    name: Annotated[Text, Field(max_length=255)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    patrol_id: Id | None = None
    taken_at: Moment | None = None
    position: PositionSent | None = None
    camera: Annotated[Text, Field(max_length=200)] | None = None
    gps_time: Moment | None = None
    course_deg: Annotated[Finite, Field(ge=0, lt=360)] | None = None
    speed_mps: Annotated[Finite, Field(ge=0, le=150)] | None = None
    dop: Annotated[Finite, Field(gt=0, le=1000)] | None = None
    clock_offset_s: Annotated[Finite, Field(ge=-1e10, le=1e10)] | None = None


_ONE = TypeAdapter(MetadataSent)
_MANY = TypeAdapter(list[Any])


def read_metadata(text: str | bytes | None) -> MetadataSent:
    """Metadata of one photo. Raises InvalidMetadata, naming each field."""
    return _read(_ONE, text) if text else MetadataSent()


def split_metadata(text: str | bytes | None, count: int) -> Sequence[bytes | None]:
    """Metadata of each of `count` photos, as JSON not looked into yet. Raises InvalidMetadata."""
    if not text:
        return [None] * count
    many = _read(_MANY, text)
    if len(many) != count:
        raise InvalidMetadata(
            "{count} photos came with metadata of {described}; send a list with one object per photo",
            count=count, described=len(many),
        )  # fmt: skip
    return [to_json(each) for each in many]


def _read(adapter: TypeAdapter[Value], text: str | bytes) -> Value:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'metadata'}: {each['msg']}" for each in error.errors()[:10]
        )
        raise InvalidMetadata("the metadata cannot be used: {problems}", problems=problems) from error


class Receipt(BaseModel):
    """The photo is on the disk and will be looked at. `duplicate`: it was before."""

    id: str
    sha256: str
    outcome: Literal["accepted", "duplicate"]
    received_at: datetime


class BatchOutcome(BaseModel):
    """What became of one photo of a batch.

    Attributes:
        status: what it would have been answered alone.
        outcome: accepted, duplicate, or why not, as a code; `reason` says it in words.
    """

    name: str | None
    status: int
    outcome: str
    id: str | None = None
    sha256: str | None = None
    reason: str | None = None


class BatchReceipt(BaseModel):
    """One outcome per photo, in their order."""

    outcomes: list[BatchOutcome]


class FrameShown(BaseModel):
    """A frame, and what the release in force found on it."""

    id: str
    sha256: str
    name: str | None
    media_type: str
    size_bytes: int
    device_id: str
    patrol_id: str | None
    state: Literal["queued", "detected", "failed"]
    late: bool
    received_at: datetime
    taken_at: datetime | None
    position: dict[str, Any] | None
    area_path: str | None
    result: ResultShown | None

    @classmethod
    def of(cls, frame: Frame, result: ResultShown | None) -> "FrameShown":
        return cls(
            id=frame.id, sha256=frame.sha256, name=frame.name, media_type=frame.media_type,
            size_bytes=frame.size_bytes, device_id=frame.device_id, patrol_id=frame.patrol_id,
            state=frame.state, late=frame.late, received_at=frame.created_at,  # type: ignore[arg-type]
            taken_at=with_offset(frame.taken_at, frame.taken_offset_minutes), position=frame.position,
            area_path=frame.area_path, result=result,
        )  # fmt: skip


class FramePage(BaseModel):
    """Frames, newest first; `next_cursor` leads on, None at the end."""

    items: list[FrameShown]
    next_cursor: str | None
