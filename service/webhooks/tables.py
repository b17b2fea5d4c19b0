"""Tables of webhooks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from streetsight.service.auth.scope import AreaPath
from streetsight.service.events.tables import Event
from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class Webhook(Row):
    """A destination of events. One that is removed stays as a row: its log is evidence.

    Attributes:
        kinds: of events that it gets; all when empty.
        area_path: it gets events of this area and below; None is everywhere.
        headers_sealed: headers that are sent along, encrypted: they may hold a password.
        secret_sealed: what deliveries are signed with, encrypted.
        old_secret_sealed, old_secret_until: the secret before, which signs as well until then.
        enabled: events are queued for it, and sent.
        paused_at: since when the program has stopped sending, because it failed for too long.
        failing_since, failures: failed attempts in a row.
        rest_until: no attempt before, because the latest one failed.
        lease: names the courier that is sending to it.
        version: changes with what people edit; its ETag.
    """

    __tablename__ = "webhooks"

    name: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[str]] = mapped_column(Json)
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    headers_sealed: Mapped[str | None] = mapped_column(Text)
    secret_sealed: Mapped[str] = mapped_column(Text)
    old_secret_sealed: Mapped[str | None] = mapped_column(Text)
    old_secret_until: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    paused_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    rest_until: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    version: Mapped[int] = mapped_column(default=1)
    removed_at: Mapped[datetime | None]


class Delivery(Row):
    """One event for one destination: the outbox, and afterwards its log.

    Attributes:
        state: pending, delivered, or dead when it was given up.
        attempts: how often it was sent.
        queued_at: when it was queued, or queued again by a person; tries end some days after it.
        run_after: not before; what a back-off waits for.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index(None, "webhook_id", "state", "id"),
        Index(None, "state", "webhook_id", "run_after"),
        Index(None, "event_id"),
    )

    webhook_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("webhooks.id"))
    event_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("events.id"))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    run_after: Mapped[datetime]

    event: Mapped[Event] = relationship(lazy="raise")
    log: Mapped[list["Attempt"]] = relationship(order_by="Attempt.id", lazy="raise")


class Attempt(Row):
    """One try to deliver, as it went.

    Attributes:
        status: of the answer; None when there was none, then `error` says why.
        answer: the beginning of its body.
    """

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index(None, "delivery_id"),)

    delivery_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("deliveries.id"))
    number: Mapped[int]
    status: Mapped[int | None]
    duration_ms: Mapped[int]
    answer: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
