"""Receivers as they speak: gpsd's JSON over TCP, NMEA over a serial line or TCP; waited for when away."""

import contextlib
import json
import math
import os
import select
import socket
import termios
import threading
import time
import tty
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol

from streetsight.inference.positions.receivers import read_sentences
from streetsight.inference.positions.tracks import Fix
from streetsight.models.language import SpokenError
from streetsight.service.agent.positions.places import Received
from streetsight.service.agent.troubles import Troubles

AGAIN_S, SILENT_S, CONNECT_S, POLL_S = 2.0, 10.0, 10.0, 1.0
LONGEST_LINE = 65_536
WATCH = b'?WATCH={"enable":true,"json":true};\n'
P95_OF_AXIS, P95_OF_RADIUS = 1.96, 2.45  # gpsd_json(5) states errors at 95 %; ours are one sigma per axis


class Lost(SpokenError):
    """The receiver hung up, or says nothing any more."""


class Line(Protocol):
    """Bytes that come in."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


class LineReceiver:
    """A receiver that says a line after the other."""

    def __init__(
        self,
        name: str,
        open_line: Callable[[], Line],
        read: Callable[[Iterable[str]], Iterator[Fix]],
        places: Received,
        troubles: Troubles,
    ) -> None:
        """`read`: makes fixes of lines as they come."""  # fmt: skip
        self.name = f"receiver {name}"
        self._open, self._read_fixes, self._places, self._troubles = open_line, read, places, troubles
        self._arrivals = (0.0, 0.0)  # of the line before, and of the latest

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop."""
        while not stop.is_set():
            beat()
            try:
                with contextlib.closing(self._open()) as line:
                    for fix in self._read_fixes(self._lines(line, stop, beat)):
                        self._places.add(self._arrivals[0], fix)
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
                yield each.decode("ascii", "replace")


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


def fixes_of_nmea(lines: Iterable[str]) -> Iterator[Fix]:
    """What stands between good sentences is left out."""
    return read_sentences(lines, Counter())


def fixes_of_gpsd(lines: Iterable[str]) -> Iterator[Fix]:
    """Of its TPV reports (gpsd_json(5)) that have a position in two dimensions or three."""
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            said = json.loads(line)
            if said.get("class") == "TPV" and said.get("mode", 0) >= 2:
                yield _fix_of_report(said)


def _fix_of_report(said: dict[str, Any]) -> Fix:
    """Raises ValueError, TypeError for one that is not whole."""
    moment = datetime.fromisoformat(said["time"]) if "time" in said else None
    axes = [float(said[name]) / P95_OF_AXIS for name in ("epx", "epy") if name in said]
    sigma_m = max(axes) if axes else float(said.get("eph", math.nan)) / P95_OF_RADIUS
    return Fix(
        moment.timestamp() if moment else time.time(), float(said["lon"]) if "lon" in said else math.nan,
        float(said["lat"]) if "lat" in said else math.nan, sigma_m, float(said.get("track", math.nan)),
        float(said.get("speed", math.nan)),
    )  # fmt: skip
