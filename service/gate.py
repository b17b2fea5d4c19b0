"""At most so many at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streetsight.service.faults import Busy


class Gate:
    """At most so many at the same moment; the next is asked to come again."""

    def __init__(self, limit: int, retry_after_seconds: float = 1.0) -> None:
        self._free, self._retry = threading.Semaphore(limit), retry_after_seconds

    @contextmanager
    def entered(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise Busy(
                "too many requests of this kind at the same moment; send again later",
                retry_after_seconds=self._retry,
            )
        try:
            yield
        finally:
            self._free.release()
