"""Vehicle labels from the starting weights, for photos whose source did not label vehicles.

A COCO model is a good teacher for cars, trucks, buses, motorcycles and bicycles. Where it is sure, its
box becomes a label; where it sees nothing, the class counts as labelled and absent; where it hesitates,
the class stays unlabelled on that photo. What people labelled is never touched.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import numpy as np
from ultralytics import YOLO

from streetsight.datasets.records import LabelRecord

TAUGHT = ("car", "truck", "bus", "motorcycle", "bicycle")


def label_vehicles(
    records: Sequence[LabelRecord], weights: Path, sure: float, unsure: float
) -> list[LabelRecord]:
    """The records, with the teacher's vehicles added where no person labelled vehicles."""
    model = YOLO(str(weights))
    wanted = [record for record in records if not record.labelled_classes & set(TAUGHT)]
    taught = {record.image: _teach(record, model, sure, unsure) for record in wanted}
    return [taught.get(record.image, record) for record in records]


def _teach(record: LabelRecord, model: YOLO, sure: float, unsure: float) -> LabelRecord:
    # One photo a call: a list is decoded whole before the first prediction. One square shape: torch's
    # CPU kernels keep a plan for every shape they ever saw.
    (result,) = model.predict(str(record.image), imgsz=640, rect=False, conf=unsure, verbose=False)
    return _merge(record, result, sure)


def _merge(record: LabelRecord, result: Any, sure: float) -> LabelRecord:
    names = [result.names[int(index)] for index in result.boxes.cls]
    scores = result.boxes.conf.tolist()
    maybe = {name for name, score in zip(names, scores, strict=True) if score < sure}
    certain = [index for index, name in enumerate(names) if name in TAUGHT and name not in maybe]
    boxes = result.boxes.xywhn.cpu().numpy().astype(np.float32)
    return replace(
        record,
        labelled_classes=record.labelled_classes | (set(TAUGHT) - maybe),
        class_names=(*record.class_names, *(names[index] for index in certain)),
        boxes_cxcywh_norm=np.concatenate([record.boxes_cxcywh_norm, boxes[certain]]),
    )
