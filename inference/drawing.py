"""Annotated pictures that a person would want to look at: legible labels at any size, in zh or en."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy

FONT = Path(__file__).parent / "fonts" / "NotoSansSC-subset.otf"

CROWDED = 0.1  # share of a context label that may lie on others

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes for one picture, pixels; they follow its shorter side."""

    line: int
    text: int

    @classmethod
    def for_size(cls, size_wh: tuple[int, int]) -> "Style":
        side = min(size_wh)
        return cls(line=max(2, round(side / 240)), text=max(11, round(side / 32)))


def draw_detections(
    image_rgb_hwc: NDArray[np.uint8],
    size_wh: tuple[int, int],
    detections: Detections,
    card: Card,
    language: Language = "en",
    note: str | None = None,
) -> Image.Image:
    """The picture with boxes and labels.

    Issues get a full outline and a filled label, context (a bin in order, a passing car) a thin outline
    and a plain one. Labels keep clear of each other where there is room.

    Args:
        image_rgb_hwc: (h, w, 3) uint8, maybe smaller than the original.
        size_wh: of the original, in whose pixels the boxes are.
        note: a line across the top (why the photo is not scorable).
    """
    picture = Image.fromarray(image_rgb_hwc).convert("RGB")
    scale = np.array([picture.width / size_wh[0], picture.height / size_wh[1]] * 2, dtype=np.float32)
    boxes = detections.boxes_xyxy_px * scale
    entries = [default_taxonomy()[card.class_names[class_id]] for class_id in detections.class_ids.tolist()]
    issues = [entry.condition is not None for entry in entries]
    style = Style.for_size(picture.size)
    draw = ImageDraw.Draw(picture, "RGBA")
    # Issues over context, and small over large, so that nothing hides what matters.
    order = sorted(
        range(len(detections)),
        key=lambda i: (issues[i], -float(np.prod(boxes[i, 2:] - boxes[i, :2]))),
    )
    for index in order:
        _outline(draw, boxes[index].tolist(), entries[index].colour, style, issues[index])
    taken: list[Rectangle] = []
    for index in reversed(order):
        entry, box = entries[index], boxes[index].tolist()
        text = f"{entry.label(language)} {detections.scores[index]:.2f}"
        place = _label(draw, box, text, entry.colour, style, picture.size, taken, issues[index])
        if place:
            taken.append(place)
    if note:
        _banner(draw, note, style, picture.size)
    return picture


def shrink(image_rgb_hwc: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """(h, w, 3) uint8, the longest side at most `longest_px`; the same array if it is already."""
    scale = longest_px / max(image_rgb_hwc.shape[:2])
    if scale >= 1:
        return image_rgb_hwc
    size_wh = (max(1, round(image_rgb_hwc.shape[1] * scale)), max(1, round(image_rgb_hwc.shape[0] * scale)))
    return np.asarray(cv2.resize(image_rgb_hwc, size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def not_scorable_note(faults: Sequence[str], language: Language) -> str:
    """Why a photo cannot be judged, for people."""
    reasons = ", ".join(translate(fault, language) for fault in faults)
    return translate("not scorable: {reasons}", language, reasons=reasons)


def _outline(draw: ImageDraw.ImageDraw, box: list[float], colour: str, style: Style, issue: bool) -> None:
    width = style.line if issue else max(1, style.line // 2)
    x1, y1, x2, y2 = (round(side) for side in box)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=(0, 0, 0, 110), width=width + 2)
    fill = (*_rgb(colour), 26) if issue else None
    draw.rectangle((x1, y1, x2, y2), outline=colour, width=width, fill=fill)


def _label(
    draw: ImageDraw.ImageDraw,
    box: list[float],
    text: str,
    colour: str,
    style: Style,
    size_wh: tuple[int, int],
    taken: Sequence[Rectangle],
    issue: bool,
) -> Rectangle | None:
    """Write a label near its box and return where it went; in a crowd, context goes without."""
    font = _font(style.text if issue else max(10, round(style.text * 0.8)))
    left, top, right, bottom = font.getbbox(text)
    pad = max(2, style.text // 5)
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    place = _free_place(box, width, height, size_wh, taken)
    if not issue and sum(_shared(place, other) for other in taken) > CROWDED * width * height:
        return None
    fill = (*_rgb(colour), 235) if issue else (24, 24, 27, 150)
    ink = ink_on(colour) if issue else "#FFFFFF"
    draw.rounded_rectangle(place, radius=pad, fill=fill)
    draw.text((place[0] + pad - left, place[1] + pad - top), text, fill=ink, font=font)
    return place


def _free_place(
    box: list[float], width: float, height: float, size_wh: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle:
    """Above the box, else inside at its top, below, or at its right; inside the picture; clear of others."""
    x1, y1, x2, y2 = box
    wishes = [(x1, y1 - height), (x1, y1), (x1, y2), (x2 - width, y1 - height), (x2, y1), (x1, y2 - height)]
    places = []
    for x, y in wishes:
        x = min(max(0.0, x), max(0.0, size_wh[0] - width))
        y = min(max(0.0, y), max(0.0, size_wh[1] - height))
        places.append((x, y, x + width, y + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(a: Rectangle, b: Rectangle) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _banner(draw: ImageDraw.ImageDraw, text: str, style: Style, size_wh: tuple[int, int]) -> None:
    font = _font(style.text)
    height = style.text * 2
    draw.rectangle((0, 0, size_wh[0], height), fill=(24, 24, 27, 215))
    draw.text((style.text // 2, height // 2), text, fill="#FFD166", font=font, anchor="lm")


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on this colour (relative luminance, WCAG 2)."""
    red, green, blue = ((c / 255) ** 2.2 for c in _rgb(colour))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if luminance > 0.18 else "#FFFFFF"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)
