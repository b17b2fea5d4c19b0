"""How far the vehicle's clock is from the server's: measured, told, and never put right in secret."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime

TRUSTED_S = 3600.0  # an old measurement is taken over a new one only if it is surer and this young


@dataclass(frozen=True, slots=True)
class Offset:
    """Vehicle's clock minus the server's.

    Attributes:
        uncertainty_s: half of the time that the request and its answer took; the truth lies within.
    """

    seconds: float
    uncertainty_s: float


class Clock:
    """The latest measurements. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._best: tuple[float, Offset] | None = None
        self._steps = time.time() - time.monotonic()

    def measure(self, asked_s: float, answered_s: float, server_time: datetime) -> Offset:
        """Of one request: when it was asked and answered by our clock, and the time that the server said."""
        middle = (asked_s + answered_s) / 2
        measured = Offset(middle - server_time.timestamp(), (answered_s - asked_s) / 2)
        with self._lock:
            if self._best is None or self._is_better(measured):
                self._best = (time.monotonic(), measured)
        return measured

    def _is_better(self, measured: Offset) -> bool:
        assert self._best is not None
        at_s, best = self._best
        return measured.uncertainty_s <= best.uncertainty_s or time.monotonic() - at_s > TRUSTED_S

    def offset(self) -> Offset | None:
        """The surest of late; None before the first, and after our clock was set."""
        with self._lock:
            steps = time.time() - time.monotonic()
            if abs(steps - self._steps) > 0.5:  # somebody set the clock: what was measured is of another one
                self._best, self._steps = None, steps
            return self._best[1] if self._best else None
