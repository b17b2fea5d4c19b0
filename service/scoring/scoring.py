"""The score: a pure function of a scheme and the frozen facts of a subject. No clock, no database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from streetsight.service.scoring.counting import counts, first_of_view, leaders
from streetsight.service.scoring.facts import (
    Case,
    Exposure,
    Followup,
    SubjectFacts,
    canonical,
    digest,
    plain_bytes,
)
from streetsight.service.scoring.plans import Plan, fits, plan_for
from streetsight.service.scoring.schemes import (
    COUNTS,
    Banded,
    Binary,
    Bonus,
    ByFigure,
    Item,
    Manual,
    Part,
    PerProblem,
    PerRate,
    PerUnit,
    Scheme,
)
from streetsight.service.scoring.sheets import ItemScore, PartScore, Sheet, SheetLine, Split, Status, Why

ZERO = Decimal(0)
SPLIT_BY = ("day", "light", "inspection")


class MissingFigure(Exception):
    """A rule asks for a number that nobody has brought in; its name is the argument."""


@dataclass(frozen=True, eq=False)
class _Subject:
    """Facts of a subject, sorted out by part and item of its plan."""

    plan: Plan
    facts: SubjectFacts
    cases: dict[tuple[int, int], list[Case]] = field(default_factory=lambda: defaultdict(list))
    by_rule: dict[tuple[int, int, int], list[Case]] = field(default_factory=lambda: defaultdict(list))
    followups: dict[tuple[int, int, int], list[Followup]] = field(default_factory=lambda: defaultdict(list))

    @property
    def scheme(self) -> Scheme:
        return self.plan.scheme

    @property
    def figures(self) -> dict[str, Decimal]:
        return {figure.key: figure.value for figure in self.facts.figures}


def score(scheme: Scheme, version: int, period: str, facts: SubjectFacts) -> Sheet:
    """What a subject gets in a month.

    The same facts give the same sheet, in whatever order and however often they are told. Cases that nobody
    has confirmed are no facts.

    Args:
        version: of the scheme; period: `2026-11`.
    """
    facts = canonical(facts)
    sheet = Sheet(
        scheme=scheme.key, version=version, period=period, code=facts.code, name=facts.name,
        group=facts.group if scheme.ranked_by == "group" else "", status="not_inspected", total=None,
        facts=digest([plain_bytes(facts)]),
    )  # fmt: skip
    if not inspected(scheme, facts):
        return sheet
    subject = _Subject(plan_for(scheme, facts.code, facts.group), facts)
    unassigned = _sort_out(subject)
    parts = _weighted(scheme, tuple(_part(subject, number) for number in range(len(subject.plan.parts))))
    restored = sum((each.points for each in facts.restorations), ZERO)
    status, total = _total(scheme, parts, restored)
    return msgspec.structs.replace(
        sheet, status=status, total=total, parts=parts, restored=restored, unassigned=unassigned,
        counts=counts(facts, facts.cases, float(scheme.same_place_m)), splits=_splits(facts, parts),
    )  # fmt: skip


def inspected(scheme: Scheme, facts: SubjectFacts) -> bool:
    """Whether somebody has looked: as the scheme says, or because a problem was found."""
    if facts.cases or facts.followups:
        return True
    needed, looked = scheme.inspected, facts.exposure
    return (
        (needed.patrols is not None and looked.patrols >= needed.patrols)
        or (needed.visits is not None and looked.visits >= needed.visits)
        or (needed.seen_share is not None and seen_share(looked) >= float(needed.seen_share))
    )


def seen_share(exposure: Exposure) -> float:
    """Share of the subject's ground that was seen, 0 to 1; 0 where its ground is not known."""
    return min(1.0, exposure.seen_m2 / exposure.ground_m2) if exposure.ground_m2 > 0 else 0.0


def rounded(value: Decimal, scheme: Scheme) -> Decimal:
    """To the decimals of the scheme, halves to even."""
    return value.quantize(Decimal(1).scaleb(-scheme.decimals), ROUND_HALF_EVEN)


def _sort_out(subject: _Subject) -> tuple[str, ...]:
    """Puts each case where it belongs; numbers of those that belong nowhere."""
    unassigned = []
    for case in subject.facts.cases:
        routes = subject.plan.routes(case.tags)
        for part, route in enumerate(routes):
            if route is not None:
                subject.cases[part, route[0]].append(case)
                if route[1] is not None:
                    subject.by_rule[part, route[0], route[1]].append(case)
        if case.void is None and not any(route and route[1] is not None for route in routes):
            unassigned.append(case.number)
    for followup in subject.facts.followups:
        for part, route in enumerate(subject.plan.routes(followup.case.tags)):
            if route is not None and route[1] is not None:
                subject.followups[part, route[0], route[1]].append(followup)
    return tuple(unassigned)


def _part(subject: _Subject, number: int) -> PartScore:
    part, missing, items = subject.plan.parts[number], [], []
    for index, item in enumerate(part.items):
        try:
            items.append(_item(subject, number, index, item))
        except MissingFigure as error:
            missing.append(str(error))
    if missing:
        return PartScore(key=part.key, weight=part.weight, got=None, missing=tuple(dict.fromkeys(missing)))
    return PartScore(
        key=part.key, weight=part.weight, got=_share(subject.scheme, part, items), items=tuple(items)
    )


def _share(scheme: Scheme, part: Part, items: Iterable[ItemScore]) -> Decimal:
    got, full = sum((item.got for item in items), ZERO), sum((item.full for item in part.items), ZERO)
    return rounded(got if full == part.weight else part.weight * got / full, scheme)


def _weighted(scheme: Scheme, parts: tuple[PartScore, ...]) -> tuple[PartScore, ...]:
    """Where a part without figures is left out, the others count for more."""
    missing = {
        part.key for part, wanted in zip(parts, scheme.parts, strict=True)
        if part.got is None and wanted.missing == "leave_out"
    }  # fmt: skip
    rest = sum((part.weight for part in parts if part.key not in missing), ZERO)
    if not missing or not rest:
        return parts
    return tuple(_heavier(scheme, part, missing, rest) for part in parts)


def _heavier(scheme: Scheme, part: PartScore, missing: set[str], rest: Decimal) -> PartScore:
    weight = ZERO if part.key in missing else rounded(part.weight * scheme.total / rest, scheme)
    got = None if part.got is None else rounded(part.got * scheme.total / rest, scheme)
    return msgspec.structs.replace(part, weight=weight, got=got)


def _total(scheme: Scheme, parts: Sequence[PartScore], restored: Decimal) -> tuple[Status, Decimal | None]:
    got = [part.got for part in parts if part.weight or part.got is not None]
    if not got or None in got:
        return "incomplete", None
    return "scored", rounded(sum((each for each in got if each is not None), restored), scheme)


def _item(subject: _Subject, part: int, number: int, item: Item) -> ItemScore:
    lines: list[SheetLine] = []
    for index, rule in enumerate(item.rules):
        if isinstance(rule, PerProblem):
            place = (part, number, index)
            lines += _problems(subject, rule, subject.by_rule[place], subject.followups[place])
        elif isinstance(rule, Manual):
            lines += _by_hand(subject, f"{subject.plan.parts[part].key}.{item.key}.{rule.key}", rule)
        else:
            lines += _by_numbers(subject, rule, subject.cases[part, number])
    return _within_bounds(item, lines)


def _within_bounds(item: Item, lines: list[SheetLine]) -> ItemScore:
    """The item's marks; lines that lead beyond its floor or cap are cut, the last ones first."""
    start = item.full if item.starts == "full" else ZERO
    raw = start + sum((line.points for line in lines), ZERO)
    if raw < item.floor:
        lines = _cut(lines, item.floor - raw, "at_floor")
    elif raw > item.highest:
        lines = _cut(lines, item.highest - raw, "at_cap")
    return ItemScore(
        key=item.key, full=item.full, got=min(max(raw, item.floor), item.highest), lines=tuple(lines)
    )


def _cut(lines: list[SheetLine], excess: Decimal, why: Why) -> list[SheetLine]:
    """Lines with `excess` points more (or less, where it is negative), the last ones changed first."""
    kept = list(lines)
    for index in reversed(range(len(kept))):
        line = kept[index]
        if line.points * excess < 0:  # what was taken is given back, what was given is taken
            change = min(excess, -line.points) if excess > 0 else max(excess, -line.points)
            kept[index] = msgspec.structs.replace(line, points=line.points + change, why=why)
            excess -= change
    return kept


def _problems(
    subject: _Subject, rule: PerProblem, cases: Sequence[Case], followups: Sequence[Followup]
) -> list[SheetLine]:
    same = _leading(subject.scheme, rule, [case for case in cases if _spared(subject.scheme, case) is None])
    lines = [_found(subject.scheme, rule, case, same) for case in cases]
    lines += _unrectified(subject.scheme, rule, followups)
    return _up_to(lines, rule.most)


def _leading(scheme: Scheme, rule: PerProblem, cases: Sequence[Case]) -> dict[str, Case]:
    if rule.one_per == "place":
        return leaders(cases, float(scheme.same_place_m))
    return first_of_view(cases) if rule.one_per == "view" else {case.id: case for case in cases}


def _spared(scheme: Scheme, case: Case) -> Why | None:
    """Why nothing is deducted for a case whatever it shows."""
    if case.void is not None:
        return case.void  # type: ignore[return-value]
    if case.tags.get("class") in scheme.advisory:
        return "advisory"
    return "exempt" if any(fits(each.where, case.tags) for each in scheme.exempt) else None


def _found(scheme: Scheme, rule: PerProblem, case: Case, same: dict[str, Case]) -> SheetLine:
    why, first = _spared(scheme, case), same.get(case.id, case)
    if why is None and first.id != case.id:
        why = "same_view" if rule.one_per == "view" else "same_place"
    points = -rule.points if why is None else ZERO
    other = first.number if why in ("same_place", "same_view") else None
    return _line(rule, case, points=points, nominal=-rule.points, why=why or "counted", same_as=other)


def _unrectified(scheme: Scheme, rule: PerProblem, followups: Sequence[Followup]) -> list[SheetLine]:
    second = rule.unrectified
    if second is None:
        return []
    lines, known = [], set()
    points = min(second.points, rule.points) if second.not_above_first else second.points
    for each in followups:
        if each.event not in second.events:
            continue
        why = _spared(scheme, each.case)
        if why is None and second.once and each.case.id in known:
            why = "once"
        known.add(each.case.id)
        lines.append(
            _line(
                rule, each.case, points=-points if why is None else ZERO, nominal=-points,
                why=why or "counted", stage=2, act=each.act, event=each.event,
            )
        )  # fmt: skip
    return lines


def _up_to(lines: list[SheetLine], most: Decimal | None) -> list[SheetLine]:
    taken = -sum((line.points for line in lines), ZERO)
    return lines if most is None or taken <= most else _cut(lines, taken - most, "over_most")


def _line(rule: Any, case: Case, **values: Any) -> SheetLine:
    return SheetLine(
        rule=rule.key, issue=case.id, number=case.number, decision=case.decision, photos=case.photos,
        lon=case.lon, lat=case.lat, found_at=case.found_at, **values,
    )  # fmt: skip


def _by_hand(subject: _Subject, path: str, rule: Manual) -> list[SheetLine]:
    return [
        SheetLine(
            rule=rule.key, points=entry.points, nominal=entry.points, entry=entry.id, reason=entry.reason,
            made_by=entry.made_by,
        )
        for entry in subject.facts.entries
        if entry.rule == path
    ]  # fmt: skip


def _by_numbers(subject: _Subject, rule: Any, cases: Sequence[Case]) -> list[SheetLine]:
    """The line of a rule about counts, rates and figures. Raises MissingFigure."""
    numbers = _Numbers(subject, [case for case in cases if fits(getattr(rule, "where", {}), case.tags)])
    points, basis = _RECKONED[type(rule)](numbers, rule)
    points = rounded(points, subject.scheme)
    return [SheetLine(rule=rule.key, points=points, nominal=points, basis=basis)]


class _Numbers:
    """Counts and figures by name."""

    def __init__(self, subject: _Subject, cases: Sequence[Case]) -> None:
        self._figures = subject.figures
        self._counts = counts(subject.facts, cases, float(subject.scheme.same_place_m))

    def value(self, name: str, otherwise: Decimal | None = None) -> Decimal:
        """A count or figure; `otherwise` in place of a figure that is missing. Raises MissingFigure."""
        if name in COUNTS:
            return Decimal(self._counts[name])
        value = self._figures.get(name, otherwise)
        if value is None:
            raise MissingFigure(name)
        return value

    def rate(self, over: str, under: str | None, without: Decimal | None) -> tuple[Decimal, str]:
        """A rate, and what it was reckoned from; `without` where there is nothing to divide by."""
        top = self.value(over)
        if under is None:
            return top, f"{over} {top}"
        bottom = self.value(under)
        rate = (Decimal(1) if without is None else without) if not bottom else top / bottom
        return rate, f"{over} {top} / {under} {bottom}"


def _per_rate(numbers: _Numbers, rule: PerRate) -> tuple[Decimal, str]:
    rate, basis = numbers.rate(rule.over, rule.under, rule.without)
    return rule.points * ((1 - rate) if rule.invert else rate), basis


def _banded(numbers: _Numbers, rule: Banded) -> tuple[Decimal, str]:
    value, basis = numbers.rate(rule.over, rule.under, rule.without)
    return next(band.points for band in rule.bands if band.below is None or value < band.below), basis


def _per_unit(numbers: _Numbers, rule: PerUnit) -> tuple[Decimal, str]:
    value = numbers.value(rule.of)
    units = max(ZERO, (value - rule.quota) // rule.unit)
    taken = rule.points * units if rule.most is None else min(rule.most, rule.points * units)
    return -taken, f"{rule.of} {value}"


def _binary(numbers: _Numbers, rule: Binary) -> tuple[Decimal, str]:
    value, basis = numbers.rate(rule.of, rule.under, None)
    good = value >= rule.value if rule.must_be == "at_least" else value <= rule.value
    return ZERO if good else -rule.points, basis


def _bonus(numbers: _Numbers, rule: Bonus) -> tuple[Decimal, str]:
    value = numbers.value(rule.of, otherwise=ZERO)
    return min(rule.most, rule.points * max(ZERO, value // rule.unit)), f"{rule.of} {value}"


def _by_figure(numbers: _Numbers, rule: ByFigure) -> tuple[Decimal, str]:
    value = numbers.value(rule.of)
    return rule.points * value / rule.out_of, f"{rule.of} {value} / {rule.out_of}"


_RECKONED: dict[type, Any] = {
    PerRate: _per_rate, Banded: _banded, PerUnit: _per_unit, Binary: _binary, Bonus: _bonus,
    ByFigure: _by_figure,
}  # fmt: skip


def _splits(facts: SubjectFacts, parts: Sequence[PartScore]) -> tuple[Split, ...]:
    """Cases that are none of void, and what was taken for them, by when they were found."""
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for item in part.items:
            for line in item.lines:
                if line.issue is not None:
                    taken[line.issue] += line.points
    found: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in facts.cases:
        for tag in SPLIT_BY:
            if case.void is None and tag in case.tags:
                found[tag, case.tags[tag]].append(case)
    return tuple(
        Split(tag=tag, value=value, cases=len(cases), points=sum((taken[each.id] for each in cases), ZERO))
        for (tag, value), cases in sorted(found.items())
    )
