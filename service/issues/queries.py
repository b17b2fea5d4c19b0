"""Which issues are asked for: lists, newest first or by deadline, and counts for badges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.candidates.queries import Circle, among, in_places
from streetsight.service.frames.service import Bounds
from streetsight.service.groupings.filtering import in_group
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.schemas import IssueCounts
from streetsight.service.issues.service import of_unit, visible
from streetsight.service.issues.states import OPEN, RUNNING, STATES
from streetsight.service.issues.tables import Issue, Supervision
from streetsight.service.places.membership import lies_in
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

Order = Literal["newest", "deadline"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which issues are wanted; None and empty take all.

    Attributes:
        area: path or code of an area; what lies below it belongs to it.
        states, codes, sources, severities: any of these; code: a number of any table.
        unit: as the lead or as one that co-operates.
        number: the whole number.
        mine: of the handler's unit; of others, what they confirmed themselves.
        open: somebody still has something to do.
        overdue: the clock has passed the deadline, or had when it stopped.
        proposal, supervision, appeal, extension: what hangs on it; `any` for whichever.
        to_look_again: shelved, and the day has come.
        confirmed_from, confirmed_before, closed_from, closed_before, due_before: aware.
        place: code of a place that it lies in, also as `kind/code`.
        group: `aspect:sanitation`, a member of a grouping.
    """

    area: str | None = None
    condition: str | None = None
    class_name: str | None = None
    states: Sequence[str] = ()
    codes: Sequence[str] = ()
    sources: Sequence[str] = ()
    severities: Sequence[str] = ()
    unit: str | None = None
    number: str | None = None
    mine: bool = False
    open: bool | None = None
    overdue: bool | None = None
    proposal: str | None = None
    supervision: str | None = None
    appeal: str | None = None
    extension: bool | None = None
    to_look_again: bool = False
    area_type: str | None = None
    confirmed_from: datetime | None = None
    confirmed_before: datetime | None = None
    closed_from: datetime | None = None
    closed_before: datetime | None = None
    due_before: datetime | None = None
    bounds: Bounds | None = None
    near: Circle | None = None
    place: str | None = None
    group: str | None = None


def list_issues(
    session: ReadSession,
    actor: Actor,
    filters: Filters,
    zone: tzinfo,
    order: Order,
    limit: int,
    cursor: str | None,
) -> Page[Issue]:
    """Issues that the actor may see."""
    wanted = conditions_of(session, actor, filters, zone)
    if order == "newest":
        return page(session, select(Issue).where(wanted), Issue, limit, cursor)
    return _by_deadline(session, wanted, limit, cursor)


def conditions_of(session: ReadSession, actor: Actor, wanted: Filters, zone: tzinfo) -> ColumnElement[bool]:
    """What the filters ask, within what the actor may see. Raises UnknownArea, NoSuchGroup."""
    found = [visible(actor), *_words(wanted), *_times(wanted), *_hanging(wanted, zone)]
    if wanted.mine:
        mine = of_unit(actor.unit) if actor.role is Role.HANDLER else Issue.confirmed_by_id == actor.id
        found.append(mine)
    if wanted.unit is not None:
        found.append(of_unit(wanted.unit))
    if wanted.place is not None:
        found.append(lies_in(wanted.place))
    if wanted.group is not None:
        found.append(in_group(groupings_in_force(session), wanted.group, Issue))
    return and_(*found, *in_places(session, Issue, wanted.area, wanted.bounds, wanted.near))


def count_issues(session: ReadSession, actor: Actor, filters: Filters, zone: tzinfo) -> IssueCounts:
    """How many there are, by state and by what hangs on them."""
    wanted = conditions_of(session, actor, filters, zone)
    rows = session.execute(select(Issue.state, func.count()).where(wanted).group_by(Issue.state))
    states = dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in rows}
    sums = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
        for condition in (
            overdue(), Issue.extension.is_not(None), Issue.appeal == "open", Issue.proposal.is_not(None),
            _to_look_again(zone),
        )
    ]  # fmt: skip
    late, asked, appealed, proposed, shelved = session.execute(select(*sums).where(wanted)).one()
    orders = session.execute(
        select(Issue.supervision, func.count())
        .where(wanted, Issue.supervision.is_not(None))
        .group_by(Issue.supervision)
    )
    return IssueCounts(
        total=sum(states.values()), states=states, overdue=late, extension_asked=asked,  # type: ignore[arg-type]
        appeal_open=appealed, proposed=proposed, to_look_again=shelved,
        supervision={str(row[0]): row[1] for row in orders},  # type: ignore[misc]
    )  # fmt: skip


def list_orders(
    session: ReadSession,
    actor: Actor,
    colour: str | None,
    in_force: bool | None,
    limit: int,
    cursor: str | None,
) -> Page[Supervision]:
    """Supervision orders of issues that the actor may see, newest first."""
    found = select(Supervision).join(Issue, Issue.id == Supervision.issue_id).where(visible(actor))
    if colour is not None:
        found = found.where(Supervision.colour == colour)
    if in_force is not None:
        found = found.where(Supervision.ended_at.is_(None) if in_force else Supervision.ended_at.is_not(None))
    return page(session, found, Supervision, limit, cursor)


def overdue() -> ColumnElement[bool]:
    """As `schemas.is_overdue`, for the database."""
    since = case((Issue.paused_at.is_not(None), Issue.paused_at), else_=now())
    return and_(Issue.state.in_((*RUNNING, "to_check", "shelved")), Issue.due_at < since)


def _by_deadline(
    session: ReadSession, wanted: ColumnElement[bool], limit: int, cursor: str | None
) -> Page[Issue]:
    """Those that are due first come first, those without a deadline last; the cursor is an id here too."""
    none = case((Issue.due_at.is_(None), 1), else_=0)
    found = select(Issue).where(wanted).order_by(none, Issue.due_at, Issue.id)
    last = session.get(Issue, cursor) if cursor else None
    if last is not None and last.due_at is not None:
        later = or_(Issue.due_at > last.due_at, and_(Issue.due_at == last.due_at, Issue.id > last.id))
        found = found.where(or_(Issue.due_at.is_(None), later))
    elif last is not None:
        found = found.where(Issue.due_at.is_(None), Issue.id > last.id)
    items = list(session.scalars(found.limit(limit + 1)))
    return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)


def _words(wanted: Filters) -> list[ColumnElement[bool]]:
    equal = (
        (Issue.condition, wanted.condition), (Issue.class_name, wanted.class_name),
        (Issue.number, wanted.number), (Issue.area_type, wanted.area_type),
    )  # fmt: skip
    found: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    several = (
        (Issue.state, wanted.states), (Issue.source, wanted.sources), (Issue.severity, wanted.severities),
        (Issue.code["code"].as_string(), wanted.codes),
    )  # fmt: skip
    found += [among(column, values) for column, values in several if values]
    if wanted.open is not None:
        found.append(Issue.state.in_(OPEN) if wanted.open else Issue.state.not_in(OPEN))
    return found


def _times(wanted: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.confirmed_from is not None:
        found.append(Issue.confirmed_at >= wanted.confirmed_from)
    if wanted.confirmed_before is not None:
        found.append(Issue.confirmed_at < wanted.confirmed_before)
    if wanted.closed_from is not None:
        found.append(Issue.closed_at >= wanted.closed_from)
    if wanted.closed_before is not None:
        found.append(Issue.closed_at < wanted.closed_before)
    if wanted.due_before is not None:
        found.append(and_(Issue.due_at < wanted.due_before, Issue.state.in_(RUNNING)))
    return found


def _hanging(wanted: Filters, zone: tzinfo) -> list[ColumnElement[bool]]:
    columns = (
        (Issue.proposal, wanted.proposal), (Issue.supervision, wanted.supervision),
        (Issue.appeal, wanted.appeal),
    )  # fmt: skip
    found: list[ColumnElement[bool]] = [
        column.is_not(None) if value == "any" else column == value
        for column, value in columns if value is not None
    ]  # fmt: skip
    if wanted.extension is not None:
        found.append(Issue.extension.is_not(None) if wanted.extension else Issue.extension.is_(None))
    if wanted.overdue is not None:
        late = func.coalesce(overdue(), False)
        found.append(late if wanted.overdue else ~late)
    if wanted.to_look_again:
        found.append(_to_look_again(zone))
    return found


def _to_look_again(zone: tzinfo) -> ColumnElement[bool]:
    today = now().astimezone(zone).date()
    return and_(Issue.state == "shelved", Issue.shelved_until <= today)
