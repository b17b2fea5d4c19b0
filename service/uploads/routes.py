"""HTTP: resumable uploads by TUS 1.0.0, for videos and archives of photos."""

from collections.abc import AsyncIterator
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.devices.access import Uploader
from streetsight.service.uploads import service
from streetsight.service.uploads.protocol import (
    ALGORITHMS,
    CONTENT_TYPE,
    EXTENSIONS,
    VERSION,
    check_type,
    check_version,
    read_checksum,
    read_metadata,
    read_number,
)
from streetsight.service.uploads.receiving import receive
from streetsight.service.uploads.schemas import FileOutcome, UploadPage, UploadResult, UploadShown
from streetsight.service.uploads.tables import Upload

PREFIX = "/v1/uploads"
router = APIRouter(prefix=PREFIX, tags=["uploads"])

After = Annotated[int, Query(ge=-1, lt=2**31, description="Number of the last file seen.")]
Sent = Annotated[str | None, Header()]
PIECE: dict[str, Any] = {
    "requestBody": {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


def speaks_tus(tus_resumable: Sent = None) -> None:
    """Dependency: who asks speaks our version. Raises WrongProtocol."""
    check_version(tus_resumable)


tus = [Depends(speaks_tus)]


@router.options("", status_code=204)
def tell(server: Server, _device: Uploader) -> Response:
    """What this server speaks."""
    return Response(
        status_code=204,
        headers={
            "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            "Tus-Max-Size": str(int(server.settings.max_upload_bytes)),
        },
    )  # fmt: skip


@router.post("", status_code=201, dependencies=tus, openapi_extra=PIECE)
async def begin_upload(
    server: Server, device: Uploader, request: Request, upload_length: Sent = None,
    upload_metadata: Sent = None, upload_checksum: Sent = None, content_type: Sent = None,
    content_length: Sent = None,
) -> Response:  # fmt: skip
    """Begin an upload; a first piece may come along (creation-with-upload).

    Upload-Metadata: `filename`, `filetype`, `patrol` (id), `metadata` (JSON as for POST /v1/frames, for every
    frame), `track` (a short GPX or NMEA file of the patrol).
    """
    size, said = read_number("Upload-Length", upload_length), read_metadata(upload_metadata)
    checksum = read_checksum(upload_checksum)
    brings = content_type is not None and content_length != "0"
    if brings:
        check_type(content_type)
    upload = await run_sync(partial(service.create, server, device, size, said))
    headers = {"Location": str(request.url_for("read_upload", upload_id=upload.id).path)}
    if brings:
        done = await receive(
            server, device, upload.id, 0, checksum, _announced(content_length), _pieces(request)
        )
        headers["Upload-Offset"] = str(done)
    return Response(status_code=201, headers={**headers, **_expires(upload)})


@router.head("/{upload_id}", dependencies=tus)
def ask_offset(server: Server, device: Uploader, upload_id: Id) -> Response:
    """How many bytes are on the disk for good: go on there."""
    with server.database.read() as session:
        upload = service.find_present(session, device, upload_id)
    headers = {
        "Upload-Offset": str(upload.received_bytes), "Upload-Length": str(upload.size_bytes),
        "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(status_code=200, headers={**headers, **_expires(upload)})


@router.patch("/{upload_id}", status_code=204, dependencies=tus, openapi_extra=PIECE)
async def append(
    server: Server, device: Uploader, upload_id: Id, request: Request, upload_offset: Sent = None,
    upload_checksum: Sent = None, content_type: Sent = None, content_length: Sent = None,
) -> Response:  # fmt: skip
    """Send the next piece. What arrives stays, also when the connection breaks, unless it has a checksum."""
    check_type(content_type)
    offset, checksum = read_number("Upload-Offset", upload_offset), read_checksum(upload_checksum)
    done = await receive(
        server, device, upload_id, offset, checksum, _announced(content_length), _pieces(request)
    )
    with server.database.read() as session:
        upload = service.find_upload(session, device, upload_id)
    return Response(status_code=204, headers={"Upload-Offset": str(done), **_expires(upload)})


@router.delete("/{upload_id}", status_code=204, dependencies=tus)
def end_upload(server: Server, device: Uploader, upload_id: Id) -> Response:
    """Throw an upload away. Frames that were made of it stay."""
    service.end(server, device, upload_id)
    return Response(status_code=204)


@router.get("/{upload_id}")
def read_upload(
    server: Server, device: Uploader, upload_id: Id, after: After = -1, limit: Limit = 100
) -> UploadResult:
    """An upload, and what became of its files."""
    with server.database.read() as session:
        upload = service.find_upload(session, device, upload_id)
        files = service.outcomes_of(session, upload_id, after, limit + 1)
    more = files[limit - 1].number if len(files) > limit else None
    shown = UploadShown.of(upload).model_dump()
    return UploadResult(**shown, files=[*map(FileOutcome.of, files[:limit])], next_after=more)


@router.get("")
def list_uploads(server: Server, device: Uploader, limit: Limit = 50, cursor: Cursor = None) -> UploadPage:
    """Uploads of the device that asks, newest first."""
    with server.database.read() as session:
        found = service.list_uploads(session, device, limit, cursor)
    return UploadPage(items=[*map(UploadShown.of, found.items)], next_cursor=found.next_cursor)


class TusHeaders:
    """Says on every answer about uploads, errors too, which protocol this is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await self._app(scope, receive, send)

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = [(b"tus-resumable", VERSION.encode()), (b"tus-version", VERSION.encode())]
                have = {name for name, _ in message.get("headers", [])}
                message["headers"] = [
                    *message.get("headers", []), *(each for each in said if each[0] not in have)
                ]  # fmt: skip
            await send(message)

        await self._app(scope, receive, send_with_version)


def _expires(upload: Upload) -> dict[str, str]:
    if upload.state != "receiving":
        return {}
    return {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _announced(content_length: str | None) -> int | None:
    return None if content_length is None else read_number("Content-Length", content_length)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async for content in request.stream():
        yield content
