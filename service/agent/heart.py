"""Heartbeats: how the vehicle is, told to the server; and from its answer how far our clock is off."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from streetsight.service.agent.clock import Clock
from streetsight.service.agent.faults import LinkError, SpoolError
from streetsight.service.agent.link import Link
from streetsight.service.agent.remote import SettingsInForce
from streetsight.service.agent.spool import Spool
from streetsight.service.agent.troubles import Troubles

MOST_PROBLEMS, LONGEST_PROBLEM = 20, 300
LOOK_S = 5.0
ZONES = Path("/sys/class/thermal")


class Heart:
    """Tells the server, again and again."""

    def __init__(
        self,
        spool: Spool,
        link: Link,
        clock: Clock,
        troubles: Troubles,
        settings: SettingsInForce,
        answered: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        """`answered`: called with the server's answer to each."""  # fmt: skip
        self._spool, self._link, self._clock, self._troubles = spool, link, clock, troubles
        self._settings, self._answered = settings, answered
        self._noted: list[dict[str, Any]] | None = None

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop. A server that cannot be reached is not waited for."""
        if self._settings.left is not None:
            self._troubles.has("settings", self._settings.left)
        while not stop.is_set():
            beat()
            self._note_troubles()  # the try may take long
            try:
                self.beat()
            except (LinkError, SpoolError) as error:
                self._troubles.has("heartbeat", error)
            self._wait(stop, beat)

    def _wait(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until the next heartbeat; what is wrong meanwhile is noted as it comes and goes."""
        until = time.monotonic() + self._settings().heartbeat_s
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            beat()
            self._note_troubles()
            stop.wait(min(left, LOOK_S))

    def _note_troubles(self) -> None:
        """For `streetsight agent status`, when they are others than before."""
        now = [each.kept() for each in self._troubles.now()]
        if now == self._noted:
            return
        with contextlib.suppress(SpoolError):  # who takes frames in tells of a spool that takes nothing
            self._spool.note(troubles=now, said_at=time.time())
            self._noted = now

    def beat(self) -> None:
        """Once. Raises LinkError, SpoolError."""
        said = self.words()
        asked_s = time.time()
        answer = self._link.ask(
            "POST", "/v1/devices/self/heartbeat",
            json_body={**said, "clock": datetime.fromtimestamp(asked_s, UTC).isoformat()},
        )  # fmt: skip
        answered_s = time.time()
        if not answer.ok or "server_time" not in answer.body:
            raise LinkError("the server does not take the heartbeat ({reason})", reason=answer.reason)
        self._clock.measure(asked_s, answered_s, _time_of(answer.body["server_time"]))
        offset = self._clock.offset()
        self._spool.note(heard_at=time.time(), clock_offset_s=offset and offset.seconds)
        self._troubles.over("heartbeat")
        self._answered(dict(answer.body))

    def words(self) -> dict[str, Any]:
        """How the vehicle is, as the server takes it, without the time."""
        queued_frames, queued_bytes = self._spool.queue()
        offset, temperature = self._clock.offset(), temperature_celsius()
        said: dict[str, Any] = {
            "queued_frames": queued_frames, "queued_bytes": queued_bytes,
            "free_bytes": self._spool.free_bytes(), "software": f"streetsight {version('streetsight')}",
            "settings_version": self._settings.version,
            "problems": [
                f"{each.where}: {each.error}"[:LONGEST_PROBLEM] for each in self._troubles.now()
            ][:MOST_PROBLEMS],
        }  # fmt: skip
        if temperature is not None:
            said["temperature_celsius"] = temperature
        if offset is not None:
            said |= {"clock_offset_s": offset.seconds, "clock_uncertainty_s": offset.uncertainty_s}
        return said


def temperature_celsius(zones: Path = ZONES) -> float | None:
    """Of the hottest sensor; None where the machine has none."""
    found = []
    for path in zones.glob("thermal_zone*/temp"):
        try:
            found.append(int(path.read_text()) / 1000)
        except (OSError, ValueError):  # some sensors answer only while their part is awake
            continue
    plausible = [each for each in found if -100 <= each <= 200]
    return max(plausible, default=None)


def _time_of(said: object) -> datetime:
    """Raises LinkError for what is no time with its zone: no clock could be held against it."""
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(str(said))
        if moment.tzinfo is not None:
            return moment
    raise LinkError(
        "the server says {said} for its time; expected is one such as 2026-11-22T08:30:00+08:00. It is of "
        "another version, or another program",
        said=repr(said),
    )
