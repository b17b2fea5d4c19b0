"""95 % intervals by drawing whole groups with replacement, and paired differences of two releases.

Photos of one place resemble each other, so places are drawn, not photos. Two releases are compared on
the same draws: what makes one draw harder makes it harder for both, and the interval is of the difference.
(Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapters 13 and 8.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

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
        p_worse: how probable so low a difference is where both are equally good; see `p_value_worse`.
    """

    name: str
    champion: float
    challenger: float
    low: float
    high: float
    boxes: int
    groups: int
    p_worse: float

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


def p_value_worse(difference: float, draws: NDArray[np.float64], groups: int) -> float:
    """One-sided p-value of a difference below zero: Student's t with the spread of the draws.

    Shares of draws cannot say how far in the tail a difference lies, and draws of few groups spread too
    little, by (groups - 1) / groups in variance. (Hesterberg: What Teachers Should Know About the Bootstrap,
    The American Statistician 69, 2015, parts 4.2 and 5.)

    Args:
        draws: (draws,) differences, NaN where a draw has none.
        groups: that the difference rests on; one alone shows nothing.
    """
    known = draws[~np.isnan(draws)]
    if groups < 2 or not len(known) or difference >= 0:
        return 1.0
    spread = float(known.std()) * math.sqrt(groups / (groups - 1))
    return float(stdtr(groups - 1, difference / spread)) if spread else 0.0


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
    rows = [
        _difference(name, points[:, row], drawn[row], *_counts(champion[name]))
        for row, name in enumerate(names)
    ]
    mean = _difference(
        MEAN, points.mean(axis=1), mean_over_categories(drawn), sum(row.boxes for row in rows),
        len(np.unique(groups)),
    )  # fmt: skip
    return (*rows, mean)


def mean_over_categories(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) mean of (categories, draws) over categories with a value in a draw; NaN where none has."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    means: NDArray[np.float64] = np.divide(
        np.where(known, values, 0).sum(axis=0), counts, out=np.full(values.shape[1], np.nan), where=counts > 0
    )
    return means


def _counts(scored: Scored) -> tuple[int, int]:
    """Labels, and groups with labels."""
    return len(scored.label_photos), len(np.unique(scored.groups[scored.label_photos]))


def _difference(
    name: str, points: NDArray[np.float64], drawn: NDArray[np.float64], boxes: int, groups: int
) -> Difference:
    low, high = interval(drawn)
    champion, challenger = float(points[0]), float(points[1])
    return Difference(
        name=name,
        champion=champion,
        challenger=challenger,
        low=low,
        high=high,
        boxes=boxes,
        groups=groups,
        p_worse=p_value_worse(challenger - champion, drawn, groups),
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
