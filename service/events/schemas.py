"""What is shown of events."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from streetsight.service.events.tables import Event


class EventShown(BaseModel):
    """Something that happened.

    Attributes:
        number: its place in the order of events; ask for those `after` the last one that you have seen.
    """

    id: str
    number: int
    kind: str
    subject: str
    at: datetime
    area_path: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "EventShown":
        return cls(
            id=event.id, number=event.number or 0, kind=event.kind, subject=event.subject,
            at=event.created_at, area_path=event.area_path, data=event.data,
        )  # fmt: skip


class EventPage(BaseModel):
    """Events, newest first; with `after` in the order in which they happened.

    Attributes:
        next_cursor: leads to older ones; None at the end, and with `after`.
        last: number of the last event here: the next `after`.
    """

    items: list[EventShown]
    next_cursor: str | None
    last: int
