"""What is shown of calendars and deadlines."""

from datetime import date, datetime

from pydantic import BaseModel

from streetsight.service.calendar.reading import LimitRow


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
