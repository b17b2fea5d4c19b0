"""What people look at: which periods there are, and one subject's sheet as far as they may see it."""

from dataclasses import dataclass

from sqlalchemy import select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.faults import NotFound
from streetsight.service.places.tables import Place
from streetsight.service.scoring.facts import SubjectFacts
from streetsight.service.scoring.periods import (
    Result,
    closed_period,
    current_month,
    frozen_sheet,
    result_of,
)
from streetsight.service.scoring.schemas import ClosedShown, Counted, PeriodRow, named
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.sheets import Sheet
from streetsight.service.scoring.spans import Span
from streetsight.service.scoring.tables import ClosedPeriod, SchemeVersion, ScoredIssue
from streetsight.service.scoring.versions import NotAdopted, scheme_for
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession


class NoSubject(NotFound):
    """Nothing of this code is scored in the period, or not where who asks may see."""

    code = "no_subject"


@dataclass(frozen=True, eq=False)
class SheetFound:
    """A sheet with the scheme that says what its lines are called, and the facts that it rests on."""

    scheme: Scheme
    sheet: Sheet
    facts: SubjectFacts


def sheet_for(
    session: ReadSession, settings: Settings, actor: Actor, key: str, span: Span, code: str
) -> SheetFound:
    """One subject's sheet.

    The ranking is public; what it rests on is for those who may see the place.

    Raises:
        NoSubject, NoScheme, NotAdopted, CalendarLacksYear
    """
    closed = closed_period(session, key, span)
    if closed is None:
        return sheet_in(session, actor, result_of(session, settings, key, span, looked=code), code)
    found = frozen_sheet(session, closed, code)
    if found is None or not _may_see(session, actor, found[0].subjects, code):
        raise _no_subject(key, span, code)
    scheme, sheet, facts = found
    return SheetFound(scheme, sheet, facts)


def sheet_in(session: ReadSession, actor: Actor, result: Result, code: str) -> SheetFound:
    """One subject's sheet of a period. Raises NoSubject."""
    for facts, sheet in zip(result.facts, result.sheets, strict=True):
        if sheet.code == code and _may_see(session, actor, result.scheme.subjects, code):
            return SheetFound(result.scheme, sheet, facts)
    raise _no_subject(result.scheme.key, result.span, code)


def _no_subject(key: str, span: Span, code: str) -> NoSubject:
    return NoSubject(
        "{code} is not scored in {period} by the scheme {key}, or is not among yours",
        code=code, period=span.name, key=key,
    )  # fmt: skip


def seen_codes(session: ReadSession, actor: Actor, kind: str) -> frozenset[str] | None:
    """Codes of the places of a kind that an actor may see; None when it sees the whole city.

    Rankings are public; what they rest on is for those who may see the place, as of a single sheet.
    """
    if actor.areas is None:
        return None
    places = select(Place.code).where(Place.kind == kind, in_scope(actor, Place.area_path))
    return frozenset(session.scalars(places))


def list_periods(session: ReadSession, settings: Settings, language: Language) -> list[PeriodRow]:
    """The current month of each adopted scheme, and all closed periods, newest first."""
    rows, month = [], current_month(settings)
    names: dict[str, str] = {}
    for key in session.scalars(select(SchemeVersion.key).distinct().order_by(SchemeVersion.key)):
        try:
            names[key] = named(scheme_for(session, key, month.last_month).scheme, language)
        except NotAdopted:
            continue
        open_months = [month, *_open_before(session, key, month)]
        rows += [PeriodRow(scheme=key, name=names[key], period=each.name, grain="month", closed=None)
                 for each in open_months]  # fmt: skip
    closed = session.scalars(
        select(ClosedPeriod).where(ClosedPeriod.reopened_at.is_(None)).order_by(ClosedPeriod.starts.desc())
    )
    rows += [
        PeriodRow(scheme=each.scheme, name=names.get(each.scheme, each.scheme), period=each.period,
                  grain=each.grain, closed=ClosedShown.of(each))
        for each in closed
    ]  # fmt: skip
    return rows


def counted(session: ReadSession, issue_id: str) -> list[Counted]:
    """Which closed months counted an issue, what that took, and when it was given back."""
    rows = session.execute(
        select(ScoredIssue, ClosedPeriod.period)
        .join(ClosedPeriod, ClosedPeriod.id == ScoredIssue.closed_id)
        .where(ScoredIssue.issue_id == issue_id)
        .order_by(ClosedPeriod.starts, ScoredIssue.scheme, ScoredIssue.code, ScoredIssue.stage)
    ).all()
    restored = [row.restored_id for row, _ in rows if row.restored_id is not None]
    found = session.execute(select(ClosedPeriod.id, ClosedPeriod.period).where(ClosedPeriod.id.in_(restored)))
    names = dict(found.all())
    return [
        Counted(
            scheme=row.scheme, period=period, code=row.code, stage=row.stage, points=row.points,
            restored_in=names.get(row.restored_id or ""),
        )
        for row, period in rows
    ]  # fmt: skip


def _open_before(session: ReadSession, key: str, month: Span) -> list[Span]:
    """Months that have ended and are still open, newest first."""
    first = session.scalar(
        select(SchemeVersion.adopted_from)
        .where(SchemeVersion.key == key, SchemeVersion.adopted_from.is_not(None))
        .order_by(SchemeVersion.adopted_from)
        .limit(1)
    )
    closed = set(
        session.scalars(
            select(ClosedPeriod.period).where(ClosedPeriod.scheme == key, ClosedPeriod.reopened_at.is_(None))
        )
    )
    found, span = [], month.before()
    while first is not None and span.starts >= first:
        if span.name not in closed:
            found.append(span)
        span = span.before()
    return found


def _may_see(session: ReadSession, actor: Actor, kind: str, code: str) -> bool:
    if actor.areas is None:
        return True
    place = select(Place.id).where(Place.kind == kind, Place.code == code, in_scope(actor, Place.area_path))
    return session.scalar(place.limit(1)) is not None
