"""Table of leads that somebody is looking at."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base

DESK_LENGTH = 64


class ReviewLease(Base):
    """A candidate that somebody has before them; until `expires_at` nobody else is given it.

    It keeps nobody from deciding: who has read the version may, as everywhere.

    Attributes:
        person_id: who has it.
        desk: the page that it is open on, as the page calls itself: one person may have several.
    """

    __tablename__ = "review_leases"
    __table_args__ = (Index(None, "person_id", "desk"), Index(None, "expires_at"))

    candidate_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("candidates.id"), primary_key=True
    )
    person_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    desk: Mapped[str] = mapped_column(String(DESK_LENGTH))
    expires_at: Mapped[datetime]
