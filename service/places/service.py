"""The register of places: what is in force when."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from streetsight.service.places.index import IndexAt, place_index
from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.store.sessions import ReadSession


def places_in_force(session: ReadSession, kind: str | None, moment: datetime) -> list[Place]:
    """Places at a moment, by kind and code.

    Args:
        kind: None takes all.
    """
    found = select(Place).where(in_force(moment))
    if kind is not None:
        found = found.where(Place.kind == kind)
    return list(session.scalars(found.order_by(Place.kind, Place.code)))


def index_at(session: ReadSession, moment: datetime) -> IndexAt:
    """What lies where at a moment."""
    return IndexAt(place_index(session), moment)


def in_force(moment: datetime) -> ColumnElement[bool]:
    """Condition that a version of a place is the one of a moment."""
    return and_(Place.valid_from <= moment, or_(Place.valid_to.is_(None), Place.valid_to > moment))


def number_in_force(session: ReadSession) -> int:
    """0 before the first change."""
    return session.scalar(select(func.max(PlaceChange.number))) or 0
