"""The label record: what one photo shows, and what its source looked for.

"Not labelled" is never read as "absent": a class counts as absent from a photo only when it is in
`labelled_classes` and has no box.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LabelRecord:
    """Labels of one photo.

    Attributes:
        image: path of the photo.
        source: name of the collection it came with.
        group: photos of one group show the same place or are near-duplicates; a group never
            straddles two parts of a split. "" where none is given: `datasets/groups.py` finds one.
        labelled_classes: taxonomy names that the source labelled wherever they occur.
        class_names: taxonomy name of each box, length n.
        boxes_cxcywh_norm: (n, 4) float32, centre x, centre y, width, height, fractions of the
            upright picture in [0, 1].
    """

    image: Path
    source: str
    group: str
    labelled_classes: frozenset[str]
    class_names: tuple[str, ...]
    boxes_cxcywh_norm: NDArray[np.float32]

    def __post_init__(self) -> None:
        boxes = self.boxes_cxcywh_norm
        if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype != np.float32:
            raise ValueError(
                f"{self.image}: boxes_cxcywh_norm must be (n, 4) float32, got {boxes.shape} {boxes.dtype}"
            )
        if len(self.class_names) != len(boxes):
            raise ValueError(f"{self.image}: {len(self.class_names)} class names for {len(boxes)} boxes")
        unlabelled = set(self.class_names) - self.labelled_classes
        if unlabelled:
            raise ValueError(
                f"{self.image}: has boxes of {sorted(unlabelled)}, which its source "
                f"{self.source!r} says it does not label"
            )

    def __len__(self) -> int:
        return len(self.class_names)


def data_digest(records: Iterable[LabelRecord]) -> str:
    """sha256 over photo names, groups, labels and labelled classes; independent of order and place."""
    rows = sorted(
        json.dumps(
            [
                record.source,
                record.image.name,
                record.group,
                sorted(record.labelled_classes),
                record.class_names,
                record.boxes_cxcywh_norm.round(5).tolist(),
            ]
        )
        for record in records
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
