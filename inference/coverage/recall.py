"""How likely a release is to detect a thing that is there, by class and size, as far as its card tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.rules import RecheckRules, default_rules
from streetsight.models.card import LARGE, SIZES, SMALL, Card

Floats = NDArray[np.float64]


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
    by_size: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def at(self, class_name: str, share: Floats) -> Floats:
        """Recall of things that take these shares of the picture's area; any shape, and the same back."""
        overall = self.by_class.get(class_name, self.default)
        sizes = np.array(self.by_size.get(class_name, (overall,) * len(SIZES)))
        recalls: Floats = sizes[np.digitize(share, (SMALL, LARGE))]
        return recalls


def recall_of(card: Card, rules: RecheckRules | None = None, part: str = "test") -> Recall:
    """What the card tells, held back where it rests on few boxes.

    A recall r measured on n boxes counts as (n r + m d) / (n + m): m boxes of the next coarser figure d,
    which is the class's for a size, and the rules' default for a class.

    Args:
        part: whose figures are taken; another one where the card lacks it.
    """
    rules = rules or default_rules()
    parts = {each.part: each for each in card.evaluations}
    judged = parts.get(part) or next(iter(parts.values()), None)
    weight = rules.default_weight_boxes
    by_class: dict[str, float] = {}
    by_size: dict[str, tuple[float, ...]] = {}
    for each in judged.classes if judged else ():
        if each.recall is None:
            continue
        overall = (each.boxes * each.recall + weight * rules.default_recall) / (each.boxes + weight)
        sizes = [each.recall_by_size.get(name) for name, *_ in SIZES]
        by_class[each.name] = overall
        by_size[each.name] = tuple(
            (size.boxes * size.recall + weight * overall) / (size.boxes + weight) if size else overall
            for size in sizes
        )
    return Recall(rules.default_recall, by_class, by_size)
