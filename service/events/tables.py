"""Table of events."""

from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class Event(Row):
    """Something that happened. Never changed; kept for as long as the settings say.

    Attributes:
        number: its place in the order of events: what is committed later has a higher one, without gaps.
            Given as the last thing before the commit (`numbering.py`).
        kind: one of `kinds.KINDS`.
        subject: what it is about, `noun/id`.
        data: what a receiver needs to know; nothing that names a person.
        area_path: where, as in `areas`; None when nowhere in particular.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "kind", "number"),
        Index(None, "area_path", "number"),
        Index(None, "created_at"),
    )

    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    area_path: Mapped[str | None] = mapped_column(AreaPath)
