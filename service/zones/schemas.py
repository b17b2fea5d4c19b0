"""What is sent and shown of zones."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streetsight.inference.rules.settings import ZoneKind
from streetsight.inference.rules.zone_files import FeatureReport
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Text
from streetsight.service.zones.tables import ZoneVersion


class ZoneCollection(BaseModel):
    """GeoJSON of the zones in force; WGS-84. Can be sent back as it is."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    coordinates: Literal["wgs84"] = "wgs84"
    time_zone: Any = None
    version: int
    features: list[dict[str, Any]]


class ZoneReport(BaseModel):
    """What became of one feature; `message` says it in words."""

    index: int
    name: str
    outcome: str
    used: bool
    message: str


class ZoneVersionShown(BaseModel):
    """One version. `number` is 0 for one that was only tried."""

    number: int
    zones: int
    made_by: str
    reason: str
    made_at: datetime | None
    copy_of: int | None
    reports: list[ZoneReport]

    @classmethod
    def of(cls, version: ZoneVersion, language: Language) -> "ZoneVersionShown":
        return cls(
            number=version.number, zones=version.zones, made_by=version.made_by, reason=version.reason,
            made_at=version.created_at, copy_of=version.copy_of,
            reports=reports_shown([FeatureReport(**each) for each in version.reports], language),
        )  # fmt: skip


class ZoneVersionPage(BaseModel):
    """Versions, newest first."""

    items: list[ZoneVersionShown]
    next_cursor: str | None


class Rollback(BaseModel):
    """Attributes: to: number of the version to go back to."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[int, Field(ge=1, lt=2**31)]
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class KindShown(BaseModel):
    """A kind of zone, and what it does to what stands in it."""

    kind: str
    name: str
    forbids: list[str]
    permits: list[str]
    marks: list[str]
    masks: bool

    @classmethod
    def of(cls, name: str, kind: ZoneKind, language: Language) -> "KindShown":
        return cls(
            kind=name, name=kind.label(language), forbids=sorted(kind.forbids), permits=sorted(kind.permits),
            marks=sorted(kind.marks), masks=kind.masks,
        )  # fmt: skip


def reports_shown(reports: list[FeatureReport], language: Language) -> list[ZoneReport]:
    """Outcomes in words."""
    return [
        ZoneReport(
            index=each.index, name=each.name, outcome=each.outcome, used=each.used, message=each.say(language)
        )
        for each in reports
    ]
