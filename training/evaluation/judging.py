"""Judge what is served: the exported ONNX through our own reading, letterbox and post-processing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streetsight.datasets.records import LabelRecord
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.quality import measure_quality
from streetsight.inference.reading import PhotoError, read_photo
from streetsight.inference.session import Detector
from streetsight.models.boxes import Boxes, cxcywh_to_xyxy, norm_to_px
from streetsight.models.detections import Detections
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release

MIN_SCORE = 0.001  # below this nothing moves a precision-recall curve
MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One photo with what is there and what was seen.

    Attributes:
        truth_xyxy_px: class name -> (n, 4) float32 labelled boxes, pixels.
        seen: detections down to `MIN_SCORE`.
        brightness: mean luma of the photo at the model's scale, 0-255; NaN where it was not measured.
    """

    record: LabelRecord
    size_wh: tuple[int, int]
    truth_xyxy_px: dict[str, Boxes]
    seen: Detections
    brightness: float = math.nan

    def labelled(self, name: str) -> Boxes:
        """Labelled boxes of one class, (n, 4) float32 xyxy, pixels; none where it has none."""
        return self.truth_xyxy_px.get(name, np.zeros((0, 4), np.float32))


class JudgingError(SpokenError):
    """A labelled photo cannot be judged. None is left out silently: figures are of the whole part."""


def judge(
    records: Sequence[LabelRecord], detector: Detector, seen: Callable[[], object] = lambda: None
) -> list[Judged]:
    """Run the detector over labelled photos, all cores.

    Args:
        seen: called after each photo, for a progress bar.

    Raises:
        JudgingError: naming the photo that cannot be read.
    """
    judged = []
    for one in in_order(lambda record: _judge_one(record, detector), records, cores()):
        judged.append(one)
        seen()
    return judged


def reference_detector(release: Release) -> Detector:
    """Float32 on ONNX Runtime: the same figures on every machine; `make bench` has the faster backend."""
    return Detector(release, calls=cores(), provider="onnx")


def _judge_one(record: LabelRecord, detector: Detector) -> Judged:
    try:
        photo = read_photo(Path(record.image).read_bytes(), detector.card.input.size)
    except (PhotoError, OSError) as error:
        raise JudgingError(
            "{path}: the labelled photo cannot be judged ({reason}); restore it, or take it and its labels "
            "out of the data",
            path=record.image, reason=error.strerror if isinstance(error, OSError) else error,
        ) from error  # fmt: skip
    seen = detector.detect(photo.image_rgb_hwc, photo.size_wh, MIN_SCORE)
    boxes = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), photo.size_wh)
    names = np.array(record.class_names)
    truth = {name: boxes[names == name] for name in set(record.class_names)}
    return Judged(record, photo.size_wh, truth, seen, measure_quality(photo.image_rgb_hwc).brightness)
