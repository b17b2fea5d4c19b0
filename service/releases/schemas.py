"""What is sent and shown of releases."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.models.listing import Listed
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Id, Text
from streetsight.service.jobs.tables import Job
from streetsight.service.moments import Bound
from streetsight.service.releases.tables import ReleaseChange

Name = Annotated[Text, Field(min_length=1, max_length=100)]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]


class ReleaseShown(BaseModel):
    """A release of the registry. `fault` says why it cannot be used; None when it can."""

    name: str
    address: str | None
    in_force: bool
    registered_at: datetime | None
    precision: str | None
    classes: list[str]
    map50_test: float | None
    fault: str | None

    @classmethod
    def of(cls, listed: Listed, language: Language) -> "ReleaseShown":
        card = listed.card
        return cls(
            name=listed.name, in_force=listed.in_force, registered_at=listed.registered,
            address=card.address if card else None, precision=card.precision if card else None,
            classes=[*card.class_names] if card else [], map50_test=listed.map50_test,
            fault=listed.fault.say(language) if listed.fault else None,
        )  # fmt: skip


class ChangeShown(BaseModel):
    """A release was put in force."""

    number: int
    at: datetime
    action: Literal["promote", "force", "rollback"]
    from_address: str | None
    to_address: str
    made_by: str
    reason: str

    @classmethod
    def of(cls, change: ReleaseChange) -> "ChangeShown":
        return cls.model_validate(
            {name: getattr(change, name) for name in cls.model_fields if name != "at"}
            | {"at": change.created_at}
        )


class ChangePage(BaseModel):
    """Changes, newest first."""

    items: list[ChangeShown]
    next_cursor: str | None


class RedetectionShown(BaseModel):
    """Frames that are looked at again; gone when all are done."""

    id: str
    state: str
    frames: int
    done: int
    filters: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> "RedetectionShown":
        payload = job.payload
        return cls(
            id=job.key, state=job.state, frames=payload["frames"], done=payload["done"],
            filters=payload["filters"],
        )  # fmt: skip


class ActiveShown(BaseModel):
    """The release that this server looks at photos with.

    Attributes:
        number: counts the recorded changes; the ETag.
        change: how it came into force; None when nobody ever chose.
        trouble: why another one that was put in force does not run here, or this one would not run again.
    """

    number: int
    name: str
    address: str
    change: ChangeShown | None
    trouble: str | None
    redetections: list[RedetectionShown]


class Promotion(BaseModel):
    """Put a release in force, or go back.

    Attributes:
        action: promote needs `name`; rollback goes to the one before when there is none.
        force: go on against the objections; administrators only, and both stay in the history.
    """

    model_config = ConfigDict(extra="forbid")

    action: Literal["promote", "rollback"] = "promote"
    name: Name | None = None
    reason: Reason
    force: bool = False


class RedetectAsked(BaseModel):
    """Which frames to look at again; None takes all.

    Attributes:
        area_path: frames in this area or below it, `/330106/`.
        class_name: frames on which this class was found.
    """

    model_config = ConfigDict(extra="forbid")

    patrol_id: Id | None = None
    area_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]{1,30})+/$", max_length=200)] | None = None
    taken_from: Bound | None = None
    taken_before: Bound | None = None
    class_name: Annotated[str | None, Field(alias="class", pattern="^[a-z_]{1,60}$")] = None


class RedetectAnswer(BaseModel):
    """Attributes: frames: how many will be looked at again, behind fresh ones."""

    id: str
    frames: int
    release: str
