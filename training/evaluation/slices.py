"""The same figures on a part of what there is: size of the thing, light of the photo, source of the labels.

Sizes are COCO's (32 x 32 and 96 x 96 pixels), as shares of COCO's usual 640 x 480 picture: the model sees a
photo scaled to its input, so pixels of the original say nothing. Light is the mean luma that the quality gate
measures.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from streetsight.models.card import ROUGH_BOXES, SIZES, Interval
from streetsight.training.evaluation.bootstrap import draw_photos, interval
from streetsight.training.evaluation.curves import ap50, unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.metrics import Seen, false_alarms_per_100, precision, recall
from streetsight.training.evaluation.scored import Scored, group_index

Kind = Literal["size", "light", "source"]
Cut = Callable[[Scored], Scored]

SLICE_DRAWS = 400  # a tenth of a point more or less does not matter here

LIGHTS = (("dim", 0.0, 90.0), ("ordinary", 90.0, 150.0), ("bright", 150.0, math.inf))  # mean luma, 0-255


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures of one category on one slice; None where nothing is labelled, or nothing seen.

    Attributes:
        boxes: labels in the slice.
        intervals: figure -> 95 % interval.
    """

    kind: Kind
    name: str
    category: str
    photos: int
    boxes: int
    ap50: float | None
    precision: float | None
    recall: float | None
    false_alarms_per_100: float | None
    intervals: Mapping[str, Interval]

    @property
    def rough(self) -> bool:
        return self.boxes < ROUGH_BOXES


def slices(judged: Sequence[Judged], seen: Mapping[str, Seen], draws: int = SLICE_DRAWS) -> tuple[Slice, ...]:
    """Every category on every slice that has photos for it."""
    weights = draw_photos(group_index(judged), draws)
    rows = []
    for kind, name, cut in _cuts(judged):
        for category in seen.values():
            everything, deployed = cut(category.everything), cut(category.deployed)
            if not everything.judged.any() or not (len(everything.label_photos) or kind == "source"):
                continue
            points, intervals = {}, {}
            for figure, of, scored in (
                ("ap50", ap50, everything),
                ("precision", precision, deployed),
                ("recall", recall, deployed),
                ("false_alarms_per_100", false_alarms_per_100, deployed),
            ):
                value = float(of(scored, unit_weights(scored))[0])
                points[figure] = None if math.isnan(value) else round(value, 4)
                ends = interval(of(scored, weights))
                if not math.isnan(ends[0]):
                    intervals[figure] = (round(ends[0], 4), round(ends[1], 4))
            rows.append(
                Slice(
                    kind, name, category.name, int(everything.judged.sum()), len(everything.label_photos),
                    **points, intervals=intervals,
                )
            )  # fmt: skip
    return tuple(rows)


def _cuts(judged: Sequence[Judged]) -> Iterator[tuple[Kind, str, Cut]]:
    for name, low, high in SIZES:
        yield "size", name, partial(Scored.of_size, low=low, high=high)
    light = np.array([one.brightness for one in judged])
    for brightness, low, high in LIGHTS:
        yield "light", brightness, partial(Scored.on_photos, photos=(light >= low) & (light < high))
    sources = np.array([one.record.source for one in judged])
    for source in np.unique(sources).tolist():
        yield "source", source, partial(Scored.on_photos, photos=sources == source)
