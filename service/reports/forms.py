"""Multipart bodies of reports: read only while the public may report, and only as far as the limits go."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from streetsight.models.validation import Faults
from streetsight.service.dependencies import Server
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.frames.uploads import PHOTO
from streetsight.service.reports.limits import count_public
from streetsight.service.reports.schemas import ReportSaid, Source
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import open_sealer

MAX_PHOTOS, MAX_FIELDS, MAX_FIELD_BYTES = 3, 40, 64 * 1024
PLACE = ("lon", "lat", "crs", "accuracy_m")
CONTACT = {"contact_name": "name", "contact_phone": "phone", "contact_email": "email"}


class NotPublic(NotFound):
    """The public may not report here."""

    code = "not_public"


class BadReport(Invalid):
    """A report with a field that cannot be used."""

    code = "bad_report"


class TooManyPhotos(Invalid):
    """More photos than one report may have."""

    code = "too_many_photos"


@dataclass(frozen=True, slots=True, eq=False)
class ReportForm:
    """Attributes: fields: texts by name, without those that are empty; photos: bytes."""

    fields: Mapping[str, str]
    photos: tuple[bytes, ...]


async def open_to_all(server: Server) -> None:
    """Dependency: the public may report. Raises NotPublic."""
    if not server.settings.public_reports:
        raise NotPublic("this server takes no public reports; STREETSIGHT_PUBLIC_REPORTS turns them on")


async def public_form(
    request: Request, server: Server, _open: Annotated[None, Depends(open_to_all)]
) -> AsyncIterator[ReportForm]:
    """Dependency: the form of somebody who has not sent too many. Raises NotPublic, TooManyReports."""
    address = request.client.host if request.client else "unknown"
    await anyio.to_thread.run_sync(count_public, server, open_sealer(server.settings), address)
    async with read_form(request, server) as form:
        yield form


PublicForm = Annotated[ReportForm, Depends(public_form)]
OpenToAll = Annotated[None, Depends(open_to_all)]


@asynccontextmanager
async def read_form(request: Request, server: Resources) -> AsyncIterator[ReportForm]:
    """Texts and photos of a body, multipart or urlencoded. Raises TooManyPhotos."""
    with server.uploads.entered():
        async with request.form(
            max_files=MAX_PHOTOS + 1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
        ) as form:
            yield ReportForm(_texts(form), await _photos(form))


def read_said(fields: Mapping[str, str], source: Source, position_source: str) -> ReportSaid:
    """A report from the texts of a form. Raises BadReport, naming each field."""
    place: dict[str, Any] | None = {name: fields[name] for name in PLACE if name in fields}
    if place is not None and "lon" not in place and "lat" not in place:
        place = None  # a system without coordinates says nothing
    said = {
        "source": source, "category": fields.get("category", ""), "text": fields.get("text", ""),
        "address": fields.get("address"), "occurred_at": fields.get("occurred_at"),
        "place": {**place, "source": fields.get("position_source", position_source)} if place else None,
        "contact": {name: fields.get(field) for field, name in CONTACT.items()},
    }  # fmt: skip
    return checked(said)


def checked(said: Mapping[str, Any]) -> ReportSaid:
    """A report, checked. Raises BadReport, naming each field."""
    try:
        return ReportSaid.model_validate(said)
    except ValidationError as error:
        raise BadReport("the report cannot be used: {problems}", problems=Faults.of(error)) from error


def form_schema(required: tuple[str, ...]) -> dict[str, Any]:
    """What OpenAPI says of such a body."""
    names = ("text", "category", *PLACE, "position_source", "address", "occurred_at", *CONTACT)
    fields: dict[str, Any] = {name: {"type": "string"} for name in names}
    fields[PHOTO] = {"type": "array", "maxItems": MAX_PHOTOS, "items": {"type": "string", "format": "binary"}}
    schema = {"type": "object", "required": list(required), "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str) and value.strip()}


async def _photos(form: FormData) -> tuple[bytes, ...]:
    sent = [each for each in form.getlist(PHOTO) if isinstance(each, UploadFile)]
    photos = [photo for each in sent if (photo := await each.read())]  # a browser sends an empty one for none
    if len(photos) > MAX_PHOTOS:
        raise TooManyPhotos("at most {limit} photos go with a report", limit=MAX_PHOTOS)
    return tuple(photos)
