"""Leads for a person to look at: the next ones by the policy, kept from others while they look."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select

from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.queries import Filters, conditions_of
from streetsight.service.candidates.tables import Candidate
from streetsight.service.reviewing.policy import Policy
from streetsight.service.reviewing.tables import ReviewLease
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

MOST_AT_ONCE = 20
SPARE = 20  # more than are asked for, because somebody else may take them at the same moment
KEPT = timedelta(hours=1)  # leases that are over are swept out


@dataclass(frozen=True, slots=True)
class Desk:
    """A page that somebody reviews on. Attributes: name: as the page calls itself."""

    person_id: str
    name: str


def waiting(filters: Filters) -> Filters:
    """The filters, of what waits for a person alone."""
    return replace(filters, states=("open",))


def count_waiting(session: ReadSession, actor: Actor, filters: Filters) -> int:
    """How many leads wait, those that somebody looks at included. Raises UnknownArea."""
    wanted = conditions_of(session, actor, waiting(filters))
    return session.scalar(select(func.count(Candidate.id)).where(wanted)) or 0


def pick(
    session: ReadSession,
    actor: Actor,
    desk: Desk,
    filters: Filters,
    policy: Policy,
    count: int,
    without: Collection[str],
) -> list[str]:
    """Ids of leads that nobody else has, the most urgent first; some to spare. Raises UnknownArea."""
    moment = now()
    taken = exists().where(ReviewLease.candidate_id == Candidate.id, _of_others(desk, moment))
    wanted = and_(conditions_of(session, actor, waiting(filters)), ~taken, Candidate.id.not_in(without))
    order = policy.priority(moment).desc(), Candidate.id
    return list(session.scalars(select(Candidate.id).where(wanted).order_by(*order).limit(count + SPARE)))


def take(session: WriteSession, desk: Desk, ids: Sequence[str], count: int, seconds: float) -> list[str]:
    """Lease the first `count` of these that nobody else has; those leased here already are extended."""
    session.execute(delete(ReviewLease).where(ReviewLease.expires_at < now() - KEPT))
    taken: list[str] = []
    for candidate_id in ids:
        if len(taken) < count and _leased(session, desk, candidate_id, seconds):
            taken.append(candidate_id)
    return taken


def _leased(session: WriteSession, desk: Desk, candidate_id: str, seconds: float) -> bool:
    moment = now()
    ours = {"person_id": desk.person_id, "desk": desk.name, "expires_at": moment + timedelta(seconds=seconds)}
    taking = (
        upsert(session, ReviewLease)
        .values(candidate_id=candidate_id, **ours)
        .on_conflict_do_update(
            index_elements=[ReviewLease.candidate_id], set_=ours, where=~_of_others(desk, moment)
        )
    )
    return session.scalar(taking.returning(ReviewLease.candidate_id)) is not None


def release(session: WriteSession, desk: Desk, ids: Collection[str] | None = None) -> None:
    """Let others have what is leased here: these, or all of it."""
    here = [ReviewLease.person_id == desk.person_id, ReviewLease.desk == desk.name]
    if ids is not None:
        here.append(ReviewLease.candidate_id.in_(ids))
    session.execute(delete(ReviewLease).where(*here))


def still_open(session: ReadSession, actor: Actor, ids: Collection[str]) -> list[Candidate]:
    """Those that still wait, one area and class after the other: alike is judged quicker."""
    wanted = and_(conditions_of(session, actor, waiting(Filters())), Candidate.id.in_(ids))
    found = session.scalars(select(Candidate).where(wanted))
    return sorted(
        found, key=lambda each: (each.area_path or "", each.condition, each.class_name or "", each.id)
    )


def _of_others(desk: Desk, moment: datetime) -> ColumnElement[bool]:
    """Condition that a lease is in force and somebody else's."""
    others = or_(ReviewLease.person_id != desk.person_id, ReviewLease.desk != desk.name)
    return and_(ReviewLease.expires_at > moment, others)
