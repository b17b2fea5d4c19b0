"""The register of places: what is in force when, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from sqlalchemy import ColumnElement, and_, func, or_, select

from streetsight.service.auth.actor import SYSTEM, Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.candidates.queries import Circle
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.frames.service import Bounds
from streetsight.service.places.index import IndexAt, place_index
from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.reach import reach
from streetsight.service.store.holding import holds
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession

MOST_THERE = 20_000
CHIEFS = (
    (Place.chief_1, Place.chief_1_id),
    (Place.chief_2, Place.chief_2_id),
    (Place.chief_3, Place.chief_3_id),
)


class NoPlace(NotFound):
    """No place of this code at the moment, or none that who asks may know of."""

    code = "no_place"


class TooManyPlaces(Invalid):
    """A box or a circle with more places than one query takes."""

    code = "too_many_places"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which places are wanted; None takes all.

    Attributes:
        unit: as the lead or as one that co-operates.
        chief: name or id of a chief of any level.
        bounds, near: what touches a box or a circle.
        search: a part of name or code.
    """

    kind: str | None = None
    unit: str | None = None
    chief: str | None = None
    grade: str | None = None
    scene: str | None = None
    area_type: str | None = None
    peer_group: str | None = None
    search: str | None = None
    bounds: Bounds | None = None
    near: Circle | None = None


def places_in_force(session: ReadSession, kind: str | None, moment: datetime) -> list[Place]:
    """Places at a moment, by kind and code.

    Args:
        kind: None takes all.
    """
    return find_places(session, SYSTEM, Filters(kind), moment)


def index_at(session: ReadSession, moment: datetime) -> IndexAt:
    """What lies where at a moment."""
    return IndexAt(place_index(session), moment)


def in_force(moment: datetime) -> ColumnElement[bool]:
    """Condition that a version of a place is the one of a moment."""
    return and_(Place.valid_from <= moment, or_(Place.valid_to.is_(None), Place.valid_to > moment))


def number_in_force(session: ReadSession) -> int:
    """Number of the newest change; 0 before the first."""
    return session.scalar(select(func.max(PlaceChange.number))) or 0


def find_places(session: ReadSession, actor: Actor, wanted: Filters, moment: datetime) -> list[Place]:
    """Places that the actor may see at a moment, by kind and code."""
    found = select(Place).where(_asked(session, actor, wanted, moment))
    return list(session.scalars(found.order_by(Place.kind, Place.code)))


def list_places(
    session: ReadSession, actor: Actor, wanted: Filters, moment: datetime, limit: int, cursor: str | None
) -> Page[Place]:
    """A page of them; the cursor is the id of the last one."""
    found = select(Place).where(_asked(session, actor, wanted, moment)).order_by(Place.kind, Place.code)
    last = session.get(Place, cursor) if cursor else None
    if last is not None:
        later = and_(Place.kind == last.kind, Place.code > last.code)
        found = found.where(or_(Place.kind > last.kind, later))
    items = list(session.scalars(found.limit(limit + 1)))
    return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)


def find_place(session: ReadSession, kind: str, code: str, moment: datetime, actor: Actor = SYSTEM) -> Place:
    """A place at a moment. Raises NoPlace."""
    wanted = Place.kind == kind, Place.code == code, in_force(moment), in_scope(actor, Place.area_path)
    place = session.scalars(select(Place).where(*wanted)).first()
    if place is None:
        raise NoPlace("there is no {kind} {code} then; GET /v1/places lists them", kind=kind, code=code)
    return place


def tag_of(session: ReadSession, kind: str, code: str) -> int:
    """Number of the last change that touched a place; 0 for one that never was."""
    touched = func.max(Place.number), func.max(Place.ended_number)
    numbers = session.execute(select(*touched).where(Place.kind == kind, Place.code == code)).one()
    return max(number or 0 for number in numbers)


def history_of(session: ReadSession, actor: Actor, kind: str, code: str) -> list[Place]:
    """All versions that a place ever had, those taken back as well, the newest first. Raises NoPlace."""
    found = select(Place).where(Place.kind == kind, Place.code == code, in_scope(actor, Place.area_path))
    versions = list(session.scalars(found.order_by(Place.valid_from.desc(), Place.number.desc())))
    if not versions:
        raise NoPlace("there never was a {kind} {code}", kind=kind, code=code)
    return versions


def places_at(session: ReadSession, actor: Actor, lon: float, lat: float, moment: datetime) -> list[Place]:
    """What a point (WGS-84) lies in at a moment, as far as the actor may see it, by kind and code."""
    return _by_ids(session, actor, [each.place_id for each in index_at(session, moment).at(lon, lat)])


def list_changes(session: ReadSession, limit: int, cursor: str | None) -> Page[PlaceChange]:
    """Changes of the register, newest first."""
    return page(session, select(PlaceChange), PlaceChange, limit, cursor)


def _by_ids(session: ReadSession, actor: Actor, ids: Sequence[str]) -> list[Place]:
    found = select(Place).where(Place.id.in_(ids), in_scope(actor, Place.area_path))
    return list(session.scalars(found.order_by(Place.kind, Place.code)))


def _asked(session: ReadSession, actor: Actor, wanted: Filters, moment: datetime) -> ColumnElement[bool]:
    equal = (
        (Place.kind, wanted.kind), (Place.grade, wanted.grade), (Place.scene, wanted.scene),
        (Place.area_type, wanted.area_type), (Place.peer_group, wanted.peer_group),
    )  # fmt: skip
    found = [in_force(moment), in_scope(actor, Place.area_path)]
    found += [column == value for column, value in equal if value is not None]
    if wanted.unit is not None:
        found.append(or_(Place.unit == wanted.unit, holds(Place.co_units, wanted.unit)))
    if wanted.chief is not None:
        found.append(or_(*(column == wanted.chief for level in CHIEFS for column in level)))
    if wanted.search:
        like = [column.icontains(wanted.search, autoescape=True) for column in (Place.name, Place.code)]
        found.append(or_(*like))
    if (ground := _ground_wanted(wanted)) is not None:
        there = index_at(session, moment).touching(ground)
        ids = [each.place_id for each in there if wanted.kind in (None, each.kind)]
        if len(ids) > MOST_THERE:
            raise TooManyPlaces(
                "{count} places are there, at most {most} can be asked for at once; ask for a smaller part "
                "of the city, or for one kind",
                count=len(ids), most=MOST_THERE,
            )  # fmt: skip
        found.append(Place.id.in_(ids))
    return and_(*found)


def _ground_wanted(wanted: Filters) -> shapely.Geometry | None:
    box = shapely.box(*wanted.bounds) if wanted.bounds else None
    if wanted.near is None:
        return box
    at = {"type": "Point", "coordinates": [wanted.near.lon, wanted.near.lat]}
    circle = reach(at, wanted.near.radius_m)
    return circle if box is None else shapely.intersection(circle, box)
