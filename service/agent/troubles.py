"""What is wrong right now, by where it comes from: said once in the log, and with each heartbeat."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from streetsight.models.language import SpokenError, translate
from streetsight.models.taxonomy import Language

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Attributes: where: "link", "tidying", "camera rtsp://...", ...; error: in words."""

    where: str
    error: SpokenError

    def kept(self) -> dict[str, Any]:
        """As the spool keeps it for `streetsight agent status`, which may speak another language."""
        return {"where": self.where, "text": str(self.error), **_kept(self.error)}


def said(trouble: Mapping[str, Any], language: Language) -> str:
    """In words, of one that was kept."""
    return f"{trouble['where']}: {_said(trouble, language)}"


def _kept(error: SpokenError) -> dict[str, Any]:
    values = {
        name: _kept(each) if isinstance(each, SpokenError) else each if isinstance(each, int | float)
        else str(each)
        for name, each in error.values.items()
    }  # fmt: skip
    return {"message": error.message, "values": values}


def _said(kept: Mapping[str, Any], language: Language) -> str:
    values = {
        name: _said(each, language) if isinstance(each, dict) else each
        for name, each in kept["values"].items()
    }
    return translate(kept["message"], language, **values)


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
