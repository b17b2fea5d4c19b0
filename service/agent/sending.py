"""From the spool to the server: batches, each photo with an outcome of its own, again until there is one.

A frame is sent only when the server names its digest in the answer; everything else leaves it where it is.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streetsight.service.agent.faults import AgentError, LinkError, SpoolError, Unauthorised, WrongServer
from streetsight.service.agent.link import LATER, Link
from streetsight.service.agent.pacing import Backoff, Pace
from streetsight.service.agent.resumable import Resumable
from streetsight.service.agent.settings import UploadSettings
from streetsight.service.agent.spool import Frame, Mark, Spool
from streetsight.service.agent.troubles import Troubles
from streetsight.service.agent.windows import attachment_to, on_network, within_hours
from streetsight.service.steps import passed

IDLE_S, NOT_NOW_S = 0.5, 20.0
BOUNDARY = "streetsight-4f1c9f6e0c3a4d0b"
# Faults of the way there, or of what the server knows: the photo itself may be as good as any.
NOT_THE_PHOTOS_FAULT = frozenset({"wrong_digest", "bad_form", "malformed", "no_patrol"})

Photo = tuple[Frame, bytes]


class NotNow(AgentError):
    """Sending is allowed on other networks or at other hours."""


class Beat(Protocol):
    """Called at every step, so that a watchdog knows."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server says of one photo."""

    status: int
    code: str
    frame_id: str | None
    sha256: str | None
    reason: str | None


class Sender:
    """Sends what waits. Several threads may run `turn` at the same time; none sends what another does."""

    def __init__(
        self,
        spool: Spool,
        link: Link,
        settings: Callable[[], UploadSettings],
        troubles: Troubles,
        local_time: Callable[[], datetime] = datetime.now,
        thinned: bool = False,
        anyway: bool = False,
    ) -> None:
        """
        Args:
            thinned: also send frames that were thinned out.
            anyway: whatever the networks and hours are that the settings allow.
        """  # fmt: skip
        self._spool, self._link, self._settings, self._troubles = spool, link, settings, troubles
        self._local_time, self._thinned, self._anyway = local_time, thinned, anyway
        self._backoff, self._pace = Backoff(lambda: settings().retry_max_s), Pace()
        self._resumable = Resumable(spool, link, settings)
        self._lock, self._taken = threading.Lock(), set[int]()
        self._patrols = threading.Lock()

    def turn(self) -> float:
        """Send one batch; gives the seconds after which there may be something to do again."""
        if (wait_s := self._backoff.left_s()) > 0:
            return min(wait_s, IDLE_S)
        try:
            self._check_allowed()
        except NotNow as error:
            self._troubles.has("upload", error)
            return NOT_NOW_S
        self._troubles.over("upload")
        batch = self._claim()
        try:
            busy = self._send(batch)
            # one that had nothing to send learnt nothing of the link, while another may have failed
            if busy or not self._spool.left_to_send(self._thinned):
                self._troubles.over("link")
        except LinkError as error:
            self._failed(error)
            return IDLE_S
        finally:
            with self._lock:
                self._taken.difference_update(each.id for each in batch)
        return 0.0 if busy else IDLE_S

    def _failed(self, error: LinkError) -> None:
        self._troubles.has("link", error)
        if not isinstance(error, (WrongServer, Unauthorised)) and not error.wait_s:
            self._pace.broke()
        self._backoff.failed(error.wait_s)

    def _check_allowed(self) -> None:
        """Raises NotNow."""
        settings = self._settings()
        if self._anyway:
            return
        if not within_hours(settings.hours, self._local_time()):
            raise NotNow("sending waits for its hours: {hours}", hours=", ".join(settings.hours))
        if settings.networks and not on_network(settings.networks, here := attachment_to(self._link.server)):
            raise NotNow(
                "sending waits for one of its networks ({networks}); the vehicle is on {interface} {ssid} "
                "{address}",
                networks=", ".join(settings.networks), interface=here.interface or "-", ssid=here.ssid or "-",
                address=here.address or "-",
            )  # fmt: skip

    def _claim(self) -> list[Frame]:
        """The next frames, for this thread alone: as many as the link bears, a large one by itself."""
        settings = self._settings()
        most, room = self._pace.limit(settings.batch_photos), self._pace.limit(int(settings.batch_bytes))
        with self._lock:
            found = self._spool.waiting(most, self._taken, self._thinned)
            batch = found[:1]
            for frame in found[1:]:
                room -= batch[-1].size_bytes
                if frame.size_bytes > room or self._is_large(batch[0]) or self._is_large(frame):
                    break
                batch.append(frame)
            self._taken.update(each.id for each in batch)
        return batch

    def _is_large(self, frame: Frame) -> bool:
        return frame.size_bytes >= self._settings().resumable_from_bytes

    def _send(self, batch: list[Frame]) -> bool:
        """Whether there was anything to do. Raises LinkError."""
        if not batch:
            with self._patrols:
                return self._resumable.look_after() or self._close_patrols()
        self._know_patrols(batch)
        if self._is_large(batch[0]):
            self._resumable.send(batch[0], self._metadata(batch[0], digest=False))
        else:
            photos = [(each, photo) for each in batch if (photo := self._spool.photo(each)) is not None]
            if photos:
                self._post(photos)
        self._backoff.worked()
        self._pace.held()
        return True

    def _post(self, photos: Sequence[Photo]) -> None:
        metadata = [self._metadata(frame) for frame, _ in photos]
        answer = self._link.ask(
            "POST", "/v1/frames/batch", multipart(photos, metadata),
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )  # fmt: skip
        passed("posted")
        outcomes = answer.body.get("outcomes") if answer.ok else None
        if not isinstance(outcomes, list) or len(outcomes) != len(photos):
            self._refused_as_a_whole(photos, answer.status, answer.code, answer.reason)
            return
        marks: list[Mark] = []
        later, asked_s = "", 0.0
        for (frame, _), said in zip(photos, outcomes, strict=True):
            outcome = Outcome(*(said.get(key) for key in ("status", "outcome", "id", "sha256", "reason")))
            if outcome.status in (200, 201) and outcome.sha256 == frame.sha256:
                marks.append((frame.id, "sent", outcome.frame_id, None, None))
            elif outcome.status in (413, 422) and outcome.code not in NOT_THE_PHOTOS_FAULT:
                marks.append((frame.id, "refused", None, outcome.reason or outcome.code, None))
            else:
                later = outcome.reason or outcome.code
                if outcome.code == "no_patrol":
                    self._spool.outings.know(frame.patrol_id, None)
                asked_s = max(asked_s, 5.0 if outcome.status in LATER else 0.0)
        self._spool.mark_all(marks)
        passed("sent")
        if later:
            raise LinkError("the server cannot take it now ({reason}); it is tried again", wait_s=asked_s,
                            reason=later)  # fmt: skip

    def _refused_as_a_whole(self, photos: Sequence[Photo], status: int, code: str, reason: str) -> None:
        """Too much at once is sent in smaller parts, and a single photo that is too large is set aside."""
        if len(photos) == 1 and status in (413, 422) and code not in NOT_THE_PHOTOS_FAULT:
            self._spool.mark(photos[0][0].id, "refused", reason=reason)
            return
        self._pace.broke()
        raise LinkError("the server refuses what is sent ({status}: {reason}); it is tried again in parts",
                        status=status, reason=reason)  # fmt: skip

    def _metadata(self, frame: Frame, digest: bool = True) -> dict[str, Any]:
        said: dict[str, Any] = {**frame.metadata, "name": frame.name}
        if digest:
            said["sha256"] = frame.sha256
        if (patrol := self._spool.outings.server_id(frame.patrol_id)) is not None:
            said["patrol_id"] = patrol
        return said

    def _know_patrols(self, batch: Sequence[Frame]) -> None:
        """Open the batch's patrols at the server, by our own names for them: as often as it takes."""
        with self._patrols:
            for patrol_id in sorted({each.patrol_id for each in batch}):
                if self._spool.outings.server_id(patrol_id) is None:
                    answer = self._link.ask(
                        "POST", "/v1/patrols", json_body={"key": self._spool.outings.key(patrol_id)}
                    )
                    if not answer.ok:
                        raise LinkError(
                            "the server opens no patrol ({status}: {reason}); it is tried again",
                            wait_s=30, status=answer.status, reason=answer.reason,
                        )  # fmt: skip
                    self._spool.outings.know(patrol_id, answer.text("id"))

    def _close_patrols(self) -> bool:
        done = False
        for patrol_id, server_id in self._spool.outings.to_close():
            answer = self._link.ask("POST", f"/v1/patrols/{server_id}/close")
            if answer.ok or answer.code == "no_patrol":
                self._spool.outings.told_closed(patrol_id)
                done = True
        return done


def run_sender(sender: Sender, stop: threading.Event, beat: Beat, troubles: Troubles) -> None:
    """Send until asked to stop; a spool that fails is told and tried again."""
    while not stop.is_set():
        beat()
        try:
            wait_s = sender.turn()
            troubles.over("sending")
        except SpoolError as error:
            troubles.has("sending", error)
            wait_s = 5.0
        if wait_s:
            stop.wait(wait_s)


def multipart(photos: Sequence[Photo], metadata: Sequence[Mapping[str, Any]]) -> bytes:
    """A body for POST /v1/frames/batch (RFC 7578)."""
    parts = []
    for frame, photo in photos:
        head = f'form-data; name="photos"; filename="{frame.id}.jpg"'
        parts += [f"--{BOUNDARY}\r\nContent-Disposition: {head}\r\n\r\n".encode(), photo, b"\r\n"]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'.encode(),
        json.dumps([*metadata]).encode(),
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]
    return b"".join(parts)
