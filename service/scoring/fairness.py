"""What a reader has to know beside a score: how much was looked at, by how good a detector, and what waits.

For reading only: nothing of it changes the score, which follows the scheme.
"""

from pydantic import BaseModel

from streetsight.models.card import Card
from streetsight.service.scoring.facts import SubjectFacts
from streetsight.service.scoring.scoring import seen_share
from streetsight.service.scoring.sheets import Sheet

CONFIDENCE = 0.95


class ClassQuality(BaseModel):
    """How good the release in force is at a class, at its threshold, on the test part of its data."""

    class_name: str
    precision: float | None
    recall: float | None
    boxes: int | None


class Rate(BaseModel):
    """Places with a problem per kilometre driven, with the exact Poisson interval (Garwood 1936)."""

    per_km: float
    low: float
    high: float
    confidence: float = CONFIDENCE


class Fairness(BaseModel):
    """Beside the score.

    Attributes:
        driven_km, photos, patrols, days, visits: how much was looked at.
        seen_share, never_seen_share, dim_share: of the subject's ground, 0 to 1; dim: in bad light only.
        unreviewed: open leads there: confirmed, they would count.
        rate: None where nothing was driven.
        classes: of the cases of this sheet.
    """

    driven_km: float
    photos: int
    patrols: int
    days: int
    visits: int
    seen_share: float
    never_seen_share: float
    dim_share: float
    unreviewed: int
    rate: Rate | None
    release: str | None
    classes: list[ClassQuality]


def fairness_of(facts: SubjectFacts, sheet: Sheet, card: Card | None) -> Fairness:
    """The figures beside a sheet.

    Args:
        card: of the release in force; None without one.
    """
    looked = facts.exposure
    seen = seen_share(looked)
    dim = min(1.0 - seen, looked.dim_m2 / looked.ground_m2) if looked.ground_m2 else 0.0
    found = sorted({case.tags["class"] for case in facts.cases if "class" in case.tags})
    return Fairness(
        driven_km=round(looked.driven_m / 1000, 2), photos=looked.photos, patrols=looked.patrols,
        days=looked.days, visits=looked.visits, seen_share=round(seen, 3), dim_share=round(dim, 3),
        never_seen_share=round(1 - seen - dim, 3), unreviewed=looked.unreviewed,
        rate=rate_of(sheet.counts.get("places", 0), looked.driven_m / 1000),
        release=card.name if card else None, classes=[_quality(name, card) for name in found],
    )  # fmt: skip


def rate_of(count: int, km: float) -> Rate | None:
    """Count per kilometre with its exact 95 % interval: quantiles of gamma distributions, Garwood 1936."""
    if km <= 0:
        return None
    from scipy.special import gammaincinv  # a third of a second to import

    tail = (1 - CONFIDENCE) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    high = float(gammaincinv(count + 1, 1 - tail))
    return Rate(per_km=round(count / km, 3), low=round(low / km, 3), high=round(high / km, 3))


def _quality(name: str, card: Card | None) -> ClassQuality:
    evaluation = next((each for each in card.evaluations if each.part == "test"), None) if card else None
    known = next((each for each in evaluation.classes if each.name == name), None) if evaluation else None
    return ClassQuality(
        class_name=name, precision=known.precision if known else None, recall=known.recall if known else None,
        boxes=known.boxes if known else None,
    )  # fmt: skip
