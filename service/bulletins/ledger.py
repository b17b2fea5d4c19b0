"""The ledger (台账) of a period: its issues as they stood at the moment that the document shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streetsight.models.taxonomy import Language
from streetsight.service.bulletins.basis import Basis, Subject
from streetsight.service.bulletins.document import Column as TableColumn
from streetsight.service.bulletins.document import Table
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.words import kind_said, why_said
from streetsight.service.candidates.exports import LEVELS, SOURCES, chinese, yes_or_no
from streetsight.service.exports import Column
from streetsight.service.issues.exports import APPEALS, CLOSED_HOW
from streetsight.service.issues.words import STATES, say_of
from streetsight.service.scoring.facts import Case


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """An issue of a subject. What can change later is as the facts have it, so a closed month's ledger stays.

    Attributes:
        state: filed, dispatched, to_check, closed, not_pursued, withdrawn; upheld for an appeal.
        place: where it is, in words, as it was entered.
        overdue: the deadline had passed before it was handled.
        late: it belongs to an earlier month, which was closed when it was confirmed.
    """

    period: str
    code: str
    subject: str
    number: str
    state: str
    kind: str
    national_code: str | None
    severity: str | None
    source: str | None
    place: str | None
    area_path: str | None
    unit: str | None
    found_at: datetime | None
    confirmed_at: datetime | None
    dispatched_at: datetime | None
    due_at: datetime | None
    overdue: bool
    answered_at: datetime | None
    closed_at: datetime | None
    closed_how: str | None
    extensions: int
    reworks: int
    appeal: str | None
    late: bool
    photos: tuple[str, ...]
    id: str
    lon: float | None
    lat: float | None


def ledger(basis: Basis, pen: Pen) -> Iterator[LedgerLine]:
    """Issues that who asks may see, subject by subject, the first found first."""
    for subject, case in basis.cases():
        yield _line(basis, subject, case, pen)


def ledger_table(basis: Basis, pen: Pen) -> Table:
    """The ledger, for a workbook."""
    say = pen.say
    kinds: dict[str, Any] = dict.fromkeys(MOMENTS, "moment") | {"extensions": "count", "reworks": "count"}
    columns = [TableColumn(each.head(pen.language), kinds.get(each.name, "text")) for each in COLUMNS]
    rows = [[_said(getattr(line, each.name), each, pen) for each in COLUMNS] for line in ledger(basis, pen)]
    return Table(say("Ledger"), columns, rows)


def state_of(case: Case) -> str:
    """How far a case had come when its facts were taken."""
    if case.void is not None:
        return case.void
    if case.closed_at is not None:
        return "closed"
    if case.answered_at is not None:
        return "to_check"
    return "dispatched" if case.dispatched_at is not None else "filed"


def state_said(state: str, language: Language) -> str:
    """A state in words."""
    if state == "upheld":
        return why_said(state, language)
    return say_of(STATES[state], language)  # type: ignore[index]


def is_late(case: Case, as_of: int) -> bool:
    """Whether the deadline passed before it was handled."""
    handled = min((each for each in (case.answered_at, case.closed_at) if each is not None), default=as_of)
    return case.due_at is not None and case.due_at < handled


def _line(basis: Basis, subject: Subject, case: Case, pen: Pen) -> LedgerLine:
    tags, moment = case.tags, pen.moment
    return LedgerLine(
        period=subject.month.span.name, code=subject.sheet.code, subject=subject.sheet.name,
        number=case.number, state=state_of(case), kind=kind_said(tags, pen.language),
        national_code=tags.get("code"), severity=tags.get("severity"), source=tags.get("channel"),
        place=basis.issues[case.id].place, area_path=tags.get("area"), unit=tags.get("unit"),
        found_at=moment(case.found_at), confirmed_at=moment(case.confirmed_at),
        dispatched_at=moment(case.dispatched_at), due_at=moment(case.due_at),
        overdue=is_late(case, subject.facts.as_of), answered_at=moment(case.answered_at),
        closed_at=moment(case.closed_at), closed_how=tags.get("closed_how"), extensions=case.extensions,
        reworks=case.reworks, appeal=case.appeal, late=case.late, photos=case.photos, id=case.id,
        lon=case.lon, lat=case.lat,
    )  # fmt: skip


def _said(value: Any, column: Column, pen: Pen) -> Any:
    return value if value is None or column.say is None else column.say(value, pen.language)


MOMENTS = ("found_at", "confirmed_at", "dispatched_at", "due_at", "answered_at", "closed_at")
COLUMNS = (
    Column("period", "周期", "period"),
    Column("code", "对象编号", "code"),
    Column("subject", "对象", "subject"),
    Column("number", "问题编号", "number"),
    Column("state", "台账状态", "status", state_said),
    Column("kind", "问题类型", "kind"),
    Column("national_code", "国标代码", "national code"),
    Column("severity", "严重程度", "severity", chinese(LEVELS)),
    Column("source", "来源", "source", chinese({**SOURCES, "third_party": "第三方"})),
    Column("place", "位置描述", "where"),
    Column("area_path", "片区", "area"),
    Column("unit", "责任单位", "unit"),
    Column("found_at", "发现时间", "found"),
    Column("confirmed_at", "确认时间", "confirmed"),
    Column("dispatched_at", "派遣时间", "dispatched"),
    Column("due_at", "处置时限", "due"),
    Column("overdue", "超期", "overdue", yes_or_no),
    Column("answered_at", "反馈时间", "answered"),
    Column("closed_at", "销号时间", "closed"),
    Column("closed_how", "结案方式", "closed how", chinese(CLOSED_HOW)),
    Column("extensions", "延期次数", "extensions"),
    Column("reworks", "返工次数", "reworks"),
    Column("appeal", "申诉", "appeal", chinese(APPEALS)),
    Column("late", "上期补登", "of an earlier period", yes_or_no),
    Column("photos", "照片SHA-256", "photos (sha256)", lambda value, _: " ".join(value)),
    Column("id", "问题ID", "id"),
)
