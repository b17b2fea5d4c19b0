"""Links by which somebody chooses a password, once: the first admin, or a person whom an admin invites."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import exists, select, update

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.auth.tokens import SETUP, new_token, token_hash
from streetsight.service.faults import Forbidden, Invalid
from streetsight.service.people.recognising import actor_of
from streetsight.service.people.service import (
    NewPerson,
    add_person,
    checked_hash,
    checked_login,
    locked_person,
    set_password,
)
from streetsight.service.people.sessions import Begun, Visit
from streetsight.service.people.signing_in import admit
from streetsight.service.people.tables import Person, SetupLink
from streetsight.service.resources import Resources
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import locked, take_turn
from streetsight.service.store.types import now

LASTS = timedelta(hours=24)


class LinkOver(Forbidden):
    """A link that nobody made, or that was used, or is too old."""

    code = "link_over"


class NotTheSame(Invalid):
    """A password that was written twice, and not the same."""

    code = "not_the_same"


def add_link(session: WriteSession, actor: Actor, person: Person | None = None) -> str:
    """A new link for a person, or for the first admin; gives its token. Earlier ones are over.

    Raises:
        LinkOver: for a person who is disabled.
    """
    person_id = person.id if person else None
    if person_id is None:
        take_turn(session, "first admin's link")
    elif (person := locked_person(session, person_id)).state != "active":
        raise LinkOver("{login} is disabled; enable the account first", login=person.login)
    end_links(session, person_id)
    token = new_token(SETUP)
    session.add(SetupLink(person_id=person_id, token_sha256=token_hash(token), expires_at=now() + LASTS))
    session.flush()
    record(session, actor, "person.link_added", f"person/{person_id or '-'}")
    return token


def end_links(session: WriteSession, person_id: str | None) -> None:
    """Links of a person, or for a first admin, are over."""
    of = SetupLink.person_id.is_(None) if person_id is None else SetupLink.person_id == person_id
    session.execute(update(SetupLink).where(of, SetupLink.used_at.is_(None)).values(used_at=now()))


def find_link(session: ReadSession, token: str) -> tuple[SetupLink, Person | None]:
    """A link that is good, and whose it is. Raises LinkOver; also for a person who is disabled by now."""
    link = session.scalar(select(SetupLink).where(SetupLink.token_sha256 == token_hash(token)))
    person = session.get(Person, link.person_id) if link and link.person_id else None
    is_disabled = person is not None and person.state != "active"
    if link is None or link.used_at is not None or link.expires_at <= now() or is_disabled:
        raise LinkOver(
            "this link was used, is too old, or was never made; `streetsight person setup-link` or an admin "
            "gives a new one"
        )
    return link, person


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen by a link. `login` and `name` are the first admin's."""

    password: str
    login: str = ""
    name: str = ""


def use_link(server: Resources, token: str, choice: Choice, visit: Visit, held: str | None) -> Begun:
    """Choose the password and be signed in. The link is over then.

    Args:
        held: session token that the browser brought; it is ended.

    Raises:
        LinkOver, BadLogin, WeakPassword, PersonExists: when nothing was changed, and the link is still good.
    """
    with server.database.read() as session:
        _, person = find_link(session, token)
    login = person.login if person else checked_login(choice.login)
    hashed = checked_hash(choice.password, login)

    def use(session: WriteSession) -> Begun:
        _lock_link(session, token, person)
        link, found = find_link(session, token)  # once: somebody may have been quicker
        link.used_at = now()
        if found is None:
            new = NewPerson(login, choice.name or login, Role.ADMIN)
            found = add_person(session, SYSTEM, new, hashed)
        else:
            set_password(session, SYSTEM, found, hashed)
        record(session, actor_of(found), "person.link_used", f"person/{found.id}")
        return admit(session, found, visit, held)

    return server.writer.run(use)


def _lock_link(session: WriteSession, token: str, person: Person | None) -> None:
    """Nobody else uses the link until the transaction ends, and nobody changes whose it is."""
    if person is not None:
        locked_person(session, person.id)  # before the link, as by who makes another one
    session.scalars(locked(select(SetupLink).where(SetupLink.token_sha256 == token_hash(token)))).all()


def link_url(base: str, token: str) -> str:
    """The link itself."""
    return f"{base}/setup?{urlencode({'token': token})}"


def has_admin(session: ReadSession) -> bool:
    """Whether somebody can look after the people."""
    admins = exists().where(Person.role == Role.ADMIN.value, Person.state == "active")
    return bool(session.scalar(select(admins)))
