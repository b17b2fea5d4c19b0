"""HTTP: upload frames, read them and what was found on them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response, Security
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import UploadFile

from streetsight.inference.pipeline import in_order
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.auth.access import Observer, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Cursor, Id, Limit, Server, Text
from streetsight.service.devices.access import Uploader
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.errors import code_of, language_of, status_of
from streetsight.service.frames import service
from streetsight.service.frames.intake import Accepted, take_in
from streetsight.service.frames.schemas import (
    BatchOutcome,
    BatchReceipt,
    FramePage,
    FrameShown,
    Receipt,
    read_metadata,
    split_metadata,
)
from streetsight.service.frames.uploads import PHOTO, PHOTOS, ManyPhotos, OnePhoto, body_schema
from streetsight.service.metrics import UPLOADED_BYTES, UPLOADS
from streetsight.service.moments import Bound
from streetsight.service.privacy.photos import OWN, original, redacted
from streetsight.service.privacy.publishing import Size
from streetsight.service.privacy.service import frame_for
from streetsight.service.resources import Resources
from streetsight.service.store.database import spoken

router = APIRouter(prefix="/v1/frames", tags=["frames"])

PhotoReader = Annotated[Actor, Security(allowed(Permission.READ, Permission.READ_TASKS, device="read"))]
SIDE_BY_SIDE = 4  # photos of a batch

Key = Annotated[Text | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


@router.post(
    "",
    status_code=201,
    responses={200: {"description": "It was seen before."}, 409: {"description": "The key is taken."}},
    openapi_extra=body_schema(PHOTO, many=False),
)
def upload(server: Server, device: Uploader, form: OnePhoto, response: Response, key: Key = None) -> Receipt:
    """Upload one photo. 2xx means that bytes and row survive a power cut; send again until you see one."""
    try:
        photo, metadata = form.photos[0].file.read(), read_metadata(form.metadata)
        accepted = take_in(server, device, photo, metadata, key)
    except (SpokenError, SQLAlchemyError) as error:
        UPLOADS.labels(code_of(spoken(error))).inc()
        raise
    _count(accepted, len(photo))
    response.status_code = 201 if accepted.new else 200
    response.headers["Location"] = f"/v1/frames/{accepted.id}"
    return Receipt(
        id=accepted.id, sha256=accepted.sha256, outcome=accepted.outcome, received_at=accepted.received_at
    )


@router.post("/batch", openapi_extra=body_schema(PHOTOS, many=True))
def upload_batch(server: Server, device: Uploader, form: ManyPhotos, request: Request) -> BatchReceipt:
    """Upload photos together. Each has an outcome of its own; one that is refused costs no other."""
    described = split_metadata(form.metadata, len(form.photos))

    def one(part: tuple[UploadFile, bytes | None]) -> BatchOutcome:
        return _take_one(server, device, *part, language_of(request))

    # Side by side, so that their rows share commits.
    return BatchReceipt(outcomes=[*in_order(one, zip(form.photos, described, strict=True), SIDE_BY_SIDE)])


def _take_one(
    server: Resources, device: DeviceAccess, photo: UploadFile, metadata: bytes | None, language: Language
) -> BatchOutcome:
    try:
        content = photo.file.read()
        accepted = take_in(server, device, content, read_metadata(metadata), key=None)
    except (SpokenError, SQLAlchemyError) as caught:
        error = spoken(caught)
        UPLOADS.labels(code_of(error)).inc()
        return BatchOutcome(
            name=photo.filename, status=status_of(error), outcome=code_of(error), reason=error.say(language)
        )
    _count(accepted, len(content))
    return BatchOutcome(
        name=photo.filename, status=201 if accepted.new else 200, outcome=accepted.outcome,
        id=accepted.id, sha256=accepted.sha256,
    )  # fmt: skip


@router.get("")
def list_frames(
    server: Server,
    actor: Observer,
    limit: Limit = 50,
    cursor: Cursor = None,
    patrol_id: Id | None = None,
    state: Literal["queued", "detected", "failed"] | None = None,
    class_name: Annotated[str | None, Query(alias="class", pattern="^[a-z_]{1,60}$")] = None,
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    taken_from: Bound | None = None,
    taken_before: Bound | None = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north; WGS-84 degrees")] = None,
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area.")] = None,
    device_id: Id | None = None,
) -> FramePage:
    """Frames of the device that asks, or in the areas of the person, newest first."""
    filters = service.Filters(
        patrol_id, state, class_name, min_score, taken_from, taken_before, service.parse_bounds(bbox),
        area, device_id,
    )  # fmt: skip
    with server.database.read() as session:
        found = service.list_frames(session, actor, filters, limit, cursor)
        return FramePage(items=service.shown(session, found.items), next_cursor=found.next_cursor)


@router.get("/{frame_id}")
def read_frame(server: Server, actor: Observer, frame_id: Id) -> FrameShown:
    """One frame, and what was found on it."""
    with server.database.read() as session:
        return service.shown(session, [service.find_frame(session, actor, frame_id)])[0]


@router.get("/{frame_id}/photo", response_class=Response)
def read_photo(
    server: Server,
    actor: PhotoReader,
    frame_id: Id,
    request: Request,
    size: Annotated[Size, Query(description="Of a person's copy: longest side in pixels.")] = "full",
    box: Annotated[str | None, Query(description="left,top,right,bottom in pixels of the original")] = None,
) -> Response:
    """For people a copy on which plates and heads are covered; for devices the original that they sent."""
    with server.database.read() as session:
        frame = frame_for(session, actor, frame_id, server.settings)
    if actor.kind == "device":
        return original(server, frame, OWN)
    return redacted(server.publisher, frame, size, box, request)


def _count(accepted: Accepted, size_bytes: int) -> None:
    UPLOADS.labels(accepted.outcome).inc()
    if accepted.new:
        UPLOADED_BYTES.inc(size_bytes)
