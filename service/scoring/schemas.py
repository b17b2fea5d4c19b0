"""What is sent and shown of schemes and scores. Points are decimals as text, so that no digit is lost."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Text
from streetsight.service.scoring.fairness import Fairness
from streetsight.service.scoring.periods import Result
from streetsight.service.scoring.ranking import Standing
from streetsight.service.scoring.rolling import Proposal, Verdict
from streetsight.service.scoring.schemes import Named, Part, Scheme
from streetsight.service.scoring.sheets import ItemScore, PartScore, Sheet, SheetLine
from streetsight.service.scoring.tables import ClosedPeriod, RollEntry, SchemeVersion, ScoreEntry, ScoreFigure

Reason = Annotated[Text, Field(min_length=1, max_length=500)]
Code = Annotated[Text, Field(min_length=1, max_length=40)]
RulePath = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+$", max_length=130)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SchemeSent(_Asked):
    """A scheme to keep as the next version of its name. Attributes: document: as in docs/scoring.md."""

    document: dict[str, Any]
    reason: Reason


class SchemeShown(BaseModel):
    """A version. Attributes: adopted_from: first month that goes by it; None for a draft."""

    key: str
    number: int
    name: str
    subjects: str
    example: bool
    sha256: str
    made_by: str
    made_at: datetime
    reason: str
    adopted_from: date | None
    adopted_by: str | None
    adopted_at: datetime | None

    @classmethod
    def of(cls, row: SchemeVersion, language: Language) -> "SchemeShown":
        return cls(
            key=row.key, number=row.number, name=row.document[language], subjects=row.document["subjects"],
            example=row.document["example"], sha256=row.sha256, made_by=row.made_by, made_at=row.created_at,
            reason=row.reason, adopted_from=row.adopted_from, adopted_by=row.adopted_by,
            adopted_at=row.adopted_at,
        )  # fmt: skip


class SchemeList(BaseModel):
    """Versions, by name, the newest first."""

    items: list[SchemeShown]


class Adopt(_Asked):
    """Score by it from a month on."""

    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", examples=["2026-12"])]
    reason: Reason


class Previewed(_Asked):
    """A scheme to try on periods; nothing is kept."""

    document: dict[str, Any]
    periods: Annotated[list[Annotated[str, Field(max_length=10)]], Field(min_length=1, max_length=24)]


class Change(BaseModel):
    """What a scheme would change for one subject."""

    period: str
    code: str
    name: str
    total_now: Decimal | None
    total_then: Decimal | None
    rank_now: int | None
    rank_then: int | None


class PreviewShown(BaseModel):
    """Attributes: changes: subjects whose total or rank would be another one; subjects: looked at, in all."""

    subjects: int
    changes: list[Change]


class StandingShown(BaseModel):
    """See `ranking.Standing`."""

    group: str
    rank: int | None
    peers: int
    code: str
    name: str
    status: str
    total: Decimal | None
    before: int | None
    cases: int
    places: int
    deducted: Decimal

    @classmethod
    def of(cls, standing: Standing) -> "StandingShown":
        return cls(**{name: getattr(standing, name) for name in Standing.__struct_fields__})


class ClosedShown(BaseModel):
    """Who closed a period, when, and the digests of what was frozen."""

    closed_at: datetime
    closed_by: str
    note: str | None
    facts_sha256: str
    sheets_sha256: str

    @classmethod
    def of(cls, row: ClosedPeriod) -> "ClosedShown":
        return cls(
            closed_at=row.created_at, closed_by=row.closed_by, note=row.note, facts_sha256=row.facts_sha256,
            sheets_sha256=row.sheets_sha256,
        )  # fmt: skip


class PeriodShown(BaseModel):
    """A period's ranking. Attributes: closed: None while it is open, and may change."""

    scheme: str
    version: int
    name: str
    example: bool
    period: str
    starts: date
    ends: date
    total: Decimal
    closed: ClosedShown | None
    standings: list[StandingShown]

    @classmethod
    def of(cls, result: Result, language: Language) -> "PeriodShown":
        scheme, span = result.scheme, result.span
        return cls(
            scheme=scheme.key, version=result.version, name=named(scheme, language), example=scheme.example,
            period=span.name, starts=span.starts, ends=span.ends, total=scheme.total,
            closed=ClosedShown.of(result.closed) if result.closed else None,
            standings=[*map(StandingShown.of, result.standings)],
        )  # fmt: skip


class PeriodRow(BaseModel):
    """A period in a list."""

    scheme: str
    name: str
    period: str
    grain: str
    closed: ClosedShown | None


class PeriodList(BaseModel):
    """Periods of all schemes, the newest first; the open ones on top."""

    items: list[PeriodRow]


class LineShown(BaseModel):
    """See `sheets.SheetLine`. Attributes: rule_name: in words; why: `counted`, or why it took less."""

    rule: str
    rule_name: str
    points: Decimal
    nominal: Decimal
    why: str
    stage: int
    issue: str | None
    number: str | None
    decision: str | None
    photos: list[str]
    lon: float | None
    lat: float | None
    act: str | None
    event: str | None
    same_as: str | None
    basis: str | None
    reason: str | None
    made_by: str | None

    @classmethod
    def of(cls, line: SheetLine, names: dict[str, str]) -> "LineShown":
        plain = [name for name in cls.model_fields if name not in ("rule_name", "photos")]
        fields = {name: getattr(line, name) for name in plain}
        return cls(**fields, rule_name=names[line.rule], photos=list(line.photos))


class ItemShown(BaseModel):
    """A line of the sheet."""

    key: str
    name: str
    full: Decimal
    got: Decimal
    lines: list[LineShown]


class PartShown(BaseModel):
    """A source of the score. Attributes: got: None when figures are missing."""

    key: str
    name: str
    weight: Decimal
    got: Decimal | None
    missing: list[str]
    items: list[ItemShown]


class SplitShown(BaseModel):
    """Cases and points by a tag."""

    tag: str
    value: str
    cases: int
    points: Decimal


class SheetShown(BaseModel):
    """One subject's score, line by line; beside it, for reading only, how much of it was looked at."""

    scheme: str
    version: int
    period: str
    code: str
    name: str
    group: str
    status: str
    total: Decimal | None
    restored: Decimal
    parts: list[PartShown]
    counts: dict[str, int]
    splits: list[SplitShown]
    unassigned: list[str]
    facts: str
    fairness: Fairness

    @classmethod
    def of(cls, sheet: Sheet, scheme: Scheme, fairness: Fairness, language: Language) -> "SheetShown":
        known = {part.key: part for part in scheme.parts}
        return cls(
            **{name: getattr(sheet, name) for name in _PLAIN}, unassigned=list(sheet.unassigned),
            parts=[part_shown(each, known.get(each.key), language) for each in sheet.parts],
            splits=[SplitShown(tag=each.tag, value=each.value, cases=each.cases, points=each.points)
                    for each in sheet.splits],
            fairness=fairness,
        )  # fmt: skip


_PLAIN = (
    "scheme", "version", "period", "code", "name", "group", "status", "total", "restored", "counts", "facts",
)  # fmt: skip


def part_shown(part: PartScore, known: Part | None, language: Language) -> PartShown:
    """A part with its names. Args: known: None for what a quarter or year is made of."""
    items = {item.key: item for item in known.items} if known else {}
    return PartShown(
        key=part.key, name=named(known, language) if known else part.key, weight=part.weight, got=part.got,
        missing=list(part.missing), items=[_item(each, items, language) for each in part.items],
    )  # fmt: skip


def named(thing: Named | Scheme, language: Language) -> str:
    """Its name in a language."""
    return thing.zh if language == "zh" else thing.en


def _item(item: ItemScore, known: dict[str, Any], language: Language) -> ItemShown:
    names = {rule.key: named(rule, language) for rule in known[item.key].rules}
    return ItemShown(
        key=item.key, name=named(known[item.key], language), full=item.full, got=item.got,
        lines=[LineShown.of(line, names) for line in item.lines],
    )  # fmt: skip


class Close(_Asked):
    """Attributes: note: stays with the period."""

    note: Annotated[Text, Field(max_length=500)] | None = None


class Reopen(_Asked):
    """Why a closed period is taken back."""

    why: Reason


class Recomputed(BaseModel):
    """Attributes: sheets: reckoned once more; different: codes of those that came out otherwise, so none."""

    sheets: int
    different: list[str]


class FiguresKept(BaseModel):
    """Attributes: left_out: what is wrong with lines that were not taken."""

    kept: int
    left_out: list[str]


class FigureShown(BaseModel):
    """A figure as it was brought in."""

    code: str
    key: str
    value: Decimal
    source: str
    made_by: str
    made_at: datetime

    @classmethod
    def of(cls, row: ScoreFigure) -> "FigureShown":
        return cls(
            code=row.code, key=row.key, value=row.value, source=row.source, made_by=row.made_by,
            made_at=row.created_at,
        )  # fmt: skip


class FigureList(BaseModel):
    """Attributes: wanted: names of the figures that the scheme goes by."""

    wanted: list[str]
    items: list[FigureShown]


class EntrySent(_Asked):
    """Points by hand. Attributes: rule: `part.item.rule` of the scheme, a manual one."""

    code: Code
    rule: RulePath
    points: Annotated[Decimal, Field(max_digits=9, decimal_places=4)]
    reason: Reason


class EntryShown(BaseModel):
    """Points by hand; withdrawn ones count no more."""

    id: str
    code: str
    rule: str
    points: Decimal
    reason: str
    made_by: str
    made_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None

    @classmethod
    def of(cls, row: ScoreEntry) -> "EntryShown":
        return cls(
            id=row.id, code=row.code, rule=row.rule, points=row.points, reason=row.reason,
            made_by=row.made_by, made_at=row.created_at, withdrawn_at=row.withdrawn_at,
            withdrawn_by=row.withdrawn_by,
        )  # fmt: skip


class EntryList(BaseModel):
    """Points by hand of a period, in order."""

    items: list[EntryShown]


class AnnouncedDay(_Asked):
    """A day on which an inspection was announced."""

    day: date
    note: Annotated[Text, Field(max_length=300)] = ""


class AnnouncedDays(_Asked):
    """All announced days of a month."""

    items: Annotated[list[AnnouncedDay], Field(max_length=31)]


class RollSent(_Asked):
    """What becomes of a point."""

    code: Code
    verdict: Verdict
    text: Annotated[Text, Field(max_length=500)] | None = None


class RollDecided(BaseModel):
    """What a person has said."""

    verdict: str
    text: str | None
    made_by: str
    because: dict[str, Any]

    @classmethod
    def of(cls, row: RollEntry) -> "RollDecided":
        return cls(verdict=row.verdict, text=row.text, made_by=row.made_by, because=row.because)


class RollShown(BaseModel):
    """What the roll proposes for a point, and what a person has said. See `rolling.Proposal`."""

    code: str
    name: str
    verdict: str
    months: dict[str, Decimal | None]
    failing: int
    decided: RollDecided | None

    @classmethod
    def of(cls, each: Proposal) -> "RollShown":
        return cls(
            code=each.code, name=each.name, verdict=each.verdict, months=each.months, failing=each.failing,
            decided=RollDecided.of(each.decided) if each.decided else None,
        )  # fmt: skip


class RollList(BaseModel):
    """Attributes: may_add: whether points may be added in this quarter."""

    may_add: bool
    items: list[RollShown]


class Counted(BaseModel):
    """What a closed month counted for an issue."""

    scheme: str
    period: str
    code: str
    stage: str
    points: Decimal
    restored_in: str | None


class CountedList(BaseModel):
    """Which closed months counted an issue, and what that took."""

    items: list[Counted]


class RhythmRow(BaseModel):
    """A day, week or month. Attributes: hot: subjects with the most cases, `code: cases`."""

    period: str
    cases: int
    closed: int
    overdue: int
    by_condition: dict[str, int]
    hot: dict[str, int]


class RhythmList(BaseModel):
    """In order of time."""

    items: list[RhythmRow]
