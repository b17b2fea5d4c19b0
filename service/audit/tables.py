"""Table of the audit log. Triggers of migration 0002 refuse to change or delete a row."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Base


class AuditEntry(Base):
    """One act. Its hash covers all other columns, and through `previous_hash` every entry before it.

    Attributes:
        number: from 1, without gaps.
        action: `noun.verb`, as `candidate.confirmed`.
        subject: `noun/id`.
        details: canonical JSON, as text: what is hashed must stay as it was written.
        previous_hash: of the entry before; unique, so that the database itself refuses a fork.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "actor_id", "number"),
        Index(None, "action", "number"),
        Index(None, "subject", "number"),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(100))
    actor_name: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
