"""Quarters and years: what follows from the months in them, and from figures of their own."""

from decimal import Decimal

from streetsight.service.scoring.facts import SubjectFacts, canonical, digest, plain_bytes
from streetsight.service.scoring.ranking import Standing
from streetsight.service.scoring.schemes import LongPeriod, Scheme
from streetsight.service.scoring.scoring import rounded
from streetsight.service.scoring.sheets import PartScore, Sheet, Status

ZERO, HUNDRED = Decimal(0), Decimal(100)


def score_long(scheme: Scheme, version: int, period: str, rule: LongPeriod, facts: SubjectFacts) -> Sheet:
    """What a subject gets in a quarter or year: a pure function, as that of a month.

    Args:
        rule: of the scheme, for quarters or for years.
        facts: with `members`, the closed months.
    """
    facts = canonical(facts)
    months = _mean(scheme, rule, facts)
    figures = {each.key: each.value for each in facts.figures}
    parts = (
        PartScore(key="months", weight=rule.months, got=months),
        *(_figure(scheme, key, weight, figures.get(key)) for key, weight in rule.figures.items()),
    )
    status, total = _total(scheme, months, parts)
    return Sheet(
        scheme=scheme.key, version=version, period=period, code=facts.code, name=facts.name,
        group=facts.group if scheme.ranked_by == "group" else "", status=status, total=total, parts=parts,
        facts=digest([plain_bytes(facts)]),
    )  # fmt: skip


def recommended(places: list[Standing], how_many: int) -> list[Standing]:
    """The best of each group, for the year-end choice; with ties at the border, all that share the rank."""
    return [place for place in places if place.rank is not None and place.rank <= how_many]


def _mean(scheme: Scheme, rule: LongPeriod, facts: SubjectFacts) -> Decimal | None:
    """Of its months, weighted; None when too few of them were inspected."""
    totals = [each.total for each in facts.members]
    inspected = [each for each in totals if each is not None]
    if len(inspected) < rule.least_months:
        return None
    counted = len(totals) if rule.zero_missing else len(inspected)
    return rounded(rule.months * sum(inspected, ZERO) / counted / scheme.total, scheme)


def _figure(scheme: Scheme, key: str, weight: Decimal, value: Decimal | None) -> PartScore:
    if value is None:
        return PartScore(key=key, weight=weight, got=None, missing=(key,))
    return PartScore(key=key, weight=weight, got=rounded(weight * value / HUNDRED, scheme))


def _total(
    scheme: Scheme, months: Decimal | None, parts: tuple[PartScore, ...]
) -> tuple[Status, Decimal | None]:
    if months is None:
        return "not_inspected", None
    got = [part.got for part in parts if part.got is not None]
    if len(got) < len(parts):
        return "incomplete", None
    return "scored", rounded(sum(got, ZERO), scheme)


def needs(scheme: Scheme, grain: str) -> LongPeriod:
    """The scheme's word on quarters or years."""
    return scheme.quarter if grain == "quarter" else scheme.year
