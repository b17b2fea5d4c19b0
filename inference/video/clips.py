"""Patrol videos as sampled frames.

    with open_clip(path) as clip:
        made = clip.header.metadata.taken_at               # to find the way on a track
        sampling = Sampling(Travel(offset_s, metres))      # every 4 m; Sampling() for every 0.5 s
        for frame in clip.frames(sampling):
            frame.id, frame.taken_at, frame.image_rgb_hwc

The file is decoded in a process of its own, one frame ahead of the caller, so memory does not depend on the
length of the clip. A clip that cannot be used, or not to its end, raises ClipError: from `open_clip`, or
from `frames` after the last good frame. That concerns this clip only.

**Time.** A frame's time is the clip's creation time plus the frame's offset. The standards say that the
creation time is in UTC, and recorders do as they like: most write when the recording began, some when it
ended (`stamped="end"` takes the duration off), and many dashcams write local time and call it UTC, which is
a constant error of the clock, to be declared or estimated as such (device profile, `clock_offset_s`).

**Position.** From a GPX or NMEA track, by time. Telemetry inside the video (GPMF, CAMM) is not read.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

from streetsight.inference.reading import MAX_PIXELS, ImageRgb
from streetsight.inference.video.child import DecoderProcess
from streetsight.inference.video.outcomes import check_clip_size
from streetsight.inference.video.sampling import SampledBy, Sampling
from streetsight.models.frame import FrameMetadata

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".flv", ".3gp")
PATIENCE_S = 20.0
Stamped = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class ClipHeader:
    """What is known of a clip before it is decoded.

    Attributes:
        sha256: of the file's bytes, hex.
        metadata: `taken_at` of the first picture (aware if the file gives an offset or UTC), camera,
            problems; never a position.
        duration_s: as the container says, or None.
        codec: FFmpeg's name.
    """

    sha256: str
    metadata: FrameMetadata
    duration_s: float | None
    codec: str


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One picture of a clip.

    Attributes:
        clip_sha256: of the file.
        number: how many pictures of the clip come before it, however it was sampled.
        offset_s: seconds from the clip's first picture.
        taken_at: the clip's plus the offset; None when the clip has no time.
        image_rgb_hwc: (h, w, 3) uint8, upright, square pixels.
        size_wh: of the image, pixels.
        sampled_by: whether distance or, for want of it, time made this one due.
    """

    clip_sha256: str
    number: int
    offset_s: float
    taken_at: datetime | None
    image_rgb_hwc: ImageRgb
    size_wh: tuple[int, int]
    sampled_by: SampledBy

    @property
    def id(self) -> str:
        """The frame's id: the clip's, "#" and the number."""
        return f"{self.clip_sha256}#{self.number}"


class Clip:
    """An open clip, to be read once, front to back. Close it, or use it in a `with` statement.

    Attributes:
        header: what is known beforehand.
        problems: what was wrong on the way, in words; known after the last frame.
    """

    def __init__(self, child: DecoderProcess, header: ClipHeader) -> None:
        self._child = child
        self.header = header
        self.problems: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the decoder, whatever it is doing."""
        self._child.stop()

    def frames(self, sampling: Sampling = Sampling()) -> Iterator[VideoFrame]:
        """The frames that are due, in order.

        Raises:
            ClipError: after the last good frame of a clip that is not whole.
        """
        with self:
            self._child.ask(sampling.to_json())
            while (message := self._child.hear())["is"] != "end":
                yield self._frame(message)
            self.problems = tuple(message["problems"])

    def _frame(self, message: Mapping[str, Any]) -> VideoFrame:
        made, offset_s = self.header.metadata.taken_at, message["offset_s"]
        size_wh = tuple(message["size_wh"])
        check_clip_size(size_wh)
        return VideoFrame(
            clip_sha256=self.header.sha256,
            number=message["number"],
            offset_s=offset_s,
            taken_at=made and made + timedelta(seconds=offset_s),
            image_rgb_hwc=self._child.receive(size_wh),
            size_wh=size_wh,
            sampled_by=message["sampled_by"],
        )


def open_clip(
    path: Path, stamped: Stamped = "start", threads: int = 1, patience_s: float = PATIENCE_S
) -> Clip:
    """Start decoding a clip, up to its header; reads the whole file once, for its digest.

    Args:
        stamped: whether the camera writes the creation time when it begins or when it ends a recording.
        threads: of the decoder.
        patience_s: a decoder without progress for so long is stopped.

    Raises:
        ClipError: for what is no video with pictures of a sensible size.
    """
    child = DecoderProcess(patience_s)
    try:
        child.ask({"path": str(path), "parent": os.getpid(), "threads": threads, "max_pixels": MAX_PIXELS})
        message = child.hear()
        check_clip_size(tuple(message["coded_wh"]))
    except BaseException:
        child.stop()
        raise
    return Clip(child, _read_header(message, stamped))


def _read_header(message: Mapping[str, Any], stamped: Stamped) -> ClipHeader:
    made = message["created"] and datetime.fromisoformat(message["created"])
    problems, duration_s = list(message["problems"]), message["duration_s"]
    if made and stamped == "end":
        if duration_s is None:
            problems.append("the video's creation time is that of its end, and its duration is unknown")
        made = duration_s and made - timedelta(seconds=duration_s)
    metadata = FrameMetadata(taken_at=made, camera=message["camera"], problems=tuple(problems))
    return ClipHeader(message["sha256"], metadata, duration_s, message["codec"])
