"""How likely a release is to detect a thing that is there, by class and size, as far as its card tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.rules import RecheckRules, default_rules
from streetsight.models.card import Card

Floats = NDArray[np.float64]

# COCO's sizes as shares of its usual picture, as `streetsight evaluate` cuts its slices.
SIZE_BOUNDS = (32 * 32 / (640 * 480), 96 * 96 / (640 * 480))
SIZES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class Recall:
    """Recall at the deployed thresholds.

    Attributes:
        default: of classes that nothing is known of.
        by_class: class -> recall over all sizes.
        by_size: class -> recall of small, medium and large things.
    """

    default: float
    by_class: Mapping[str, float] = field(default_factory=dict)
    by_size: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    def at(self, class_name: str, share: Floats) -> Floats:
        """Recall of things that take these shares of the picture's area; any shape, and the same back."""
        overall = self.by_class.get(class_name, self.default)
        sizes = np.array(self.by_size.get(class_name, (overall,) * len(SIZES)))
        recalls: Floats = sizes[np.digitize(share, SIZE_BOUNDS)]
        return recalls


def recall_of(
    card: Card,
    slices: Iterable[Mapping[str, Any]] = (),
    rules: RecheckRules | None = None,
    part: str = "test",
) -> Recall:
    """What the card tells, held back where it rests on few boxes.

    A recall r measured on n boxes counts as (n r + m d) / (n + m): m boxes of the next coarser figure d,
    which is the class's for a size, and the rules' default for a class.

    Args:
        slices: rows of `streetsight evaluate --json` ("slices"), which cards do not hold.
        part: whose figures are taken; another one where the card lacks it.
    """
    rules = rules or default_rules()
    parts = {each.part: each for each in card.evaluations}
    judged = parts.get(part) or next(iter(parts.values()), None)
    weight = rules.default_weight_boxes
    by_class = {
        each.name: (each.boxes * each.recall + weight * rules.default_recall) / (each.boxes + weight)
        for each in (judged.classes if judged else ())
        if each.recall is not None
    }
    sizes = {name: dict.fromkeys(SIZES, recall) for name, recall in by_class.items()}
    for row in slices:
        if row["kind"] == "size" and row["recall"] is not None and row["category"] in sizes:
            of_class, boxes = by_class[row["category"]], row["boxes"]
            sizes[row["category"]][row["name"]] = (boxes * row["recall"] + weight * of_class) / (
                boxes + weight
            )
    by_size = {name: (each["small"], each["medium"], each["large"]) for name, each in sizes.items()}
    return Recall(rules.default_recall, by_class, by_size)
