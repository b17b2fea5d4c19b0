"""Photos and videos of an outing through the detector: results are kept, pictures are not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from streetsight.inference.patrol.copies import Copies, Copy, pack
from streetsight.inference.patrol.inputs import Outing
from streetsight.inference.pipeline import FrameResult, Options, decoded_side, detect_photo, in_order
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Track
from streetsight.inference.reading import Photo, PhotoError, read_photo
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.inference.video.clips import Clip, Stamped, VideoFrame, open_clip
from streetsight.inference.video.outcomes import ClipError
from streetsight.inference.video.sampling import EVERY_M, EVERY_S, Sampling, Travel


@dataclass(frozen=True, slots=True)
class Spacing:
    """How videos are sampled; see `Sampling` and `open_clip`."""

    every_m: float = EVERY_M
    every_s: float = EVERY_S
    stamped: Stamped = "start"


@dataclass(frozen=True, slots=True, eq=False)
class ClipMoment:
    """Where a frame of a video can be had again: by the same sampling of the same clip."""

    path: Path
    sampling: Sampling
    frame_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A photo or a frame of a video after a look at it; or a clip that is not whole, by its fault alone.

    Attributes:
        origin: where its picture can be had again; None for a clip.
        copy: a small picture; None for what could not be read.
        clip_fault: why a clip could not be used, or not to its end.
    """

    result: FrameResult
    origin: PhotoSource | ClipMoment | None
    copy: Copy | None = None
    clip_fault: ClipError | None = None

    @property
    def fault(self) -> PhotoError | ClipError | None:
        """Why it could not be read."""
        return self.clip_fault or self.result.error

    @property
    def outcome(self) -> str:
        """The reason code."""
        return self.fault.outcome if self.fault else "accepted"


@dataclass(frozen=True, slots=True, eq=False)
class Looker:
    """The detector and what it shares over a run."""

    detector: Detector
    workers: int
    options: Options
    spacing: Spacing
    copies: Copies

    def look(self, outing: Outing) -> Iterator[Shot]:
        """One shot per photo and sampled frame, in the order of the files; what fails is a shot too."""
        for shot, packed in in_order(self._look_at, outing.photos, self.workers):
            yield self._kept(shot, packed)
        for video in outing.videos:
            yield from self._look_along(video, outing)

    def _look_at(self, source: PhotoSource) -> tuple[Shot, bytes | None]:
        try:
            photo = read_photo(source.read(), decoded_side(self.detector, self.options))
        except PhotoError as error:
            return Shot(FrameResult(source.name, error), source), None
        result = detect_photo(source.name, photo, self.detector, self.options)
        return Shot(result, source), pack(photo.image_rgb_hwc)

    def _look_along(self, path: Path, outing: Outing) -> Iterator[Shot]:
        try:
            with open_clip(path, self.spacing.stamped) as clip:
                sampling = self._sampling(clip, outing)

                def work(frame: VideoFrame) -> tuple[Shot, bytes]:
                    photo = _as_photo(frame, clip)
                    name = f"{path}@{frame.offset_s:.2f}s"
                    result = detect_photo(name, photo, self.detector, self.options)
                    return Shot(result, ClipMoment(path, sampling, frame.id)), pack(photo.image_rgb_hwc)

                for shot, packed in in_order(work, clip.frames(sampling), self.workers):
                    yield self._kept(shot, packed)
        except ClipError as error:
            yield Shot(FrameResult(str(path)), None, clip_fault=error)

    def _sampling(self, clip: Clip, outing: Outing) -> Sampling:
        travel = travel_of(clip, outing.track, outing.profile) if outing.track else None
        return Sampling(travel, self.spacing.every_m, self.spacing.every_s)

    def _kept(self, shot: Shot, packed: bytes | None) -> Shot:
        return replace(shot, copy=self.copies.keep(packed)) if packed else shot


def travel_of(clip: Clip, track: Track, profile: DeviceProfile) -> Travel | None:
    """How far the vehicle has come at each moment of a clip, by its track; None without a common time."""
    began = clip.header.metadata.taken_at
    if began is not None and began.tzinfo is None:
        began = began.replace(tzinfo=profile.zone) if profile.zone else None
    if began is None or len(track.times_s) < 2:
        return None
    offsets = track.times_s - (began.timestamp() - (profile.clock_offset_s or 0.0))
    steps = np.hypot(*np.diff(track.plane().to_metres(track.lon_lat), axis=0).T)
    metres = np.concatenate([[0.0], np.cumsum(steps)])
    apart = np.flatnonzero(np.diff(track.segment)) + 1
    # Between segments nobody knows how far it went: a moment without metres says so.
    middle = (offsets[apart - 1] + offsets[apart]) / 2
    return Travel(np.insert(offsets, apart, middle), np.insert(metres, apart, np.nan))


def _as_photo(frame: VideoFrame, clip: Clip) -> Photo:
    made = clip.header.metadata.taken_at
    metadata = replace(clip.header.metadata, taken_at=made and made + timedelta(seconds=frame.offset_s))
    return Photo(frame.image_rgb_hwc, frame.size_wh, frame.id, metadata)
