"""What is shown of calendars and deadlines."""

from datetime import date, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel

from streetsight.service.calendar.reading import CalendarDocument, DeadlineDocument, LimitRow
from streetsight.service.calendar.tables import Version

Document = TypeVar("Document", CalendarDocument, DeadlineDocument)


class VersionShown(BaseModel):
    """Who brought a version in, when and why."""

    number: int
    name: str
    made_by: str
    made_at: datetime
    reason: str

    @classmethod
    def of(cls, row: Version) -> "VersionShown":
        return cls(
            number=row.number, name=row.name, made_by=row.made_by, made_at=row.created_at, reason=row.reason
        )


class VersionPage(BaseModel):
    """Versions, newest first; `next_cursor` leads on, None at the end."""

    items: list[VersionShown]
    next_cursor: str | None


class InForce(BaseModel, Generic[Document]):
    """What is in force; version 0 and nothing while none was brought in."""

    version: VersionShown | None
    document: Document | None


class DayShown(BaseModel):
    """Attributes: shifts: when it is worked; empty on a day off."""

    day: date
    working: bool
    shifts: list[tuple[datetime, datetime]]


class DueShown(BaseModel):
    """Attributes: says: the limit in words."""

    start: datetime
    due_at: datetime
    says: str


class LimitFound(BaseModel):
    """Limits of the table that fit, the one that counts first; and when a task given now would be due.

    Attributes:
        due_at: None without a limit.
    """

    limits: list[LimitRow]
    says: str | None
    due_at: datetime | None


class ExampleShown(BaseModel):
    """A shipped example; a city checks it before it goes by it."""

    name: str
    title: str
    source: str | None
