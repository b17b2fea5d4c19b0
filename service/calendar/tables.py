"""Tables of the city's calendars and of its deadlines: whole documents, of which the newest is in force."""

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Row
from streetsight.service.store.types import Json


class Version(Row):
    """A document as it was from one moment on. The one with the highest number is in force.

    Attributes:
        made_by, reason: who brought it in, and why.
    """

    __abstract__ = True

    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    made_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)


class CalendarVersion(Version):
    """Working days and hours; see `reading.CalendarDocument`."""

    __tablename__ = "calendar_versions"


class DeadlineVersion(Version):
    """Limits, extensions, supervision; see `reading.DeadlineDocument`."""

    __tablename__ = "deadline_versions"
