"""Issues as cases: read from the database in bulk, with all that rules can ask for."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select

from streetsight.service.auth.actor import Role
from streetsight.service.calendar.working import Uncalendared, WorkingCalendar
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions.tables import Decision
from streetsight.service.frames.tables import Frame
from streetsight.service.groupings.grouping import group_of
from streetsight.service.groupings.reading import GroupingDocument
from streetsight.service.issues.tables import Issue, IssuePhoto
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.scoring.facts import Case
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.store.sessions import ReadSession

VOID = {"withdrawn": "withdrawn", "not_pursued": "not_pursued"}
SCENE_FIRST = (
    "site", "toilet", "junction", "riverbank", "park", "market", "school", "compound", "road", "other",
)  # fmt: skip
"""Which kind of place says what the scene is where an issue lies in several: the more special one."""
BLOCK = 5000


@dataclass(frozen=True, eq=False)
class City:
    """What of the city the tags of a case depend on. announced: days of announced inspections."""

    zone: tzinfo
    calendar: WorkingCalendar
    groupings: GroupingDocument
    announced: Collection[date]


@dataclass(frozen=True, slots=True)
class Found:
    """A case of a subject. Attributes: code: of the subject."""

    code: str
    case: Case


def cases_where(
    session: ReadSession, scheme: Scheme, city: City, condition: ColumnElement[bool]
) -> Iterator[Found]:
    """Cases of all subjects of a scheme.

    Args:
        condition: on Issue and IssuePlace, which has the subject.

    Raises:
        CalendarLacksYear: a case was found in a year that the calendar does not have.
    """
    of_kind = and_(IssuePlace.kind == scheme.subjects, condition)
    scenes, photos = _surroundings(session, of_kind, scheme.subjects), _photos(session, of_kind)
    tagger = _Tagger(scheme, city)
    # no plain column: SQLite would go through all confirmations for each issue, by the index on kind
    confirms = func.coalesce(Decision.kind, "") == "confirm"
    query = (
        select(*_COLUMNS)
        .join(IssuePlace, IssuePlace.issue_id == Issue.id)
        .join(Candidate, Candidate.id == Issue.candidate_id)
        .outerjoin(Frame, Frame.id == Issue.best_frame_id)
        .outerjoin(Decision, and_(Decision.candidate_id == Issue.candidate_id, confirms))
        .where(of_kind)
        .order_by(Issue.id, IssuePlace.code, Decision.id)
    )
    rows = session.execute(query, execution_options={"yield_per": BLOCK})
    for row in _last_decisions(rows):
        around = scenes.get(row.id, {})
        tags = tagger.tags(row, around)
        yield Found(row.subject, _case(row, tags, photos.get(row.id, ())))


_COLUMNS = (
    Issue.id, Issue.number, Issue.state, Issue.source, Issue.condition, Issue.class_name, Issue.code,
    Issue.severity, Issue.unit, Issue.area_path, Issue.area_type, Issue.lon, Issue.lat, Issue.confirmed_at,
    Issue.dispatched_at, Issue.due_at, Issue.answered_at, Issue.closed_at, Issue.closed_how,
    Issue.extensions, Issue.reworks, Issue.appeal, Issue.best_frame_id, IssuePlace.found_at,
    IssuePlace.code.label("subject"), Frame.sha256, Decision.id.label("decision"), Decision.actor_role,
)  # fmt: skip


def _last_decisions(rows: Iterable[Row[Any]]) -> Iterator[Row[Any]]:
    """Of an issue that was confirmed more than once, the row with the last confirmation."""
    kept: Row[Any] | None = None
    for row in rows:
        if kept is not None and (kept.id, kept.subject) != (row.id, row.subject):
            yield kept
        kept = row
    if kept is not None:
        yield kept


def _case(row: Row[Any], tags: dict[str, str], photos: tuple[str, ...]) -> Case:
    void = "upheld" if row.appeal == "upheld" else VOID.get(row.state)
    return Case(
        id=row.id, number=row.number, decision=row.decision, tags=tags, lon=row.lon, lat=row.lat,
        photos=(row.sha256,) if row.sha256 else photos, found_at=_seconds(row.found_at),
        confirmed_at=_seconds(row.confirmed_at), dispatched_at=_maybe(row.dispatched_at),
        due_at=_maybe(row.due_at), answered_at=_maybe(row.answered_at), closed_at=_maybe(row.closed_at),
        extensions=row.extensions, reworks=row.reworks, appeal=row.appeal, view=row.best_frame_id, void=void,
    )  # fmt: skip


class _Tagger:
    """Tags of rows, quickly: what depends on the day alone is asked once a day."""

    def __init__(self, scheme: Scheme, city: City) -> None:
        self._scheme, self._city = scheme, city
        self._groupings = [each.code for each in city.groupings.groupings]
        self._days: dict[date, dict[str, str]] = {}

    def tags(self, row: Row[Any], around: Mapping[str, str]) -> dict[str, str]:
        """Raises CalendarLacksYear."""
        known = {
            **around, **self._grouped(row), **self._moment(row.found_at), "condition": row.condition,
            "channel": _channel(row), "class": row.class_name, "code": _code(row.code),
            "severity": row.severity, "unit": row.unit, "closed_how": row.closed_how, "area": row.area_path,
            "area_type": row.area_type or around.get("area_type"),
        }  # fmt: skip
        return self._scheme.otherwise | {tag: value for tag, value in known.items() if value is not None}

    def _grouped(self, row: Row[Any]) -> dict[str, str | None]:
        return {
            name: group_of(self._city.groupings, name, row.condition, row.class_name, row.code)
            for name in self._groupings
        }

    def _moment(self, found_at: datetime) -> dict[str, str]:
        local = found_at.astimezone(self._city.zone)
        day = local.date()
        if day not in self._days:
            self._days[day] = self._day(day)
        return {**self._days[day], "light": "night" if self._is_night(local.time()) else "day"}

    def _day(self, day: date) -> dict[str, str]:
        tags = {"inspection": "announced" if day in self._city.announced else "ordinary"}
        if not isinstance(self._city.calendar, Uncalendared):
            tags["day"] = "workday" if self._city.calendar.is_working_day(day) else "holiday"
        return tags

    def _is_night(self, clock: time) -> bool:
        begins, ends = self._scheme.night.begins, self._scheme.night.ends
        if begins <= ends:
            return begins <= clock < ends
        return clock >= begins or clock < ends


def _channel(row: Row[Any]) -> str:
    """Where it comes from; a third party's word is a channel of its own, whoever saw it first."""
    return Role.THIRD_PARTY.value if row.actor_role == Role.THIRD_PARTY else row.source


def _code(code: dict[str, Any] | None) -> str | None:
    return f"{code['scheme']} {code['code']}" if code else None


def _surroundings(
    session: ReadSession, condition: ColumnElement[bool], kind: str
) -> dict[str, dict[str, str]]:
    """Issue -> scene, area_type, road_grade and place_kind by the places that it lies in."""
    wanted = select(IssuePlace.issue_id).join(Issue, Issue.id == IssuePlace.issue_id).where(condition)
    places = {row.id: row for row in session.execute(select(*_PLACE))}
    other = select(IssuePlace.issue_id, IssuePlace.place_id).where(IssuePlace.issue_id.in_(wanted))
    lying: dict[str, list[Any]] = defaultdict(list)
    for issue_id, place_id in session.execute(other, execution_options={"yield_per": BLOCK}):
        lying[issue_id].append(places[place_id])
    return {issue_id: _described(rows, kind) for issue_id, rows in lying.items()}


_PLACE = (Place.id, Place.kind, Place.code, Place.scene, Place.area_type, Place.grade)


def _described(rows: list[Any], kind: str) -> dict[str, str]:
    """The most special place that knows says it; the subject itself comes last."""
    order = sorted(rows, key=lambda row: (row.kind == kind, _rank(row.kind), row.code))
    found = {
        tag: next((value for row in order if (value := getattr(row, column)) is not None), None)
        for tag, column in (("scene", "scene"), ("area_type", "area_type"), ("road_grade", "grade"))
    }
    found["place_kind"] = order[0].kind
    return {tag: value for tag, value in found.items() if value is not None}


def _rank(kind: str) -> int:
    return SCENE_FIRST.index(kind) if kind in SCENE_FIRST else len(SCENE_FIRST)


def _photos(session: ReadSession, condition: ColumnElement[bool]) -> dict[str, tuple[str, ...]]:
    """Issue -> pictures that people brought, where no patrol's picture shows it."""
    query = (
        select(Issue.id, Frame.sha256)
        .join(IssuePlace, IssuePlace.issue_id == Issue.id)
        .join(IssuePhoto, IssuePhoto.issue_id == Issue.id)
        .join(Frame, Frame.id == IssuePhoto.frame_id)
        .where(condition, Issue.best_frame_id.is_(None))
        .order_by(Issue.id, IssuePhoto.id)
    )
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for issue_id, sha256 in session.execute(query):
        found[issue_id][sha256] = None
    return {issue_id: tuple(each) for issue_id, each in found.items()}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _maybe(moment: datetime | None) -> int | None:
    return None if moment is None else _seconds(moment)
