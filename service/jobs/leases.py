"""Which leases have been the same for too long, by a clock that nobody can set."""

import time
from collections.abc import Callable, Mapping


class LeaseWatch:
    """Watches leases over time.

    A lease is late when this watch has seen it unchanged for `seconds` of its own monotonic clock. Watches of
    several workers need not agree: taking a job back is conditional on its lease, so one of them succeeds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._since: dict[tuple[str, str], float] = {}

    def late(self, leases: Mapping[str, str]) -> list[tuple[str, str]]:
        """Job and lease of those that are late.

        Args:
            leases: all that are held now, by job.
        """
        moment = self._clock()
        self._since = {each: self._since.get(each, moment) for each in leases.items()}
        return [each for each, since in self._since.items() if moment - since >= self._seconds]
