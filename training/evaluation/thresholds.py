"""Deployed thresholds by an explicit rule, chosen on validation photos only and written in the card.

`best-f1` is the score at which F1 is best; `precision>=0.8` the score at which most is found while at
least that share is right. `street_vendor=precision>=0.7` is for one class; `broken_facility=precision>=0.7`
is for a condition as a whole: its classes are pooled, and a sure class makes room for a hard one. A class
with too few boxes on validation gets a fixed threshold: a few boxes would choose by chance.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streetsight.models.card import Card
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.evaluation.curves import Curve, curve
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import Scored, class_categories, condition_categories, score

MIN_BOXES = 20
FALLBACK = 0.25


class RuleError(SpokenError):
    """A threshold rule cannot be read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How the threshold of one class is chosen.

    Attributes:
        precision: the least share that must be right; None chooses the best F1.
        condition: whose classes are chosen together; None chooses each class for itself.
    """

    precision: float | None = None
    condition: str | None = None

    def __str__(self) -> str:
        rule = "best F1" if self.precision is None else f"precision >= {self.precision:g}"
        return f"{rule} of {self.condition} as a whole" if self.condition else rule


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule for all classes, and others for some.

    Attributes:
        own: class name -> its own rule.
    """

    default: Rule = Rule()
    own: Mapping[str, Rule] = field(default_factory=dict)

    def of(self, name: str) -> Rule:
        return self.own.get(name, self.default)


@dataclass(frozen=True, slots=True)
class Choice:
    """The threshold of one class, and why.

    Attributes:
        rule: that was followed; None where there were too few boxes.
        wanted: the rule that was asked for.
        precision, recall: on the photos it was chosen on; None where nothing reaches it or nothing is there.
    """

    name: str
    threshold: float
    rule: Rule | None
    wanted: Rule
    boxes: int
    precision: float | None
    recall: float | None


def parse_rules(texts: Sequence[str], class_names: Sequence[str]) -> Rules:
    """Rules from `best-f1`, `precision>=0.8`, `NAME=RULE`, several by comma or as several texts.

    Args:
        class_names: of the release; NAME is one of them or a condition of theirs.

    Raises:
        RuleError: saying what was expected.
    """
    default, own = Rule(), dict[str, Rule]()
    taxonomy = default_taxonomy()
    for text in filter(None, (part.strip() for each in texts for part in each.split(","))):
        name, least = _split(text)
        if not name:
            default = Rule(least)
        elif name in class_names:
            own[name] = Rule(least)
        else:
            members = [each for each in class_names if taxonomy[each].condition == name]
            if not members:
                known = (*class_names, *taxonomy.conditions)
                raise RuleError(
                    "no class or condition {name} in this release; known: {known}",
                    name=name, known=", ".join(known),
                )  # fmt: skip
            own |= dict.fromkeys(members, Rule(least, name if least is not None else None))
    return Rules(default, own)


def choose(judged: Sequence[Judged], card: Card, rules: Rules) -> tuple[Choice, ...]:
    """A threshold for every class of a release, in its order."""
    scored = {each.name: score(judged, each) for each in class_categories(card)}
    choices = {name: _choose_one(each, rules.of(name)) for name, each in scored.items()}
    for rule in {rule for rule in rules.own.values() if rule.condition}:
        members = {name: choices[name] for name in choices if rules.of(name) == rule}
        choices |= _choose_together(judged, card, rule, members, scored)
    return tuple(choices.values())


def with_thresholds(card: Card, choices: Sequence[Choice]) -> Card:
    """The card with these thresholds and the rule in words."""
    classes = tuple(
        each.model_copy(update={"threshold": choice.threshold})
        for each, choice in zip(card.classes, choices, strict=True)
    )
    return card.model_copy(update={"classes": classes, "threshold_rule": in_words(choices)})


def in_words(choices: Sequence[Choice]) -> str:
    """What was done, as the card says it."""
    by_rule: dict[str, list[str]] = {}
    for each in choices:
        if each.rule is None:
            by_rule.setdefault(f"{FALLBACK}, fewer than {MIN_BOXES} boxes there", []).append(each.name)
        elif each.rule != each.wanted:
            by_rule.setdefault(f"{each.rule}, as {each.wanted} is never reached", []).append(each.name)
        else:
            by_rule.setdefault(str(each.rule), []).append(each.name)
    rules = "; ".join(f"{rule}: {', '.join(names)}" for rule, names in by_rule.items())
    return f"chosen on validation photos. {rules}"


def _choose_one(scored: Scored, wanted: Rule) -> Choice:
    points = curve(scored)
    rule: Rule | None = wanted
    if len(scored.label_photos) < MIN_BOXES or not points.recall.any():
        rule, threshold = None, FALLBACK
    else:
        best = _best(points, wanted)
        if best is None:
            rule, best = Rule(), _best(points, Rule())
        assert best is not None
        threshold = _down(points.scores[best])
    return _choice(scored, points, threshold, rule, wanted)


def _best(points: Curve, rule: Rule) -> int | None:
    """Index of the point that the rule chooses; None where no point is precise enough."""
    precision, recall = points.precision, points.recall
    if rule.precision is None:
        return int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-12)))
    enough = np.flatnonzero((precision >= rule.precision) & (recall > 0))
    return int(enough[-1]) if len(enough) else None


def _choose_together(
    judged: Sequence[Judged],
    card: Card,
    rule: Rule,
    members: Mapping[str, Choice],
    scored: Mapping[str, Scored],
) -> dict[str, Choice]:
    """Thresholds of a condition's classes that find most while the condition as a whole is precise enough.

    Every class goes down to where its next detections would be right less often than a common share; the
    share is as low as the whole allows. (Lagrange's way to spend a common budget of false alarms.)
    The choices stay as they are where the whole never gets precise enough.
    """
    (category,) = (each for each in condition_categories(card) if each.name == rule.condition)
    curves = {name: curve(scored[name]) for name in members}
    for share in np.arange(0, 1, 0.01):
        floors = {
            name: FALLBACK if choice.rule is None else _down(_lowest_worth(curves[name], float(share)))
            for name, choice in members.items()
        }
        pooled = score(judged, category, floors).hits[:, 0]
        if rule.precision is not None and len(pooled) and pooled.mean() >= rule.precision:
            return {
                name: _choice(scored[name], curves[name], floors[name], choice.rule and rule, rule)
                for name, choice in members.items()
            }
    return dict(members)


def _lowest_worth(points: Curve, share: float) -> float:
    """The score down to which hits minus `share` times detections is largest."""
    hits = points.recall * points.labels
    seen = np.divide(hits, points.precision, out=np.arange(1.0, len(hits) + 1), where=points.precision > 0)
    return float(points.scores[int(np.argmax(hits - share * seen))])


def _choice(scored: Scored, points: Curve, threshold: float, rule: Rule | None, wanted: Rule) -> Choice:
    reached = np.flatnonzero(points.scores >= threshold)
    known = len(scored.label_photos) > 0 and len(reached) > 0
    return Choice(
        name=scored.name,
        threshold=threshold,
        rule=rule,
        wanted=wanted,
        boxes=len(scored.label_photos),
        precision=float(points.precision[reached[-1]]) if known else None,
        recall=float(points.recall[reached[-1]]) if known else None,
    )


def _down(score: float) -> float:
    """Four digits, downwards, so that the detection that was chosen counts."""
    return float(np.floor(score * 10_000) / 10_000)


def _split(text: str) -> tuple[str, float | None]:
    found = re.fullmatch(
        r"(?:(?P<name>\w+)\s*=\s*)?(?:best[-_]f1|precision\s*>=\s*(?P<least>0?\.\d+|1(?:\.0+)?))", text
    )
    if not found:
        raise RuleError(
            "threshold rule {text} cannot be read; expected best-f1, precision>=0.8, or one of them for a "
            "class or condition: street_vendor=precision>=0.7",
            text=repr(text),
        )
    return found["name"] or "", float(found["least"]) if found["least"] else None
