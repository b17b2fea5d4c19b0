"""How much work waits, asked often and counted seldom."""

import threading
import time

from streetsight.service.jobs.queue import waiting
from streetsight.service.store.database import Database

COUNT_EVERY_SECONDS = 1.0


class Backlog:
    """Number of jobs of one kind that wait, at most a second old."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database, self._kind = database, kind
        self._lock, self._size, self._counted = threading.Lock(), 0, float("-inf")

    def size(self) -> int:
        with self._lock:
            if time.monotonic() - self._counted >= COUNT_EVERY_SECONDS:
                with self._database.read() as session:
                    self._size = waiting(session, self._kind)
                self._counted = time.monotonic()
            return self._size
