"""What is sent and shown of patrols."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.dependencies import Text
from streetsight.service.patrols.tables import Patrol


class PatrolStart(BaseModel):
    """Attributes: key: the device's own name for this outing, unique for the device."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[Text, Field(min_length=1, max_length=100)]


class PatrolShown(BaseModel):
    """A patrol."""

    id: str
    key: str
    device_id: str
    opened_at: datetime
    last_frame_at: datetime | None
    closed_at: datetime | None
    closed_by: Literal["device", "idle"] | None

    @classmethod
    def of(cls, patrol: Patrol) -> "PatrolShown":
        return cls.model_validate(
            {
                **{name: getattr(patrol, name) for name in cls.model_fields if name != "opened_at"},
                "opened_at": patrol.created_at,
            }
        )


class PatrolPage(BaseModel):
    """Patrols, newest first; `next_cursor` leads on, None at the end."""

    items: list[PatrolShown]
    next_cursor: str | None
