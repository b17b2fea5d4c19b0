"""Checks of boxes: in the picture, with area, drawn once, and like others of their class."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.quality.problems import Problem
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import label_path
from streetsight.models.boxes import cxcywh_to_xyxy, iou

OUTSIDE = 0.01  # of a side: rounding and a loose hand are no error
TINY_PX = 4.0  # below it, a detector at any common scale has nothing to see
SAME = 0.95  # intersection over union
ENOUGH = 50  # boxes of a class before one of them can be unusual
FAR = 6.0  # robust standard deviations; 1 normal value in 500 million
CROWD = 20  # boxes of one class before a photo can be crowded
FLOORS = np.array([0.25, 0.15, 0.05, 0.05])  # spreads below these are no narrow distribution but copies


def check_boxes(record: LabelRecord, size_wh: tuple[int, int] | None) -> Iterator[Problem]:
    """Faults of single boxes and of pairs. `size_wh` in pixels, None where the photo cannot be decoded."""
    if not len(record):
        return
    xyxy = cxcywh_to_xyxy(record.boxes_cxcywh_norm)
    sides = record.boxes_cxcywh_norm[:, 2:]
    beyond = np.maximum(-xyxy[:, :2], xyxy[:, 2:] - 1).max(axis=1)
    for index, (name, out) in enumerate(zip(record.class_names, beyond.tolist(), strict=True)):
        width, height = sides[index].tolist()
        if min(width, height) <= 0:
            yield _about(record, [index], "box_empty", "{name} without area", name=name)
        elif out > OUTSIDE:
            yield _about(
                record, [index], "box_outside",
                "{name} reaches {share} of the picture's side beyond its edge", name=name, share=f"{out:.1%}",
            )  # fmt: skip
        elif size_wh and min(width * size_wh[0], height * size_wh[1]) < TINY_PX:
            yield _about(
                record, [index], "box_tiny", "{name} of {width} x {height} pixels",
                name=name, width=round(width * size_wh[0], 1), height=round(height * size_wh[1], 1),
            )  # fmt: skip
    overlaps = np.triu(iou(xyxy, xyxy), 1)
    for one, other in np.argwhere(overlaps > SAME).tolist():
        first, second = record.class_names[one], record.class_names[other]
        if first == second:
            yield _about(record, [other, one], "box_repeated", "{name} is drawn twice", name=first)
        else:
            yield _about(
                record, [other, one], "box_two_classes", "one box is {name}, the same is {other}",
                name=second, other=first,
            )  # fmt: skip


def check_classes(records: Sequence[LabelRecord]) -> Iterator[Problem]:
    """Boxes and photos far from what is usual for a class in its source, by median and median deviation.

    Source by source: one photographer's close-ups make another's street views no mistake.
    """
    owners: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for number, record in enumerate(records):
        for index, name in enumerate(record.class_names):
            owners[name, record.source].append((number, index))
    for (name, _), where in sorted(owners.items()):
        if len(where) >= ENOUGH:
            yield from _unusual(records, name, where)
            yield from _crowded(records, name, Counter(number for number, _ in where))


def _unusual(records: Sequence[LabelRecord], name: str, where: list[tuple[int, int]]) -> Iterator[Problem]:
    boxes = np.array([records[number].boxes_cxcywh_norm[index] for number, index in where], np.float64)
    whole = boxes[:, 2:].min(axis=1) > 0
    where = [each for each, kept in zip(where, whole, strict=True) if kept]
    boxes = boxes[whole]
    features = np.column_stack(
        [np.log(boxes[:, 2] * boxes[:, 3]), np.log(boxes[:, 2] / boxes[:, 3]), boxes[:, :2]]
    )
    middle, distance = _robust(features, FLOORS)
    for row in np.flatnonzero((distance > FAR).any(axis=1)).tolist():
        number, index = where[row]
        column = int(distance[row].argmax())
        yield _unlike(
            records[number], index, name, column, float(features[row, column]), float(middle[column])
        )


def _unlike(record: LabelRecord, index: int, name: str, column: int, here: float, usual: float) -> Problem:
    """A box that is far off in this column of the features: log area, log shape, x, y."""
    kind, box = "box_unusual", [index]
    if column == 0:
        return _about(
            record, box, kind, "{name} covers {share} of the picture, usually {usual}",
            name=name, share=f"{math.exp(here):.2%}", usual=f"{math.exp(usual):.2%}",
        )  # fmt: skip
    if column == 1:
        return _about(
            record, box, kind, "{name} is {ratio} times as wide as high, usually {usual}",
            name=name, ratio=f"{math.exp(here):.2g}", usual=f"{math.exp(usual):.2g}",
        )  # fmt: skip
    if column == 2:
        return _about(
            record, box, kind, "{name} lies at {here} of the picture's width, usually at {usual}",
            name=name, here=f"{here:.0%}", usual=f"{usual:.0%}",
        )  # fmt: skip
    return _about(
        record, box, kind, "{name} lies at {here} of the picture's height, usually at {usual}",
        name=name, here=f"{here:.0%}", usual=f"{usual:.0%}",
    )  # fmt: skip


def _crowded(records: Sequence[LabelRecord], name: str, counts: Mapping[int, int]) -> Iterator[Problem]:
    numbers = np.array(list(counts.values()), np.float64)
    middle, distance = _robust(np.log(numbers)[:, None], np.array([0.4]))
    for number, count, far in zip(counts, numbers.tolist(), distance[:, 0].tolist(), strict=True):
        if far > FAR and count >= CROWD:
            yield Problem(
                "{count} boxes of {name}, usually {usual}", "photo_crowded", records[number].image,
                photos=[records[number].image], count=round(count), name=name,
                usual=round(float(np.exp(middle[0]))),
            )  # fmt: skip


def _robust(
    values: NDArray[np.float64], floors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Medians (k,) of (n, k) values, and distances (n, k) from them in robust standard deviations."""
    middle = np.median(values, axis=0)
    off = np.abs(values - middle)
    spread = np.maximum(1.4826 * np.median(off, axis=0), floors)  # of a normal distribution
    return middle, off / spread


def _about(record: LabelRecord, boxes: list[int], kind: str, message: str, **values: object) -> Problem:
    return Problem(
        message,
        kind,
        label_path(record.image),
        box_line(record.image, boxes[0]),
        [record.image],
        boxes,
        **values,
    )


def box_line(image: Path, index: int) -> int:
    """1-based line of the label file that holds the box with this index."""
    lines = label_path(image).read_text(encoding="utf-8-sig").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.strip()][index]
