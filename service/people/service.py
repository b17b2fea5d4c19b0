"""People: add, find, list, change."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, update

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.passwords import check_strength, hash_password
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Forbidden, Invalid, NotFound
from streetsight.service.people.sessions import end_sessions
from streetsight.service.people.tables import Person, SetupLink
from streetsight.service.people.tokens import revoke_all
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.types import now

LOGIN = re.compile(r"[\w.@+-]{1,100}")
POWERS = ("role", "areas", "state")
"""What a person may do and where: nobody gives it to themselves."""
ADMINS = and_(Person.role == Role.ADMIN.value, Person.state == "active")
"""Condition on those who can look after the people."""


class PersonExists(Conflict):
    """Another person has this login."""

    code = "person_exists"


class NoPerson(NotFound):
    """No such person, or none that who asks looks after."""

    code = "no_person"


class BadLogin(Invalid):
    """A login that nobody could type."""

    code = "bad_login"


class UnknownRole(Invalid):
    """A role that nobody can have."""

    code = "unknown_role"


class LastAdmin(Conflict):
    """Nobody could look after the people any more."""

    code = "last_admin"


class OwnPowers(Forbidden):
    """Somebody changes what they themselves may do."""

    code = "own_powers"


class BeyondScope(Forbidden):
    """An admin of some areas gives more than these."""

    code = "beyond_scope"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is to be added.

    Attributes:
        areas: paths of areas; None is everywhere.
        unit: 责任单位.
        issuer, subject: who vouches for them, and what it calls them (OIDC).
    """

    login: str
    name: str
    role: Role
    areas: tuple[str, ...] | None = None
    unit: str | None = None
    issuer: str | None = None
    subject: str | None = None


def normal_login(login: str) -> str:
    """The one way in which a login is written: people write `Zhang.San` and mean `zhang.san`."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def checked_login(login: str) -> str:
    """A login that will do, as it is kept. Raises BadLogin."""
    if not LOGIN.fullmatch(normal_login(login)):
        raise BadLogin(
            "{login} is no login; expected up to 100 letters, digits and . _ @ + -", login=repr(login)[:120]
        )
    return normal_login(login)


def checked_hash(password: str, login: str) -> str:
    """What is kept of a new password. Slow on purpose: done before a unit of work. Raises WeakPassword."""
    check_strength(password, normal_login(login))
    return hash_password(password)


def add_person(session: WriteSession, actor: Actor, new: NewPerson, hashed: str | None = None) -> Person:
    """Add a person.

    Args:
        hashed: password, by `checked_hash`; None for one who signs in elsewhere, or chooses it by a link.

    Raises:
        PersonExists, BeyondScope: when the login or the areas will not do.
    """
    login = normal_login(new.login)
    _require_manages(actor, new.areas)
    if session.scalar(select(Person.id).where(Person.login == login)) is not None:
        raise PersonExists("there is a person {login} already; choose another login", login=login)
    person = Person(
        login=login, name=new.name, role=new.role.value, unit=new.unit,
        areas=None if new.areas is None else list(new.areas), issuer=new.issuer, subject=new.subject,
        password_hash=hashed, password_changed_at=now() if hashed else None,
    )  # fmt: skip
    session.add(person)
    session.flush()
    if new.role is Role.ADMIN:  # nobody else is to come in as the first
        first = update(SetupLink).where(SetupLink.person_id.is_(None), SetupLink.used_at.is_(None))
        session.execute(first.values(used_at=now()))
    record(session, actor, "person.added", f"person/{person.id}", {"login": login, **_state(person)})
    return person


def change_person(
    session: WriteSession,
    actor: Actor,
    person_id: str,
    changes: Mapping[str, Any],
    version: int | None = None,
) -> Person:
    """Change name, role, areas, unit or state. Who is disabled loses all sessions and tokens at once.

    Args:
        version: what who asks has read; None for commands.

    Raises:
        NoPerson, Stale, OwnPowers, BeyondScope, LastAdmin: when nothing was changed.
    """
    person = locked_person(session, person_id, actor, admins=not changes.keys().isdisjoint(POWERS))
    if version is not None:
        require_version(person.version, version)
    before = _state(person)
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return person
    if actor.id == person.id and not changed.keys().isdisjoint(POWERS):
        raise OwnPowers("nobody changes their own role, areas or state; ask another admin")
    for name, value in changed.items():
        setattr(person, name, value)
    _require_manages(actor, person.areas)
    person.version += 1
    session.flush()
    if (before["role"], before["state"]) == (Role.ADMIN, "active"):
        _require_an_admin(session)
    if person.state != "active":
        end_sessions(session, person.id)
        revoke_all(session, person.id)
    was = {name: before[name] for name in changed}
    record(session, actor, "person.changed", f"person/{person.id}", {"from": was, "to": changed})
    return person


def set_password(session: WriteSession, actor: Actor, person: Person, hashed: str) -> None:
    """Keep a new password, and end all sessions that began with the old one."""
    person.password_hash, person.password_changed_at = hashed, now()
    ended = end_sessions(session, person.id)
    record(session, actor, "person.password_changed", f"person/{person.id}", {"sessions_ended": ended})


def end_all_sessions(session: WriteSession, actor: Actor, person_id: str) -> None:
    """End all sessions of a person. Raises NoPerson."""
    person = find_person(session, person_id, actor)
    ended = end_sessions(session, person.id)
    record(session, actor, "person.sessions_ended", f"person/{person.id}", {"sessions_ended": ended})


def list_units(session: ReadSession) -> list[str]:
    """Units (责任单位) that active people work for, by name."""
    found = select(Person.unit).where(Person.unit.is_not(None), Person.state == "active").distinct()
    return sorted(unit for unit in session.scalars(found) if unit)


def find_person(session: ReadSession, person_id: str, actor: Actor | None = None) -> Person:
    """A person, whom this actor looks after. Raises NoPerson."""
    person = session.get(Person, person_id)
    if person is None or (actor is not None and not _manages(actor, person.areas)):
        raise NoPerson("there is no person {id}", id=person_id)
    return person


def locked_person(
    session: WriteSession, person_id: str, actor: Actor | None = None, admins: bool = False
) -> Person:
    """As `find_person`; nobody else changes the person until the transaction ends.

    Args:
        admins: nor any active admin, so that two at once do not each take the other for the one who is left.
    """
    these = or_(Person.id == person_id, ADMINS) if admins else Person.id == person_id
    # always in the order of ids: two who lock crosswise would else wait for each other
    session.scalars(locked(select(Person).where(these).order_by(Person.id))).all()
    return find_person(session, person_id, actor)


def named_person(session: ReadSession, login: str) -> Person:
    """A person by login. Raises NoPerson."""
    person = session.scalar(select(Person).where(Person.login == normal_login(login)))
    if person is None:
        raise NoPerson("there is no person {login}; `streetsight person list` shows all", login=login)
    return person


def list_people(
    session: ReadSession, actor: Actor, role: Role | None, state: str | None, limit: int, cursor: str | None
) -> Page[Person]:
    """People whom the actor looks after, newest first."""
    wanted = _managed(session, actor)
    if role is not None:
        wanted = wanted.where(Person.role == role.value)
    if state is not None:
        wanted = wanted.where(Person.state == state)
    return page(session, wanted, Person, limit, cursor)


def _managed(session: ReadSession, actor: Actor) -> Select[Person]:
    if actor.areas is None:
        return select(Person)
    # Lists of paths are no matter for an index, and a city has hundreds of people, not millions.
    theirs = [
        id_ for id_, areas in session.execute(select(Person.id, Person.areas)) if _manages(actor, areas)
    ]
    return select(Person).where(Person.id.in_(theirs))


def _manages(actor: Actor, areas: "list[str] | tuple[str, ...] | None") -> bool:
    """Whether an admin looks after people with these areas: those who see no more than the admin does."""
    return actor.areas is None or (areas is not None and all(actor.sees(area) for area in areas))


def _require_manages(actor: Actor, areas: "list[str] | tuple[str, ...] | None") -> None:
    if not _manages(actor, areas):
        raise BeyondScope(
            "you look after {areas}, and can give people these areas or parts of them, not more",
            areas=", ".join(actor.areas or ()),
        )


def _require_an_admin(session: ReadSession) -> None:
    if not session.scalar(select(func.count()).where(ADMINS)):
        raise LastAdmin("this is the last admin; make another person an admin first")


def _state(person: Person) -> dict[str, Any]:
    """What an edit may change."""
    return {name: getattr(person, name) for name in ("name", "role", "areas", "unit", "state")}
