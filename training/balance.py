"""Show rare things more often, so that 100 manholes count beside 2,200 bins."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from streetsight.datasets.records import LabelRecord
from streetsight.models.taxonomy import default_taxonomy


def repeat_factors(records: Sequence[LabelRecord], share: float) -> list[float]:
    """How often to show each photo per epoch, at least once.

    A photo with a class that appears in the fraction f of the photos is shown sqrt(share / f) times, the
    rarest of its classes deciding (repeat-factor sampling: Gupta, Dollár, Girshick, LVIS, 2019). Only
    classes that lead to a condition count: context need not be found everywhere.
    """
    taxonomy = default_taxonomy()
    present = [{name for name in record.class_names if taxonomy[name].condition} for record in records]
    counts = Counter(name for names in present for name in names)
    factor = {name: max(1.0, math.sqrt(share * len(records) / count)) for name, count in counts.items()}
    return [max((factor[name] for name in names), default=1.0) for names in present]


def balanced(
    records: Sequence[LabelRecord], share: float, by_source: Mapping[str, float], seed: int
) -> list[LabelRecord]:
    """The records of an epoch: each repeated by its factor or its source's, whichever is larger.

    A fraction is decided by chance, the same way for the same seed.
    """
    rng = random.Random(seed)
    shown = []
    for record, factor in zip(records, repeat_factors(records, share), strict=True):
        times = max(factor, by_source.get(record.source, 1.0))
        shown += [record] * (int(times) + (rng.random() < times % 1))
    return shown
