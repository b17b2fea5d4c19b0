"""What was done to a registry, by whom and why: append-only, one JSON line an event, each bound to the last.

A change of the release in force is written with `current` itself, in its second line, and only then
appended here: the rename of `current` is the one moment at which it happens. Whoever reads the history
adds what `current` knows and the file not yet, so the two never contradict each other, and the next
change appends it.
"""

import getpass
import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from streetsight.models.card import Sha256
from streetsight.models.releases import CURRENT_NAME, ReleaseError

HISTORY_NAME = "history.jsonl"

Action = Literal["register", "compare", "promote", "force", "rollback"]
CHANGES: frozenset[Action] = frozenset({"promote", "force", "rollback"})


class HistoryError(ReleaseError):
    """The history was damaged or edited."""


class Entry(BaseModel):
    """One event.

    `from_address` is the release in force before it, or the one compared with; `to_address` is what was
    registered, compared, or put in force.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime
    who: str
    action: Action
    from_address: str | None
    to_address: str
    reason: str = ""
    evidence_sha256: Sha256 | None = None
    overridden: tuple[str, ...] = Field(default=(), description="objections that were forced aside")
    previous_sha256: str = Field(description="of the line before, empty for the first")

    @property
    def release_name(self) -> str:
        return self.to_address.partition("@")[0]

    def line(self) -> bytes:
        return self.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class History:
    """All events, oldest first.

    Attributes:
        end_sha256: digest of the last line, to which the next event is bound.
        unwritten: the last event where only `current` has it yet.
    """

    entries: tuple[Entry, ...] = ()
    end_sha256: str = ""
    unwritten: Entry | None = None

    def previous_champion(self) -> str | None:
        """Address of the release that was in force before the present one; rollbacks undo promotions."""
        before: list[str] = []
        for each in self.entries:
            if each.action == "rollback" and each.to_address in before:
                del before[len(before) - 1 - before[::-1].index(each.to_address) :]
            elif each.action in CHANGES and each.from_address is not None:
                before.append(each.from_address)
        return before[-1] if before else None

    def champions(self) -> frozenset[str]:
        """Addresses of all releases that ever were in force."""
        changes = [each for each in self.entries if each.action in CHANGES]
        return frozenset(
            address for each in changes for address in (each.from_address, each.to_address) if address
        )

    def evidence_for(self, challenger: str, champion: str) -> str | None:
        """Digest of the latest comparison of the two."""
        for each in reversed(self.entries):
            if (each.action, each.from_address, each.to_address) == ("compare", champion, challenger):
                return each.evidence_sha256
        return None

    def has_registered(self, address: str) -> bool:
        return any(each.action == "register" and each.to_address == address for each in self.entries)


def read_history(root: Path) -> History:
    """The events of a registry.

    Raises:
        HistoryError: naming the line that does not follow from the one before.
    """
    path = root / HISTORY_NAME
    content = path.read_bytes() if path.exists() else b""
    written = content[: content.rfind(b"\n") + 1].splitlines()  # a torn end was never acknowledged
    entries, end = [], ""
    for number, line in enumerate(written, start=1):
        entry = _parse(line)
        if entry is None or entry.previous_sha256 != end:
            raise HistoryError(
                "{path}, line {number}: does not follow from the line before; the history was damaged or "
                "edited. The release in force is untouched. Restore the file from a backup, or move it aside "
                "to begin a new history",
                path=path, number=number,
            )  # fmt: skip
        entries.append(entry)
        end = hashlib.sha256(line).hexdigest()
    history = History(tuple(entries), end)
    pending = _pending(root)
    if pending is None or pending.previous_sha256 != end:
        return history
    return replace(
        history,
        entries=(*entries, pending),
        end_sha256=hashlib.sha256(pending.line()).hexdigest(),
        unwritten=pending,
    )


def new_entry(
    history: History, who: str, action: Action, from_address: str | None, to_address: str, **details: object
) -> Entry:
    """An event that follows on this history, now."""
    return Entry.model_validate(
        {
            "at": datetime.now(UTC), "who": who, "action": action, "from_address": from_address,
            "to_address": to_address, "previous_sha256": history.end_sha256, **details,
        }
    )  # fmt: skip


def caller() -> str:
    """Who runs this process: the login name, or the user id where it has none (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _pending(root: Path) -> Entry | None:
    """The event in `current`; None where it was written by hand or there is none."""
    path = root / CURRENT_NAME
    lines = path.read_bytes().splitlines() if path.exists() else []
    return _parse(lines[1]) if len(lines) > 1 else None


def _parse(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None
