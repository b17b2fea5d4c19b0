"""Personal tokens: secrets with which a person's own programs act for them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.tokens import PERSON, new_token, token_hash
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.people.tables import Person, PersonToken
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

MOST = 50


class NoPersonToken(NotFound):
    """No such token that is good."""

    code = "no_token"


class TooManyTokens(Conflict):
    """One person holds more tokens than anybody can keep an eye on."""

    code = "too_many_tokens"


def add_token(
    session: WriteSession, actor: Actor, person: Person, name: str, days: int
) -> tuple[PersonToken, str]:
    """A token that is good for so many days, and its secret, which is shown this once.

    Raises:
        TooManyTokens: when the person holds too many.
    """
    if len(list_tokens(session, person.id)) >= MOST:
        raise TooManyTokens("there are {most} tokens that are good; revoke some first", most=MOST)
    secret = new_token(PERSON)
    token = PersonToken(
        person_id=person.id,
        name=name,
        token_sha256=token_hash(secret),
        expires_at=now() + timedelta(days=days),
    )
    session.add(token)
    session.flush()
    record(
        session, actor, "person_token.added", f"person_token/{token.id}",
        {"person": person.id, "name": name, "expires_at": token.expires_at.isoformat()},
    )  # fmt: skip
    return token, secret


def list_tokens(session: ReadSession, person_id: str) -> Sequence[PersonToken]:
    """Tokens of a person that are good, newest first."""
    theirs = select(PersonToken).where(
        PersonToken.person_id == person_id, PersonToken.revoked_at.is_(None), PersonToken.expires_at > now()
    )
    return session.scalars(theirs.order_by(PersonToken.id.desc())).all()


def revoke_token(session: WriteSession, actor: Actor, person_id: str, token_id: str) -> None:
    """Take a token back, at once. Raises NoPersonToken."""
    token = session.get(PersonToken, token_id)
    if token is None or token.person_id != person_id or token.revoked_at is not None:
        raise NoPersonToken("there is no token {id} that is good", id=token_id)
    token.revoked_at = now()
    record(session, actor, "person_token.revoked", f"person_token/{token_id}", {"person": person_id})


def revoke_all(session: WriteSession, person_id: str) -> int:
    """Take all tokens of a person back; gives how many were good until now."""
    good = update(PersonToken).where(PersonToken.person_id == person_id, PersonToken.revoked_at.is_(None))
    return len(session.execute(good.values(revoked_at=now()).returning(PersonToken.id)).all())
