"""Small pictures of single mistakes: the thing with its surroundings, what is labelled and what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from streetsight.inference.drawing import Style
from streetsight.inference.reading import read_photo
from streetsight.models.boxes import Boxes

LONGEST_PX, JPEG_QUALITY = 360, 80
SURROUNDINGS = 3.0  # times the box
LABEL, SEEN = "#FFFFFF", "#FF2D9B"  # not the colours of classes: who said it matters here, not what


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What to draw on one photo.

    Attributes:
        focus_xyxy_px: (4,) float32, the box that it is about.
        labels_xyxy_px, seen_xyxy_px: (n, 4) float32, boxes to outline.
    """

    focus_xyxy_px: Boxes
    labels_xyxy_px: Sequence[Boxes] | Boxes
    seen_xyxy_px: Sequence[Boxes] | Boxes


def draw_marks(path: Path, size_wh: tuple[int, int], marks: Marks) -> bytes:
    """A JPEG of the surroundings of a box; labels white, detections magenta.

    Args:
        size_wh: of the upright original, in whose pixels the boxes are.
    """
    photo = read_photo(path.read_bytes())
    picture = Image.fromarray(photo.image_rgb_hwc).convert("RGB")
    left, top, right, bottom = _surroundings(marks.focus_xyxy_px, size_wh)
    scale = min(LONGEST_PX / max(right - left, bottom - top), 4.0)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    cut = picture.crop((left, top, right, bottom)).resize(size, Image.Resampling.LANCZOS)
    draw, line = ImageDraw.Draw(cut), Style.for_size(cut.size).line
    for colour, boxes in ((LABEL, marks.labels_xyxy_px), (SEEN, marks.seen_xyxy_px)):
        for box in boxes:
            x1, y1, x2, y2 = ((np.asarray(box) - (left, top, left, top)) * scale).round().tolist()
            outline = (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))
            draw.rectangle(outline, outline="#000000", width=line + 2)
            draw.rectangle(outline, outline=colour, width=line)
    target = BytesIO()
    cut.save(target, "JPEG", quality=JPEG_QUALITY)
    return target.getvalue()


def _surroundings(box_xyxy_px: Boxes, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """A 4:3 cut around a box inside the picture, pixels; never less than a third of the picture's width."""
    centre = (box_xyxy_px[:2] + box_xyxy_px[2:]) / 2
    extent = box_xyxy_px[2:] - box_xyxy_px[:2]
    width = max(extent[0] * SURROUNDINGS, extent[1] * SURROUNDINGS * 4 / 3, size_wh[0] / 3)
    wanted = np.minimum((width, width * 3 / 4), size_wh)
    low = np.clip(centre - wanted / 2, 0, np.array(size_wh) - wanted)
    x1, y1, x2, y2 = (round(float(side)) for side in (*low, *(low + wanted)))
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)
