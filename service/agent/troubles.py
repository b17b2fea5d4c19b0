"""What is wrong right now, by where it comes from: said once in the log, and with each heartbeat."""

import threading
from dataclasses import dataclass

import structlog

from streetsight.models.language import SpokenError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Attributes: where: "link", "spool", "camera rtsp://...", ...; error: in words."""

    where: str
    error: SpokenError


class Troubles:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._now: dict[str, SpokenError] = {}
        self._lock = threading.Lock()

    def has(self, where: str, error: SpokenError) -> None:
        """Something is wrong there; told when it is news."""
        with self._lock:
            before, self._now[where] = self._now.get(where), error
        if before is None or str(before) != str(error):
            log.warning("trouble", where=where, reason=str(error))

    def over(self, where: str) -> None:
        """It works again."""
        with self._lock:
            before = self._now.pop(where, None)
        if before is not None:
            log.info("trouble_over", where=where)

    def now(self) -> list[Trouble]:
        """All that is wrong, by where."""
        with self._lock:
            return [Trouble(*each) for each in sorted(self._now.items(), key=lambda pair: pair[0])]
