"""Labels from models, for photos whose source did not label a class. What people labelled is never touched.

Where a teacher is sure, its box becomes a label; where it sees nothing, the class counts as labelled and
absent; where it hesitates, the class stays unlabelled on that photo. Two teachers: a COCO model knows
cars, trucks, buses, motorcycles and bicycles; a release knows what it was trained for.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streetsight.training.quiet  # noqa: F401

import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics import YOLO

from streetsight.datasets.records import LabelRecord
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.reading import read_photo
from streetsight.inference.session import Detector
from streetsight.models.boxes import px_to_norm, xyxy_to_cxcywh
from streetsight.models.durable import replace_file
from streetsight.models.releases import Release

COCO_TAUGHT = frozenset({"car", "truck", "bus", "motorcycle", "bicycle"})


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What a teacher says of one photo: class names, scores, (n, 4) float32 cxcywh boxes in fractions."""

    class_names: tuple[str, ...]
    scores: tuple[float, ...]
    boxes_cxcywh_norm: NDArray[np.float32]


def label_vehicles(
    records: Sequence[LabelRecord], weights: Path, sure: float, unsure: float
) -> list[LabelRecord]:
    """The records, with a COCO model's vehicles added where no person labelled vehicles."""
    model = YOLO(str(weights))
    return [
        record
        if record.labelled_classes & COCO_TAUGHT
        else merge(record, coco_opinion(record, model, unsure), COCO_TAUGHT, sure)
        for record in records
    ]


def label_by_release(
    records: Sequence[LabelRecord], release: Release, sure: float, unsure: float
) -> list[LabelRecord]:
    """The records, with a release's detections added for the classes that nobody labelled there."""
    detector = Detector(release, calls=cores())
    known = frozenset(release.card.class_names)

    def teach(record: LabelRecord) -> LabelRecord:
        photo = read_photo(record.image.read_bytes(), release.card.input.size)
        seen = detector.detect(photo.image_rgb_hwc, photo.size_wh, unsure)
        names = tuple(release.card.class_names[index] for index in seen.class_ids)
        boxes = xyxy_to_cxcywh(px_to_norm(seen.boxes_xyxy_px, photo.size_wh))
        opinion = Opinion(names, tuple(seen.scores.tolist()), boxes)
        return merge(record, opinion, known - record.labelled_classes, sure)

    return list(in_order(teach, records, cores()))


def coco_opinion(record: LabelRecord, model: YOLO, unsure: float) -> Opinion:
    """What a COCO model sees on a photo from a score on, by COCO's names."""
    # One photo a call: a list is decoded whole before the first prediction. Ultralytics takes all threads
    # but one away.
    (result,) = model.predict(str(record.image), imgsz=640, rect=True, conf=unsure, verbose=False)
    torch.set_num_threads(cores())
    names = tuple(result.names[int(index)] for index in result.boxes.cls)
    boxes = result.boxes.xywhn.cpu().numpy().astype(np.float32)
    return Opinion(names, tuple(result.boxes.conf.tolist()), boxes)


def merge(record: LabelRecord, opinion: Opinion, classes: frozenset[str], sure: float) -> LabelRecord:
    """The record with an opinion on `classes`: sure boxes as labels, classes with unsure ones left open."""
    said = list(zip(opinion.class_names, opinion.scores, strict=True))
    maybe = {name for name, score in said if score < sure}
    settled = classes - maybe
    certain = [index for index, (name, _) in enumerate(said) if name in settled]
    return replace(
        record,
        labelled_classes=record.labelled_classes | settled,
        class_names=(*record.class_names, *(said[index][0] for index in certain)),
        boxes_cxcywh_norm=np.concatenate([record.boxes_cxcywh_norm, opinion.boxes_cxcywh_norm[certain]]),
    )


def remembered(
    path: Path, records: Sequence[LabelRecord], teach: Callable[[Sequence[LabelRecord]], list[LabelRecord]]
) -> list[LabelRecord]:
    """`teach(records)`, or what it said when `path` was written: a resumed run does not ask again."""
    if path.is_file():
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [_restore(record, row) for record, row in zip(records, rows, strict=True)]
    taught = teach(records)
    replace_file(path, json.dumps([_row(each) for each in taught]).encode())
    return taught


def _row(record: LabelRecord) -> list[object]:
    boxes = record.boxes_cxcywh_norm.round(6).tolist()
    return [sorted(record.labelled_classes), record.class_names, boxes]


def _restore(record: LabelRecord, row: Iterable[list[object]]) -> LabelRecord:
    labelled, names, boxes = row
    return replace(
        record,
        labelled_classes=frozenset(map(str, labelled)),
        class_names=tuple(map(str, names)),
        boxes_cxcywh_norm=np.array(boxes, np.float32).reshape(-1, 4),
    )
