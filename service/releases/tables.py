"""Table of changes of the release in force."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row


class ReleaseChange(Row):
    """A release was put in force. The registry decides; this row records it once, for audit and events.

    Attributes:
        number: counts the changes; the version of the release in force for ETag.
        entry_sha256: digest of the event in the registry's history.
        action: promote, force or rollback.
        from_address, to_address: `name@digest`.
        made_by, reason: who, and why.
    """

    __tablename__ = "release_changes"

    number: Mapped[int] = mapped_column(unique=True)
    entry_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    action: Mapped[str] = mapped_column(String(10))
    from_address: Mapped[str | None] = mapped_column(String(120))
    to_address: Mapped[str] = mapped_column(String(120))
    made_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
