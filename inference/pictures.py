"""Annotated pictures of results, as JPEG, and where they go."""

import io
import os
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from streetsight.inference.drawing import draw_detections, not_scorable_note, shrink
from streetsight.inference.pipeline import FrameResult
from streetsight.inference.reading import SUFFIXES, ImageRgb
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.taxonomy import Language

ANNOTATED_SIDE_PX, THUMBNAIL_SIDE_PX = 1920, 480
ANNOTATED_QUALITY, THUMBNAIL_QUALITY = 88, 80


def annotated_jpeg(
    image_rgb_hwc: ImageRgb,
    result: FrameResult,
    card: Card,
    language: Language,
    longest_px: int = ANNOTATED_SIDE_PX,
    quality: int = ANNOTATED_QUALITY,
) -> bytes:
    """A photo with its detections, and why it is not scorable if it is not.

    Args:
        image_rgb_hwc: (h, w, 3) uint8, maybe smaller than the original of the result.
    """
    assert result.size_wh is not None
    faults = result.quality.faults if result.quality else ()
    note = not_scorable_note(faults, language) if faults else None
    drawn = draw_detections(
        shrink(image_rgb_hwc, longest_px), result.size_wh, result.detections or Detections.empty(), card,
        language, note,
    )  # fmt: skip
    return jpeg(drawn, quality)


def jpeg(picture: Image.Image, quality: int = ANNOTATED_QUALITY) -> bytes:
    """The picture as a JPEG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_picture(path: Path, content: bytes) -> None:
    """Write a file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def picture_paths(folder: Path, photos: Iterable[str]) -> list[Path]:
    """Where each annotated picture goes: the photo's own path below what all photos share, as .jpg."""
    names = [os.path.abspath(name) for name in photos]
    shared = os.path.commonpath([os.path.dirname(name) for name in names]) if names else ""
    taken: set[Path] = set()
    targets: list[Path] = []
    for name in names:
        relative = Path(os.path.relpath(name, shared))
        # The name of a video's frame ends in its time, which is no suffix.
        base = folder / (relative.with_suffix("") if relative.suffix.lower() in SUFFIXES else relative)
        target, number = base.with_name(base.name + ".jpg"), 2
        while target in taken:  # a.png beside a.jpg
            target, number = base.with_name(f"{base.name}-{number}.jpg"), number + 1
        taken.add(target)
        targets.append(target)
    return targets
