"""What is shown of sightings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.sightings.tables import Sighting


class GlimpseShown(BaseModel):
    """A thing on one frame.

    Attributes:
        frame_id: of the frame; `sha256` of its bytes.
        box_xyxy_px: pixels of the upright original, whose size is `size_wh`.
        distance_m: from the lens along the ground, where that is known.
        scorable: false on a frame that the quality gate refused.
        release: that saw it.
    """

    frame_id: str
    sha256: str
    taken_at: datetime | None
    score: float
    box_xyxy_px: tuple[float, float, float, float]
    size_wh: tuple[int, int]
    distance_m: float | None
    scorable: bool
    release: str

    @classmethod
    def of(cls, glimpse: Mapping[str, Any]) -> "GlimpseShown":
        return cls.model_validate({**glimpse, "frame_id": glimpse["frame"], "sha256": glimpse["frame_id"]})


class SightingShown(BaseModel):
    """One real thing, seen over consecutive frames of one patrol.

    Attributes:
        lon, lat: where it stands, WGS-84 degrees.
        located_by: ground, camera, or nothing.
        frames: how many show it; `best` is the one that shows it best.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    patrol_id: str
    device_id: str
    class_name: str = Field(alias="class")
    release: str
    score: float
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    lon: float | None
    lat: float | None
    located_by: str
    width_m: float | None
    speed_mps: float | None
    area_path: str | None
    frames: int
    best: GlimpseShown

    @classmethod
    def of(cls, row: Sighting) -> "SightingShown":
        return cls.model_validate(fields_of(row))


class SightingInFull(SightingShown):
    """A sighting with each frame that shows it, and the candidates that rest on it."""

    glimpses: list[GlimpseShown]
    candidates: list[str]


class SightingPage(BaseModel):
    """Sightings, in descending order of ids; `next_cursor` leads on, None at the end."""

    items: list[SightingShown]
    next_cursor: str | None


def fields_of(row: Sighting) -> dict[str, Any]:
    """What `SightingShown` has, by name."""
    plain = {
        name: getattr(row, name) for name in SightingShown.model_fields if name not in ("class_name", "best")
    }
    best = max(row.glimpses, key=lambda each: (each["scorable"], each["score"]))
    return {**plain, "class": row.class_name, "best": GlimpseShown.of(best)}
