"""How fast, how much and how soon again: a token bucket, batches that shrink, back-off with full jitter."""

import random
import threading
import time
from collections.abc import Callable, Iterator

FIRST_S = 0.5
CHUNK_BYTES = 16 << 10
BURST_S = 0.25


class Bucket:
    """Lets so many bytes a second pass, of all who share it."""

    def __init__(self, rate: Callable[[], int | None]) -> None:
        """`rate`: bytes per second as set now; None for no limit."""
        self._rate, self._lock = rate, threading.Lock()
        self._free_at = 0.0

    def take(self, size: int) -> None:
        """Wait until so many bytes may pass."""
        rate = self._rate()
        if not rate:
            return
        with self._lock:  # who comes later waits for all who came before
            now = time.monotonic()
            self._free_at = max(self._free_at, now - BURST_S) + size / rate
            wait_s = self._free_at - now
        if wait_s > 0:
            time.sleep(wait_s)

    def through(self, content: bytes) -> Iterator[bytes]:
        """The content in pieces, each as soon as it may pass."""
        for start in range(0, len(content), CHUNK_BYTES):
            piece = content[start : start + CHUNK_BYTES]
            self.take(len(piece))
            yield piece


class Backoff:
    """When to try again. Full jitter (AWS Architecture Blog, 2015): vehicles must not come back as one.

    One for all senders: they share the link.
    """

    def __init__(self, longest_s: Callable[[], float], first_s: float = FIRST_S) -> None:
        self._longest_s, self._first_s, self._chance = longest_s, first_s, random.Random()
        self._failures, self._until, self._lock = 0, 0.0, threading.Lock()

    def failed(self, asked_s: float = 0.0) -> float:
        """Note a failure; gives the wait, seconds. `asked_s` is what the server wants at least."""
        with self._lock:
            most = min(self._longest_s(), self._first_s * 2**self._failures)
            self._failures = min(self._failures + 1, 30)
            wait_s = asked_s + self._chance.uniform(0, most)
            self._until = max(self._until, time.monotonic() + wait_s)
            return wait_s

    def worked(self) -> None:
        with self._lock:
            self._failures, self._until = 0, 0.0

    def left_s(self) -> float:
        """Seconds until the next try."""
        with self._lock:
            return max(0.0, self._until - time.monotonic())


class Pace:
    """How many photos go together: half as many after each broken connection, more while it holds."""

    def __init__(self) -> None:
        self._share, self._lock = 1.0, threading.Lock()

    def limit(self, most: int) -> int:
        """Of one request, 1 at least; at most `most`, which is of photos or of bytes."""
        return max(1, int(most * self._share))

    def broke(self) -> None:
        with self._lock:
            self._share = max(self._share / 2, 1 / 64)

    def held(self) -> None:
        with self._lock:
            self._share = min(self._share * 1.5, 1.0)
