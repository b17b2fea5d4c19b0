"""Which person shows a session or a token."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.tokens import token_hash
from streetsight.service.faults import Unauthenticated
from streetsight.service.people.tables import Person, PersonSession, PersonToken
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

SEEN_EVERY = timedelta(minutes=1)


class SessionEnded(Unauthenticated):
    """A session that we do not know, or know to be over."""

    code = "session_ended"


class UnknownToken(Unauthenticated):
    """A token of nobody."""

    code = "unauthenticated"


class TokenEnded(Unauthenticated):
    """A personal token that was revoked or has expired."""

    code = "token_revoked"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A person who is asking, and by what.

    Attributes:
        key: id of the session or token.
        seen_at: when it was last used, as far as the database knows.
    """

    actor: Actor
    kind: type[PersonSession] | type[PersonToken]
    key: str
    seen_at: datetime | None

    def is_news(self) -> bool:
        """Whether it is worth a write that it was used now."""
        return self.seen_at is None or abs(now() - self.seen_at) > SEEN_EVERY


def by_session(session: ReadSession, token: str, idle: timedelta) -> Recognised:
    """Who signed in with this cookie. Raises SessionEnded."""
    found = session.scalar(select(PersonSession).where(PersonSession.token_sha256 == token_hash(token)))
    if found is None or not is_alive(found, idle):
        raise SessionEnded("this session is over; sign in again")
    return Recognised(actor_of(found.person), PersonSession, found.id, found.seen_at)


def by_token(session: ReadSession, token: str) -> Recognised:
    """Whose personal token this is.

    Raises:
        UnknownToken, TokenEnded: when it is good for nothing.
    """
    found = session.scalar(select(PersonToken).where(PersonToken.token_sha256 == token_hash(token)))
    if found is None:
        raise UnknownToken("this token is not known here; send `Authorization: Bearer TOKEN`")
    if found.revoked_at is not None or found.person.state != "active":
        raise TokenEnded("this token was revoked; make a new one")
    if found.expires_at <= now():
        raise TokenEnded(
            "this token expired at {moment}; make a new one", moment=found.expires_at.isoformat()
        )
    return Recognised(actor_of(found.person), PersonToken, found.id, found.last_used_at)


def mark_used(session: WriteSession, who: Recognised) -> None:
    """Remember that a session or token was used."""
    if who.kind is PersonSession:
        seen = update(PersonSession).where(PersonSession.id == who.key, PersonSession.ended_at.is_(None))
        session.execute(seen.values(seen_at=now()))
    else:
        session.execute(update(PersonToken).where(PersonToken.id == who.key).values(last_used_at=now()))


def is_alive(held: PersonSession, idle: timedelta) -> bool:
    """Whether a session is good: not ended, not too old, used lately, its person not disabled."""
    moment = now()
    return (
        held.ended_at is None
        and moment < held.expires_at
        and moment < held.seen_at + idle
        and held.person.state == "active"
    )


def actor_of(person: Person) -> Actor:
    """The person, as one who acts."""
    areas = None if person.areas is None else tuple(person.areas)
    return Actor("person", person.id, person.name, Role(person.role), areas, person.unit)
