"""Months, quarters and years: as they stand, closed, reopened, reckoned once more from what was frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, overload

from sqlalchemy import Select, delete, insert, select, update

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.events.service import publish
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.scoring.facts import SubjectFacts, digest, packed, plain_bytes, unpacked
from streetsight.service.scoring.gathering import Wanted, city_of, closed_months, gather_long, gather_month
from streetsight.service.scoring.long_periods import needs, score_long
from streetsight.service.scoring.ranking import Standing, ranking
from streetsight.service.scoring.restoring import mark_restored
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.scoring import score
from streetsight.service.scoring.sheets import Sheet
from streetsight.service.scoring.spans import Span, month_of
from streetsight.service.scoring.tables import (
    ClosedPeriod,
    ClosedSheet,
    InspectionDay,
    SchemeVersion,
    ScoredIssue,
    ScoreEntry,
    ScoreFigure,
)
from streetsight.service.scoring.turns import settle
from streetsight.service.scoring.versions import InForce, NoScheme, NotAdopted, made, scheme_for, version_of
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

NAMED = 10
RECKONINGS = 3
"""How often a period is reckoned before those who bring something in have to wait for its closing."""


class CannotClose(Conflict):
    """A period that cannot be closed yet; the message says what to do first."""

    code = "cannot_close"


class NotClosed(NotFound):
    """A period that is not closed."""

    code = "not_closed"


@dataclass(frozen=True, eq=False)
class Result:
    """A period as it stands.

    Attributes:
        closed: the row of a closed one; None while it is open, and may change.
        facts, sheets: one of each subject, by code.
        standings: the ranking.
    """

    span: Span
    scheme: Scheme
    version: int
    closed: ClosedPeriod | None
    facts: Sequence[SubjectFacts]
    sheets: Sequence[Sheet]
    standings: Sequence[Standing]


def result_of(
    session: ReadSession, settings: Settings, key: str, span: Span, looked: bool | str = True
) -> Result:
    """A period: what was frozen when it is closed, else as it stands now.

    Args:
        looked: whether to measure what was seen, for an open one; that takes some time for each subject. The
            code of a subject: of that one alone, whose sheet is whole then, and the ranking is not.

    Raises:
        NoScheme, NotAdopted, CalendarLacksYear
    """
    closed = closed_period(session, key, span)
    if closed is not None:
        return _frozen(session, closed, span)
    in_force = scheme_for(session, key, span.last_month)
    return _standing(session, settings, in_force, span, now(), looked)


def result_if_any(session: ReadSession, settings: Settings, key: str, span: Span) -> Result | None:
    """A period as it is scored now; None while no version of the scheme is adopted for it."""
    try:
        return result_of(session, settings, key, span, looked=False)
    except (NoScheme, NotAdopted):
        return None


def preview(session: ReadSession, settings: Settings, scheme: Scheme, span: Span) -> Result:
    """What another scheme would make of a period: of its frozen facts where it is closed. Keeps nothing.

    The tags of a closed month are those that were frozen: `otherwise`, `counts_by` and `night` of this scheme
    change nothing about it.
    """
    closed = closed_period(session, scheme.key, span)
    if closed is None:
        return _standing(session, settings, InForce(scheme, 0), span, now(), looked=True)
    facts = [unpacked(row.facts, SubjectFacts) for row in _rows(session, closed)]
    return result_from(session, InForce(scheme, 0), span, facts)


def close(
    database: Database, settings: Settings, actor: Actor, key: str, span: Span, note: str | None
) -> ClosedPeriod:
    """Freeze a period: facts, sheets, digests, who and when.

    What is frozen is the state of one moment. A decision made while this runs counts in the next month; what
    somebody brings in while this runs has no other, so that it is reckoned again then.

    Raises:
        CannotClose: it has not ended, an earlier month is open, appeals are open, or a figure is missing.
        NoScheme, NotAdopted, CalendarLacksYear
    """
    ends_at = span.moments(settings.zone)[1]
    for _ in range(RECKONINGS):
        with database.read() as session:
            seen = _brought_in(session, key, span)  # before all else: what comes from here on is news
            moment, result = _settled(session, settings, key, span)
        with database.write() as session:
            settle(session, key)
            _require_turn(session, settings, key, span, moment)
            if _brought_in(session, key, span) == seen:
                return freeze(session, actor, result, moment, ends_at, note)
    with database.write() as session:  # they bring in faster than this reckons: they wait for it
        settle(session, key)
        moment, result = _settled(session, settings, key, span)
        return freeze(session, actor, result, moment, ends_at, note)


def reopen(session: WriteSession, actor: Actor, key: str, span: Span, why: str) -> ClosedPeriod:
    """Take back the closing of a period; its sheets stay for who looks, and count no more.

    Raises:
        NotClosed
        CannotClose: a later month is closed; that one first.
    """
    settle(session, key)
    closed = require_closed(session, key, span)
    later = session.scalars(
        select(ClosedPeriod.period).where(
            ClosedPeriod.scheme == key, ClosedPeriod.reopened_at.is_(None), ClosedPeriod.id != closed.id,
            ClosedPeriod.ends >= closed.ends, ClosedPeriod.starts <= closed.starts,
        )
    ).first()  # fmt: skip
    following = [each.period for each in closed_months(session, key) if each.starts > closed.starts]
    if span.grain == "month" and (later or following):
        raise CannotClose(
            "{later} is closed and rests on {period}; reopen that one first",
            later=later or following[-1], period=span.name,
        )  # fmt: skip
    closed.reopened_at, closed.reopened_by, closed.reopened_why = now(), actor.name, why
    session.execute(update(ScoredIssue).where(ScoredIssue.restored_id == closed.id).values(restored_id=None))
    session.execute(delete(ScoredIssue).where(ScoredIssue.closed_id == closed.id))
    record(session, actor, "score.reopened", f"score/{key}/{span.name}", {"why": why})
    publish(session, "score.reopened", f"score/{key}/{span.name}", {"scheme": key, "period": span.name}, None)
    return closed


def recompute(session: ReadSession, closed: ClosedPeriod, span: Span) -> list[str]:
    """Reckon a closed period once more from its frozen facts; codes of sheets that came out otherwise.

    There are none unless somebody changed the database or the program.
    """
    in_force = InForce(made(version_of(session, closed.scheme, closed.version)), closed.version)
    return [
        row.code
        for row in _rows(session, closed)
        if plain_bytes(_sheet(in_force, span, unpacked(row.facts, SubjectFacts)))
        != plain_bytes(unpacked(row.sheet, Sheet))
    ]


def closed_period(session: ReadSession, key: str, span: Span) -> ClosedPeriod | None:
    """The closed period of this name; None while it is open."""
    return session.scalars(
        select(ClosedPeriod).where(
            ClosedPeriod.scheme == key, ClosedPeriod.period == span.name, ClosedPeriod.reopened_at.is_(None)
        )
    ).first()


def closed_periods(session: ReadSession, key: str | None, period: str | None) -> list[ClosedPeriod]:
    """Closed periods, in order. Args: key, period: None takes all."""
    found = select(ClosedPeriod).where(ClosedPeriod.reopened_at.is_(None))
    if key is not None:
        found = found.where(ClosedPeriod.scheme == key)
    if period is not None:
        found = found.where(ClosedPeriod.period == period)
    return list(session.scalars(found.order_by(ClosedPeriod.scheme, ClosedPeriod.starts)))


def require_closed(session: ReadSession, key: str, span: Span) -> ClosedPeriod:
    """Raises NotClosed."""
    closed = closed_period(session, key, span)
    if closed is None:
        raise NotClosed("{period} of the scheme {key} is not closed", period=span.name, key=key)
    return closed


def not_its_turn(session: ReadSession, settings: Settings, key: str, span: Span) -> CannotClose | None:
    """Why a period cannot be closed yet, whatever it holds: it has not ended, or another one comes first."""
    try:
        _require_turn(session, settings, key, span, now())
    except CannotClose as error:
        return error
    return None


def open_appeals(result: Result) -> list[tuple[str, str]]:
    """Number and id of the issues that somebody contests; two districts may have the same number."""
    cases = (case for facts in result.facts for case in facts.cases if case.appeal == "open")
    return sorted({(case.number, case.id) for case in cases})


def missing_figures(result: Result) -> list[tuple[str, str]]:
    """Code of a subject and name of a figure that its total waits for."""
    return sorted(
        (sheet.code, name)
        for sheet in result.sheets
        if sheet.status == "incomplete"
        for part in sheet.parts
        for name in part.missing
    )


def _settled(session: ReadSession, settings: Settings, key: str, span: Span) -> tuple[datetime, Result]:
    """A period that can be closed, as it stands at a moment. Raises what `close` does."""
    moment = now()
    _require_turn(session, settings, key, span, moment)
    in_force = scheme_for(session, key, span.last_month)
    result = _standing(session, settings, in_force, span, moment, looked=True)
    _require_settled(result)
    return moment, result


def _brought_in(session: ReadSession, key: str, span: Span) -> list[list[tuple[object, ...]]]:
    """What people brought in for a period, and what of its scheme is closed and adopted: to compare later."""
    wanted: list[Select[*tuple[Any, ...]]] = [
        select(ScoreEntry.id, ScoreEntry.withdrawn_at)
        .where(ScoreEntry.scheme == key, ScoreEntry.period == span.name)
        .order_by(ScoreEntry.id),
        select(ScoreFigure.id)
        .where(ScoreFigure.scheme == key, ScoreFigure.period == span.name)
        .order_by(ScoreFigure.id),
        select(InspectionDay.day).order_by(InspectionDay.day),
        select(ClosedPeriod.id)
        .where(ClosedPeriod.scheme == key, ClosedPeriod.reopened_at.is_(None))
        .order_by(ClosedPeriod.id),
        select(SchemeVersion.id, SchemeVersion.adopted_from)
        .where(SchemeVersion.key == key, SchemeVersion.adopted_from.is_not(None))
        .order_by(SchemeVersion.id),
    ]
    return [[tuple(row) for row in session.execute(each)] for each in wanted]


def _standing(
    session: ReadSession, settings: Settings, in_force: InForce, span: Span, moment: datetime,
    looked: bool | str,
) -> Result:  # fmt: skip
    wanted = Wanted(in_force.scheme, span, city_of(session, settings), moment, looked)
    facts = gather_month(session, wanted) if span.grain == "month" else gather_long(session, wanted)
    return result_from(session, in_force, span, facts)


def result_from(session: ReadSession, in_force: InForce, span: Span, facts: Sequence[SubjectFacts]) -> Result:
    """What a scheme makes of facts: sheets, and the ranking with the ranks of the period before."""
    sheets = [_sheet(in_force, span, each) for each in facts]
    standings = ranking(sheets, _ranks_before(session, in_force.scheme.key, span))
    return Result(span, in_force.scheme, in_force.number, None, facts, sheets, standings)


def _sheet(in_force: InForce, span: Span, facts: SubjectFacts) -> Sheet:
    if span.grain == "month":
        return score(in_force.scheme, in_force.number, span.name, facts)
    rule = needs(in_force.scheme, span.grain)
    return score_long(in_force.scheme, in_force.number, span.name, rule, facts)


def _frozen(session: ReadSession, closed: ClosedPeriod, span: Span) -> Result:
    rows = _rows(session, closed)
    sheets = [unpacked(row.sheet, Sheet) for row in rows]
    scheme = made(version_of(session, closed.scheme, closed.version))
    standings = ranking(sheets, _ranks_before(session, closed.scheme, span))
    return Result(span, scheme, closed.version, closed, _FrozenFacts(rows), sheets, standings)


class _FrozenFacts(Sequence[SubjectFacts]):
    """Facts of a closed period, unpacked when one is looked at: most who ask want the ranking only."""

    def __init__(self, rows: Sequence[ClosedSheet]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> SubjectFacts: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SubjectFacts]: ...
    def __getitem__(self, index: int | slice) -> SubjectFacts | Sequence[SubjectFacts]:
        return self._unpacked[index]

    @cached_property
    def _unpacked(self) -> list[SubjectFacts]:
        return [unpacked(row.facts, SubjectFacts) for row in self._rows]


def frozen_sheet(
    session: ReadSession, closed: ClosedPeriod, code: str
) -> tuple[Scheme, Sheet, SubjectFacts] | None:
    """One subject of a closed period, without reading all the others; None when it was not scored."""
    row = session.get(ClosedSheet, (closed.id, code))
    if row is None:
        return None
    scheme = made(version_of(session, closed.scheme, closed.version))
    return scheme, unpacked(row.sheet, Sheet), unpacked(row.facts, SubjectFacts)


def _rows(session: ReadSession, closed: ClosedPeriod) -> list[ClosedSheet]:
    found = select(ClosedSheet).where(ClosedSheet.closed_id == closed.id).order_by(ClosedSheet.code)
    return list(session.scalars(found))


def _ranks_before(session: ReadSession, key: str, span: Span) -> dict[str, int | None]:
    """Ranks of the period before, where it is closed."""
    closed = closed_period(session, key, span.before())
    if closed is None:
        return {}
    sheets = [unpacked(row.sheet, Sheet) for row in _rows(session, closed)]
    return {standing.code: standing.rank for standing in ranking(sheets)}


def _require_turn(session: ReadSession, settings: Settings, key: str, span: Span, moment: datetime) -> None:
    """Raises CannotClose."""
    if closed_period(session, key, span) is not None:
        raise CannotClose("{period} is closed already", period=span.name)
    ends = span.moments(settings.zone)[1]
    if moment < ends:
        raise CannotClose(
            "{period} ends at {moment}; close it after that", period=span.name, moment=ends.isoformat()
        )
    missing = _open_before(session, key, span) if span.grain == "month" else _open_within(session, key, span)
    if missing:
        raise CannotClose("close {months} first", months=", ".join(missing[:NAMED]))


def _open_before(session: ReadSession, key: str, span: Span) -> list[str]:
    """The month before, while it is open and the scheme was adopted for it."""
    first = session.scalar(
        select(SchemeVersion.adopted_from)
        .where(SchemeVersion.key == key, SchemeVersion.adopted_from.is_not(None))
        .order_by(SchemeVersion.adopted_from)
        .limit(1)
    )
    before = span.before()
    if first is None or before.starts < first or closed_period(session, key, before) is not None:
        return []
    return [before.name]


def _open_within(session: ReadSession, key: str, span: Span) -> list[str]:
    closed = {each.period for each in closed_months(session, key)}
    if not closed:
        return [month.name for month in span.months()]
    first = min(closed)  # a scheme that was adopted in mid-year has no months before that
    return [month.name for month in span.months() if month.name not in closed and month.name > first]


def _require_settled(result: Result) -> None:
    """Raises CannotClose for open appeals and missing figures."""
    if appeals := open_appeals(result):
        raise CannotClose(
            "appeals are open about {count} issues: {numbers}; decide them first",
            count=len(appeals), numbers=_named([number for number, _ in appeals]),
        )  # fmt: skip
    if missing := [f"{code} {name}" for code, name in missing_figures(result)]:
        raise CannotClose(
            "{count} figures are missing: {names}; bring them in with `streetsight score figures`, or let "
            "the scheme leave the part out (missing: leave_out)",
            count=len(missing), names=_named(missing),
        )  # fmt: skip


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def freeze(
    session: WriteSession, actor: Actor, result: Result, moment: datetime, ends_at: datetime, note: str | None
) -> ClosedPeriod:
    """Write down a period as closed, with all that it rests on.

    Args:
        moment: of the facts; ends_at: the first moment after the period.
    """
    span, key = result.span, result.scheme.key
    closed = ClosedPeriod(
        scheme=key, version=result.version, grain=span.grain, period=span.name, starts=span.starts,
        ends=span.ends, ends_at=ends_at, subjects=len(result.sheets), closed_by=actor.name,
        note=note, created_at=moment,
        facts_sha256=digest(map(plain_bytes, result.facts)),
        sheets_sha256=digest(map(plain_bytes, result.sheets)),
    )  # fmt: skip
    session.add(closed)
    session.flush()
    if result.sheets:
        session.execute(insert(ClosedSheet), list(_sheet_rows(closed, result)))
    if span.grain == "month":
        scored = {sheet.code for sheet in result.sheets if sheet.total is not None}
        mark_restored(session, key, span.starts, closed.id, scored)
        if rows := list(_scored_rows(closed, result)):
            session.execute(insert(ScoredIssue), rows)
    details = {"version": result.version, "facts": closed.facts_sha256, "sheets": closed.sheets_sha256}
    record(session, actor, "score.closed", f"score/{key}/{span.name}", details)
    publish(
        session, "score.closed", f"score/{key}/{span.name}",
        {"scheme": key, "period": span.name, **details}, None,
    )  # fmt: skip
    return closed


def _sheet_rows(closed: ClosedPeriod, result: Result) -> Iterable[dict[str, object]]:
    for facts, sheet in zip(result.facts, result.sheets, strict=True):
        yield {
            "closed_id": closed.id, "code": sheet.code, "status": sheet.status, "total": sheet.total,
            "facts": packed(facts), "sheet": packed(sheet),
        }  # fmt: skip


def _scored_rows(closed: ClosedPeriod, result: Result) -> Iterable[dict[str, object]]:
    """Every case that was counted, also where it took nothing. One that is void has nothing to restore."""
    for facts, sheet in zip(result.facts, result.sheets, strict=True):
        taken = _taken(sheet)
        stages = [(case, "1") for case in facts.cases]
        stages += [(each.case, each.act) for each in facts.followups]
        for case, stage in stages:
            yield {
                "scheme": closed.scheme, "issue_id": case.id, "code": sheet.code, "stage": stage,
                "closed_id": closed.id, "points": taken.get((case.id, stage), Decimal(0)),
                "restored_id": closed.id if case.void else None,
            }  # fmt: skip


def _taken(sheet: Sheet) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for line in (line for part in sheet.parts for item in part.items for line in item.lines):
        if line.issue is not None:
            key = (line.issue, "1" if line.stage == 1 else line.act or "")
            found[key] = found.get(key, Decimal(0)) - line.points
    return found


def current_month(settings: Settings) -> Span:
    """The month that it is now, by the city's clock."""
    return month_of(now().astimezone(settings.zone).date())
