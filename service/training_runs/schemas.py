"""What is sent and shown of training runs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streetsight.models.card import NAME
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Id, Text
from streetsight.service.jobs.faults import said
from streetsight.service.training_runs.service import Recipe
from streetsight.service.training_runs.tables import TrainingRun

ReleaseName = Annotated[str, Field(pattern=NAME, max_length=100)]


class RunAsked(BaseModel):
    """A run to be started.

    Attributes:
        kind: train: learn, export, register, compare; compare: the comparison alone.
        release_name: of the release that is made, or compared with the one in force.
        weights: release to start from; needed to train.
        epochs, size: instead of the recipe's; size is the longest side of the input, pixels.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["train", "compare"] = "train"
    version_id: Id
    release_name: ReleaseName
    weights: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    recipe: Recipe = "few"
    epochs: Annotated[int, Field(ge=1, le=1000)] | None = None
    size: Annotated[int, Field(ge=64, le=2048, multiple_of=32)] | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _training_starts_somewhere(self) -> "RunAsked":
        if self.kind == "train" and self.weights is None:
            raise ValueError("weights: name the release to start from")
        return self

    def row(self) -> TrainingRun:
        """As it is kept."""
        sent = self.model_dump()
        if self.kind == "compare":
            sent |= {"weights": None, "recipe": None, "epochs": None, "size": None}
        return TrainingRun(**sent)


class RunShown(BaseModel):
    """A run. `progress` is of its latest epoch; `fault` says why it failed."""

    id: str
    kind: Literal["train", "compare"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    version_id: str
    release_name: str
    weights: str | None
    recipe: str | None
    epochs: int | None
    size: int | None
    reason: str
    made_by: str
    created_at: datetime
    host: str | None
    step: str | None
    progress: dict[str, Any] | None
    cancel_asked_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    release_address: str | None
    compared: bool
    fault: str | None

    @classmethod
    def of(cls, run: TrainingRun, language: Language) -> "RunShown":
        shown = {name: getattr(run, name) for name in cls.model_fields if name != "fault"}
        return cls.model_validate(shown | {"fault": said(run.fault, language)})


class RunPage(BaseModel):
    """Runs, newest first; `next_cursor` leads on, None at the end."""

    items: list[RunShown]
    next_cursor: str | None
