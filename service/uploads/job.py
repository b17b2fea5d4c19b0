"""The job that makes frames of an upload, a slice of time after the other.

A slice ends long before its lease does, and says how far it came; the next one goes on with what is open
already. After a crash, another worker begins at the front and passes over what is done: frames are known by
their content, so nothing comes twice.
"""

import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from streetsight.inference.reading import PhotoError
from streetsight.inference.video.outcomes import ClipError
from streetsight.models.language import SpokenError
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.devices.tables import Device
from streetsight.service.errors import code_of
from streetsight.service.faults import Busy, Gone, NotFound, OverQuota, ServiceError, StorageFull, Unavailable
from streetsight.service.files.blobs import Blobs
from streetsight.service.frames.intake import take_in
from streetsight.service.frames.schemas import MetadataSent
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, enqueue
from streetsight.service.profiles.service import profile_of
from streetsight.service.resources import Stores
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database, spoken
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert
from streetsight.service.store.writer import GroupWriter
from streetsight.service.tracks.service import BadTrack, check_track, put_track, track_of
from streetsight.service.uploads.archives import ArchiveRefused
from streetsight.service.uploads.pictures import Kind, Picture, Pictures, Source, kind_of, pictures_of
from streetsight.service.uploads.service import ELSEWHERE_SECONDS, KIND, BytesElsewhere, staging_of
from streetsight.service.uploads.tables import Upload, UploadOutcome

SLICE_SHARE, SLICE_FILES = 0.2, 500
LATER_SECONDS = 60.0

log = structlog.get_logger(__name__)


class BytesLost(Gone):
    """Nobody has the part file, and it would have been thrown away by now."""

    code = "bytes_lost"


class NoRoomNow(Unavailable):
    """Frames cannot be taken in at the moment; later they can."""

    code = "no_room_now"


@dataclass(frozen=True, slots=True)
class _Task:
    """An upload, read from its row.

    Attributes:
        expired: nobody has gone on with it for as long as the bytes of an unfinished one are kept.
    """

    id: str
    expired: bool
    device: DeviceAccess
    patrol_id: str | None
    source: Source


@dataclass(slots=True)
class _Open:
    """An upload that is being read, so that the next slice need not begin at the front.

    Attributes:
        next: number of the next picture.
    """

    upload_id: str
    kind: Kind
    pictures: Pictures
    next: int = 0


class UploadJob:
    """See `Handler`. One upload at a time: each takes a core and the disk."""

    kind, calls, alone = KIND, 1, True

    def __init__(self, database: Database, blobs: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, blobs, settings
        self._open: _Open | None = None

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            task = self._task(session, claim.key)
        if task is None:
            return lambda session: None  # ended meanwhile
        if not task.source.path.exists():
            if task.expired:
                return partial(_give_up, upload_id=task.id)
            raise BytesElsewhere(
                "the bytes of upload {id} lie on another machine; a worker there makes its frames",
                id=task.id, retry_after_seconds=ELSEWHERE_SECONDS,
            )  # fmt: skip
        done = int(claim.payload.get("done", 0))
        reading = self._reading(task, done)
        if reading.kind == "track":
            return self._track(task)
        return self._slice(claim, task, reading)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        upload = session.get_one(Upload, claim.key)
        upload.state, upload.finished_at = "failed", now()
        upload.reason = "it could not be taken apart; the log has more"

    def _task(self, session: ReadSession, upload_id: str) -> _Task | None:
        upload = session.get_one(Upload, upload_id)
        if upload.state != "received":
            return None
        device = session.get_one(Device, upload.device_id)
        profile = profile_of(session, device.id, device.name)
        found = track_of(session, upload.patrol_id, profile.track_crs) if upload.patrol_id else None
        said = MetadataSent.model_validate(upload.metadata_sent).model_copy(
            update={"patrol_id": upload.patrol_id}
        )
        path = staging_of(self._settings).path(upload_id)
        source = Source(path, upload.name or "upload", said, profile, found[1] if found else None)
        access = DeviceAccess(device.id, device.name, "", ("upload",), device.last_seen_at, device.area_path)
        return _Task(upload_id, upload.expires_at < now(), access, upload.patrol_id, source)

    def _reading(self, task: _Task, done: int) -> _Open:
        """The upload, open at the first picture that is not done."""
        if self._open is not None and (self._open.upload_id, self._open.next) != (task.id, done):
            self._close()
        if self._open is None:
            kind = kind_of(task.source, self._settings)
            self._open = _Open(task.id, kind, pictures_of(task.source, kind, self._settings))
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.pictures.close()
        self._open = None

    def _slice(self, claim: Claim, task: _Task, reading: _Open) -> Effect:
        until = time.monotonic() + SLICE_SHARE * self._settings.lease_seconds
        done, outcomes = int(claim.payload.get("done", 0)), list[dict[str, Any]]()
        reason: SpokenError | None = None
        ended = False
        writer = GroupWriter(self._database)
        stores = Stores(self._settings, self._database, self._blobs, writer)
        try:
            while len(outcomes) < SLICE_FILES and time.monotonic() < until and not ended:
                picture = next(reading.pictures, None)
                if picture is None:
                    ended = True
                elif picture.number >= done:
                    outcomes.append(_outcome(stores, task, picture))
                reading.next += picture is not None
        except (ArchiveRefused, ClipError) as error:
            reason, ended = error, True
        except Exception:
            self._close()
            raise
        finally:
            writer.close()
        reached, kind = max(done, reading.next), reading.kind
        if ended:
            self._close()
        return partial(
            _publish, claim=claim, kind=kind, outcomes=outcomes, reached=reached, ended=ended, reason=reason
        )

    def _track(self, task: _Task) -> Effect:
        self._close()
        name, content = task.source.name, task.source.path.read_bytes()
        reason: SpokenError | None = None
        try:
            check_track(name, content)
            if task.patrol_id is None:
                reason = BadTrack("a track belongs to a patrol; say which, as patrol")
        except BadTrack as error:
            reason = error

        def effect(session: WriteSession) -> None:
            if reason is None and task.patrol_id is not None:
                put_track(session, task.patrol_id, name, content)
            _end(session, session.get_one(Upload, task.id), "track", reason, useful=reason is None)

        return effect


def _outcome(stores: Stores, task: _Task, picture: Picture) -> dict[str, Any]:
    """Take one picture in, or say why not. What is no fault of its own interrupts the upload."""
    told = {"upload_id": task.id, "number": picture.number, "name": picture.name[-255:]}
    if picture.photo is None:
        return {**told, "outcome": picture.refused, "frame_id": None, "reason": None}
    try:
        accepted = take_in(stores, task.device, picture.photo, picture.metadata, key=None)
    except (PhotoError, ServiceError, SQLAlchemyError) as caught:
        error = spoken(caught)
        if isinstance(error, (OverQuota, StorageFull, Busy)):
            raise NoRoomNow("{reason}", reason=error, retry_after_seconds=LATER_SECONDS) from error
        if isinstance(error, (Unavailable, NotFound)):
            raise
        return {**told, "outcome": code_of(error), "frame_id": None, "reason": str(error)}
    return {**told, "outcome": accepted.outcome, "frame_id": accepted.id, "reason": None}


def _publish(
    session: WriteSession, claim: Claim, kind: Kind, outcomes: list[dict[str, Any]], reached: int,
    ended: bool, reason: SpokenError | None,
) -> None:  # fmt: skip
    upload = session.get_one(Upload, claim.key)
    upload.kind = kind
    if outcomes:
        session.connection().execute(upsert(session, UploadOutcome).on_conflict_do_nothing(), outcomes)
        counts = Counter(upload.summary or {}) + Counter(each["outcome"] for each in outcomes)
        upload.summary = dict(counts)
    if not ended:
        session.flush()
        return enqueue(session, KIND, claim.key, {"done": reached})
    return _end(session, upload, kind, reason, useful=_became_frames(session, upload.id))


def _give_up(session: WriteSession, upload_id: str) -> None:
    upload = session.get_one(Upload, upload_id)
    reason = BytesLost("no worker has found its bytes for as long as uploads are kept; upload it again")
    log.warning("upload_lost", upload=upload_id, reason=str(reason))
    _end(session, upload, upload.kind, reason, useful=_became_frames(session, upload_id))


def _became_frames(session: ReadSession, upload_id: str) -> bool:
    frames = select(UploadOutcome.frame_id).where(
        UploadOutcome.upload_id == upload_id, UploadOutcome.frame_id.is_not(None)
    )
    return session.scalar(frames.limit(1)) is not None


def _end(
    session: WriteSession, upload: Upload, kind: str | None, reason: SpokenError | None, useful: bool
) -> None:
    """Done if something came of it; the reason says what is missing, or why nothing came."""
    if upload.state == "received":
        upload.state = "done" if useful else "failed"
    upload.kind, upload.finished_at = kind, now()
    upload.reason = str(reason) if reason else None if useful else "no file of it is a photo that can be used"
    session.flush()
