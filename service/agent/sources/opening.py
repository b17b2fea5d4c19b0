"""A source by what the user calls it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.intake import Intake
from streetsight.service.agent.positions.places import Places

if TYPE_CHECKING:
    from streetsight.service.agent.running import Parts


class NoSource(AgentError):
    """Not a source that we know."""


class Source(Protocol):
    """Takes frames until it is asked to stop, or has no more."""

    name: str

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None: ...


def open_source(said: str, parts: "Parts", intake: Intake, places: Places, profile: DeviceProfile) -> Source:
    """`/folder`, `folder:/folder`, `/clip.mp4`, `/dev/video0`, `v4l2:/dev/video0`, `rtsp://...`.

    Raises:
        NoSource: for anything else. A camera that is not there now is waited for, and no error.
    """
    from streetsight.service.agent.sources.folder import PhotoFolder

    kind, _, rest = said.partition(":")
    if kind == "folder" or Path(said).is_dir():
        folder = Path(rest if kind == "folder" else said)
        return PhotoFolder(
            folder.absolute(), intake, parts.spool.seen, places, profile, parts.settings, parts.troubles
        )
    raise NoSource(
        "{source}: expected a folder, a video file, rtsp://..., or a camera such as /dev/video0",
        source=said,
    )
