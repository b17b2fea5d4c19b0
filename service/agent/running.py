"""The whole agent: every source, the looker, the senders and the heart in threads of their own.

What fails is told and begun again; the others go on.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.models.language import SpokenError
from streetsight.service.agent.clock import Clock
from streetsight.service.agent.faults import AgentError, LinkError, SpoolFull
from streetsight.service.agent.heart import Heart
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.intake import Intake
from streetsight.service.agent.link import Link
from streetsight.service.agent.local import remember
from streetsight.service.agent.looking import Looking, look_at_all
from streetsight.service.agent.opening import held
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.positions.opening import Receiver, open_places
from streetsight.service.agent.remote import NotOurs, SettingsInForce, Signed
from streetsight.service.agent.sending import Sender, run_sender
from streetsight.service.agent.sources.opening import Source, open_source
from streetsight.service.agent.spool import Spool
from streetsight.service.agent.supervisor import Pulse, notify, watchdog_s
from streetsight.service.agent.troubles import Troubles

AGAIN_S, CHECK_S, TIDY_S = 5.0, 1.0, 600.0
JOIN_S = 20.0

Work = Callable[[threading.Event, Callable[[], None]], None]

log = structlog.get_logger(__name__)


class NothingToDo(AgentError):
    """An agent without a camera."""


@dataclass(slots=True)
class Parts:
    """What a running agent is made of."""

    spool: Spool
    settings: SettingsInForce
    link: Link
    looking: Looking
    clock: Clock = field(default_factory=Clock)
    troubles: Troubles = field(default_factory=Troubles)


@contextmanager
def open_parts(folder: Path, identity: Identity, local: dict[str, Any]) -> Iterator[Parts]:
    """Open all of it, and close it again; one process at a time.

    Raises:
        SpokenError: what cannot be used.
    """
    with ExitStack() as stack:
        stack.enter_context(held(folder))
        settings = SettingsInForce(folder, identity, local)
        spool = Spool(folder, lambda: settings().spool, only_covered=lambda: settings().look.redact)
        stack.callback(spool.close)
        bucket = Bucket(lambda: settings().upload.max_bytes_per_s)
        link = Link(identity, bucket, lambda: settings().upload.timeout_s)
        stack.callback(link.close)
        looking = Looking(lambda: settings().look)
        if looking.is_wanted and not settings.version:
            looking.looker()  # what the vehicle's own profile wants shall work; of the server's it is told
        yield Parts(spool, settings, link, looking)


def run(
    folder: Path,
    identity: Identity,
    profile: DeviceProfile,
    local: dict[str, Any],
    sources: Sequence[str],
    position: str | None,
    stop: threading.Event,
) -> None:
    """Run until `stop` is set. What was taken by then is safe, and is sent after the next start.

    Raises:
        SpokenError: what cannot be used at all; a camera or a link that fails does not end it.
    """  # fmt: skip
    if not sources:
        raise NothingToDo("no source is given; name a camera or its folder with --source")
    while not stop.is_set():
        try:
            _run_opened(folder, identity, profile, local, sources, position, stop)
        except SpoolFull as error:  # somebody else's files: they may go, and a vehicle has nobody to call
            log.warning("spool_full", reason=str(error))
            stop.wait(AGAIN_S)


def _run_opened(
    folder: Path, identity: Identity, profile: DeviceProfile, local: dict[str, Any], sources: Sequence[str],
    position: str | None, stop: threading.Event,
) -> None:  # fmt: skip
    """Raises SpoolFull when the spool cannot even be opened for want of room."""
    with open_parts(folder, identity, local) as parts:
        remember(folder, local)
        intake = Intake(parts.spool, parts.settings, parts.looking, lambda: _offset_s(parts.clock))
        places, receiver = open_places(position, profile, parts.troubles)
        cameras = [open_source(each, parts, intake, places, profile) for each in sources]
        _run_all(parts, cameras, receiver, stop)
        parts.spool.outings.close()


def _offset_s(clock: Clock) -> float | None:
    offset = clock.offset()
    return offset.seconds if offset else None


def _run_all(
    parts: Parts, cameras: Sequence[Source], receiver: Receiver | None, stop: threading.Event
) -> None:
    works: dict[str, Work] = {each.name: each.run for each in cameras}
    if receiver is not None:
        works[receiver.name] = receiver.run
    works["looking"] = lambda stop, beat: look_at_all(parts.spool, parts.looking, stop, beat, parts.troubles)
    sender = Sender(parts.spool, parts.link, lambda: parts.settings().upload, parts.troubles)
    for number in range(parts.settings().upload.senders):
        works[f"sender {number}"] = partial(_send, sender, parts.troubles)
    heart = Heart(
        parts.spool, parts.link, parts.clock, parts.troubles, parts.settings, partial(take_settings, parts)
    )
    works["heart"] = heart.run
    pulse = Pulse()
    threads = [
        threading.Thread(target=_keep_alive, args=(name, work, stop, pulse, parts.troubles), daemon=True)
        for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    log.info("agent_running", server=parts.link.server, parts=[*works])
    notify("READY=1\nSTATUS=running")
    _watch(parts, pulse, stop)
    notify("STOPPING=1")
    deadline = time.monotonic() + JOIN_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    log.info("agent_stopped")


def _send(sender: Sender, troubles: Troubles, stop: threading.Event, beat: Callable[[], None]) -> None:
    run_sender(sender, stop, beat, troubles)


def _keep_alive(name: str, work: Work, stop: threading.Event, pulse: Pulse, troubles: Troubles) -> None:
    """Run a part; one that fails is told and begun again, and takes nobody along."""
    while not stop.is_set():
        try:
            work(stop, partial(pulse.beat, name))
            break
        except SpokenError as error:
            troubles.has(name, error)
        except Exception as error:
            log.exception("part_failed", part=name)
            reason = f"{type(error).__name__}: {error}"
            troubles.has(name, SpokenError("a fault of the program ({reason}); begun again", reason=reason))
        stop.wait(AGAIN_S)
    pulse.end(name)


def _watch(parts: Parts, pulse: Pulse, stop: threading.Event) -> None:
    """Until asked to stop: tell systemd that all are alive, close outings that are over, tidy up."""
    every_s = watchdog_s()
    told_s = tidied_s = time.monotonic()
    while not stop.wait(CHECK_S):
        now = time.monotonic()
        if every_s is not None and now - told_s >= every_s:
            if silent := pulse.silent():
                log.error("parts_hang", parts=silent)  # systemd ends us, and starts us again
            else:
                notify("WATCHDOG=1")
            told_s = now
        if now - tidied_s >= TIDY_S:
            tidied_s = now
            try:
                parts.spool.outings.close(parts.settings().patrol_gap_minutes * 60)
                parts.spool.tidy()
                parts.troubles.over("tidying")
            except AgentError as error:
                parts.troubles.has("tidying", error)


def take_settings(parts: Parts, answer: dict[str, Any]) -> None:
    """Fetch the server's settings when it has newer ones; those that are not ours are told and left."""
    version = answer.get("settings_version")
    if not isinstance(version, int) or version <= parts.settings.version:
        return
    try:
        said = parts.link.ask("GET", "/v1/devices/self/settings").body
        parts.settings.take(Signed(str(said.get("payload")), str(said.get("signature"))))
        parts.troubles.over("settings")
        log.info("settings_taken", version=parts.settings.version)
    except (NotOurs, LinkError) as error:
        parts.troubles.has("settings", error)


def drain(parts: Parts, stop: threading.Event, anyway: bool, thinned: bool) -> int:
    """Look at and send all that waits; gives how many frames are left, 0 unless asked to stop."""
    look_at_all(parts.spool, parts.looking, stop, lambda: None, parts.troubles, until_done=True)
    sender = Sender(
        parts.spool, parts.link, lambda: parts.settings().upload, parts.troubles, thinned=thinned,
        anyway=anyway,
    )  # fmt: skip
    ended = threading.Event()
    threads = [
        threading.Thread(target=run_sender, args=(sender, ended, lambda: None, parts.troubles), daemon=True)
        for _ in range(parts.settings().upload.senders)
    ]
    for thread in threads:
        thread.start()
    while parts.spool.left_to_send(thinned) and not stop.wait(0.1):
        pass
    ended.set()
    for thread in threads:
        thread.join(JOIN_S)
    return parts.spool.left_to_send(thinned)
