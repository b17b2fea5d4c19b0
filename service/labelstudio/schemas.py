"""What Label Studio sends and takes. It adds fields from version to version: unknown ones are passed over."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_TASKS = 200


class Setup(BaseModel):
    """A project is connected."""

    project: str | int | None = None
    label_config: Annotated[str, Field(alias="schema")]

    model_config = ConfigDict(populate_by_name=True)


class SetupAnswer(BaseModel):
    """Attributes: model_version: address of the release in force."""

    model_version: str


class Task(BaseModel):
    """A picture to be labelled."""

    id: Any = None
    data: dict[str, Any]


class PredictAsked(BaseModel):
    """Tasks that want suggestions."""

    tasks: Annotated[list[Task], Field(max_length=MAX_TASKS)]
    label_config: str
    project: str | int | None = None
    params: dict[str, Any] | None = None


class Box(BaseModel):
    """Percent of the upright picture."""

    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0
    rectanglelabels: list[str]


class Region(BaseModel):
    """One suggested box."""

    id: str
    from_name: str
    to_name: str
    type: Literal["rectanglelabels"] = "rectanglelabels"
    original_width: int
    original_height: int
    image_rotation: int = 0
    score: float
    value: Box


class Prediction(BaseModel):
    """Suggestions for one task; `error` says why there are none."""

    model_version: str
    score: float
    result: list[Region]
    error: str | None = None


class PredictAnswer(BaseModel):
    """One prediction per task, in their order."""

    results: list[Prediction]
    model_version: str


class Event(BaseModel):
    """Something happened in Label Studio."""

    action: Annotated[str, Field(max_length=100)]


class EventAnswer(BaseModel):
    """`ignored`: labels are taken over by export and `streetsight dataset`, not by webhook."""

    status: Literal["ignored"] = "ignored"
    action: str
