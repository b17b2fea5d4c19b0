"""The table of adjustments (扣分明细, 加减分表): every line of every sheet, and what it rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from streetsight.service.bulletins.basis import Basis, Subject
from streetsight.service.bulletins.document import Column as TableColumn
from streetsight.service.bulletins.document import Table
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.words import event_said, why_said
from streetsight.service.exports import Column
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.sheets import ItemScore, PartScore, SheetLine


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A line, as it leaves the system.

    Attributes:
        period, code, subject: where it was taken or given.
        part, item, rule: keys in the scheme of this version, rule_name: in words; empty for what was given
            back.
        points: that count, as marks of the item; nominal: that the rule says.
        why: `counted`, or why it took less; `restored` for what earlier months took unjustly.
        photos: sha256 of the pictures that show it.
        others: the case that stands for this place, or the issues that something was given back for.
        basis: what a rate, band or unit was reckoned with; for a restoration the month that took it.
    """

    period: str
    code: str
    subject: str
    scheme: str
    version: int
    part: str
    item: str
    rule: str
    rule_name: str
    stage: int
    points: Decimal
    nominal: Decimal
    why: str
    issue: str | None = None
    number: str | None = None
    decision: str | None = None
    photos: tuple[str, ...] = ()
    found_at: datetime | None = None
    event: str | None = None
    act: str | None = None
    others: str | None = None
    basis: str | None = None
    entry: str | None = None
    reason: str | None = None
    made_by: str | None = None
    lon: float | None = None
    lat: float | None = None


def adjustments(basis: Basis, pen: Pen) -> Iterator[Adjustment]:
    """All lines that who asks may see, subject by subject, in the order of the sheets."""
    for subject in basis.subjects:
        names = rule_names(subject.month.scheme, pen)
        for part in subject.sheet.parts:
            for item in part.items:
                for line in item.lines:
                    yield _of_line(subject, part, item, line, names, pen)
        for back in subject.facts.restorations:
            if subject.sheet.total is not None:
                yield Adjustment(
                    **_of_subject(subject), part="", item="", rule="", rule_name="", stage=1,
                    points=back.points, nominal=back.points, why="restored", others=" ".join(back.issues),
                    basis=back.period,
                    reason=", ".join(basis.reasons_of(subject, back)),
                )  # fmt: skip


def rule_names(scheme: Scheme, pen: Pen) -> dict[tuple[str, str], str]:
    """(`part.item`, rule) -> what the rule is called."""
    return {(path, rule.key): pen.named(rule) for path, _, rule in scheme.rules()}


def adjustments_table(basis: Basis, pen: Pen) -> Table:
    """The lines, for a workbook."""
    say = pen.say
    kinds: dict[str, Any] = {
        "points": "points",
        "nominal": "points",
        "found_at": "moment",
        "version": "count",
        "stage": "count",
        "lon": "measure",
        "lat": "measure",
    }
    columns = [TableColumn(each.head(pen.language), kinds.get(each.name, "text")) for each in COLUMNS]
    rows = [[_said(each, name, pen) for name in (column.name for column in COLUMNS)]
            for each in adjustments(basis, pen)]  # fmt: skip
    return Table(say("Lines"), columns, rows)


def _said(row: Adjustment, name: str, pen: Pen) -> Any:
    value = getattr(row, name)
    if isinstance(value, tuple):
        return " ".join(value)
    say = next(each.say for each in COLUMNS if each.name == name)
    return value if value is None or say is None else say(value, pen.language)


def _of_line(
    subject: Subject, part: PartScore, item: ItemScore, line: SheetLine, names: dict[Any, str], pen: Pen
) -> Adjustment:
    return Adjustment(
        **_of_subject(subject), part=part.key, item=item.key, rule=line.rule,
        rule_name=names.get((f"{part.key}.{item.key}", line.rule), line.rule), stage=line.stage,
        points=line.points, nominal=line.nominal, why=line.why, issue=line.issue, number=line.number,
        decision=line.decision, photos=line.photos, found_at=pen.moment(line.found_at), event=line.event,
        act=line.act, others=line.same_as, basis=line.basis, entry=line.entry, reason=line.reason,
        made_by=line.made_by, lon=line.lon, lat=line.lat,
    )  # fmt: skip


def _of_subject(subject: Subject) -> dict[str, Any]:
    return {
        "period": subject.month.span.name, "code": subject.sheet.code, "subject": subject.sheet.name,
        "scheme": subject.sheet.scheme, "version": subject.sheet.version,
    }  # fmt: skip


COLUMNS = (
    Column("period", "周期", "period"),
    Column("code", "对象编号", "code"),
    Column("subject", "对象", "subject"),
    Column("part", "部分", "part"),
    Column("item", "项目", "item"),
    Column("rule", "规则", "rule"),
    Column("rule_name", "规则名称", "rule in words"),
    Column("stage", "阶段", "stage"),
    Column("points", "加减分", "points"),
    Column("nominal", "规则分值", "points by the rule"),
    Column("why", "说明", "why", why_said),
    Column("number", "问题编号", "issue"),
    Column("found_at", "发现时间", "found"),
    Column("event", "未整改情形", "not put right", event_said),
    Column("others", "相关问题", "other issues"),
    Column("basis", "计算依据", "reckoned with"),
    Column("reason", "理由", "reason"),
    Column("made_by", "录入人", "entered by"),
    Column("issue", "问题ID", "issue id"),
    Column("decision", "核实ID", "decision id"),
    Column("photos", "照片SHA-256", "photos (sha256)", lambda value, _: " ".join(value)),
    Column("act", "处置记录ID", "act id"),
    Column("entry", "录入ID", "entry id"),
    Column("scheme", "方案", "scheme"),
    Column("version", "方案版本", "version of the scheme"),
)
