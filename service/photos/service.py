"""A photo that a person has taken: taken in like those of cameras, with what its EXIF says."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from streetsight.inference.reading import read_photo
from streetsight.service.auth.actor import Actor
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.devices.tables import Device
from streetsight.service.frames.intake import Accepted, take_in
from streetsight.service.frames.schemas import MetadataSent, PositionSent
from streetsight.service.frames.tables import Frame
from streetsight.service.photos.tables import PhotoBringer
from streetsight.service.resources import Stores
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.upsert import upsert

DEVICE_NAME = "photos by people"
"""The device that such photos are said to come from; it has no token, so nothing else does."""
LEAST_SIDE_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """Attributes: frame: as it is stored; of a photo that was here before, as it was sent first."""

    accepted: Accepted
    frame: Frame


def bring(server: Stores, actor: Actor, photo: bytes, metadata: MetadataSent, key: str | None) -> Brought:
    """Take one photo in. When this returns, bytes, row and who brought it survive a power cut.

    Args:
        metadata: what is missing in it comes from the file's EXIF.
        key: Idempotency-Key, of this person alone.

    Raises:
        PhotoError, ServiceError: why not; nothing of it is kept.
    """
    metadata = with_exif(photo, metadata)
    device = server.writer.run(_people)
    accepted = take_in(server, device, photo, metadata, f"{actor.id}:{key}" if key else None)
    return Brought(accepted, server.writer.run(partial(_remember, actor=actor, frame_id=accepted.id)))


def with_exif(photo: bytes, metadata: MetadataSent) -> MetadataSent:
    """What was said of a photo, and where it says nothing, what the file says. Raises PhotoError."""
    written = read_photo(photo, LEAST_SIDE_PX).metadata
    found: dict[str, object] = {}
    if metadata.position is None and (there := written.position) is not None:
        found["position"] = PositionSent(
            lon=there.lon, lat=there.lat, source="exif", accuracy_m=there.accuracy_m,
            heading_deg=there.heading_deg, altitude_m=there.altitude_m,
        )  # fmt: skip
    if metadata.taken_at is None and written.taken_at is not None and written.taken_at.tzinfo is not None:
        found["taken_at"] = written.taken_at
    return metadata.model_copy(update=found)


def _remember(session: WriteSession, actor: Actor, frame_id: str) -> Frame:
    row = {"frame_id": frame_id, "person_id": actor.id}
    session.connection().execute(upsert(session, PhotoBringer).on_conflict_do_nothing(), row)
    return session.get_one(Frame, frame_id)


def _people(session: WriteSession) -> DeviceAccess:
    known = select(Device).where(Device.name == DEVICE_NAME)
    device = session.scalar(known)
    if device is None:
        device = Device(name=DEVICE_NAME)
        try:
            with session.begin_nested():
                session.add(device)
        except IntegrityError:  # another process was quicker
            device = session.scalars(known).one()
    return DeviceAccess(device.id, device.name, "", ("upload",), device.last_seen_at)
