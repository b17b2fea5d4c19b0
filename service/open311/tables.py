"""Table of Open311 keys."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row


class Open311Key(Row):
    """What a system shows to report through Open311. Kept as a hash, never deleted.

    Attributes:
        name: of the system, as people call it.
        jurisdiction: jurisdiction_id that it may report to.
        last_used_at: its latest report.
    """

    __tablename__ = "open311_keys"

    name: Mapped[str] = mapped_column(String(100))
    jurisdiction: Mapped[str] = mapped_column(String(100))
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
