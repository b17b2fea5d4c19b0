"""How much work waits, asked often and counted seldom."""

import time

from streetsight.service.jobs.queue import waiting
from streetsight.service.store.database import Database

COUNT_EVERY_SECONDS = 1.0


class Backlog:
    """Number of jobs of one kind that wait.

    Attributes:
        size: as of the latest count.
    """

    def __init__(self, database: Database, kind: str) -> None:
        self._database, self._kind = database, kind
        self.size, self._counted = 0, float("-inf")

    def is_old(self) -> bool:
        """Whether it is time to count again."""
        return time.monotonic() - self._counted >= COUNT_EVERY_SECONDS

    def count(self) -> None:
        """Count again. Several at once do no harm."""
        self._counted = time.monotonic()  # first, so that the others do not count as well
        with self._database.read() as session:
            self.size = waiting(session, self._kind)
