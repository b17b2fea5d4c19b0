"""Heartbeats: how the vehicle is, told to the server; and from its answer how far our clock is off."""

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

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop. A server that cannot be reached is not waited for."""
        while not stop.is_set():
            beat()
            try:
                self.beat()
            except (LinkError, SpoolError) as error:
                self._troubles.has("heartbeat", error)
            _wait(stop, self._settings().heartbeat_s, beat)

    def beat(self) -> None:
        """Once. Raises LinkError, SpoolError."""
        said = self.words()
        self._spool.note(troubles=said["problems"], said_at=time.time())
        asked_s = time.time()
        answer = self._link.ask(
            "POST", "/v1/devices/self/heartbeat",
            json_body={**said, "clock": datetime.fromtimestamp(asked_s, UTC).isoformat()},
        )  # fmt: skip
        answered_s = time.time()
        if not answer.ok or "server_time" not in answer.body:
            raise LinkError("the server does not take the heartbeat ({reason})", reason=answer.reason)
        server_time = datetime.fromisoformat(str(answer.body["server_time"]))
        self._clock.measure(asked_s, answered_s, server_time)
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


def _wait(stop: threading.Event, seconds: float, beat: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        beat()
        stop.wait(min(left, 5.0))
