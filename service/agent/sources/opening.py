"""A source by what the user calls it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.video.clips import SUFFIXES as CLIP_SUFFIXES
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.intake import Intake
from streetsight.service.agent.positions.places import Places

if TYPE_CHECKING:
    from streetsight.service.agent.running import Parts

STREAMS = ("rtsp", "rtsps", "http", "https", "tcp", "udp")


class NoSource(AgentError):
    """Not a source that we know."""


class Source(Protocol):
    """Takes frames until it is asked to stop, or has no more."""

    name: str

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None: ...


def open_source(said: str, parts: "Parts", intake: Intake, places: Places, profile: DeviceProfile) -> Source:
    """`/folder`, `folder:/folder`, `/clip.mp4`, `/dev/video0`, `v4l2:/dev/video0`, `rtsp://...`.

    Raises:
        NoSource: for anything else. What is not there now is waited for, and no error: a card that is not
            mounted yet costs no other camera. A path of nothing is a folder, unless it looks like a video.
    """
    kind, _, rest = said.partition(":")
    place = rest if kind in ("folder", "video", "v4l2") else said
    if not place.strip():
        raise NoSource("a source is empty; name a camera or its folder with --source")
    path = Path(place)
    if kind in STREAMS or kind == "v4l2" or said.startswith("/dev/video"):
        from streetsight.service.agent.sources.live import LiveCamera

        address = str(path) if kind == "v4l2" else said
        return LiveCamera(address, intake, places, parts.settings, parts.troubles)
    if kind == "folder" or os.path.isdir(path) or _may_come(path, said):
        from streetsight.service.agent.sources.folder import PhotoFolder

        return PhotoFolder(
            path.absolute(), intake, parts.spool.seen, places, profile, parts.settings, parts.troubles
        )
    if kind == "video" or path.suffix.lower() in CLIP_SUFFIXES:
        from streetsight.service.agent.sources.clip import ClipReader, VideoFile

        reader = ClipReader(intake, parts.spool.seen, places, profile, parts.settings)
        return VideoFile(path.absolute(), reader, parts.spool.seen, parts.troubles)
    raise NoSource(
        "{source}: expected a folder, a video file, rtsp://..., or a camera such as /dev/video0", source=said
    )


def _may_come(path: Path, said: str) -> bool:
    """Whether it may be a folder that is not mounted yet."""
    video, device = path.suffix.lower() in CLIP_SUFFIXES, path.absolute().is_relative_to("/dev")
    return not (os.path.exists(path) or video or device or "://" in said)
