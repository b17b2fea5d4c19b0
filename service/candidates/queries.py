"""Which candidates somebody sees, and which of them are asked for. All of it is answered by indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from streetsight.service.areas.service import path_of_area
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import PathColumn, in_scope, within
from streetsight.service.candidates.tables import Candidate, CandidateReport
from streetsight.service.decisions.tables import Decision
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.frames.service import Bounds
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.turns import locked

METRES_PER_DEGREE = 111_320.0  # of latitude, to 0.5 %
FARTHEST_M = 50_000.0


class NoCandidate(NotFound):
    """No candidate of this id, or none that who asks may see."""

    code = "no_candidate"


class BadNear(Invalid):
    """A circle that is none."""

    code = "bad_near"


@dataclass(frozen=True, slots=True)
class Circle:
    """Attributes: lon, lat: WGS-84 degrees; radius_m: at most `FARTHEST_M`."""

    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Filters:
    """Which candidates are wanted; empty and None take all.

    Attributes:
        area: path (`/330106/330106003/`) or code of an area; what lies below it belongs to it.
        class_names, conditions, states, sources, severities: any of these.
        seen_from, seen_before: seen at some time between, aware.
        created_from, created_before: when they came up, aware.
        id_begins: first characters of the id.
    """

    area: str | None = None
    class_names: Sequence[str] = ()
    conditions: Sequence[str] = ()
    states: Sequence[str] = ()
    sources: Sequence[str] = ()
    severities: Sequence[str] = ()
    min_score: float | None = None
    seen_from: datetime | None = None
    seen_before: datetime | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    bounds: Bounds | None = None
    near: Circle | None = None
    id_begins: str | None = None


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see a candidate.

    Those who judge the street from outside (第三方) see nothing that its own people entered or decided.
    """
    scope = in_scope(actor, Candidate.area_path)
    if may(actor, Permission.READ_STREET_ENTRIES):
        return scope
    entered = and_(Candidate.source == "inspector", ~_entered_from_outside(Candidate.id))
    return and_(scope, ~entered, ~decided_by_the_street(Candidate.id))


def decided_by_the_street(candidate_id: PathColumn) -> ColumnElement[bool]:
    """Condition that somebody of the street's own people has decided something of a candidate."""
    theirs = aliased(Decision)  # the query around may be one of decisions
    concerns = or_(theirs.candidate_id == candidate_id, theirs.other_id == candidate_id)
    return exists().where(concerns, theirs.actor_role != Role.THIRD_PARTY)


def _entered_from_outside(candidate_id: PathColumn) -> ColumnElement[bool]:
    """Condition that it was one of those from outside who entered a candidate by hand."""
    by = CandidateReport.reporter["role"].as_string()
    return exists().where(CandidateReport.candidate_id == candidate_id, by == Role.THIRD_PARTY.value)


def find(session: ReadSession, actor: Actor, candidate_id: str, lock: bool = False) -> Candidate:
    """A candidate that the actor may see.

    Args:
        lock: keep others from changing it until the transaction ends.

    Raises:
        NoCandidate: also when it lies outside the actor's areas: nobody learns that it exists.
    """
    wanted = select(Candidate).where(Candidate.id == candidate_id, visible(actor))
    found = session.scalar(locked(wanted) if lock else wanted)
    if found is None:
        raise NoCandidate("there is no candidate {id}, or not in your areas", id=candidate_id)
    return found


def list_candidates(
    session: ReadSession, actor: Actor, filters: Filters, limit: int, cursor: str | None
) -> Page[Candidate]:
    """Candidates that the actor may see, newest first."""
    wanted = select(Candidate).where(conditions_of(session, actor, filters))
    return page(session, wanted, Candidate, limit, cursor)


def conditions_of(session: ReadSession, actor: Actor, filters: Filters) -> ColumnElement[bool]:
    """What the filters ask, within what the actor may see. Raises UnknownArea."""
    places = in_places(session, Candidate, filters.area, filters.bounds, filters.near)
    return and_(visible(actor), *_words(filters), *_times(filters), *places)


def parse_near(text: str | None) -> Circle | None:
    """`lon,lat,radius_m`. Raises BadNear."""
    if text is None:
        return None
    try:
        lon, lat, radius_m = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = radius_m = float("nan")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90 and 0 < radius_m <= FARTHEST_M):
        raise BadNear(
            "near={text} is no circle; expected lon,lat,radius_m: WGS-84 degrees and up to {most} metres, "
            "as 120.15,30.27,200",
            text=text[:100], most=round(FARTHEST_M),
        )  # fmt: skip
    return Circle(lon, lat, radius_m)


def _words(wanted: Filters) -> list[ColumnElement[bool]]:
    columns = (
        (Candidate.class_name, wanted.class_names), (Candidate.condition, wanted.conditions),
        (Candidate.state, wanted.states), (Candidate.source, wanted.sources),
        (Candidate.severity, wanted.severities),
    )  # fmt: skip
    found: list[ColumnElement[bool]] = [among(column, values) for column, values in columns if values]
    if wanted.min_score is not None:
        found.append(Candidate.score >= wanted.min_score)
    if wanted.id_begins:
        after = wanted.id_begins + "g"  # sorts after every hexadecimal digit, by any collation
        found.append(Candidate.id.between(wanted.id_begins, after))
    return found


def among(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """Condition that a column has one of these values."""
    # one value as an equality: only then is an index on it and the id in the order of ids
    condition: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return condition


def _times(wanted: Filters) -> list[ColumnElement[bool]]:
    found = []
    if wanted.seen_from is not None:
        found.append(Candidate.last_seen_at >= wanted.seen_from)
    if wanted.seen_before is not None:
        found.append(Candidate.first_seen_at < wanted.seen_before)
    if wanted.created_from is not None:
        found.append(Candidate.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        found.append(Candidate.created_at < wanted.created_before)
    return found


def in_places(
    session: ReadSession, row: Any, area: str | None, bounds: Bounds | None, near: Circle | None
) -> list[ColumnElement[bool]]:
    """Conditions that rows with lon, lat and area_path lie where it is asked; None asks nothing.

    Args:
        area: path or code of one.

    Raises:
        UnknownArea
    """
    found = []
    if area is not None:
        found.append(within((path_of_area(session, area),), row.area_path))
    if bounds is not None:
        found.append(in_bounds(bounds, row.lon, row.lat))
    if near is not None:
        found.append(in_circle(near, row.lon, row.lat))
    return found


def in_bounds(bounds: Bounds, lon: Any, lat: Any) -> ColumnElement[bool]:
    """Condition that a place lies in a box, its edge included."""
    west, south, east, north = bounds
    return and_(lat.between(south, north), lon.between(west, east))


def in_circle(circle: Circle, lon: Any, lat: Any) -> ColumnElement[bool]:
    """Within a radius, on the plane that touches the earth there; the box around it first, for the index."""
    east_m = METRES_PER_DEGREE * max(0.01, float(np.cos(np.radians(circle.lat))))
    dx, dy = circle.radius_m / east_m, circle.radius_m / METRES_PER_DEGREE
    box = (circle.lon - dx, circle.lat - dy, circle.lon + dx, circle.lat + dy)
    east, north = (lon - circle.lon) * east_m, (lat - circle.lat) * METRES_PER_DEGREE
    inside = east * east + north * north <= circle.radius_m**2
    return and_(in_bounds(box, lon, lat), inside)
