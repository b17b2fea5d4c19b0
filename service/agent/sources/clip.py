"""Pictures of a video file, along the way that the vehicle went; goes on where it was broken off."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import simplejpeg

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.reading import ImageRgb
from streetsight.inference.video.clips import Clip, VideoFrame, open_clip
from streetsight.inference.video.outcomes import ClipError
from streetsight.inference.video.sampling import Sampling
from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import SpoolFull
from streetsight.service.agent.intake import Intake, Shot
from streetsight.service.agent.positions.places import Places
from streetsight.service.agent.sampling import Sampler
from streetsight.service.agent.seen import SeenFiles
from streetsight.service.agent.settings import AgentSettings
from streetsight.service.agent.troubles import Troubles

AGAIN_S = 5.0
FINEST_S = 0.2  # how often the way is asked whether a picture is due


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it stands in the folder."""

    path: Path
    size_bytes: int
    mtime_ns: int


class ClipReader:
    """Takes the pictures of one clip after the other."""

    def __init__(
        self, intake: Intake, seen: SeenFiles, places: Places, profile: DeviceProfile,
        settings: Callable[[], AgentSettings],
    ) -> None:  # fmt: skip
        self._intake, self._seen, self._places = intake, seen, places
        self._profile, self._settings = profile, settings

    def read(self, found: Found, done: int, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Take what is due, from the picture after `done` on.

        Raises:
            ClipError: after the last good picture of a clip that is not whole.
            SpoolFull: the rest waits.
        """
        sampler = Sampler(self._settings)
        with open_clip(found.path) as clip:
            for frame in clip.frames(Sampling(every_s=FINEST_S)):
                beat()
                if stop.is_set():
                    return
                self._take(found, clip, frame, sampler, done)
        if self._settings().remove_taken:
            found.path.unlink(missing_ok=True)
        else:
            self._note(found, 2**31, finished=True)

    def _take(self, found: Found, clip: Clip, frame: VideoFrame, sampler: Sampler, done: int) -> None:
        taken_at = self._when(found, clip, frame)
        moment_s = taken_at.timestamp() if taken_at else frame.offset_s
        place = self._places.at(moment_s) if taken_at else None
        if not sampler.due(moment_s, place):
            return
        sampler.taken(moment_s, place)
        if frame.number < done:
            return
        photo = encode(frame.image_rgb_hwc, self._settings().jpeg_quality)
        name = f"{found.path.name}@{frame.offset_s:.2f}s.jpg"
        self._intake.take(Shot(photo, name, taken_at, place, clip.header.metadata.camera))
        self._note(found, frame.number + 1, finished=False)

    def _note(self, found: Found, done: int, finished: bool) -> None:
        self._seen.note(str(found.path), found.size_bytes, found.mtime_ns, done, finished)

    def _when(self, found: Found, clip: Clip, frame: VideoFrame) -> datetime | None:
        """By the clip; else it ended when the file was last written."""
        if frame.taken_at is None:
            if clip.header.duration_s is None:
                return None
            written = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
            return written + timedelta(seconds=frame.offset_s - clip.header.duration_s)
        if frame.taken_at.tzinfo is None:
            return frame.taken_at.replace(tzinfo=self._profile.zone) if self._profile.zone else None
        return frame.taken_at


class VideoFile:
    """One video, to its end."""

    def __init__(self, path: Path, reader: ClipReader, seen: SeenFiles, troubles: Troubles) -> None:
        self._path, self._reader, self._seen, self._troubles = path, reader, seen, troubles
        self.name = f"video {path}"

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until its end. A file that is not there is waited for."""
        while not stop.is_set():
            beat()
            try:
                stat = self._path.stat()
                found = Found(self._path, stat.st_size, stat.st_mtime_ns)
                known = self._seen.state(str(self._path), found.size_bytes, found.mtime_ns)
                if known is None or not known.finished:
                    self._reader.read(found, known.done if known else 0, stop, beat)
                self._troubles.over(self.name)
                return
            except ClipError as error:
                self._troubles.has(self.name, error)
                return
            except (SpoolFull, OSError) as error:
                reason = str(error)
                self._troubles.has(
                    self.name, SpokenError("the video waits ({reason}); it is tried again", reason=reason)
                )
            stop.wait(AGAIN_S)


def encode(image_rgb_hwc: ImageRgb, quality: int) -> bytes:
    """A JPEG of (h, w, 3) uint8."""
    return bytes(simplejpeg.encode_jpeg(image_rgb_hwc, quality=quality, colorspace="RGB"))
