"""Tables of issues."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Issue(Row):
    """A confirmed candidate. It follows the candidate's corrections, and outlives an undone confirmation.

    Attributes:
        number: of the day and of the outermost area, as people quote it: 20261122-000123.
        district: code of that outermost area; "" outside all of them.
        state: filed, or withdrawn when the confirmation was undone.
        unit: who has to handle it (责任单位); None until someone says so.
        lon, lat: WGS-84; None when nobody knows.
        confirmed_by_id, confirmed_by: who confirmed it, by the name of then.
        version: counts changes; the ETag.
    """

    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("district", "number"),
        Index(None, "number"),
        Index(None, "area_path", "id"),
        Index(None, "state", "id"),
        Index(None, "condition", "id"),
        Index(None, "unit", "id"),
        Index(None, "lat", "lon"),
    )

    number: Mapped[str] = mapped_column(String(20))
    district: Mapped[str] = mapped_column(String(40))
    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"), unique=True)
    state: Mapped[str] = mapped_column(String(20), default="filed")
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    condition: Mapped[str] = mapped_column(String(60))
    class_name: Mapped[str | None] = mapped_column(String(60))
    code: Mapped[dict[str, Any] | None] = mapped_column(Json)
    severity: Mapped[str | None] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    confirmed_at: Mapped[datetime]
    confirmed_by_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    confirmed_by: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(default=1)


class IssueCount(Base):
    """How many issues of a day have a number, by outermost area."""

    __tablename__ = "issue_counts"

    district: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]
