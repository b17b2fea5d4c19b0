"""Sessions of people: begin, list, end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from streetsight.service.auth.tokens import SESSION, new_token, token_hash
from streetsight.service.faults import NotFound
from streetsight.service.people.recognising import is_alive
from streetsight.service.people.tables import Person, PersonSession
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class NoSession(NotFound):
    """No such session that goes on."""

    code = "no_session"


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a sign-in comes from, and how long it is to last."""

    method: str
    lasts: timedelta
    address: str | None = None
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun. Its token goes into the cookie and is kept nowhere."""

    person: Person
    token: str
    expires_at: datetime


def begin_session(session: WriteSession, person: Person, visit: Visit) -> Begun:
    """Begin a session, for a person who has shown who they are."""
    token, ends = new_token(SESSION), now() + visit.lasts
    held = PersonSession(
        person_id=person.id, token_sha256=token_hash(token), method=visit.method, expires_at=ends,
        address=visit.address and visit.address[:45], browser=visit.browser and visit.browser[:200],
    )  # fmt: skip
    session.add(held)
    session.flush()
    return Begun(person, token, ends)


def list_sessions(session: ReadSession, person_id: str, idle: timedelta) -> Sequence[PersonSession]:
    """Sessions of a person that go on, newest first."""
    theirs = select(PersonSession).where(
        PersonSession.person_id == person_id,
        PersonSession.ended_at.is_(None),
        PersonSession.expires_at > now(),
    )
    found = session.scalars(theirs.order_by(PersonSession.id.desc()))
    return [each for each in found if is_alive(each, idle)]


def end_session(session: WriteSession, token: str) -> None:
    """End the session of this cookie, if it goes on."""
    held = update(PersonSession).where(PersonSession.token_sha256 == token_hash(token))
    session.execute(held.where(PersonSession.ended_at.is_(None)).values(ended_at=now()))


def end_one(session: WriteSession, person_id: str, session_id: str) -> None:
    """End one session of a person. Raises NoSession."""
    theirs = update(PersonSession).where(
        PersonSession.id == session_id, PersonSession.person_id == person_id, PersonSession.ended_at.is_(None)
    )
    if session.scalar(theirs.values(ended_at=now()).returning(PersonSession.id)) is None:
        raise NoSession("no session {id} goes on", id=session_id)


def end_sessions(session: WriteSession, person_id: str, except_id: str | None = None) -> int:
    """End all sessions of a person, or all but one; gives how many went on until now."""
    going_on = update(PersonSession).where(
        PersonSession.person_id == person_id, PersonSession.id != (except_id or ""),
        PersonSession.ended_at.is_(None), PersonSession.expires_at > now(),
    )  # fmt: skip
    return len(session.execute(going_on.values(ended_at=now()).returning(PersonSession.id)).all())
