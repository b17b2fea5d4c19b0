"""From the database to facts: what is scored in a period, subject by subject. Only what a person confirmed.

A case belongs to the month in which it was found, or confirmed, as the scheme says. If that month is closed
by the time it is confirmed, it belongs to the first open one. What was not put right belongs to the month in
which that showed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from streetsight.service.calendar.service import calendar_in_force
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.tables import Issue, IssueAct
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.scoring.cases import City, cases_where
from streetsight.service.scoring.exposure import exposure_of
from streetsight.service.scoring.facts import (
    Case,
    Entry,
    Event,
    Exposure,
    Figure,
    Followup,
    SubjectFacts,
    Total,
    canonical,
)
from streetsight.service.scoring.restoring import restorations
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.spans import Span
from streetsight.service.scoring.tables import (
    ClosedPeriod,
    ClosedSheet,
    InspectionDay,
    ScoredIssue,
    ScoreEntry,
    ScoreFigure,
)
from streetsight.service.settings import Settings
from streetsight.service.store.ids import first_id
from streetsight.service.store.sessions import ReadSession

EVENTS: dict[str, Event] = {"overdue": "overdue", "rework": "rework", "reopen": "reopened"}
BLOCK = 500


@dataclass(frozen=True, eq=False)
class Wanted:
    """What facts are gathered for.

    Attributes:
        looked: whether to measure what was seen, which takes long for each subject; the code of a subject:
            of that one alone.
    """

    scheme: Scheme
    span: Span
    city: City
    moment: datetime
    looked: bool | str = True

    @property
    def moments(self) -> tuple[datetime, datetime]:
        return self.span.moments(self.city.zone)


def city_of(session: ReadSession, settings: Settings) -> City:
    """The city as it is now."""
    days = frozenset(session.scalars(select(InspectionDay.day)))
    calendar = calendar_in_force(session, settings.zone)
    return City(settings.zone, calendar, groupings_in_force(session), days)


def subjects_of(session: ReadSession, kind: str, moments: tuple[datetime, datetime]) -> list[Place]:
    """Places of a kind that were in force at some moment of a period, as they were last; by code."""
    begins, ends = moments
    alive = or_(Place.valid_to.is_(None), and_(Place.valid_to > begins, Place.valid_to > Place.valid_from))
    rows = session.scalars(
        select(Place)
        .where(Place.kind == kind, Place.valid_from < ends, alive)
        .order_by(Place.code, Place.valid_from)
    )
    return list({place.code: place for place in rows}.values())


def gather_month(session: ReadSession, wanted: Wanted) -> list[SubjectFacts]:
    """Facts of a month for each subject, by code, in canonical form.

    Raises:
        CalendarLacksYear: a case was found in a year that the calendar does not have.
    """
    subjects = subjects_of(session, wanted.scheme.subjects, wanted.moments)
    cases, followups = _cases(session, wanted), _followups(session, wanted)
    figures, entries = _figures(session, wanted), _entries(session, wanted)
    back = restorations(session, wanted.scheme.key, wanted.span.starts)
    return [
        canonical(
            SubjectFacts(
                code=place.code, name=place.name, group=place.peer_group or "",
                as_of=int(wanted.moment.timestamp()), cases=tuple(cases[place.code]),
                followups=tuple(followups[place.code]), figures=tuple(figures[place.code]),
                entries=tuple(entries[place.code]), restorations=tuple(back.get(place.code, ())),
                exposure=_exposure(session, wanted, place, cases[place.code]),
            )
        )
        for place in subjects
    ]  # fmt: skip


def gather_long(session: ReadSession, wanted: Wanted) -> list[SubjectFacts]:
    """Facts of a quarter or year: its closed months, and figures of its own."""
    subjects = subjects_of(session, wanted.scheme.subjects, wanted.moments)
    members, figures = _members(session, wanted), _figures(session, wanted)
    return [
        canonical(
            SubjectFacts(
                code=place.code, name=place.name, group=place.peer_group or "",
                as_of=int(wanted.moment.timestamp()), members=tuple(members[place.code]),
                figures=tuple(figures[place.code]),
            )
        )
        for place in subjects
    ]  # fmt: skip


def closed_months(session: ReadSession, scheme: str) -> list[ClosedPeriod]:
    """Months of a scheme that are closed, in order."""
    found = select(ClosedPeriod).where(
        ClosedPeriod.scheme == scheme, ClosedPeriod.grain == "month", ClosedPeriod.reopened_at.is_(None)
    )
    return list(session.scalars(found.order_by(ClosedPeriod.starts)))


def _cases(session: ReadSession, wanted: Wanted) -> dict[str, list[Case]]:
    begins, ends = wanted.moments
    column = _counts_by(wanted.scheme)
    here = and_(column >= begins, column < ends)
    found: dict[str, list[Case]] = defaultdict(list)
    for each in cases_where(session, wanted.scheme, wanted.city, here):
        found[each.code].append(each.case)
    for each in cases_where(session, wanted.scheme, wanted.city, _late(session, wanted)):
        found[each.code].append(msgspec.structs.replace(each.case, late=True))
    return found


def _counts_by(scheme: Scheme) -> ColumnElement[datetime]:
    column = IssuePlace.found_at if scheme.counts_by == "found" else Issue.confirmed_at
    return column.expression


def _late(session: ReadSession, wanted: Wanted) -> ColumnElement[bool]:
    """Condition on cases of closed months that no month has counted: they come now, to the first open one."""
    closed = closed_months(session, wanted.scheme.key)
    if not closed or closed[-1].ends != wanted.span.starts:
        return false()
    begins = Span(closed[0].starts, closed[0].ends, "month").moments(wanted.city.zone)[0]
    column = _counts_by(wanted.scheme)
    counted = select(ScoredIssue.issue_id).where(
        ScoredIssue.scheme == wanted.scheme.key, ScoredIssue.issue_id == Issue.id,
        ScoredIssue.code == IssuePlace.code, ScoredIssue.stage == "1",
    )  # fmt: skip
    return and_(
        column >= begins, column < wanted.moments[0], Issue.confirmed_at >= closed[0].created_at,
        ~counted.exists(),
    )  # fmt: skip


def _followups(session: ReadSession, wanted: Wanted) -> dict[str, list[Followup]]:
    begins, ends = wanted.moments
    acts = session.execute(
        select(IssueAct.id, IssueAct.kind, IssueAct.issue_id, IssueAct.created_at).where(
            IssueAct.kind.in_(EVENTS), IssueAct.id >= first_id(begins), IssueAct.id < first_id(ends)
        )
    ).all()
    by_issue: dict[str, dict[str, Case]] = defaultdict(dict)
    for ids in _blocks(sorted({act.issue_id for act in acts})):
        for each in cases_where(session, wanted.scheme, wanted.city, Issue.id.in_(ids)):
            by_issue[each.case.id][each.code] = each.case
    found: dict[str, list[Followup]] = defaultdict(list)
    for act in acts:
        for code, case in by_issue[act.issue_id].items():
            moment = int(act.created_at.timestamp())
            found[code].append(Followup(act=act.id, event=EVENTS[act.kind], at=moment, case=case))
    return found


def _blocks(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK))


def _figures(session: ReadSession, wanted: Wanted) -> dict[str, list[Figure]]:
    """Of several figures of one name the newest counts."""
    newest = (
        select(func.max(ScoreFigure.id))
        .where(ScoreFigure.scheme == wanted.scheme.key, ScoreFigure.period == wanted.span.name)
        .group_by(ScoreFigure.code, ScoreFigure.key)
    )
    found: dict[str, list[Figure]] = defaultdict(list)
    for row in session.scalars(select(ScoreFigure).where(ScoreFigure.id.in_(newest))):
        found[row.code].append(Figure(key=row.key, value=row.value, source=row.source))
    return found


def _entries(session: ReadSession, wanted: Wanted) -> dict[str, list[Entry]]:
    rows = session.scalars(
        select(ScoreEntry).where(
            ScoreEntry.scheme == wanted.scheme.key, ScoreEntry.period == wanted.span.name,
            ScoreEntry.withdrawn_at.is_(None),
        )
    )  # fmt: skip
    found: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        entry = Entry(id=row.id, rule=row.rule, points=row.points, reason=row.reason, made_by=row.made_by)
        found[row.code].append(entry)
    return found


def _exposure(session: ReadSession, wanted: Wanted, place: Place, cases: list[Case]) -> Exposure:
    if wanted.looked not in (True, place.code):
        return Exposure()
    return exposure_of(session, place, wanted.span, wanted.moments, cases)


def _members(session: ReadSession, wanted: Wanted) -> dict[str, list[Total]]:
    months = [each for each in closed_months(session, wanted.scheme.key)
              if wanted.span.starts <= each.starts < wanted.span.ends]  # fmt: skip
    found: dict[str, list[Total]] = defaultdict(list)
    for month in months:
        rows = session.execute(
            select(ClosedSheet.code, ClosedSheet.total).where(ClosedSheet.closed_id == month.id)
        )
        for code, total in rows:
            found[code].append(Total(period=month.period, total=total, digest=month.sheets_sha256))
    return found
