"""What is sent and shown of dataset versions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.models.taxonomy import Language
from streetsight.service.dataset_versions.tables import DatasetVersion
from streetsight.service.dependencies import Text
from streetsight.service.jobs.faults import said
from streetsight.service.moments import Bound


class VersionAsked(BaseModel):
    """Which decisions are wanted; None takes all.

    Attributes:
        note: what it is for.
        area: path or code of an area.
        frames: frames that people were shown, or all of the same thing.
    """

    model_config = ConfigDict(extra="forbid")

    note: Annotated[Text, Field(min_length=1, max_length=500)]
    area: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    condition: Annotated[str, Field(pattern="^[a-z_]{1,60}$")] | None = None
    decided_from: Bound | None = None
    decided_before: Bound | None = None
    frames: Literal["shown", "all"] = "shown"


class VersionShown(BaseModel):
    """A dataset version. `fault` says why it could not be built."""

    id: str
    state: Literal["queued", "built", "failed", "deleted"]
    note: str
    made_by: str
    created_at: datetime
    ended_at: datetime | None
    address: str | None
    parts: dict[str, int]
    boxes: dict[str, int]
    undecided: int
    fault: str | None

    @classmethod
    def of(cls, version: DatasetVersion, language: Language) -> "VersionShown":
        shown = {name: getattr(version, name) for name in cls.model_fields if name != "fault"}
        return cls.model_validate(shown | {"fault": said(version.fault, language)})


class VersionPage(BaseModel):
    """Dataset versions, newest first; `next_cursor` leads on, None at the end."""

    items: list[VersionShown]
    next_cursor: str | None
