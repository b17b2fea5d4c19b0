"""What is shown of issues."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.issues.tables import Issue

State = Literal["filed", "withdrawn"]


class IssueShown(BaseModel):
    """A confirmed candidate.

    Attributes:
        number: of its day, as people quote it; unique with `district`, the outermost area.
        unit: who has to handle it (责任单位), where that is known.
        lon, lat: WGS-84 degrees.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    number: str
    district: str
    candidate_id: str
    state: State
    area_path: str | None
    condition: str
    class_name: str | None = Field(alias="class")
    code: dict[str, Any] | None
    severity: str | None
    unit: str | None
    lon: float | None
    lat: float | None
    confirmed_at: datetime
    confirmed_by: str
    version: int

    @classmethod
    def of(cls, issue: Issue) -> "IssueShown":
        shown = {name: getattr(issue, name) for name in cls.model_fields if name != "class_name"}
        return cls.model_validate({**shown, "class": issue.class_name})


class IssuePage(BaseModel):
    """Issues, newest first; `next_cursor` leads on, None at the end."""

    items: list[IssueShown]
    next_cursor: str | None
