"""95 % intervals by drawing whole groups with replacement, and paired differences of two releases.

Photos of one place resemble each other, so places are drawn, not photos. Two releases are compared on
the same draws: what makes one draw harder makes it harder for both, and the interval is of the difference.
(Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapters 13 and 8.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.training.evaluation.curves import ap50, unit_weights
from streetsight.training.evaluation.scored import Scored

DRAWS, LEVEL = 1000, 0.95
MEAN = "mean"

Figure = Callable[[Scored, NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion of one category, or of the mean over several.

    Attributes:
        low, high: 95 % interval of the difference.
        boxes, groups: labels, and groups with labels, that the figure rests on.
    """

    name: str
    champion: float
    challenger: float
    low: float
    high: float
    boxes: int
    groups: int

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    @property
    def worse(self) -> bool:
        """The whole interval lies below zero."""
        return self.high < 0

    @property
    def better(self) -> bool:
        """The whole interval lies above zero."""
        return self.low > 0


def draw_groups(groups: NDArray[np.int64], draws: int = DRAWS, seed: int = 0) -> NDArray[np.int64]:
    """How often each group is drawn when as many groups as there are are drawn with replacement.

    Args:
        groups: (p,) int64, index of each photo's group.

    Returns:
        (draws, groups) int64; `answer[:, groups]` are the weights of the photos.
    """
    count = int(groups.max(initial=-1)) + 1
    if not count:
        return np.zeros((draws, 0), np.int64)
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)


def draw_photos(groups: NDArray[np.int64], draws: int = DRAWS, seed: int = 0) -> NDArray[np.int64]:
    """How often each photo counts when whole groups are drawn; (draws, p) int64."""
    return draw_groups(groups, draws, seed)[:, groups]


def interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of (draws,) values; draws without a value (NaN) are left out.

    NaN, NaN where no draw has a value.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(
    champion: Mapping[str, Scored],
    challenger: Mapping[str, Scored],
    names: Sequence[str],
    draws: int = DRAWS,
    seed: int = 0,
    figure: Figure = ap50,
) -> tuple[Difference, ...]:
    """How much better the challenger is, on the same photos and the same draws.

    Args:
        champion, challenger: name -> the category scored; the same photos in the same order.
        names: categories to compare; those without labels here are left out.
        figure: `ap50`, `ap50_95` or the like.

    Returns:
        A row for each category, and last the mean over them, named `MEAN`; none where nothing is labelled.

    Raises:
        ValueError: the two were not judged on the same labels.
    """
    names = [name for name in names if len(champion[name].label_photos)]
    if not names:
        return ()
    for name in names:
        _check_same_labels(champion[name], challenger[name])
    groups = champion[names[0]].groups
    weights = draw_photos(groups, draws, seed)
    once = unit_weights(champion[names[0]])
    points = np.array([[figure(side[name], once)[0] for name in names] for side in (champion, challenger)])
    drawn = np.array([figure(challenger[n], weights) - figure(champion[n], weights) for n in names])
    rows = [_difference(name, points[:, row], drawn[row], champion[name]) for row, name in enumerate(names)]
    low, high = interval(mean_over_categories(drawn))
    mean = Difference(
        name=MEAN,
        champion=float(points[0].mean()),
        challenger=float(points[1].mean()),
        low=low,
        high=high,
        boxes=sum(row.boxes for row in rows),
        groups=len(np.unique(groups)),
    )
    return (*rows, mean)


def mean_over_categories(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) mean of (categories, draws) over categories with a value in a draw; NaN where none has."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    means: NDArray[np.float64] = np.divide(
        np.where(known, values, 0).sum(axis=0), counts, out=np.full(values.shape[1], np.nan), where=counts > 0
    )
    return means


def _difference(
    name: str, points: NDArray[np.float64], drawn: NDArray[np.float64], scored: Scored
) -> Difference:
    low, high = interval(drawn)
    return Difference(
        name=name,
        champion=float(points[0]),
        challenger=float(points[1]),
        low=low,
        high=high,
        boxes=len(scored.label_photos),
        groups=len(np.unique(scored.groups[scored.label_photos])),
    )


def _check_same_labels(one: Scored, other: Scored) -> None:
    if not (
        np.array_equal(one.groups, other.groups)
        and np.array_equal(one.judged, other.judged)
        and np.array_equal(one.label_photos, other.label_photos)
        and np.array_equal(one.label_boxes_xyxy_px, other.label_boxes_xyxy_px)
    ):
        raise ValueError(
            f"{one.name}: the two releases were judged on different photos or labels; "
            "judge both on the same records in the same order"
        )
