"""Record what was done; read it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text

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
