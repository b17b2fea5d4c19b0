"""The table of jobs. A job that is done is gone: what it did stands in the tables that it wrote."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class Job(Row):
    """One piece of work.

    Attributes:
        kind: which handler does it.
        key: what it is about; of one kind and key there is never more than one job.
        state: queued, leased or dead.
        lease: names the claim that holds it; a new one for every claim.
        attempts: claims so far.
        lost: claims that ended without a word, by a crash or a hang.
        run_after: not before; what a back-off waits for.
        last_error: why the latest attempt failed.
    """

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("kind", "key"), Index(None, "kind", "state", "lost", "id"))

    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    lease: Mapped[str | None] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Text)
