"""Photos with what is known of them, as label records.

A class counts as labelled on a photo only when every detection of it there was decided: of the others nobody
has said anything, and "not labelled" is never "absent". Boxes of such classes are left out.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from streetsight.datasets.formats.export import ExportPhoto
from streetsight.datasets.licences import UNSTATED
from streetsight.datasets.records import LabelRecord
from streetsight.models.boxes import clip_xyxy, iou, px_to_norm, xyxy_to_cxcywh
from streetsight.service.candidates.claims import MOST_IDS, batched
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.frames.tables import Frame
from streetsight.service.labels.marks import Mark
from streetsight.service.store.sessions import ReadSession

SAME_BOX_IOU = 0.5  # a later release draws the box of the same thing a little otherwise
CELL_DEG = 0.002  # about 200 m: photos of one place never straddle two parts of a split
LONGEST_NAME = 100
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
PART = "decisions"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A photo with its record.

    Attributes:
        marks: all that was said of it, boxes that were not there included.
    """

    frame_id: str
    photo: ExportPhoto
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Attributes: undecided: frames without any class that was decided throughout."""

    photos: list[Labelled]
    undecided: int


def labels_of(session: ReadSession, marks: Sequence[Mark], every_frame: bool) -> Labels:
    """Records of the frames that people were shown, or of every frame that shows what they decided."""
    by_frame: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        by_frame[mark.frame_id].append(mark)
    chosen = sorted(id for id, those in by_frame.items() if every_frame or any(each.shown for each in those))
    photos: list[Labelled] = []
    for ids in batched(chosen, MOST_IDS):
        detections = _detections(session, ids)
        photos += [
            labelled
            for row in _frames(session, ids)
            if (labelled := _labelled(row, by_frame[row.id], detections[row.id])) is not None
        ]
    return Labels(photos, len(chosen) - len(photos))


def _frames(session: ReadSession, ids: Sequence[str]) -> Sequence[Any]:
    columns = (
        Frame.id, Frame.sha256, Frame.media_type, Frame.patrol_id, Frame.lon, Frame.lat,
        Result.width, Result.height,
    )  # fmt: skip
    found = select(*columns).join(Result, Result.id == Frame.result_id)
    return session.execute(found.where(Frame.id.in_(ids), Result.outcome == "accepted")).all()


def _detections(session: ReadSession, ids: Sequence[str]) -> Mapping[str, list[Detection]]:
    """Detections of the results in force, by frame."""
    found: dict[str, list[Detection]] = defaultdict(list)
    in_force = select(Frame.result_id).where(Frame.id.in_(ids))
    for row in session.scalars(select(Detection).where(Detection.result_id.in_(in_force))):
        found[row.frame_id].append(row)
    return found


def _labelled(row: Any, marks: Sequence[Mark], detections: Sequence[Detection]) -> Labelled | None:
    concerned = {name for each in marks if each.known for name in (each.detected, each.said) if name}
    complete = frozenset(name for name in concerned if _is_decided(name, marks, detections))
    if not complete:
        return None
    there = [each for each in marks if each.said in complete and each.said_box is not None]
    size = (row.width, row.height)
    boxes = np.array([each.said_box for each in there], np.float32).reshape(-1, 4)
    record = LabelRecord(
        Path(f"{row.sha256}{SUFFIXES.get(row.media_type, '.jpg')}"),
        _source(complete),
        _group(row),
        complete,
        tuple(str(each.said) for each in there),
        xyxy_to_cxcywh(px_to_norm(clip_xyxy(boxes, size), size)),
    )
    return Labelled(row.id, ExportPhoto(record, PART, UNSTATED, size, row.sha256), tuple(marks))


def _is_decided(name: str, marks: Sequence[Mark], detections: Sequence[Detection]) -> bool:
    """Whether somebody has said of every detection of this class what it is."""
    found = [(each.x1, each.y1, each.x2, each.y2) for each in detections if each.class_name == name]
    if not found:
        return True
    decided = [each.detected_box for each in marks if each.known and each.detected == name]
    if not decided:
        return False
    overlap = iou(np.array(found, np.float32), np.array(decided, np.float32))  # (detections, marks)
    return bool(np.all(overlap.max(axis=1) >= SAME_BOX_IOU))


def _source(classes: frozenset[str]) -> str:
    """One source for each set of classes: a source labels the same ones on all its photos."""
    name = f"decisions-{'+'.join(sorted(classes))}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 5]}-{len(classes)}"


def _group(row: Any) -> str:
    if row.lon is None or row.lat is None:
        return str(row.patrol_id or "")
    return f"{round(row.lat / CELL_DEG)}_{round(row.lon / CELL_DEG)}"
