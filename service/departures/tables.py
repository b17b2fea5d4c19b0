"""Table of what left the system."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import now


class Departure(Row):
    """Something that was handed out. Written before the first byte goes; only ever counted on.

    What machines fetch all day is one row an hour: `times` says how often, `items` how many in all.

    Attributes:
        channel: by which door; see `service.Channel`.
        actor_kind, actor_id, actor_name: who took it, or sent it; as they were at that moment.
        what: `candidates.csv`, `frame/ID`, `issue.filed`.
        wanted: by which filters, or for what reason.
        items: rows, photos or events.
        address: where it was sent to; None for whoever asked.
    """

    __tablename__ = "departures"
    __table_args__ = (
        Index(None, "channel", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "last_at"),
    )

    channel: Mapped[str] = mapped_column(String(20))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(100))
    actor_name: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(200))
    wanted: Mapped[str | None] = mapped_column(String(1000))
    address: Mapped[str | None] = mapped_column(String(300))
    items: Mapped[int]
    times: Mapped[int] = mapped_column(default=1)
    last_at: Mapped[datetime] = mapped_column(default=now)
