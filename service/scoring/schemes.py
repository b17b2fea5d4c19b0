"""A scheme: how confirmed issues become points. Data that belongs to the city, with versions; never code.

    total = sum over parts of   weight * (sum of its items / sum of their full marks)
    item  = full marks - what its rules deduct + what they add, between its floor and its cap

A case counts for the first item of each part that it fits, and there for the first rule that it fits, so that
nothing is deducted twice. docs/scoring.md has a worked example.
"""

from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.dependencies import Text

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Line = Annotated[Text, Field(min_length=1, max_length=300)]
Points = Annotated[Decimal, Field(ge=0, le=1000, max_digits=9, decimal_places=4)]
Signed = Annotated[Decimal, Field(ge=-1000, le=1000, max_digits=9, decimal_places=4)]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]

TAGS = (
    "condition", "class", "code", "severity", "channel", "scene", "area_type", "road_grade", "place_kind",
    "unit", "closed_how", "day", "light", "inspection", "area",
)  # fmt: skip
"""What a case is known by, besides the groupings of the city (aspect, topic, disorder, ...)."""

COUNTS = (
    "found", "places", "dispatched", "due", "handled", "handled_in_time", "overdue", "closed", "reworked",
    "reopened", "extended", "appealed", "upheld",
)  # fmt: skip
"""Counts of a subject's cases, for rates and bands; `counting.py` says what each one is."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Where = dict[Annotated[str, Field(max_length=40)], Annotated[list[Line], Field(min_length=1, max_length=200)]]
"""Conditions on tags: each must have one of the values."""


class Named(_Strict):
    """Something with a name in both languages. Attributes: source: where the figure was read."""

    key: Key
    zh: Line
    en: Line
    source: Line | None = None


class Unrectified(_Strict):
    """A second deduction for what was not put right.

    Attributes:
        points: for each event; events: which ones.
        once: one event a case and month at most.
        not_above_first: never more than finding it cost.
    """

    points: Points
    events: list[Literal["overdue", "rework", "reopened"]] = ["overdue", "rework", "reopened"]
    once: bool = True
    not_above_first: bool = True


class PerProblem(Named):
    """So many points for each problem that was found.

    Attributes:
        one_per: what counts once: a place (default), a view (all that one picture shows), or an issue.
        most: that the rule may take in a period; None is what the item has.
    """

    kind: Literal["per_problem"]
    where: Where = {}
    points: Points
    one_per: Literal["place", "view", "issue"] = "place"
    most: Points | None = None
    unrectified: Unrectified | None = None


class PerRate(Named):
    """Marks by a rate: `points` times the rate, or times what is missing from 1 with `invert`.

    Attributes:
        over, under: names of counts or figures; what a rate is over differs from city to city.
        without: the rate when `under` is 0.
    """

    kind: Literal["per_rate"]
    where: Where = {}
    over: Line
    under: Line
    points: Points
    invert: bool = False
    without: Share = Decimal(1)


class Band(_Strict):
    """Below this value, so many points; the last band has no bound."""

    below: Decimal | None = None
    points: Signed


class Banded(Named):
    """Points by the band that a rate, a count or a figure lies in. Deductions are negative."""

    kind: Literal["banded"]
    where: Where = {}
    over: Line
    under: Line | None = None
    without: Share | None = None
    bands: Annotated[list[Band], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _in_order(self) -> "Banded":
        bounds = [band.below for band in self.bands]
        if bounds[-1] is not None or None in bounds[:-1]:
            raise SpokenError("expected every band but the last to say `below`, and the last one not to")
        if bounds[:-1] != sorted({bound for bound in bounds[:-1] if bound is not None}):
            raise SpokenError("expected the bands to rise")
        return self


class PerUnit(Named):
    """So many points for each whole `unit` that a count or figure is over its `quota`."""

    kind: Literal["per_unit"]
    where: Where = {}
    of: Line
    quota: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    unit: Annotated[Decimal, Field(gt=0)]
    points: Points
    most: Points | None = None


class Binary(Named):
    """All of `points` are lost unless a count, figure or rate is what it has to be."""

    kind: Literal["binary"]
    where: Where = {}
    of: Line
    under: Line | None = None
    must_be: Literal["at_least", "at_most"]
    value: Decimal
    points: Points


class Bonus(Named):
    """Points added: for each problem (`of: found` with `where`), or unit of a figure; up to `most`."""

    kind: Literal["bonus"]
    where: Where = {}
    of: Line
    unit: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    points: Points
    most: Points


class ByFigure(Named):
    """Marks as they come from elsewhere: `points` times figure / `out_of`, as of a survey out of 100."""

    kind: Literal["by_figure"]
    of: Line
    out_of: Annotated[Decimal, Field(gt=0)] = Decimal(100)
    points: Points


class Manual(Named):
    """Points that a person gives or takes, with a reason, within these bounds."""

    kind: Literal["manual"]
    lowest: Signed
    highest: Signed

    @model_validator(mode="after")
    def _in_order(self) -> "Manual":
        if self.lowest > self.highest:
            raise SpokenError(
                "lowest {lowest} is above highest {highest}", lowest=self.lowest, highest=self.highest
            )
        return self


Rule = Annotated[
    PerProblem | PerRate | Banded | PerUnit | Binary | Bonus | ByFigure | Manual, Field(discriminator="kind")
]


class Item(Named):
    """A line of the score sheet.

    Attributes:
        full: its marks; floor, cap: what it can have at least and at most (`cap` above `full`: bonus).
        where: which cases are its matter.
        starts: full (rules deduct from it) or zero (rules give marks: rates and figures).
    """

    full: Points
    floor: Signed = Decimal(0)
    cap: Points | None = None
    starts: Literal["full", "zero"] = "full"
    where: Where = {}
    rules: Annotated[list[Rule], Field(min_length=1, max_length=100)]

    @property
    def highest(self) -> Decimal:
        return self.full if self.cap is None else self.cap

    @model_validator(mode="after")
    def _in_order(self) -> "Item":
        if self.highest < self.floor:
            raise SpokenError("cap {highest} is below floor {floor}", highest=self.highest, floor=self.floor)
        if self.highest < self.full:
            raise SpokenError(
                "cap {highest} is below the full marks {full}", highest=self.highest, full=self.full
            )
        _refuse_twice("rules", [rule.key for rule in self.rules])
        return self


class Part(Named):
    """A source of the score with a weight of its own: third party, platform rates, survey, ...

    Attributes:
        weight: what it can contribute to the total.
        missing: what to do without its figures: refuse to close, or leave it out and let the others count
            for more.
    """

    weight: Points
    missing: Literal["refuse", "leave_out"] = "refuse"
    where: Where = {}
    items: Annotated[list[Item], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _adds_up(self) -> "Part":
        _refuse_twice("items", [item.key for item in self.items])
        if sum(item.full for item in self.items) <= 0:
            raise SpokenError("its items have no marks")
        return self


class Exempt(_Strict):
    """Cases that nothing is deducted for; they are shown, with why."""

    where: Annotated[Where, Field(min_length=1)]
    zh: Line
    en: Line


class Override(_Strict):
    """Other numbers for some subjects: `items` by `part.item`, `rules` by `part.item.rule`.

    Attributes:
        subjects: codes; groups: peer groups. One of them at least.
        items: fields of an item to replace (full, floor, cap); rules: fields of a rule (points, most, ...).
    """

    subjects: list[Line] = []
    groups: list[Line] = []
    why: Line
    items: dict[Line, dict[str, Any]] = {}
    rules: dict[Line, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _for_somebody(self) -> "Override":
        if not (self.subjects or self.groups) or not (self.items or self.rules):
            raise SpokenError("expected subjects or groups, and items or rules to change for them")
        return self


class Inspected(_Strict):
    """When a subject counts as looked at: any of these is reached, or a problem was found there."""

    patrols: Annotated[int, Field(ge=1)] | None = 1
    visits: Annotated[int, Field(ge=1)] | None = 1
    seen_share: Share | None = None


class LongPeriod(_Strict):
    """How quarters or years follow from months.

    Attributes:
        months: weight of the mean of its months; figures: weights of imported figures out of 100.
        least_months: that must have been inspected, else there is no total.
        zero_missing: a month that was not inspected counts 0; else it is left out.
        recommend: how many are recommended at the end of the year, from which rank.
    """

    months: Points = Decimal(100)
    figures: dict[Key, Points] = {}
    least_months: Annotated[int, Field(ge=1, le=12)] = 1
    zero_missing: bool = False
    recommend: Annotated[int, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _adds_up(self) -> "LongPeriod":
        if (whole := self.months + sum(self.figures.values())) != 100:
            raise SpokenError(
                "the weights of months and figures add up to {whole}; expected 100", whole=whole
            )
        return self


class Roll(_Strict):
    """The quarterly roll of a list of problem points.

    Attributes:
        out_at_least: total of each month of the quarter that takes a point off the list (达标).
        long_failing: quarters below it, one after the other, that mark it for supervision.
        add_in: quarters in which points may be added; look_back_in: in which those of last year are looked at
            again.
    """

    out_at_least: Points = Decimal(90)
    long_failing: Annotated[int, Field(ge=1, le=20)] = 2
    add_in: list[Annotated[int, Field(ge=1, le=4)]] = [2, 3, 4]
    look_back_in: list[Annotated[int, Field(ge=1, le=4)]] = [1]


class Hours(_Strict):
    """Night, by the city's clock."""

    begins: time = time(19)
    ends: time = time(6)


class Scheme(_Strict):
    """A 100-point rule set.

    Attributes:
        key: its name through all versions.
        example: shipped as one; a city checks it before it goes by it.
        subjects: what is scored: a kind of place (section, point, road, ...).
        ranked_by: what makes peers: the group of each subject, or all together.
        counts_by: a case belongs to the month in which it was found, or confirmed.
        otherwise: what a case counts as where a tag of it is not known: `scene: road`.
        same_place_m: cases of one rule nearer to each other than this are one place.
        advisory: classes that are shown and take nothing, because the detector is not sure enough of them.
        decimals: of points; halves are rounded to even.
    """

    key: Key
    zh: Line
    en: Line
    example: bool = False
    source: Line | None = None
    note: Line | None = None
    subjects: Key
    ranked_by: Literal["group", "all"] = "group"
    total: Annotated[Points, Field(gt=0)] = Decimal(100)
    decimals: Annotated[int, Field(ge=0, le=4)] = 2
    counts_by: Literal["found", "confirmed"] = "found"
    same_place_m: Annotated[Decimal, Field(ge=0, le=1000)] = Decimal(15)
    otherwise: dict[Annotated[str, Field(max_length=40)], Line] = {}
    inspected: Inspected = Inspected()
    night: Hours = Hours()
    exempt: list[Exempt] = []
    advisory: list[Line] = []
    parts: Annotated[list[Part], Field(min_length=1, max_length=20)]
    overrides: list[Override] = []
    quarter: LongPeriod = LongPeriod()
    year: LongPeriod = LongPeriod(recommend=2)
    roll: Roll | None = None

    @field_validator("advisory")
    @classmethod
    def _classes(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in default_taxonomy():
                raise SpokenError(
                    "{name} is no class; expected one of {names}",
                    name=name,
                    names=", ".join(default_taxonomy().names),
                )
        return names

    @model_validator(mode="after")
    def _adds_up(self) -> "Scheme":
        _refuse_twice("parts", [part.key for part in self.parts])
        weights = sum(part.weight for part in self.parts)
        if weights != self.total:
            raise SpokenError(
                "the weights of the parts add up to {weights}; expected the total, {total}",
                weights=weights,
                total=self.total,
            )
        for number, override in enumerate(self.overrides, 1):
            self._check_override(number, override)
        return self

    def _check_override(self, number: int, override: Override) -> None:
        items = {f"{part.key}.{item.key}" for part in self.parts for item in part.items}
        rules = {f"{where}.{rule.key}" for where, _, rule in self.rules()}
        for path, known in [
            *((each, items) for each in override.items),
            *((each, rules) for each in override.rules),
        ]:
            if path not in known:
                raise SpokenError(
                    "overrides: entry {number}: no {path}; expected one of {names}",
                    number=number,
                    path=path,
                    names=", ".join(sorted(known)),
                )

    def rules(self) -> Iterator[tuple[str, Item, Any]]:
        """Each rule, with `part.item` that it stands in."""
        for part in self.parts:
            for item in part.items:
                for rule in item.rules:
                    yield f"{part.key}.{item.key}", item, rule

    def figures(self) -> set[str]:
        """Names of the figures that its rules go by: all operands that are no counts."""
        named = {
            getattr(rule, field, None) for _, _, rule in self.rules() for field in ("over", "under", "of")
        }
        return {name for name in named if name is not None and name not in COUNTS}


def _refuse_twice(what: str, keys: list[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise SpokenError("{what}: {key} is there twice", what=what, key=key)
