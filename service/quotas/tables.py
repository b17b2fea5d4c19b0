"""Tables of patrol duties: the city's rules, outings entered by hand, and periods that were told of."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.documents.tables import Version
from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class QuotaRulesVersion(Version):
    """The city's patrol duties; see `rules.QuotaRules`."""

    __tablename__ = "quota_rules_versions"


class Outing(Row):
    """An outing that somebody has entered by hand. Never changed.

    Attributes:
        at: when they were there; lon, lat: where, WGS-84; area_path: the area that this lies in.
        frame_ids: photos.
    """

    __tablename__ = "outings"
    __table_args__ = (Index(None, "person_id", "at"),)

    person_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"))
    at: Mapped[datetime]
    lon: Mapped[float]
    lat: Mapped[float]
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    text: Mapped[str] = mapped_column(Text)
    frame_ids: Mapped[list[str]] = mapped_column(Json)


class QuotaPeriod(Row):
    """A period of a duty that is over and was looked at: it is told of once.

    Attributes:
        quota: its code; first, last: days of the period, both included.
    """

    __tablename__ = "quota_periods"
    __table_args__ = (UniqueConstraint("quota", "first"),)

    quota: Mapped[str] = mapped_column(String(40))
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    people: Mapped[int]


class QuotaMiss(Row):
    """Somebody who was not outside as often as they had to. Attributes: needed, done: how often."""

    __tablename__ = "quota_misses"
    __table_args__ = (UniqueConstraint("period_id", "person_id"), Index(None, "person_id", "id"))

    period_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("quota_periods.id"))
    person_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"))
    needed: Mapped[int]
    done: Mapped[int]
