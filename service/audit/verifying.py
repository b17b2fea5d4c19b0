"""Is the log as it was written?"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from streetsight.service.audit.chain import START, entry_hash
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.faults import Invalid
from streetsight.service.store.sessions import ReadSession

AT_ONCE = 1000


class BadHead(Invalid):
    """Something that is no head of the log."""

    code = "bad_head"


@dataclass(frozen=True, slots=True)
class Noted:
    """The head of the log as somebody noted it elsewhere."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        count: entries that are as they were written.
        head: hash of the last of them.
        broken: number of the first entry that is not; None when all are.
        reason: what is wrong with it.
    """

    count: int
    head: str
    broken: int | None = None
    reason: str | None = None


def verify(session: ReadSession, noted: Noted | None = None) -> Verdict:
    """Read the whole log and compute every hash anew.

    Args:
        noted: an earlier head; without one, entries cut off at the end leave no trace.
    """
    count, previous, seen = 0, START, noted is None
    for entry in entries(session):
        if (reason := _fault(entry, count + 1, previous)) is not None:
            return Verdict(count, previous, count + 1, reason)
        count, previous = entry.number, entry.hash
        if noted is not None and entry.number == noted.number:
            if entry.hash != noted.hash:
                return Verdict(
                    count - 1, entry.previous_hash, count, "its hash is not the one that was noted"
                )
            seen = True
    if not seen:
        return Verdict(
            count, previous, count + 1, "it is missing: the log was longer when its head was noted"
        )
    return Verdict(count, previous)


def entries(session: ReadSession) -> Iterator[AuditEntry]:
    """All entries, oldest first; few of them in memory."""
    number = 0
    while some := session.scalars(
        select(AuditEntry).where(AuditEntry.number > number).order_by(AuditEntry.number).limit(AT_ONCE)
    ).all():
        yield from some
        number = some[-1].number


def _fault(entry: AuditEntry, expected: int, previous: str) -> str | None:
    if entry.number != expected:
        return "it is missing"
    if entry.previous_hash != previous:
        return "it does not follow on the entry before it"
    if entry.hash != entry_hash(entry):
        return "it was changed: its hash is not that of its content"
    return None
