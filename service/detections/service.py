"""Results: from what the pipeline gives to rows, and back to what is shown."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import insert, select
from sqlalchemy.orm import selectinload

from streetsight.inference.pipeline import FrameResult
from streetsight.inference.writers import detection_rows
from streetsight.models.frame import FrameMetadata
from streetsight.models.taxonomy import Language
from streetsight.service.detections.looking import Seen
from streetsight.service.detections.schemas import DetectionShown, ResultShown
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.store.ids import first_id, new_id
from streetsight.service.store.sessions import ReadSession, WriteSession

CLOCKS = timedelta(days=1)
"""No two machines of ours are further apart."""
KIND = "detect"
"""Jobs that look at a frame; their key is the frame's id."""


def add_result(session: WriteSession, frame_id: str, received_at: datetime, seen: Seen) -> str:
    """Write a result and give its id. A second one of the same release changes nothing: the first stands.

    Args:
        received_at: when the frame came; its row is locked by who calls. Its results came later, so that
            partitions of before need not be asked.
    """
    address = seen.release.address
    since = first_id(received_at - CLOCKS)
    known = select(Result.id).where(
        Result.frame_id == frame_id, Result.release == address, Result.id >= since
    )
    if (found := session.scalar(known)) is not None:
        return found
    shown, result_id = show(seen), new_id()
    result = {
        "id": result_id, "frame_id": frame_id, "release": address, "outcome": shown.outcome,
        "reason": shown.reason, "width": shown.width, "height": shown.height, "quality": shown.quality,
        "file_metadata": shown.file_metadata,
    }  # fmt: skip
    session.connection().execute(insert(Result), result)
    if shown.detections:
        rows = [_row(result_id, frame_id, number, each) for number, each in enumerate(shown.detections)]
        session.connection().execute(insert(Detection), rows)
    return result_id


def results_of(session: ReadSession, ids: Sequence[str]) -> dict[str, ResultShown]:
    """Results by their id, with their detections."""
    found = select(Result).where(Result.id.in_(ids)).options(selectinload(Result.detections))
    return {result.id: ResultShown.of(result) for result in session.scalars(found)} if ids else {}


def show(seen: Seen, language: Language = "en") -> ResultShown:
    """A result that is not stored; `reason` in this language."""
    result = seen.result
    return ResultShown(
        release=seen.release.address,
        outcome=result.outcome,
        reason=clean(result.error.say(language)) if result.error else None,
        width=result.size_wh[0] if result.size_wh else None,
        height=result.size_wh[1] if result.size_wh else None,
        quality=_quality(result),
        file_metadata=_written(result.metadata),
        detections=[DetectionShown.model_validate(row) for row in detection_rows(result, seen.release.card)],
    )


def clean(value: Any) -> Any:
    """Without what no database or UTF-8 text can hold: NULs and lone surrogates, which EXIF is full of."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: clean(each) for key, each in value.items()}
    return [clean(each) for each in value] if isinstance(value, (list, tuple)) else value


def _quality(result: FrameResult) -> dict[str, Any] | None:
    return {"scorable": result.quality.scorable, **asdict(result.quality)} if result.quality else None


def _written(metadata: FrameMetadata) -> dict[str, Any]:
    """The metadata that is there, as JSON; a time without an offset stays without one."""
    there = {key: value for key, value in asdict(metadata).items() if value not in (None, (), [])}
    written: dict[str, Any] = to_jsonable_python(clean(there))
    return written


def _row(result_id: str, frame_id: str, number: int, shown: DetectionShown) -> dict[str, Any]:
    x1, y1, x2, y2 = shown.box_xyxy_px
    return {
        "result_id": result_id, "number": number, "frame_id": frame_id, "class_name": shown.class_name,
        "condition": shown.condition, "score": shown.score, "x1": x1, "y1": y1, "x2": x2, "y2": y2,
    }  # fmt: skip
