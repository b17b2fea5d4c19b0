"""The detected frames of a patrol, out of the database, as inference takes them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from sqlalchemy import select

from streetsight.inference.patrol.inputs import Outing, TrackFile
from streetsight.inference.patrol.looking import Shot
from streetsight.inference.pipeline import FrameResult
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.quality import Quality
from streetsight.models.detections import Detections
from streetsight.models.frame import FrameMetadata, Position
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.schemas import MetadataSent
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.profiles.service import profile_of
from streetsight.service.store.sessions import ReadSession
from streetsight.service.tracks.service import track_of

CLASS_NAMES = tuple(sorted(default_taxonomy().names))
"""Of all frames, whichever release saw them."""

_METADATA, _QUALITY = TypeAdapter(FrameMetadata), TypeAdapter(Quality)
_COLUMNS = (
    Frame.id, Frame.sha256, Frame.name, Frame.metadata_sent,
    Result.id.label("result_id"), Result.release, Result.width, Result.height, Result.quality,
    Result.file_metadata,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a patrol is assembled from.

    Attributes:
        outing: with the shots' device profile and track.
        shots: of all frames with a usable result, in the order of their names.
        frame_of: sha256 -> id of the frame.
        release_of: sha256 -> release whose result is in force.
    """

    patrol_id: str
    device_id: str
    outing: Outing
    shots: tuple[Shot, ...]
    frame_of: dict[str, str]
    release_of: dict[str, str]


def load_patrol(session: ReadSession, patrol_id: str) -> Material | None:
    """All detected frames of a patrol; None when it is no more."""
    found = session.execute(
        select(Patrol.key, Device.id, Device.name).join(Device).where(Patrol.id == patrol_id)
    ).one_or_none()
    if found is None:
        return None
    key, device_id, device_name = found
    profile = profile_of(session, device_id, device_name)
    rows = session.execute(
        select(*_COLUMNS)
        .join(Result, Result.id == Frame.result_id)
        .where(Frame.patrol_id == patrol_id, Result.outcome == "accepted")
    ).all()
    rows = sorted(rows, key=lambda row: (row.name or "", row.sha256))  # however they arrived
    found_by = detections_of(session, select(Frame.result_id).where(Frame.patrol_id == patrol_id))
    return Material(
        patrol_id, device_id,
        Outing(key, (), (), profile, _track_file(session, patrol_id, profile)),
        tuple(Shot(result_of(row, found_by[row.result_id]), None) for row in rows),
        {row.sha256: row.id for row in rows},
        {row.sha256: row.release for row in rows},
    )  # fmt: skip


def detections_of(session: ReadSession, result_ids: Any) -> Mapping[str, list[Any]]:
    """Detections by result, in their order."""
    found = select(
        Detection.result_id, Detection.class_name, Detection.score,
        Detection.x1, Detection.y1, Detection.x2, Detection.y2,
    ).where(Detection.result_id.in_(result_ids)).order_by(Detection.result_id, Detection.number)  # fmt: skip
    by_result: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(found):
        by_result[row.result_id].append(row)
    return by_result


def result_of(row: Any, found: Sequence[Any]) -> FrameResult:
    """A stored result as the pipeline gave it.

    Args:
        row: with the columns of frame and result.
        found: its detections.
    """
    return FrameResult(
        row.name or row.id,
        size_wh=(row.width, row.height),
        sha256=row.sha256,
        metadata=metadata_of(row.file_metadata, row.metadata_sent),
        quality=_QUALITY.validate_python(row.quality) if row.quality else None,
        detections=detections(found),
    )


def detections(found: Sequence[Any]) -> Detections:
    """Rows as arrays. A class that the taxonomy no longer has is left out."""
    known = [row for row in found if row.class_name in _CLASS_IDS]
    if not known:
        return Detections.empty()
    return Detections(
        np.array([(row.x1, row.y1, row.x2, row.y2) for row in known], np.float32),
        np.array([row.score for row in known], np.float32),
        np.array([_CLASS_IDS[row.class_name] for row in known], np.int64),
    )


def metadata_of(in_file: Mapping[str, Any], sent: Mapping[str, Any]) -> FrameMetadata:
    """What a frame says of its making: the device's word goes before the file's."""
    said: FrameMetadata = _METADATA.validate_python(dict(in_file))
    filled = MetadataSent.model_validate(sent).model_dump(mode="json", exclude_none=True)
    words = {name: filled[name] for name in _SENT if name in filled}
    if "position" in words:
        words |= {"position_fault": None, "datum": None}
    told: FrameMetadata = _METADATA.validate_python(words)
    return replace(said, **{name: getattr(told, name) for name in words})


def _track_file(session: ReadSession, patrol_id: str, profile: DeviceProfile) -> TrackFile | None:
    track = track_of(session, patrol_id, profile.track_crs)
    return TrackFile(track[0], track[1]) if track else None


def positions_written(material: Material) -> Iterable[tuple[str, Position | None]]:
    """Frames' ids with the position that each says it has, in its own coordinate system."""
    return ((material.frame_of[shot.result.sha256 or ""], shot.result.metadata.position)
            for shot in material.shots)  # fmt: skip


_CLASS_IDS = {name: index for index, name in enumerate(CLASS_NAMES)}
_SENT = ("taken_at", "position", "camera", "gps_time", "course_deg", "speed_mps", "dop")
