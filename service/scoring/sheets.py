"""A score sheet: what one subject got in one period, line by line, and what each line rests on."""

from decimal import Decimal
from typing import Literal

import msgspec

Status = Literal["scored", "not_inspected", "incomplete"]
"""not_inspected: nobody looked: no total, and never full marks. incomplete: a figure is missing."""
Why = Literal[
    "counted", "same_place", "same_view", "exempt", "advisory", "upheld", "not_pursued", "withdrawn", "once",
    "over_most", "at_floor", "at_cap",
]  # fmt: skip
"""Why a line has the points that it has; but for `counted`, less than the rule says, or none."""


class SheetLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a rule took (negative) or gave, and what for.

    Attributes:
        rule: its key; stage: 1 for finding a problem, 2 for what was not put right.
        points: that count; nominal: that the rule says.
        issue, number, decision, photos, lon, lat: the case that it is for.
        act, event: in the case's timeline, of stage 2.
        same_as: number of the case that stands for this place or view.
        basis: of a rule about numbers, what it reckoned with: `handled 45 / dispatched 50`.
        entry, reason, made_by: of points by hand.
    """

    rule: str
    points: Decimal
    nominal: Decimal
    why: Why = "counted"
    stage: int = 1
    issue: str | None = None
    number: str | None = None
    decision: str | None = None
    photos: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None
    found_at: int | None = None
    act: str | None = None
    event: str | None = None
    same_as: str | None = None
    basis: str | None = None
    entry: str | None = None
    reason: str | None = None
    made_by: str | None = None


class ItemScore(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line of the sheet. Attributes: got: between floor and cap of the item."""

    key: str
    full: Decimal
    got: Decimal
    lines: tuple[SheetLine, ...] = ()


class PartScore(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A source of the score.

    Attributes:
        weight: what it can contribute here; got: what it does, None when it has no figures.
        missing: figures that it lacks.
    """

    key: str
    weight: Decimal
    got: Decimal | None
    items: tuple[ItemScore, ...] = ()
    missing: tuple[str, ...] = ()


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Cases and points by a tag: workdays beside holidays, day beside night, announced days beside others."""

    tag: str
    value: str
    cases: int
    points: Decimal


class Sheet(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one subject got in one period; a pure function of (scheme version, frozen facts).

    Attributes:
        scheme, version, period: `2026-11`, `2026-Q4` or `2026`.
        total: None unless it was scored.
        restored: points that earlier months took for issues that were none; they are in the total.
        unassigned: numbers of cases that fit no item, and so take nothing.
        facts: digest of the facts.
    """

    scheme: str
    version: int
    period: str
    code: str
    name: str
    group: str = ""
    status: Status
    total: Decimal | None
    parts: tuple[PartScore, ...] = ()
    restored: Decimal = Decimal(0)
    counts: dict[str, int] = {}
    splits: tuple[Split, ...] = ()
    unassigned: tuple[str, ...] = ()
    facts: str
