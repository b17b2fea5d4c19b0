"""HTTP: photos that people upload, to enter issues with and to answer tasks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError
from streetsight.service.auth.access import PhotoTaker
from streetsight.service.dependencies import Server, Text
from streetsight.service.errors import code_of
from streetsight.service.frames.schemas import read_metadata
from streetsight.service.frames.uploads import PHOTO, Form, body_schema, one_form, require_room
from streetsight.service.metrics import UPLOADED_BYTES, UPLOADS
from streetsight.service.photos.service import bring
from streetsight.service.store.database import spoken
from streetsight.service.store.types import with_offset

router = APIRouter(prefix="/v1/photos", tags=["photos"])

Key = Annotated[Text | None, Header(alias="Idempotency-Key", min_length=1, max_length=160)]


class PhotoReceipt(BaseModel):
    """The photo is on the disk and will be looked at.

    Attributes:
        id: of the frame; its picture is at `/v1/frames/{id}/photo`.
        outcome: duplicate when the same bytes were here before; then what was said first stands.
        position: with its source: exif, browser or map_pin; None when nobody knows.
    """

    id: str
    sha256: str
    outcome: Literal["accepted", "duplicate"]
    received_at: datetime
    taken_at: datetime | None
    position: dict[str, Any] | None
    area_path: str | None


async def photo_of_person(request: Request, server: Server, _actor: PhotoTaker) -> Any:
    """Dependency: a form with one file `photo`, and `metadata` as JSON; read only for who may upload."""
    await require_room(server)
    with server.uploads.entered():
        async with one_form(request, server) as form:
            yield form


@router.post(
    "",
    status_code=201,
    responses={200: {"description": "It was here before."}, 409: {"description": "The key is taken."}},
    openapi_extra=body_schema(PHOTO, many=False),
)
def upload_photo(
    server: Server, actor: PhotoTaker, form: Annotated[Form, Depends(photo_of_person)], response: Response,
    key: Key = None,
) -> PhotoReceipt:  # fmt: skip
    """Upload one photo that one has taken. Its position is said in the metadata, or in the EXIF."""
    try:
        photo = form.photos[0].file.read()
        brought = bring(server, actor, photo, read_metadata(form.metadata), key)
    except (SpokenError, SQLAlchemyError) as error:
        UPLOADS.labels(code_of(spoken(error))).inc()
        raise
    accepted, frame = brought.accepted, brought.frame
    UPLOADS.labels(accepted.outcome).inc()
    if accepted.new:
        UPLOADED_BYTES.inc(len(photo))
    response.status_code = 201 if accepted.new else 200
    response.headers["Location"] = f"/v1/frames/{accepted.id}"
    return PhotoReceipt(
        id=accepted.id, sha256=accepted.sha256, outcome=accepted.outcome, received_at=accepted.received_at,
        taken_at=with_offset(frame.taken_at, frame.taken_offset_minutes), position=frame.position,
        area_path=frame.area_path,
    )  # fmt: skip
