"""The contact sheet: photos with their boxes, problem by problem and class by class, in one HTML file."""

import base64
import io
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image, ImageDraw, ImageOps

from streetsight.datasets.quality.check import Check
from streetsight.datasets.quality.problems import KINDS, Problem
from streetsight.datasets.records import LabelRecord
from streetsight.models.boxes import cxcywh_to_xyxy, norm_to_px
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy

TEMPLATES = Path(__file__).with_name("templates")
SIDE_PX = 360  # of a picture
SHOWN_PROBLEMS = 12  # pictured of each kind; the rest is listed
LISTED_PROBLEMS = 200
PHOTOS_OF_PROBLEM = 3
SAMPLE = 8  # photos of each class


def render_sheet(check: Check, language: Language, seed: int = 0) -> str:
    """HTML that needs no network. Photos that cannot be decoded are listed without a picture."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    records = {record.image: record for record in check.records}

    def say(message: str, /, **values: object) -> str:
        return translate(message, language, **values)

    return environment.get_template("contact_sheet.html").render(
        language=language, say=say, check=check, root=str(check.root),
        made_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        boxes=sum(map(len, check.records)),
        sections=_sections(check, records, language),
        classes=_classes(check.records, language, seed),
    )  # fmt: skip


def _sections(check: Check, records: dict[Path, LabelRecord], language: Language) -> list[dict[str, Any]]:
    """A section per kind of problem: all of them as lines, the first with pictures."""
    of: dict[str, list[Problem]] = defaultdict(list)
    for problem in check.problems:
        of[problem.kind].append(problem)
    return [
        {
            "kind": kind,
            "title": translate(KINDS[kind].title, language),
            "severity": KINDS[kind].severity,
            "count": len(problems),
            "shown": [
                _shown(problem, records, check.root, language) for problem in problems[:SHOWN_PROBLEMS]
            ],
            "listed": [
                {"place": _short(problem.place, check.root), "message": problem.say(language)}
                for problem in problems[SHOWN_PROBLEMS:LISTED_PROBLEMS]
            ],
            "left_out": max(0, len(problems) - LISTED_PROBLEMS),
        }
        for kind, problems in of.items()
    ]


def _shown(
    problem: Problem, records: dict[Path, LabelRecord], root: Path, language: Language
) -> dict[str, Any]:
    photos = problem.photos[:PHOTOS_OF_PROBLEM]
    return {
        "place": _short(problem.place, root),
        "message": problem.say(language),
        "pictures": [
            {"name": f"{path.parent.parent.name}/{path.name}", "jpeg": picture}
            for number, path in enumerate(photos)
            if (picture := _picture(records.get(path), path, problem.boxes if number == 0 else ()))
        ],
    }


def _classes(records: Sequence[LabelRecord], language: Language, seed: int) -> list[dict[str, Any]]:
    """Each class with its counts and a random sample of its photos."""
    of: dict[str, list[LabelRecord]] = defaultdict(list)
    boxes: dict[str, int] = defaultdict(int)
    for record in sorted(records, key=lambda each: (each.source, each.image.name)):
        for name in set(record.class_names):
            of[name].append(record)
        for name in record.class_names:
            boxes[name] += 1
    taxonomy, chance, most = default_taxonomy(), random.Random(seed), max(boxes.values(), default=1)
    rows = []
    for name in sorted(of, key=taxonomy.names.index):
        sample = chance.sample(of[name], min(SAMPLE, len(of[name])))
        pictures = [
            {"name": f"{each.source}/{each.image.name}", "jpeg": picture}
            for each in sample
            if (picture := _picture(each, each.image, _of_class(each, name)))
        ]
        rows.append(
            {
                "name": name, "label": taxonomy[name].label(language), "colour": taxonomy[name].colour,
                "boxes": boxes[name], "photos": len(of[name]), "share": round(100 * boxes[name] / most),
                "pictures": pictures,
            }
        )  # fmt: skip
    return rows


def _of_class(record: LabelRecord, name: str) -> tuple[int, ...]:
    return tuple(index for index, each in enumerate(record.class_names) if each == name)


def _picture(record: LabelRecord | None, path: Path, strong: Sequence[int]) -> str:
    """A small JPEG as base64, boxes drawn in the colours of their classes, some of them strongly.

    "" where the photo cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            image.draft("RGB", (SIDE_PX, SIDE_PX))
            small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # as Pillow raises them
        return ""
    if record is not None:
        _draw(small, record, strong)
    jpeg = io.BytesIO()
    small.save(jpeg, "JPEG", quality=75)
    return base64.b64encode(jpeg.getvalue()).decode()


def _draw(picture: Image.Image, record: LabelRecord, strong: Sequence[int]) -> None:
    pencil, taxonomy = ImageDraw.Draw(picture), default_taxonomy()
    boxes = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), picture.size)
    order = sorted(range(len(record)), key=lambda index: index in strong)  # the strong ones on top
    for index in order:
        left, top, right, bottom = boxes[index].tolist()
        frame = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        if index in strong:
            pencil.rectangle(
                [frame[0] - 2, frame[1] - 2, frame[2] + 2, frame[3] + 2], outline="white", width=5
            )
        colour = taxonomy[record.class_names[index]].colour
        pencil.rectangle(frame, outline=colour, width=3 if index in strong else 1)


def _short(place: str, root: Path) -> str:
    return place.removeprefix(f"{root}/").removeprefix("sources/")
