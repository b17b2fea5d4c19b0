"""An archive's results of a release beside those in force: what would change."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sqlalchemy import select

from streetsight.models.boxes import iou
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.reprocessing.frames import Archive, count, in_pages
from streetsight.service.store.database import Database

PAGE = 500
SAME_IOU = 0.5  # boxes of one class that overlap so much are the same thing
SHOWN = 20


@dataclass(slots=True)
class Compared:
    """Frames that have a result in force and one of the release.

    Attributes:
        frames: that were compared.
        missing: frames that the release has not looked at yet.
        differing: frames on which something appears or goes, or whose outcome is another.
        before, after, gone, new: boxes by class; gone and new are those without a counterpart.
        biggest: frames with the most boxes gone and new.
    """

    release: str
    frames: int = 0
    missing: int = 0
    differing: int = 0
    outcomes_changed: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    biggest: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        names = sorted(self.before | self.after)
        return {
            "release": self.release, "frames": self.frames, "frames_missing": self.missing,
            "frames_differing": self.differing, "outcomes_changed": self.outcomes_changed,
            "classes": {
                name: {
                    "before": self.before[name], "after": self.after[name], "gone": self.gone[name],
                    "new": self.new[name],
                }
                for name in names
            },
            "biggest": self.biggest,
        }  # fmt: skip


def compare(database: Database, archive: Archive) -> Compared:
    """Every frame that has both, box by box."""
    with database.read() as session:
        compared = Compared(archive.address, missing=count(session, archive.left()))
    biggest: list[tuple[int, str, dict[str, Any]]] = []
    for frames in in_pages(database, archive.pairs(), PAGE):
        ids = [each for _, _, ours, theirs in frames for each in (ours, theirs)]
        with database.read() as session:
            kept = session.execute(select(Result.id, Result.outcome).where(Result.id.in_(ids)))
            outcomes = {row.id: row.outcome for row in kept}
            boxes: dict[str, list[Detection]] = {each: [] for each in ids}
            for box in session.scalars(select(Detection).where(Detection.result_id.in_(ids))):
                boxes[box.result_id].append(box)
        for frame_id, sha256, ours, theirs in frames:
            gone, new = _unmatched(boxes[ours], boxes[theirs])
            changed = outcomes[ours] != outcomes[theirs]
            compared.frames += 1
            compared.outcomes_changed += changed
            compared.differing += bool(gone or new or changed)
            compared.before.update(each.class_name for each in boxes[ours])
            compared.after.update(each.class_name for each in boxes[theirs])
            compared.gone += gone
            compared.new += new
            if gone or new:
                shown = {"frame": frame_id, "sha256": sha256, "gone": dict(gone), "new": dict(new)}
                biggest.append((gone.total() + new.total(), frame_id, shown))
        biggest = heapq.nlargest(SHOWN, biggest)
    compared.biggest = [shown for _, _, shown in biggest]
    return compared


def _unmatched(before: Sequence[Detection], after: Sequence[Detection]) -> tuple[Counter[str], Counter[str]]:
    """Boxes by class that have no counterpart on the other side."""
    gone, new = Counter[str](), Counter[str]()
    for name in {each.class_name for each in (*before, *after)}:
        ours, theirs = _boxes(before, name), _boxes(after, name)
        overlaps = iou(ours, theirs)
        same = int((overlaps[linear_sum_assignment(overlaps, maximize=True)] >= SAME_IOU).sum())
        gone[name], new[name] = len(ours) - same, len(theirs) - same
    return +gone, +new


def _boxes(detections: Sequence[Detection], name: str) -> Any:
    found = [(each.x1, each.y1, each.x2, each.y2) for each in detections if each.class_name == name]
    return np.array(found, np.float32).reshape(-1, 4)
