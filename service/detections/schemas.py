"""What is shown of results."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from streetsight.service.detections.tables import Detection, Result


class DetectionShown(BaseModel):
    """Attributes: box_xyxy_px: pixels of the upright original."""

    model_config = ConfigDict(serialize_by_alias=True)

    class_name: str = Field(alias="class")
    condition: str | None
    score: float
    box_xyxy_px: tuple[float, float, float, float]

    @classmethod
    def of(cls, row: Detection) -> "DetectionShown":
        return cls.model_validate(
            {
                "class": row.class_name, "condition": row.condition, "score": row.score,
                "box_xyxy_px": (row.x1, row.y1, row.x2, row.y2),
            }
        )  # fmt: skip


class ResultShown(BaseModel):
    """What a release made of a photo.

    Attributes:
        outcome: accepted, or why the photo could not be used; `reason` says it in words.
        file_metadata: what the file's EXIF says.
    """

    release: str
    outcome: str
    reason: str | None
    width: int | None
    height: int | None
    quality: dict[str, Any] | None
    file_metadata: dict[str, Any]
    detections: list[DetectionShown]
    detected_at: datetime | None = None

    @classmethod
    def of(cls, result: Result) -> "ResultShown":
        return cls(
            release=result.release, outcome=result.outcome, reason=result.reason,
            width=result.width, height=result.height, quality=result.quality,
            file_metadata=result.file_metadata, detected_at=result.created_at,
            detections=[*map(DetectionShown.of, result.detections)],
        )  # fmt: skip
