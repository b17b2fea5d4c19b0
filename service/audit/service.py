"""Record what was done; read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, text

from streetsight.service.audit.chain import START, canonical, entry_hash
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import Actor
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

_TURN = 0x57E75165  # any number that nobody else uses for an advisory lock of PostgreSQL


def record(
    session: WriteSession, actor: Actor, action: str, subject: str, details: Mapping[str, Any] = {}
) -> AuditEntry:
    """Add an entry to the log, in the transaction of the act: both happen, or neither.

    From here to its end the transaction holds the turn that all who record wait for: record last.

    Args:
        action: `noun.verb`, as `candidate.confirmed`.
        subject: `noun/id`.
        details: what JSON can say; never a secret.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite: BEGIN IMMEDIATE has done it
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _TURN})
    last = head(session)
    entry = AuditEntry(
        number=last.number + 1 if last else 1, at=now(), actor_kind=actor.kind, actor_id=actor.id,
        actor_name=actor.name[:100], action=action, subject=subject, details=canonical(details),
        previous_hash=last.hash if last else START,
    )  # fmt: skip
    entry.hash = entry_hash(entry)
    session.add(entry)
    session.flush()
    return entry


def head(session: ReadSession) -> AuditEntry | None:
    """The newest entry; None while there is none."""
    return session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1)).first()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted; None takes all.

    Attributes:
        actor: id of who acted.
        action: `noun.verb`, or `noun` for all that was done to such.
        since, before: aware moments.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def list_entries(
    session: ReadSession, wanted: Wanted, limit: int, cursor: int | None
) -> tuple[list[AuditEntry], int | None]:
    """One page of entries, newest first, and the cursor of the next one.

    Args:
        cursor: number of the last entry of the page before.
    """
    found = _filtered(select(AuditEntry), wanted)
    if cursor is not None:
        found = found.where(AuditEntry.number < cursor)
    entries = list(session.scalars(found.order_by(AuditEntry.number.desc()).limit(limit + 1)))
    return entries[:limit], entries[limit - 1].number if len(entries) > limit else None


def _filtered(found: Select[AuditEntry], wanted: Wanted) -> Select[AuditEntry]:
    if wanted.actor is not None:
        found = found.where(AuditEntry.actor_id == wanted.actor)
    if wanted.action is not None and "." in wanted.action:
        found = found.where(AuditEntry.action == wanted.action)
    elif wanted.action is not None:
        found = found.where(AuditEntry.action.startswith(f"{wanted.action}.", autoescape=True))
    if wanted.subject is not None:
        found = found.where(AuditEntry.subject == wanted.subject)
    if wanted.since is not None:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.before is not None:
        found = found.where(AuditEntry.at < wanted.before)
    return found
