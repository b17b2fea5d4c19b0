"""Sightings that are here: find, list, show."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from streetsight.service.areas.service import path_of_area
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.candidates import queries
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.faults import NotFound
from streetsight.service.frames.service import Bounds
from streetsight.service.sightings.schemas import GlimpseShown, SightingInFull, fields_of
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession


class NoSighting(NotFound):
    """No sighting of this id, or none that who asks may see."""

    code = "no_sighting"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which sightings are wanted; None takes all. seen_from, seen_before: aware."""

    area: str | None = None
    patrol_id: str | None = None
    class_name: str | None = None
    min_score: float | None = None
    seen_from: datetime | None = None
    seen_before: datetime | None = None
    bounds: Bounds | None = None


def find_sighting(session: ReadSession, actor: Actor, sighting_id: str) -> Sighting:
    """A sighting that the actor may see. Raises NoSighting."""
    wanted = select(Sighting).where(Sighting.id == sighting_id, in_scope(actor, Sighting.area_path))
    if (found := session.scalar(wanted)) is None:
        raise NoSighting("there is no sighting {id}, or not in your areas", id=sighting_id)
    return found


def list_sightings(
    session: ReadSession, actor: Actor, filters: Filters, limit: int, cursor: str | None
) -> Page[Sighting]:
    """Sightings that the actor may see, in descending order of ids; retired ones are left out."""
    wanted = select(Sighting).where(_conditions(session, actor, filters))
    return page(session, wanted, Sighting, limit, cursor)


def in_full(session: ReadSession, actor: Actor, row: Sighting) -> SightingInFull:
    """A sighting with its frames, and the candidates on it that the actor may see."""
    on_it = select(CandidateSighting.candidate_id).where(CandidateSighting.sighting_id == row.id)
    candidates = select(Candidate.id).where(Candidate.id.in_(on_it), queries.visible(actor))
    return SightingInFull.model_validate(
        {
            **fields_of(row),
            "glimpses": [GlimpseShown.of(each) for each in row.glimpses],
            "candidates": list(session.scalars(candidates.order_by(Candidate.id))),
        }
    )


def _conditions(session: ReadSession, actor: Actor, wanted: Filters) -> ColumnElement[bool]:
    found = [in_scope(actor, Sighting.area_path), Sighting.retired_at.is_(None)]
    if wanted.area is not None:
        found.append(within((path_of_area(session, wanted.area),), Sighting.area_path))
    if wanted.patrol_id is not None:
        found.append(Sighting.patrol_id == wanted.patrol_id)
    if wanted.class_name is not None:
        found.append(Sighting.class_name == wanted.class_name)
    if wanted.min_score is not None:
        found.append(Sighting.score >= wanted.min_score)
    if wanted.seen_from is not None:
        found.append(Sighting.last_seen_at >= wanted.seen_from)
    if wanted.seen_before is not None:
        found.append(Sighting.first_seen_at < wanted.seen_before)
    if wanted.bounds is not None:
        found.append(queries.in_bounds(wanted.bounds, Sighting.lon, Sighting.lat))
    return and_(*found)
