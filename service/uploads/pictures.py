"""What an upload holds: one photo, the photos of an archive, the pictures of a video, or a track."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import simplejpeg

from streetsight.inference.patrol.inputs import TRACK_SUFFIXES
from streetsight.inference.patrol.looking import travel_of
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Track
from streetsight.inference.reading import PhotoError, check_photo
from streetsight.inference.video.clips import VideoFrame, open_clip
from streetsight.inference.video.sampling import Sampling
from streetsight.service.frames.schemas import MetadataSent, PositionSent
from streetsight.service.settings import Settings
from streetsight.service.uploads.archives import is_archive, read_archive

Kind = Literal["photo", "archive", "video", "track"]
JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One photo to be, or why it is none.

    Attributes:
        number: counts from 0; the same every time the upload is read.
        photo: its bytes; None when it is not taken, and `refused` says why as a code.
    """

    number: int
    name: str
    photo: bytes | None
    metadata: MetadataSent
    refused: str | None = None


Pictures = Generator[Picture, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An upload that is whole, and what is known beside it.

    Attributes:
        said: what the device said of all of its frames.
        track: of the patrol, if there is one.
    """

    path: Path
    name: str
    said: MetadataSent
    profile: DeviceProfile
    track: Track | None


def kind_of(source: Source, settings: Settings) -> Kind:
    """By its content, not by its name; only tracks, which are text, go by their suffix."""
    if source.name.lower().endswith(TRACK_SUFFIXES):
        return "track"
    if source.path.stat().st_size <= settings.max_photo_bytes:
        try:
            check_photo(source.path.read_bytes())
            return "photo"
        except PhotoError:
            pass
    return "archive" if is_archive(source.path) else "video"


def pictures_of(source: Source, kind: Kind, settings: Settings) -> Pictures:
    """All pictures in their order.

    Raises:
        ClipError, ArchiveRefused: after the last good one.
    """
    readers: dict[Kind, Callable[[Source, Settings], Pictures]] = {
        "photo": _photo, "archive": _archive, "video": _video, "track": _none,
    }  # fmt: skip
    return readers[kind](source, settings)


def _none(_source: Source, _settings: Settings) -> Pictures:
    yield from ()


def _photo(source: Source, _settings: Settings) -> Pictures:
    name = source.name
    yield Picture(0, name, source.path.read_bytes(), source.said.model_copy(update={"name": name}))


def _archive(source: Source, settings: Settings) -> Pictures:
    members = read_archive(source.path, int(settings.max_photo_bytes), settings.max_archive_files)
    for number, member in enumerate(members):
        name = Path(member.name).name[:255]
        metadata = source.said.model_copy(update={"name": name})
        yield Picture(number, member.name, member.content, metadata, member.refused)


def _video(source: Source, settings: Settings) -> Pictures:
    with open_clip(source.path) as clip:
        travel = travel_of(clip, source.track, source.profile) if source.track else None
        sampling = Sampling(travel, settings.video_every_m, settings.video_every_s)
        for number, frame in enumerate(clip.frames(sampling)):
            name = f"{source.name}@{frame.offset_s:.2f}s"[-255:]
            photo = simplejpeg.encode_jpeg(frame.image_rgb_hwc, quality=JPEG_QUALITY, colorspace="RGB")
            metadata = _along(source, frame, clip.header.metadata.camera)
            yield Picture(number, name, bytes(photo), metadata.model_copy(update={"name": name}))


def _along(source: Source, frame: VideoFrame, camera: str | None) -> MetadataSent:
    """What is known of a picture of a video: when, and by the track where."""
    known: dict[str, Any] = {"camera": source.said.camera or camera}
    taken_at = frame.taken_at
    if taken_at is not None and taken_at.tzinfo is None and source.profile.zone is not None:
        taken_at = taken_at.replace(tzinfo=source.profile.zone)
    if taken_at is not None and taken_at.tzinfo is not None:
        known["taken_at"] = taken_at
        known["position"] = _position(source, taken_at) or source.said.position
    return source.said.model_copy(update=known)


def _position(source: Source, taken_at: datetime) -> PositionSent | None:
    if source.track is None:
        return None
    moment = taken_at.timestamp() - (source.profile.clock_offset_s or 0.0)
    there = source.track.at(np.array([moment]))
    if np.isnan(there.lon_lat).any():
        return None
    course = float(there.course_deg[0])
    return PositionSent(
        lon=float(there.lon_lat[0, 0]), lat=float(there.lon_lat[0, 1]), source="gpx",
        heading_deg=None if np.isnan(course) else course % 360,
    )  # fmt: skip
