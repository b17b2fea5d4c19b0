"""What is shown of areas."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from streetsight.models.taxonomy import Language
from streetsight.service.areas.reading import AreasRead, Finding, Kind
from streetsight.service.areas.tables import Area, AreaVersion


class AreaShown(BaseModel):
    """Attributes: path: codes from the outermost area to this one."""

    code: str
    name: str
    kind: Kind
    path: str

    @classmethod
    def of(cls, area: Area) -> "AreaShown":
        return cls.model_validate(area, from_attributes=True)


class AreaPage(BaseModel):
    """Areas, outer ones first; `next_cursor` leads on, None at the end."""

    version: int
    items: list[AreaShown]
    next_cursor: str | None


class AreaFeature(BaseModel):
    """GeoJSON; WGS-84."""

    type: Literal["Feature"] = "Feature"
    properties: AreaShown
    geometry: dict[str, Any]

    @classmethod
    def of(cls, area: Area) -> "AreaFeature":
        return cls(properties=AreaShown.of(area), geometry=area.geometry)


class AreaCollection(BaseModel):
    """GeoJSON; WGS-84. Can be sent back as it is."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    coordinates: Literal["wgs84"] = "wgs84"
    features: list[AreaFeature]


class WarningShown(BaseModel):
    """Something odd about an area; `message` says it in words."""

    area: str
    outcome: str
    message: str


class AreaVersionShown(BaseModel):
    """One import. `number` is 0 for one that was only tried."""

    number: int
    crs: str
    areas: int
    made_by: str
    reason: str
    imported_at: datetime | None
    warnings: list[WarningShown]

    @classmethod
    def of(cls, version: AreaVersion, language: Language) -> "AreaVersionShown":
        return cls(
            number=version.number, crs=version.crs, areas=version.areas, made_by=version.made_by,
            reason=version.reason, imported_at=version.created_at,
            warnings=[_warning(Finding(**each), language) for each in version.warnings],
        )  # fmt: skip

    @classmethod
    def tried(cls, read: AreasRead, name: str, reason: str, language: Language) -> "AreaVersionShown":
        return cls(
            number=0, crs=read.crs, areas=len(read.areas), made_by=name, reason=reason, imported_at=None,
            warnings=[_warning(each, language) for each in read.warnings],
        )  # fmt: skip


class AreaVersionPage(BaseModel):
    """Imports, newest first."""

    items: list[AreaVersionShown]
    next_cursor: str | None


def _warning(finding: Finding, language: Language) -> WarningShown:
    return WarningShown(area=finding.area, outcome=finding.outcome, message=finding.say(language))
