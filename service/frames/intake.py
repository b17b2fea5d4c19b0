"""Taking photos in: checked, stored, written, and only then acknowledged.

    bytes ─► check ─► known already? ─► blob on disk ─► frame + job in one transaction ─► answer
                         └─► seen before

A kill between any two steps loses nothing that was acknowledged: before the transaction there is at worst a
blob that no row names, after it the job is there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from streetsight.inference.reading import check_photo
from streetsight.service.areas.service import area_path_at
from streetsight.service.detections.service import KIND
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.devices.tables import DeviceDay
from streetsight.service.faults import Conflict, Invalid, OverQuota, TooLarge
from streetsight.service.files.blobs import digest_of
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.schemas import MetadataSent
from streetsight.service.frames.tables import Frame, FrameKey
from streetsight.service.jobs.queue import enqueue
from streetsight.service.patrols.service import find_patrol
from streetsight.service.resources import Stores
from streetsight.service.retention.deletions import keep
from streetsight.service.steps import passed
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now, offset_minutes
from streetsight.service.store.upsert import upsert


class PhotoTooLarge(TooLarge):
    """More bytes than one photo may have."""

    code = "too_large"


class WrongDigest(Invalid):
    """The bytes are not those that the device meant to send."""

    code = "wrong_digest"


class KeyReused(Conflict):
    """One Idempotency-Key, two contents."""

    code = "key_reused"


class DailyQuota(OverQuota):
    """The device has uploaded enough for today."""

    code = "daily_quota"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A frame that is safe.

    Attributes:
        new: false when the same bytes, or the same key, came before.
    """

    id: str
    sha256: str
    received_at: datetime
    new: bool

    @property
    def outcome(self) -> Literal["accepted", "duplicate"]:
        return "accepted" if self.new else "duplicate"


@dataclass(frozen=True, slots=True, eq=False)
class _Upload:
    """One photo that was checked."""

    device: DeviceAccess
    photo: bytes
    sha256: str
    size_bytes: int
    media_type: str
    metadata: MetadataSent
    key: str | None


def take_in(
    server: Stores, device: DeviceAccess, photo: bytes, metadata: MetadataSent, key: str | None
) -> Accepted:
    """Take one photo in. When this returns, its bytes and its row survive a power cut.

    Args:
        key: Idempotency-Key; the same key always leads to the same frame.

    Raises:
        PhotoError, ServiceError: why not; nothing of it is kept, and no other photo suffers.
    """
    upload = _checked(server, device, photo, metadata, key)
    passed("accepted")
    with server.database.read() as session:
        known = _known(session, upload)
    if known is None or key is not None:
        if known is None:
            server.blobs.put(photo, upload.sha256)
            passed("stored")
        known = _write(server, upload)
    passed("committed")
    return known


def _checked(
    server: Stores, device: DeviceAccess, photo: bytes, metadata: MetadataSent, key: str | None
) -> _Upload:
    limit = server.settings.max_photo_bytes
    if len(photo) > limit:
        raise PhotoTooLarge(
            "the photo has {size} bytes, at most {limit} are taken; send a smaller one",
            size=len(photo), limit=int(limit),
        )  # fmt: skip
    sha256 = digest_of(photo)
    if metadata.sha256 not in (None, sha256):
        raise WrongDigest(
            "the bytes that came have the sha256 {actual}, announced was {expected}: they were damaged on "
            "the way or the file changed; send it again",
            actual=sha256, expected=metadata.sha256,
        )  # fmt: skip
    return _Upload(device, photo, sha256, len(photo), check_photo(photo), metadata, key)


def _write(server: Stores, upload: _Upload) -> Accepted:
    def unit(session: WriteSession) -> Accepted:
        if (accepted := _known(session, upload)) is None:
            accepted = _insert(server, session, upload)
            keep(session, server.blobs, upload.sha256, upload.photo)
        _remember_key(session, upload, accepted)
        passed("written")
        return accepted

    try:
        return server.writer.run(unit)
    except IntegrityError:  # another process wrote the same bytes or key since we looked: now we see it
        return server.writer.run(unit)


def _known(session: ReadSession, upload: _Upload) -> Accepted | None:
    """The frame of this key or these bytes, if it is here. Raises KeyReused."""
    if upload.key is not None:
        used = session.get(FrameKey, (upload.device.id, upload.key))
        if used is not None and used.sha256 != upload.sha256:
            raise KeyReused(
                "the Idempotency-Key {key} was used for another photo (sha256 {sha256}); take a new key",
                key=upload.key, sha256=used.sha256,
            )  # fmt: skip
    row = select(Frame.id, Frame.sha256, Frame.created_at).where(has_digest(session, [upload.sha256]))
    found = session.execute(row).one_or_none()
    return Accepted(*found, new=False) if found else None


def _insert(server: Stores, session: WriteSession, upload: _Upload) -> Accepted:
    sent, moment = upload.metadata, now()
    late = False
    if sent.patrol_id is not None:
        patrol = find_patrol(session, upload.device, sent.patrol_id)
        late, patrol.last_frame_at = patrol.closed_at is not None, moment
    _count_today(server, session, upload, moment)
    frame_id = new_id()
    session.connection().execute(
        insert(Frame),
        {
            "id": frame_id, "created_at": moment, "sha256": upload.sha256, "size_bytes": upload.size_bytes,
            "media_type": upload.media_type, "name": sent.name, "device_id": upload.device.id,
            "patrol_id": sent.patrol_id, "late": late,
            "taken_at": sent.taken_at, "taken_offset_minutes": offset_minutes(sent.taken_at),
            "lon": sent.position.lon if sent.position else None,
            "lat": sent.position.lat if sent.position else None,
            "area_path": sent.position and area_path_at(session, sent.position.lon, sent.position.lat),
            "position": sent.position.model_dump(mode="json") if sent.position else None,
            "metadata_sent": sent.model_dump(mode="json", exclude_unset=True),
        },
    )  # fmt: skip
    enqueue(session, KIND, frame_id)
    return Accepted(frame_id, upload.sha256, moment, new=True)


def _remember_key(session: WriteSession, upload: _Upload, accepted: Accepted) -> None:
    if upload.key is not None and session.get(FrameKey, (upload.device.id, upload.key)) is None:
        session.add(
            FrameKey(device_id=upload.device.id, key=upload.key, frame_id=accepted.id, sha256=accepted.sha256)
        )
        session.flush()


def _count_today(server: Stores, session: WriteSession, upload: _Upload, moment: datetime) -> None:
    """Add to the device's day. Raises DailyQuota."""
    added = upsert(session, DeviceDay).on_conflict_do_update(
        index_elements=[DeviceDay.device_id, DeviceDay.day],
        set_={"frames": DeviceDay.frames + 1, "size_bytes": DeviceDay.size_bytes + upload.size_bytes},
    )
    counted = added.returning(DeviceDay.frames, DeviceDay.size_bytes)
    today = {
        "device_id": upload.device.id, "day": moment.date(), "frames": 1, "size_bytes": upload.size_bytes,
    }  # fmt: skip
    frames, size_bytes = session.connection().execute(counted, today).one()
    limits = server.settings
    if frames > limits.device_daily_frames or size_bytes > limits.device_daily_bytes:
        midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), UTC)
        raise DailyQuota(
            "{device} may upload {frames} photos and {bytes} bytes a day; send the rest tomorrow (UTC), or "
            "raise STREETSIGHT_DEVICE_DAILY_FRAMES and _BYTES",
            device=upload.device.name, frames=limits.device_daily_frames,
            bytes=int(limits.device_daily_bytes),
            retry_after_seconds=(midnight - moment).total_seconds(),
        )  # fmt: skip
