"""Receivers as they speak: gpsd's JSON over TCP, NMEA over a serial line or TCP; waited for when away."""

import contextlib
import json
import math
import os
import re
import select
import socket
import termios
import threading
import time
import tty
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streetsight.inference.positions.receivers import read_sentences
from streetsight.inference.positions.tracks import Fix
from streetsight.models.language import SpokenError
from streetsight.service.agent.positions.places import Received
from streetsight.service.agent.troubles import Troubles

AGAIN_S, SILENT_S, CONNECT_S, POLL_S = 2.0, 10.0, 10.0, 1.0
GARBLED_S = 15.0  # a receiver speaks once a second; above SILENT_S, so that silence is not taken for it
NO_FIX_S = 60.0  # a cold start takes half a minute, and so does a tunnel
LONGEST_LINE = 65_536
SENTENCE = re.compile(r"\$[A-Z]{4,5},")
WATCH = b'?WATCH={"enable":true,"json":true};\n'
P95_OF_AXIS, P95_OF_RADIUS = 1.96, 2.45  # gpsd_json(5) states errors at 95 %; ours are one sigma per axis


class Lost(SpokenError):
    """The receiver hung up, or says nothing any more."""


class Line(Protocol):
    """Bytes that come in."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Speech:
    """How a receiver speaks.

    Attributes:
        is_speech: whether a line is of this speech at all.
        read: makes fixes of lines as they come.
        foreign: what is told when nothing that comes is.
    """

    is_speech: Callable[[str], bool]
    read: Callable[[Iterable[str]], Iterator[Fix]]
    foreign: SpokenError


class LineReceiver:
    """A receiver that says a line after the other."""

    def __init__(
        self,
        name: str,
        open_line: Callable[[], Line],
        speech: Speech,
        places: Received,
        troubles: Troubles,
    ) -> None:
        self.name = f"receiver {name}"
        self._open, self._speech, self._places, self._troubles = open_line, speech, places, troubles
        self._arrivals = (0.0, 0.0)  # of the line before, and of the latest
        self._fixed_s, self._fixed_at = time.monotonic(), datetime.now()  # the latest fix, or the start

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop."""
        while not stop.is_set():
            beat()
            try:
                with contextlib.closing(self._open()) as line:
                    for fix in self._speech.read(self._lines(line, stop, beat)):
                        self._places.add(self._arrivals[0], fix)
                        self._fixed_s, self._fixed_at = time.monotonic(), datetime.now()
                        self._troubles.over(self.name)
            except OSError as error:
                reason = error.strerror or str(error)
                self._troubles.has(
                    self.name, SpokenError("the receiver cannot be reached ({reason})", reason=reason)
                )
            except Lost as error:
                self._troubles.has(self.name, error)
            stop.wait(AGAIN_S)

    def _lines(self, line: Line, stop: threading.Event, beat: Callable[[], None]) -> Iterator[str]:
        """Raises Lost, OSError."""
        rest, heard_s = b"", time.monotonic()
        understood_s = heard_s
        while not stop.is_set():
            beat()
            if not select.select([line], [], [], POLL_S)[0]:
                if time.monotonic() - heard_s > SILENT_S:
                    raise Lost("the receiver says nothing; look at its cable, its speed and its antenna")
                continue
            content = os.read(line.fileno(), 4096)
            if not content:
                raise Lost("the receiver hung up")
            heard_s = time.monotonic()
            *whole, rest = (rest + content)[-LONGEST_LINE:].split(b"\n")
            for each in whole:
                self._arrivals = (self._arrivals[1], time.time())
                said = each.decode("ascii", "replace")
                if self._speech.is_speech(said):
                    understood_s = heard_s
                yield said
            self._judge(heard_s, understood_s)

    def _judge(self, heard_s: float, understood_s: float) -> None:
        """Tell of a receiver that sends something and no position, for longer than is usual."""
        if heard_s - understood_s > GARBLED_S:
            self._troubles.has(self.name, self._speech.foreign)
        elif heard_s - self._fixed_s > NO_FIX_S:
            said = SpokenError(
                "the receiver sends data and has had no fix since {since}; has its antenna a free view of "
                "the sky?", since=f"{self._fixed_at:%H:%M:%S}",
            )  # fmt: skip
            self._troubles.has(self.name, said)


def connect(host: str, port: int, greeting: bytes = b"") -> socket.socket:
    """Raises OSError."""
    line = socket.create_connection((host, port), timeout=CONNECT_S)
    line.sendall(greeting)
    return line


class SerialLine:
    """A serial port, raw, eight bits, no parity."""

    def __init__(self, path: str, baud: int) -> None:
        """Raises OSError."""
        self._handle = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(self._handle, termios.TCSANOW)
            attributes = termios.tcgetattr(self._handle)
            attributes[4] = attributes[5] = getattr(termios, f"B{baud}")
            attributes[2] |= termios.CLOCAL | termios.CREAD
            termios.tcsetattr(self._handle, termios.TCSANOW, attributes)
        except termios.error as error:
            os.close(self._handle)
            raise OSError(*error.args) from error

    def fileno(self) -> int:
        return self._handle

    def close(self) -> None:
        os.close(self._handle)


def _is_sentence(line: str) -> bool:
    return SENTENCE.search(line) is not None


def _fixes_of_nmea(lines: Iterable[str]) -> Iterator[Fix]:
    """What stands between good sentences is left out."""
    return read_sentences(lines, Counter())


NMEA = Speech(
    _is_sentence,
    _fixes_of_nmea,
    SpokenError("what comes is no NMEA; is the speed of the line right (?baud=...), and is it the receiver's "
                "port?"),
)  # fmt: skip


def _report(line: str) -> dict[str, Any]:
    """One line of gpsd's; empty when it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and "class" in said else {}


def _is_report(line: str) -> bool:
    return bool(_report(line))


def _fixes_of_gpsd(lines: Iterable[str]) -> Iterator[Fix]:
    """Of its TPV reports (gpsd_json(5)) that have a position in two dimensions or three."""
    for said in map(_report, lines):
        with contextlib.suppress(LookupError, ValueError, TypeError, ArithmeticError):
            if said["class"] == "TPV" and said["mode"] >= 2:
                yield _fix_of_report(said)


def _fix_of_report(said: dict[str, Any]) -> Fix:
    """Raises LookupError, ValueError, TypeError, ArithmeticError for one that is not whole."""
    moment = datetime.fromisoformat(said["time"]) if "time" in said else None
    axes = [float(said[name]) / P95_OF_AXIS for name in ("epx", "epy") if name in said]
    sigma_m = max(axes) if axes else float(said.get("eph", math.nan)) / P95_OF_RADIUS
    return Fix(
        moment.timestamp() if moment else time.time(), float(said["lon"]), float(said["lat"]), sigma_m,
        float(said.get("track", math.nan)), float(said.get("speed", math.nan)),
    )  # fmt: skip


GPSD = Speech(
    _is_report, _fixes_of_gpsd, SpokenError("what answers is no gpsd; look at its address and its port")
)
