"""Pictures of what is shown of each lead: the street around it with its box, and a close-up.

Nothing is enlarged: a close-up is cut out at the photo's own pixels. Faces and plates are not redacted.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streetsight.inference.drawing import draw_detections, shrink
from streetsight.inference.patrol.job import Lead, Run
from streetsight.inference.patrol.looking import ClipMoment, Looker
from streetsight.inference.pictures import (
    THUMBNAIL_QUALITY,
    THUMBNAIL_SIDE_PX,
    annotated_jpeg,
    jpeg,
    picture_paths,
    write_picture,
)
from streetsight.inference.pipeline import FrameResult, in_order
from streetsight.inference.places.sighting import Glimpse
from streetsight.inference.reading import ImageRgb, PhotoError, read_photo
from streetsight.inference.rules.candidate import Picture
from streetsight.inference.sources import PhotoSource, find_photos
from streetsight.inference.video.clips import Stamped, open_clip
from streetsight.inference.video.outcomes import ClipError
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language

FOLDER = "annotated"
PANORAMA_PX, CLOSE_UP_PX = 1920, 960
MARGIN_SHARE, MARGIN_PX = 0.35, 24  # around the box of a close-up

Role = str  # "panorama", "close_up", "pair_1", "pair_2"
Origin = PhotoSource | ClipMoment


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A picture to be made."""

    lead: Lead
    role: Role
    glimpse: Glimpse

    @property
    def file_name(self) -> str:
        name = self.role.replace("_", "-")
        return f"{self.lead.number:03d}-{self.lead.candidate.class_name}-{name}.jpg"


@dataclass(slots=True)
class Evidence:
    """What was made: for each lead's number, role -> file below the output folder, and -> thumbnail."""

    files: dict[int, dict[Role, str]]
    thumbnails: dict[int, dict[Role, bytes]]


def make_evidence(run: Run, looker: Looker, output: Path, language: Language) -> Evidence:
    """Read the frames of all evidence again, each once, and write its pictures."""
    wanted = defaultdict[str, list[Wanted]](list)
    for lead in run.leads:
        for role, picture in roles_of(lead):
            wanted[picture.glimpse.frame_id].append(Wanted(lead, role, picture.glimpse))
    made = Evidence(defaultdict(dict), defaultdict(dict))
    origins = {each.known.id: each.shot.origin for each in run.frames if each.known}
    found = {
        frame_id: origins.get(frame_id) or _of_earlier_run(run.image_of.get(frame_id)) for frame_id in wanted
    }
    known = {frame_id: origin for frame_id, origin in found.items() if origin is not None}
    for frame_id, image in _images(known, looker):
        for each in wanted[frame_id]:
            content, small = _picture(image, each, run.card, language)
            write_picture(output / FOLDER / each.file_name, content)
            made.files[each.lead.number][each.role] = f"{FOLDER}/{each.file_name}"
            made.thumbnails[each.lead.number][each.role] = small
    return made


def annotate_all(run: Run, looker: Looker, output: Path, language: Language) -> None:
    """Write every frame that was looked at with its detections, without those in sensitive zones."""
    shown = {each.known.id: each for each in run.frames if each.known and each.shot.origin}
    names = [each.shot.result.name for each in shown.values()]
    targets = dict(zip(shown, picture_paths(output / FOLDER / "frames", names), strict=True))
    origins = {frame_id: each.shot.origin for frame_id, each in shown.items() if each.shot.origin}
    for frame_id, image in _images(origins, looker):
        result = shown[frame_id].shot.result
        write_picture(
            targets[frame_id],
            annotated_jpeg(image, _without(result, run.hidden.get(frame_id)), run.card, language),
        )


def roles_of(lead: Lead) -> Iterator[tuple[Role, Picture]]:
    """What is shown of a lead."""
    evidence = lead.candidate.evidence
    if evidence.panorama:
        yield "panorama", evidence.panorama
    yield "close_up", evidence.close_up
    for number, picture in enumerate(evidence.pair, start=1):
        yield f"pair_{number}", picture


def close_up_box(glimpse: Glimpse) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the frame: the box with a margin, inside the frame."""
    x0, y0, x1, y1 = glimpse.box_xyxy_px
    margin = max(MARGIN_PX, MARGIN_SHARE * max(x1 - x0, y1 - y0))
    width, height = glimpse.size_wh
    return (
        max(0, int(x0 - margin)), max(0, int(y0 - margin)),
        min(width, int(np.ceil(x1 + margin))), min(height, int(np.ceil(y1 + margin))),
    )  # fmt: skip


def _picture(image: ImageRgb, wanted: Wanted, card: Card, language: Language) -> tuple[bytes, bytes]:
    """A file and a thumbnail."""
    glimpse, name = wanted.glimpse, wanted.lead.candidate.class_name
    if wanted.role == "close_up":
        scale = image.shape[1] / glimpse.size_wh[0]
        left, top, right, bottom = (round(side * scale) for side in close_up_box(glimpse))
        image = image[top:bottom, left:right]
        size_wh, boxes = (image.shape[1], image.shape[0]), np.zeros((0, 4), np.float32)
        side = CLOSE_UP_PX
    else:
        size_wh, boxes = glimpse.size_wh, np.array([glimpse.box_xyxy_px], np.float32)
        side = PANORAMA_PX
    if name not in card.class_names:  # of an earlier release
        boxes = boxes[:0]
    ids = np.full(len(boxes), card.class_names.index(name) if len(boxes) else 0, np.int64)
    found = Detections(boxes, np.full(len(boxes), glimpse.score, np.float32), ids)
    drawn = [
        jpeg(draw_detections(shrink(image, longest), size_wh, found, card, language), quality)
        for longest, quality in ((side, 88), (THUMBNAIL_SIDE_PX, THUMBNAIL_QUALITY))
    ]
    return drawn[0], drawn[1]


def _images(origins: dict[str, Origin], looker: Looker) -> Iterator[tuple[str, ImageRgb]]:
    """Frame ids with their pictures, a few at a time; what has gone or changed since is left out."""
    photos = [(key, origin) for key, origin in origins.items() if isinstance(origin, PhotoSource)]
    for frame_id, image in in_order(_read_again, photos, looker.workers):
        if image is not None:
            yield frame_id, image
    clips = defaultdict[Path, list[ClipMoment]](list)
    for origin in origins.values():
        if isinstance(origin, ClipMoment):
            clips[origin.path].append(origin)
    for moments in clips.values():
        yield from _from_clip(moments, looker.spacing.stamped)


def _read_again(item: tuple[str, PhotoSource]) -> tuple[str, ImageRgb | None]:
    frame_id, source = item
    try:
        data = source.read()
        if hashlib.sha256(data).hexdigest() != frame_id:
            return frame_id, None
        return frame_id, read_photo(data).image_rgb_hwc
    except PhotoError:
        return frame_id, None


def _from_clip(moments: Sequence[ClipMoment], stamped: Stamped) -> Iterator[tuple[str, ImageRgb]]:
    """The same sampling gives the same frames."""
    wanted = {each.frame_id for each in moments}
    try:
        with open_clip(moments[0].path, stamped) as clip:
            for frame in clip.frames(moments[0].sampling):
                if frame.id in wanted:
                    yield frame.id, frame.image_rgb_hwc
    except ClipError:  # said when it was looked at
        return


def _of_earlier_run(name: str | None) -> PhotoSource | None:
    """The photo of an earlier run, if it is where it was."""
    if name is None or not Path(name).is_file():
        return None
    try:
        return find_photos([name])[0]
    except SpokenError:
        return None


def _without(result: FrameResult, hidden: frozenset[int] | None) -> FrameResult:
    if not hidden or result.detections is None:
        return result
    keep = np.array([index not in hidden for index in range(len(result.detections))], bool)
    return FrameResult(
        result.name, None, result.size_wh, result.sha256, result.metadata, result.quality,
        result.detections[keep],
    )  # fmt: skip
