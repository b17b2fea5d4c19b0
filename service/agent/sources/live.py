"""A live camera: RTSP and other streams, or V4L2, decoded in a process of its own that is watched over."""

import os
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from streetsight.inference.video.child import DecoderProcess
from streetsight.inference.video.outcomes import ClipError, check_clip_size
from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import SpoolFull
from streetsight.service.agent.intake import Intake, Shot
from streetsight.service.agent.positions.places import Place, Places
from streetsight.service.agent.sampling import Sampler
from streetsight.service.agent.settings import AgentSettings
from streetsight.service.agent.sources.clip import encode
from streetsight.service.agent.sources.frozen import FrozenPicture
from streetsight.service.agent.troubles import Troubles

PATIENCE_S = 25.0  # above the longest usual distance of key frames
ASK_EVERY_S = 0.1
LOOK_ANYWAY_S = 5.0  # a vehicle that stands still wants to know whether its camera lives
FIRST_AGAIN_S, LONGEST_AGAIN_S, STEADY_S = 1.0, 60.0, 60.0


class LiveCamera:
    """Takes a picture whenever the vehicle has come far enough. One that fails is begun again."""

    def __init__(
        self, url: str, intake: Intake, places: Places, settings: Callable[[], AgentSettings],
        troubles: Troubles, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        self._url, self._intake, self._places, self._settings = url, intake, places, settings
        self._troubles, self._patience_s = troubles, patience_s
        self.name = f"camera {without_password(url)}"
        self._sampler, self._frozen = Sampler(settings), FrozenPicture(troubles, self.name)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop."""
        wait_s = FIRST_AGAIN_S
        while not stop.is_set():
            beat()
            began = time.monotonic()
            try:
                self._watch(stop, beat)
            except ClipError as error:
                self._troubles.has(self.name, self._silent() if error.outcome == "stalled" else error)
            lasted = time.monotonic() - began
            wait_s = FIRST_AGAIN_S if lasted > STEADY_S else min(wait_s * 2, LONGEST_AGAIN_S)
            stop.wait(wait_s)

    def _watch(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop. Raises ClipError when the camera fails."""
        child = DecoderProcess(self._patience_s, "live")
        try:
            shown = without_password(self._url)
            child.ask({"url": self._url, "shown": shown, "parent": os.getpid()})
            check_clip_size(tuple(child.hear()["size_wh"]))
            looked_s = 0.0
            while not stop.is_set():
                beat()
                now = time.time()
                due = self._sampler.due(now, self._places.at(now))
                if due or time.monotonic() - looked_s >= LOOK_ANYWAY_S:
                    self._take(child, due)
                    looked_s = time.monotonic()
                else:
                    stop.wait(ASK_EVERY_S)
        finally:
            child.stop()

    def _silent(self) -> SpokenError:
        return SpokenError(
            "the camera has sent no picture for {seconds} s; it is begun again. Look at its power and cable",
            seconds=self._patience_s,
        )

    def _take(self, child: DecoderProcess, due: bool) -> None:
        child.ask({"take": True})
        message = child.hear()
        size_wh = tuple(message["size_wh"])
        check_clip_size(size_wh)
        image = child.receive(size_wh)
        self._troubles.over(self.name)
        moment_s = message["taken_s"]
        place = self._places.at(moment_s)
        frozen = self._frozen.saw(image, moment_s, place)
        if due and not frozen:
            self._keep(encode(image, self._settings().jpeg_quality), moment_s, place)
            self._sampler.taken(moment_s, place)

    def _keep(self, photo: bytes, moment_s: float, place: Place | None) -> None:
        """A frame that there is no room for is gone: told, and the camera goes on."""
        taken_at = datetime.fromtimestamp(moment_s, UTC).astimezone()
        name = f"{taken_at:%Y%m%dT%H%M%S}.{taken_at.microsecond // 1000:03}.jpg"
        try:
            self._intake.take(Shot(photo, name, taken_at, place))
            self._troubles.over(f"spool of {self.name}")
        except SpoolFull as error:
            self._troubles.has(f"spool of {self.name}", error)


def without_password(url: str) -> str:
    """For logs: `rtsp://user:secret@host` without what is between."""
    return re.sub(r"//[^/@]*@", "//", url)
