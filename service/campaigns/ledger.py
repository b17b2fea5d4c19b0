"""The ledger (台账) of a campaign: its issues, and the places that were looked at and found in order."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, and_, case, func, null, select, union_all
from sqlalchemy import cast as as_type

from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.campaigns.members import Members, as_table, members_of
from streetsight.service.campaigns.schemas import CheckShown
from streetsight.service.campaigns.tables import Campaign, CampaignCheck, CampaignIssue, CampaignPlace
from streetsight.service.candidates.exports import chinese, code_text, condition_label, yes_or_no
from streetsight.service.candidates.tables import Candidate
from streetsight.service.exports import Column
from streetsight.service.issues.queries import overdue
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.service import visible
from streetsight.service.issues.subsets import found_at
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto
from streetsight.service.store.sessions import ReadSession

Status = Literal["open", "handled", "struck", "dropped", "transferred", "left_over", "in_order"]
What = Literal["issue", "check"]
AFTERWARDS = ("answer", "handle", "close", "look_back")
"""Acts whose photos show a place after it was handled; those of all others show it before."""


class PlaceNamed(BaseModel):
    """A place of the campaign, in short."""

    id: str
    code: str
    name: str
    kind: str


class LineShown(BaseModel):
    """A line of a ledger: an issue, or a look that found nothing.

    Attributes:
        status: open; handled: its unit has answered; struck (销号); dropped: no issue after all; transferred:
            handed over to another department and not struck; left_over at the end, with left_reason; in_order
            for a look.
        at: when it was found, or looked at.
        how: found, or added by hand with reason.
        before, after: ids of frames, the first one first; `/v1/frames/{id}/photo` shows them redacted.
    """

    id: str
    what: What
    at: datetime
    place: PlaceNamed | None
    status: Status
    how: Literal["found", "added"]
    reason: str | None
    left_reason: str | None
    transfer: dict[str, Any] | None
    issue: IssueShown | None
    check: CheckShown | None
    before: list[str]
    after: list[str]


class LinePage(BaseModel):
    """Lines, newest first; `next_cursor` leads on, None at the end."""

    items: list[LineShown]
    next_cursor: str | None


class PairShown(BaseModel):
    """Before and after, side by side (观摩对比). Attributes: before, after: ids of frames."""

    issue_id: str
    number: str
    condition: str
    place: PlaceNamed | None
    unit: str | None
    status: Status
    found_at: datetime
    closed_at: datetime | None
    before: str
    after: str


class PairPage(BaseModel):
    """Pairs, newest first; `next_cursor` leads on, None at the end."""

    items: list[PairShown]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which lines are wanted; None takes all.

    Attributes:
        open: issues that somebody still has to handle or check, or that were left over; False for the others.
    """

    what: What | None = None
    place_id: str | None = None
    unit: str | None = None
    open: bool | None = None


def status_of(state: str, ending: str | None, transferred: bool) -> Status:
    """How far a line has come; as it was at the end of its campaign.

    Args:
        transferred: it was handed over.
    """
    if ending is not None:
        return ending  # type: ignore[return-value]
    known: dict[str, Status] = {
        "closed": "struck", "to_check": "handled", "not_pursued": "dropped", "withdrawn": "dropped",
    }  # fmt: skip
    return known.get(state, "transferred" if transferred else "open")


def list_lines(
    session: ReadSession, actor: Actor, campaign: Campaign, wanted: Filters, zone: tzinfo, limit: int,
    cursor: str | None,
) -> LinePage:  # fmt: skip
    """Lines that the actor may see, newest first."""
    members = members_of(session, campaign, zone)
    lines: list[LineShown] = []
    if wanted.what != "check":
        lines += _issue_lines(session, actor, campaign, members, wanted, limit + 1, cursor)
    if wanted.what != "issue" and wanted.open is not True:
        lines += _check_lines(session, actor, campaign, wanted, limit + 1, cursor)
    lines.sort(key=lambda line: line.id, reverse=True)
    return LinePage(items=lines[:limit], next_cursor=lines[limit - 1].id if len(lines) > limit else None)


def list_pairs(
    session: ReadSession, actor: Actor, campaign: Campaign, zone: tzinfo, limit: int, cursor: str | None
) -> PairPage:
    """Issues that have a photo of before and one of after: the best one and the last one."""
    members = members_of(session, campaign, zone)
    lines = _issue_lines(session, actor, campaign, members, Filters(), limit + 1, cursor, paired=True)
    items = [_pair(line) for line in lines[:limit] if line.before and line.after]
    return PairPage(items=items, next_cursor=lines[limit - 1].id if len(lines) > limit else None)


def export_query(session: ReadSession, actor: Actor, campaign: Campaign, zone: tzinfo) -> Select[Any]:
    """All lines that the actor may see, with the columns of `COLUMNS`, lon and lat; newest first."""
    table = as_table(session, members_of(session, campaign, zone))
    issues = select(*_issue_columns()).select_from(Issue).join(table, table.c.key == Issue.id)
    issues = _with_the_rest(issues, campaign, table.c.value).where(visible(actor))
    checks = select(*_check_columns()).join(CampaignPlace, CampaignPlace.id == CampaignCheck.place_id)
    lines = union_all(issues, checks.where(_looks(actor, campaign))).subquery("lines")
    return select(lines).order_by(lines.c.id.desc())


def _issue_lines(
    session: ReadSession, actor: Actor, campaign: Campaign, members: Members, wanted: Filters, limit: int,
    cursor: str | None, paired: bool = False,
) -> list[LineShown]:  # fmt: skip
    table = as_table(session, members)
    found: Any = select(Issue, CampaignPlace, CampaignIssue, found_at()).join(table, table.c.key == Issue.id)
    found = _with_the_rest(found, campaign, table.c.value).where(visible(actor), *_asked(wanted))
    if cursor is not None:
        found = found.where(Issue.id < cursor)
    if paired:
        found = found.where(Issue.best_frame_id.is_not(None), _photo_after().is_not(None))
    rows = session.execute(found.order_by(Issue.id.desc()).limit(limit)).all()
    photos = _photos(session, [row[0].id for row in rows])
    return [_issue_line(issue, place, said, at, *photos[issue.id]) for issue, place, said, at in rows]


def _issue_line(
    issue: Issue, place: CampaignPlace | None, said: CampaignIssue | None, at: datetime, before: list[str],
    after: list[str],
) -> LineShown:  # fmt: skip
    best = [issue.best_frame_id] if issue.best_frame_id else []
    ending, transfer = (said.ending, said.transfer) if said else (None, None)
    return LineShown(
        id=issue.id, what="issue", at=at, place=_named(place),
        status=status_of(issue.state, ending, transfer is not None),
        how="added" if said and said.how == "added" else "found", reason=said.reason if said else None,
        left_reason=said.left_reason if said else None,
        transfer=transfer, issue=IssueShown.of(issue), check=None,
        before=list(dict.fromkeys([*best, *before])), after=after,
    )  # fmt: skip


def _check_lines(
    session: ReadSession, actor: Actor, campaign: Campaign, wanted: Filters, limit: int, cursor: str | None
) -> list[LineShown]:
    found = select(CampaignCheck, CampaignPlace).join(
        CampaignPlace, CampaignPlace.id == CampaignCheck.place_id
    )
    found = found.where(_looks(actor, campaign))
    if wanted.place_id is not None:
        found = found.where(CampaignCheck.place_id == wanted.place_id)
    if wanted.unit is not None:
        found = found.where(CampaignCheck.unit == wanted.unit)
    if cursor is not None:
        found = found.where(CampaignCheck.id < cursor)
    rows = session.execute(found.order_by(CampaignCheck.id.desc()).limit(limit)).all()
    return [
        LineShown(
            id=row.id, what="check", at=row.at, place=_named(place), status="in_order", how="found",
            reason=None, left_reason=None, transfer=None, issue=None, check=CheckShown.of(row), before=[],
            after=row.frame_ids,
        )
        for row, place in rows
    ]  # fmt: skip


def _asked(wanted: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.place_id is not None:
        found.append(CampaignPlace.id == wanted.place_id)
    if wanted.unit is not None:
        found.append(Issue.unit == wanted.unit)
    if wanted.open is not None:
        left = _STATUSES.in_(("open", "handled", "left_over"))
        found.append(left if wanted.open else ~left)
    return found


def _looks(actor: Actor, campaign: Campaign) -> ColumnElement[bool]:
    """Condition that a look is a line: it found nothing, in a place that still counts."""
    return and_(
        CampaignCheck.campaign_id == campaign.id, CampaignCheck.outcome == "in_order",
        CampaignPlace.removed_at.is_(None), in_scope(actor, CampaignPlace.area_path),
    )  # fmt: skip


def _with_the_rest(found: Any, campaign: Campaign, place_id: Any) -> Any:
    """A query of issues with their candidate, place and what was said of the line."""
    said = and_(CampaignIssue.issue_id == Issue.id, CampaignIssue.campaign_id == campaign.id)
    found = found.join(Candidate, Candidate.id == Issue.candidate_id)
    return found.outerjoin(CampaignPlace, CampaignPlace.id == place_id).outerjoin(CampaignIssue, said)


def _photos(session: ReadSession, issue_ids: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Frames of acts, before and after, by issue."""
    found: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    rows = select(IssuePhoto.issue_id, IssuePhoto.frame_id, IssueAct.kind).join(
        IssueAct, IssueAct.id == IssuePhoto.act_id
    )
    for row in session.execute(rows.where(IssuePhoto.issue_id.in_(issue_ids)).order_by(IssuePhoto.id)):
        if row.kind != "comment":
            found[row.issue_id][row.kind in AFTERWARDS].append(row.frame_id)
    return found


def _photo_after() -> Any:
    """The last photo of after, of the issue in the query around."""
    photos = select(IssuePhoto.frame_id).join(IssueAct, IssueAct.id == IssuePhoto.act_id)
    mine = photos.where(IssuePhoto.issue_id == Issue.id, IssueAct.kind.in_(AFTERWARDS))
    return mine.order_by(IssuePhoto.id.desc()).limit(1).correlate(Issue).scalar_subquery()


def _pair(line: LineShown) -> PairShown:
    issue = line.issue
    assert issue is not None
    return PairShown(
        issue_id=issue.id, number=issue.number, condition=issue.condition, place=line.place, unit=issue.unit,
        status=line.status, found_at=line.at, closed_at=issue.closed_at,
        before=line.before[0], after=line.after[-1],
    )  # fmt: skip


def _named(place: CampaignPlace | None) -> PlaceNamed | None:
    return PlaceNamed.model_validate(place, from_attributes=True) if place else None


_STATUS = {
    "open": "未销号", "handled": "待核查", "struck": "已销号", "dropped": "不予立案",
    "transferred": "已移交", "left_over": "遗留", "in_order": "检查无问题",
}  # fmt: skip
_TRANSFERRED = CampaignIssue.transfer["department"].as_string()
_STATUSES = case(
    (CampaignIssue.ending.is_not(None), CampaignIssue.ending),
    (Issue.state == "closed", "struck"),
    (Issue.state == "to_check", "handled"),
    (Issue.state.in_(("not_pursued", "withdrawn")), "dropped"),
    (_TRANSFERRED.is_not(None), "transferred"),
    else_="open",
)
"""`status_of`, for the database."""

_OF_ISSUES: dict[str, Any] = {
    "id": Issue.id, "number": Issue.number, "status": _STATUSES, "place": CampaignPlace.name,
    "place_kind": CampaignPlace.kind, "place_code": CampaignPlace.code, "area_path": Issue.area_path,
    "condition": Issue.condition, "code": Issue.code, "where": Issue.place, "unit": Issue.unit,
    "at": found_at(), "by": Issue.confirmed_by, "due_at": Issue.due_at,
    "overdue": func.coalesce(overdue(), False), "answered_at": Issue.answered_at,
    "closed_at": Issue.closed_at,
    "said": func.coalesce(CampaignIssue.left_reason, CampaignIssue.reason), "transfer": _TRANSFERRED,
    "before": Issue.best_frame_id,
    "lon": Issue.lon, "lat": Issue.lat,
}  # fmt: skip
_OF_CHECKS: dict[str, Any] = {
    "id": CampaignCheck.id, "status": CampaignCheck.outcome, "place": CampaignPlace.name,
    "place_kind": CampaignPlace.kind, "place_code": CampaignPlace.code, "area_path": CampaignPlace.area_path,
    "unit": CampaignCheck.unit, "at": CampaignCheck.at, "by": CampaignCheck.actor_name,
    "said": CampaignCheck.text, "after": CampaignCheck.frame_ids[0].as_string(), "lon": CampaignPlace.lon,
    "lat": CampaignPlace.lat,
}  # fmt: skip
COLUMNS = (
    Column("number", "问题编号", "number"),
    Column("id", "编号", "id"),
    Column("status", "台账状态", "status", chinese(_STATUS)),
    Column("place", "点位", "place"),
    Column("place_kind", "点位类型", "kind of place"),
    Column("place_code", "点位编号", "code of place"),
    Column("area_path", "片区", "area"),
    Column("condition", "问题类型", "condition", condition_label),
    Column("code", "国标代码", "code", code_text),
    Column("where", "位置描述", "where"),
    Column("unit", "责任单位", "unit"),
    Column("at", "发现时间", "found"),
    Column("by", "发现人", "by"),
    Column("due_at", "处置时限", "due"),
    Column("overdue", "超期", "overdue", yes_or_no),
    Column("answered_at", "反馈时间", "answered"),
    Column("closed_at", "销号时间", "closed"),
    Column("said", "说明", "remark"),
    Column("transfer", "移交部门", "handed over to"),
    Column("before", "整改前照片", "photo before"),
    Column("after", "整改后照片", "photo after"),
)


def _issue_columns() -> list[Any]:
    columns = {**_OF_ISSUES, "after": _photo_after()}
    return [columns[name].label(name) for name in (*(each.name for each in COLUMNS), "lon", "lat")]


def _check_columns() -> list[Any]:
    """As those of issues; what a look does not have is nothing of the same type."""
    types = {name: column.type for name, column in {**_OF_ISSUES, "after": _photo_after()}.items()}
    return [
        _OF_CHECKS.get(name, as_type(null(), types[name])).label(name)
        for name in (*(each.name for each in COLUMNS), "lon", "lat")
    ]
