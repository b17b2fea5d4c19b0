"""One patrol's frames into passes with their sightings: posed, masked, parted, tracked; as in the CLI."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from streetsight.inference.drawing import shrink
from streetsight.inference.patrol.copies import SIDE_PX
from streetsight.inference.patrol.patrols import Frame, Masking, Parting, Patrol, pose_problems, track_patrol
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.reading import ImageRgb, PhotoError, read_photo
from streetsight.service.assembling.loading import CLASS_NAMES, Material
from streetsight.service.faults import NotFound
from streetsight.service.files.blobs import Blobs
from streetsight.service.jobs.progress import going_on

MOST_PICTURES = 3000  # looked at again for one patrol, where poses are unknown; then boxes alone must do

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """A patrol, tracked.

    Attributes:
        frames: of all shots.
        passes: stretches without a long pause, in order of time.
        summary: what an operator may want to know of it, as JSON.
    """

    frames: tuple[Frame, ...]
    passes: tuple[Patrol, ...]
    summary: dict[str, Any]

    @property
    def sightings(self) -> list[Sighting]:
        return [sighting for each in self.passes for sighting in each.sightings]


def track(material: Material, masking: Masking, blobs: Blobs) -> Tracked:
    """Pose, part and track. The same frames give the same result, however often and in whichever order."""
    parted = Parting(CLASS_NAMES, masking).part(material.outing, material.shots)
    passes = tuple(_track(each, blobs) for each in parted.patrols)
    summary = {
        "passes": [
            {"id": each.id, "frames": len(each.frames), "sightings": len(each.sightings)} for each in passes
        ],
        "frames": _counted(Counter(each.outcome for each in parted.frames)),
        "problems": _counted(pose_problems(parted.frames)),
        "outcomes": [
            {"outcome": one.problem, "frames": len(one.frames), "says": one.say("en")}
            for each in parted.posed
            for one in each.outcomes
        ],
    }
    return Tracked(parted.frames, passes, summary)


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _track(patrol: Patrol, blobs: Blobs) -> Patrol:
    """With its sightings. Pictures are read ahead over all cores: reading takes as long as tracking."""
    blind = [each for each in patrol.frames if each.known and each.known.view is None]
    pictures = in_order(partial(_picture, blobs), blind[:MOST_PICTURES], cores())
    return track_patrol(patrol, lambda _next: next(pictures, None), going_on)


def _picture(blobs: Blobs, frame: Frame) -> ImageRgb | None:
    """Small picture of a stored photo; a photo that is gone has none."""
    sha256 = frame.shot.result.sha256 or ""
    try:
        return shrink(read_photo(blobs.get(sha256), SIDE_PX).image_rgb_hwc, SIDE_PX)
    except (PhotoError, NotFound) as error:
        log.warning("picture_missing", sha256=sha256, reason=str(error))
        return None
