"""Tables of reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Report(Row):
    """What somebody says they saw.

    Attributes:
        source: citizen, hotline or open311.
        ticket: number by which the hotline knows it, or the sender's own key; one of a source is one report.
        token_sha256: of the token by which the citizen asks what became of it.
        category: code of `categories.toml`.
        condition, class_name: what the category means in our taxonomy; None until a person has sorted it.
        text: as it came.
        address: where, in words.
        lon, lat: where, WGS-84 degrees; None until a person has placed it.
        position: all that is known of the position, and who says so.
        frames: ids of the photos sent along.
        occurred_at: when it was seen or called in; `created_at` is when it reached us.
        contact_sealed: who said it, encrypted; None when nobody did, or when it was erased.
        contact_erased_at: when retention erased it.
        details: what else the channel said.
        candidate_id: what became of it; None while a person has to sort or place it.
        dismissed_at, dismissed_reason: a person has set it aside before it became a candidate.
        version: changes with what people edit; its ETag.
    """

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("source", "ticket"),
        Index(None, "candidate_id"),
        Index(None, "area_path", "id"),
        Index(None, "source", "id"),
    )

    source: Mapped[str] = mapped_column(String(10))
    ticket: Mapped[str | None] = mapped_column(String(100))
    token_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    category: Mapped[str] = mapped_column(String(60))
    condition: Mapped[str | None] = mapped_column(String(60))
    class_name: Mapped[str | None] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(String(500))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    position: Mapped[dict[str, Any] | None] = mapped_column(Json)
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    frames: Mapped[list[str]] = mapped_column(Json)
    occurred_at: Mapped[datetime | None]
    contact_sealed: Mapped[str | None] = mapped_column(Text)
    contact_erased_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    candidate_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    dismissed_at: Mapped[datetime | None]
    dismissed_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)


class ReportHour(Base):
    """How many reports came from one place in one hour.

    Attributes:
        origin: keyed hash of the address that sent them, or `all`; no address is kept.
    """

    __tablename__ = "report_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(String(64), primary_key=True)
    reports: Mapped[int] = mapped_column(default=0)
