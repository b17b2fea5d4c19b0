"""Sessions of people: begin, list, end."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update

from streetsight.service.auth.tokens import SESSION, new_token, token_hash
from streetsight.service.people.tables import Person, PersonSession
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a sign-in comes from, and how long it is to last."""

    method: str
    lasts: timedelta
    address: str | None = None
    browser: str | None = None


def begin_session(session: WriteSession, person: Person, visit: Visit) -> str:
    """Begin a session; gives its token, which goes into the cookie and is kept nowhere."""
    token = new_token(SESSION)
    session.add(
        PersonSession(
            person_id=person.id, token_sha256=token_hash(token), method=visit.method,
            expires_at=now() + visit.lasts, address=(visit.address or "")[:45] or None,
            browser=(visit.browser or "")[:200] or None,
        )
    )  # fmt: skip
    session.flush()
    return token


def end_sessions(session: WriteSession, person_id: str, except_id: str | None = None) -> int:
    """End all sessions of a person, or all but one; gives how many went on until now."""
    going_on = update(PersonSession).where(
        PersonSession.person_id == person_id, PersonSession.ended_at.is_(None),
        PersonSession.expires_at > now(), PersonSession.id != (except_id or ""),
    )  # fmt: skip
    return len(session.execute(going_on.values(ended_at=now()).returning(PersonSession.id)).all())
