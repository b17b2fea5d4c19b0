"""Holds: a frame, or all evidence of a candidate, stays whatever its age."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.candidates.tables import Candidate
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.frames.tables import Frame
from streetsight.service.retention.evidence import Lead
from streetsight.service.retention.tables import BlobDeletion, Hold
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

TABLES: Mapping[str, type[Frame] | type[Candidate]] = {"frame": Frame, "candidate": Candidate}


class NoHold(NotFound):
    """No hold of this id, or nothing to hold."""

    code = "no_hold"


class AlreadyReleased(Conflict):
    """The hold was released before."""

    code = "hold_released"


class PhotoLost(Conflict):
    """There is nothing left that could be held."""

    code = "photo_expired"


def place_hold(session: WriteSession, actor: Actor, subject: str, reason: str) -> Hold:
    """Hold `frame/ID` or `candidate/ID`. A photo that has expired and is not deleted yet comes back.

    Raises:
        NoHold: there is no such thing where the actor may see.
        PhotoLost: the frame's photo has been deleted.
    """
    row = _held_by(session, subject)
    if row is None or not actor.sees(row.area_path):
        raise NoHold("there is no {subject}; expected frame/ID or candidate/ID", subject=subject)
    if isinstance(row, Frame):
        _bring_back(session, row)
    hold = Hold(subject=subject, reason=reason, placed_by=actor.name)
    session.add(hold)
    session.flush()
    record(session, actor, "hold.placed", subject, {"hold": hold.id, "reason": reason})
    return hold


def release_hold(session: WriteSession, actor: Actor, hold_id: str) -> Hold:
    """Let it go. Raises NoHold, AlreadyReleased."""
    hold = session.get(Hold, hold_id)
    row = _held_by(session, hold.subject) if hold else None
    if hold is None or not actor.sees(row.area_path if row else None):
        raise NoHold("there is no hold {id}", id=hold_id)
    if hold.released_at is not None:
        raise AlreadyReleased("the hold was released by {name} before", name=hold.released_by)
    hold.released_at, hold.released_by = now(), actor.name
    session.flush()
    record(session, actor, "hold.released", hold.subject, {"hold": hold.id})
    return hold


def list_holds(
    session: ReadSession, actor: Actor, limit: int, cursor: str | None, in_force: bool
) -> Page[Hold]:
    """Holds of what the actor may see, newest first; those in force alone, or all."""
    found = select(Hold).where(Hold.released_at.is_(None)) if in_force else select(Hold)
    if actor.areas is not None:
        found = found.where(or_(*(_is_of(kind, actor) for kind in TABLES)))
    return page(session, found, Hold, limit, cursor)


def _is_of(kind: str, actor: Actor) -> ColumnElement[bool]:
    """Condition that a hold is of something of this kind that the actor may see."""
    table = TABLES[kind]
    named = table.id == func.substr(Hold.subject, len(kind) + 2)
    return and_(Hold.subject.startswith(f"{kind}/"), exists().where(named, in_scope(actor, table.area_path)))


def _held_by(session: ReadSession, subject: str) -> Frame | Candidate | None:
    match subject.partition("/"):
        case "frame", _, name:
            return session.get(Frame, name)
        case "candidate", _, name:
            return session.get(Candidate, name)
    return None


def held(session: ReadSession, leads: Mapping[str, set[Lead]]) -> set[str]:
    """Of these frames those that are held, by name or through a candidate."""
    names = {frame_id: {f"frame/{frame_id}", *_candidates(rests)} for frame_id, rests in leads.items()}
    every = sorted(set().union(*names.values()))
    in_force: set[str] = set()
    for start in range(0, len(every), 500):
        some = Hold.subject.in_(every[start : start + 500])
        in_force.update(session.scalars(select(Hold.subject).where(some, Hold.released_at.is_(None))))
    return {frame_id for frame_id, subjects in names.items() if subjects & in_force}


def _candidates(leads: set[Lead]) -> set[str]:
    return {f"candidate/{lead.candidate_id}" for lead in leads if lead.candidate_id}


def _bring_back(session: WriteSession, frame: Frame) -> None:
    if frame.photo_expired_at is None:
        return
    deletion = session.get(BlobDeletion, frame.sha256, with_for_update=True)
    if deletion is None or deletion.started_at is not None:
        raise PhotoLost("the photo of frame {id} has been deleted; nothing is left to hold", id=frame.id)
    session.delete(deletion)
    frame.photo_expired_at = frame.photo_expired_reason = None
    session.flush()
