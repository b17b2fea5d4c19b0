"""Resumable uploads: begin, advance, end, expire. What is told to a client is on the disk."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select, update

from streetsight.service.devices.service import DeviceAccess
from streetsight.service.faults import (
    Conflict,
    Gone,
    Locked,
    NotFound,
    OverQuota,
    ServiceError,
    TooLarge,
    Unavailable,
)
from streetsight.service.frames.schemas import read_metadata as read_frame_metadata
from streetsight.service.jobs.queue import enqueue
from streetsight.service.patrols.service import find_patrol
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.tracks.service import check_track, put_track
from streetsight.service.uploads.protocol import file_name
from streetsight.service.uploads.staging import Staging
from streetsight.service.uploads.tables import Upload, UploadOutcome

KIND = "take_apart"
"""Jobs that make frames of an upload; their key is its id."""

EXPIRE_AT_ONCE = 100
BUSY_RETRY_SECONDS, ELSEWHERE_SECONDS = 60.0, 5.0


class NoUpload(NotFound):
    """No upload of this id, or none of this device."""

    code = "no_upload"


class UploadGone(Gone):
    """It was thrown away: it expired, or was ended."""

    code = "upload_gone"


class BytesElsewhere(Unavailable):
    """The part file lies on another machine; the server or the worker there goes on with it."""

    code = "bytes_elsewhere"


class WrongOffset(Conflict):
    """The piece does not begin where the last one ended."""

    code = "wrong_offset"


class UploadWhole(Conflict):
    """Nothing more is to come."""

    code = "upload_whole"


class UploadTooLarge(TooLarge):
    """More bytes than an upload may have, or than this one was to have."""

    code = "upload_too_large"


class TooManyUploads(OverQuota):
    """The device has begun many uploads and finished few."""

    code = "too_many_uploads"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a request may write: from here on, up to there."""

    id: str
    offset: int
    size: int


def staging_of(settings: Settings) -> Staging:
    return Staging(settings.data_folder, int(settings.min_free_bytes))


def create(server: Resources, device: DeviceAccess, size: int, said: dict[str, str]) -> Upload:
    """Begin an upload.

    Args:
        said: Upload-Metadata: filename, filetype, patrol (its id), metadata (JSON as for POST /v1/frames),
            track (a short GPX or NMEA file of the patrol); what else it says is left out.

    Raises:
        ServiceError: why not; nothing is kept.
    """
    limit = int(server.settings.max_upload_bytes)
    if size > limit:
        raise UploadTooLarge(
            "the upload has {size} bytes, at most {limit} are taken; split it", size=size, limit=limit
        )
    staging = staging_of(server.settings)
    staging.check_room(size)
    metadata = read_frame_metadata(said.get("metadata"))
    if metadata.sha256 is not None:
        raise Conflict(
            "the metadata is for every frame of the upload and names the sha256 of one; leave it out"
        )
    patrol_id = said.get("patrol", metadata.patrol_id)
    upload = Upload(
        id=new_id(), device_id=device.id, patrol_id=patrol_id, size_bytes=size,
        name=file_name(said.get("filename")),
        metadata_sent=metadata.model_dump(mode="json", exclude_unset=True, exclude={"patrol_id"}),
        expires_at=_expiry(server.settings), state="receiving" if size else "received",
    )  # fmt: skip
    staging.create(upload.id)
    return server.writer.run(
        partial(_insert, server=server, device=device, upload=upload, track=said.get("track"))
    )


def _insert(
    session: WriteSession, server: Resources, device: DeviceAccess, upload: Upload, track: str | None
) -> Upload:
    limit = server.settings.max_open_uploads
    open_now = select(func.count()).where(Upload.device_id == device.id, Upload.state == "receiving")
    if (session.scalar(open_now) or 0) >= limit:
        raise TooManyUploads(
            "{device} has {limit} uploads that are not whole; finish or end some, or let them expire",
            device=device.name, limit=limit, retry_after_seconds=BUSY_RETRY_SECONDS,
        )  # fmt: skip
    if upload.patrol_id is not None:
        find_patrol(session, device, upload.patrol_id)
    if track is not None:
        if upload.patrol_id is None:
            raise Conflict("a track belongs to a patrol; say which, as patrol")
        check_track("track.gpx", track.encode())
        put_track(session, upload.patrol_id, "track.gpx", track.encode())
    session.add(upload)
    session.flush()
    if upload.state == "received":
        enqueue(session, KIND, upload.id)
    return upload


def find_upload(session: ReadSession, device: DeviceAccess, upload_id: str) -> Upload:
    """An upload of this device, also one that is gone. Raises NoUpload."""
    upload = session.get(Upload, upload_id)
    if upload is None or upload.device_id != device.id:
        raise NoUpload("this device has no upload {id}; begin one with POST /v1/uploads", id=upload_id)
    return upload


def find_present(session: ReadSession, device: DeviceAccess, upload_id: str) -> Upload:
    """An upload that is not gone. Raises NoUpload, UploadGone."""
    upload = find_upload(session, device, upload_id)
    if upload.state == "gone" or (upload.state == "receiving" and upload.expires_at < now()):
        raise UploadGone("this upload expired or was ended; begin a new one with POST /v1/uploads")
    return upload


def begin(session: ReadSession, device: DeviceAccess, upload_id: str, offset: int) -> Begun:
    """What a piece that begins at `offset` may write; asked while the part file's lock is held.

    Raises:
        NoUpload, UploadGone, UploadWhole, WrongOffset: nothing.
    """
    upload = find_present(session, device, upload_id)
    if offset != upload.received_bytes:
        raise WrongOffset(
            "this upload has {received} bytes, the piece begins at {offset}; go on at {received}",
            received=upload.received_bytes, offset=offset,
        )  # fmt: skip
    if upload.state != "receiving":
        raise UploadWhole("this upload is whole already; GET it to see what became of it")
    return Begun(upload.id, upload.received_bytes, upload.size_bytes)


def not_here(database: Database) -> ServiceError:
    """Why an upload that goes on has no part file here: another machine of a fleet has it, or nobody."""
    if database.is_sqlite:
        return UploadGone("the bytes of this upload are not here any more; begin a new one")
    return BytesElsewhere(
        "the bytes of this upload lie on another machine of this service; send again, and have the proxy in "
        "front send each device to one machine (docs/operations.md)",
        retry_after_seconds=ELSEWHERE_SECONDS,
    )


def advance(session: WriteSession, upload_id: str, received: int, settings: Settings) -> None:
    """Remember that so many bytes are on the disk; the last ones make the job. Raises UploadGone."""
    upload = session.get_one(Upload, upload_id, with_for_update=True)
    if upload.state != "receiving":
        raise UploadGone("this upload expired or was ended; begin a new one with POST /v1/uploads")
    upload.received_bytes, upload.expires_at = received, _expiry(settings)
    if received == upload.size_bytes:
        upload.state = "received"
        enqueue(session, KIND, upload.id)
    session.flush()


def end(server: Resources, device: DeviceAccess, upload_id: str) -> None:
    """Throw an upload away; frames that were made of it stay. Raises NoUpload, UploadGone, Locked."""
    with server.database.read() as session:
        find_present(session, device, upload_id)
    staging = staging_of(server.settings)
    try:
        with staging.locked(upload_id):
            server.writer.run(partial(_mark_gone, upload_id=upload_id))
    except FileNotFoundError:
        server.writer.run(partial(_mark_gone, upload_id=upload_id))
    staging.remove(upload_id)


def _mark_gone(session: WriteSession, upload_id: str) -> None:
    session.execute(update(Upload).where(Upload.id == upload_id).values(state="gone"))


def expire(database: Database, settings: Settings) -> None:
    """Mark what nobody went on with, and remove part files that nobody needs any more."""
    with database.read() as session:
        late = select(Upload.id).where(Upload.state == "receiving", Upload.expires_at < now())
        ids = [*session.scalars(late.limit(EXPIRE_AT_ONCE))]
    if ids:
        with database.write() as session:
            still = update(Upload).where(Upload.id.in_(ids), Upload.state == "receiving")
            session.execute(still.where(Upload.expires_at < now()).values(state="gone"))
    _remove_needless(database, staging_of(settings))


def _remove_needless(database: Database, staging: Staging) -> None:
    here = staging.ids()
    with database.read() as session:
        wanted = select(Upload.id).where(Upload.id.in_(here), Upload.state.in_(("receiving", "received")))
        needed = {*session.scalars(wanted)} if here else set()
    for upload_id in staging.abandoned(set(here) - needed):
        try:
            with staging.locked(upload_id):
                staging.remove(upload_id)
        except (Locked, FileNotFoundError):
            continue  # the next round will do


def list_uploads(session: ReadSession, device: DeviceAccess, limit: int, cursor: str | None) -> Page[Upload]:
    """Uploads of this device, newest first."""
    return page(session, select(Upload).where(Upload.device_id == device.id), Upload, limit, cursor)


def outcomes_of(session: ReadSession, upload_id: str, after: int, limit: int) -> list[UploadOutcome]:
    """What became of the files of an upload, in their order, after a number."""
    found = select(UploadOutcome).where(UploadOutcome.upload_id == upload_id, UploadOutcome.number > after)
    return [*session.scalars(found.order_by(UploadOutcome.number).limit(limit))]


def _expiry(settings: Settings) -> Any:
    return now() + timedelta(hours=settings.upload_expiry_hours)
