"""Multipart bodies: read only for a device that may upload, and only as far as the limits go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from streetsight.service.auth.access import Asker
from streetsight.service.dependencies import Server
from streetsight.service.devices.access import Uploader
from streetsight.service.faults import Busy, Invalid
from streetsight.service.resources import Resources

PHOTO, PHOTOS, METADATA = "photo", "photos", "metadata"
QUEUE_RETRY_SECONDS = 30.0


class BadForm(Invalid):
    """The body has not the parts that are expected."""

    code = "bad_form"


class QueueFull(Busy):
    """Too many frames wait for detection."""

    code = "queue_full"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Attributes: photos: one or more files; metadata: JSON text, None when none was sent."""

    photos: list[UploadFile]
    metadata: str | bytes | None


async def room_in_queue(server: Server, _device: Uploader) -> None:
    """Dependency: as `require_room`, for a device that may upload."""
    await require_room(server)


async def require_room(server: Resources) -> None:
    """Not so many frames wait for detection that one more would be a false promise.

    Raises:
        QueueFull: with the time after which to come again.
    """
    limit = server.settings.max_queued_frames
    if server.backlog.is_old():
        await anyio.to_thread.run_sync(server.backlog.count)
    if server.backlog.size >= limit:
        raise QueueFull(
            "{limit} frames wait for detection; send again later, or start more workers",
            limit=limit, retry_after_seconds=QUEUE_RETRY_SECONDS,
        )  # fmt: skip


Room = Annotated[None, Depends(room_in_queue)]


async def one_photo(request: Request, server: Server, _room: Room) -> AsyncIterator[Form]:
    """Dependency: a form with one file `photo`, and `metadata` as JSON."""
    with server.uploads.entered():
        async with one_form(request, server) as form:
            yield form


@asynccontextmanager
async def one_form(request: Request, server: Resources) -> AsyncIterator[Form]:
    """A form with one file `photo`, and `metadata`. Raises BadForm."""
    async with _limited_form(request, server, photos=1) as form:
        yield await _parts(form, PHOTO)


async def many_photos(request: Request, server: Server, _room: Room) -> AsyncIterator[Form]:
    """Dependency: a form with files `photos`, and `metadata` as a JSON list in their order."""
    with server.uploads.entered():
        async with _limited_form(request, server, server.settings.max_batch_photos) as form:
            yield await _parts(form, PHOTOS)


async def passing_photo(request: Request, server: Server, _actor: Asker) -> AsyncIterator[Form]:
    """Dependency: a form with one file `photo` that is looked at and forgotten."""
    with server.looks.entered():
        async with one_form(request, server) as form:
            yield form


OnePhoto = Annotated[Form, Depends(one_photo)]
ManyPhotos = Annotated[Form, Depends(many_photos)]
PassingPhoto = Annotated[Form, Depends(passing_photo)]


def _limited_form(request: Request, server: Resources, photos: int) -> Any:
    # one file more than photos: the metadata may come as a file as well
    return request.form(max_files=photos + 1, max_fields=4, max_part_size=int(server.settings.max_json_bytes))


async def _parts(form: FormData, name: str) -> Form:
    photos = [each for each in form.getlist(name) if isinstance(each, UploadFile)]
    unknown = sorted(set(form.keys()) - {name, METADATA})
    if not photos or unknown or (name == PHOTO and len(photos) > 1):
        raise BadForm(
            "expected multipart/form-data with the file part {name} and the JSON part metadata; got {parts}",
            name=name, parts=", ".join(form.keys()) or "none",
        )  # fmt: skip
    metadata = form.get(METADATA)
    return Form(photos, await metadata.read() if isinstance(metadata, UploadFile) else metadata)


def body_schema(name: str, many: bool) -> dict[str, Any]:
    """What OpenAPI says of such a body."""
    photo: dict[str, Any] = {"type": "string", "format": "binary"}
    part = {"type": "array", "items": photo} if many else photo
    metadata = {"type": "string", "description": "JSON: MetadataSent" + (", as a list" if many else "")}
    schema = {"type": "object", "required": [name], "properties": {name: part, METADATA: metadata}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
