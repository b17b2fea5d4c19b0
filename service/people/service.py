"""People: add, find, list, change, disable."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.passwords import check_strength, hash_password
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.people.tables import Person
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class PersonExists(Conflict):
    """Another person has this login."""

    code = "person_exists"


class NoPerson(NotFound):
    """No such person."""

    code = "no_person"


class LastAdmin(Conflict):
    """Nobody could look after the people any more."""

    code = "last_admin"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is to be added.

    Attributes:
        areas: paths of areas; None is everywhere.
        unit: 责任单位.
    """

    login: str
    name: str
    role: Role
    areas: tuple[str, ...] | None = None
    unit: str | None = None


def normal_login(login: str) -> str:
    """The one way in which a login is written: people write `Zhang.San` and mean `zhang.san`."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def add_person(session: WriteSession, actor: Actor, new: NewPerson, password: str | None = None) -> Person:
    """Add a person.

    Args:
        password: None for one who signs in elsewhere, or chooses it by a link.

    Raises:
        PersonExists, WeakPassword: when the login or the password will not do.
    """
    login = normal_login(new.login)
    if session.scalar(select(Person.id).where(Person.login == login)) is not None:
        raise PersonExists("there is a person {login} already; choose another login", login=login)
    person = Person(
        login=login, name=new.name, role=new.role.value, unit=new.unit,
        areas=None if new.areas is None else list(new.areas),
    )  # fmt: skip
    if password is not None:
        check_strength(password, login)
        person.password_hash, person.password_changed_at = hash_password(password), now()
    session.add(person)
    session.flush()
    record(session, actor, "person.added", f"person/{person.id}", {"login": login, **_state(person)})
    return person


def find_person(session: ReadSession, person_id: str) -> Person:
    """Raises NoPerson."""
    person = session.get(Person, person_id)
    if person is None:
        raise NoPerson("there is no person {id}", id=person_id)
    return person


def _state(person: Person) -> dict[str, object]:
    """What an edit may change, for the log."""
    return {
        "name": person.name, "role": person.role, "areas": person.areas, "unit": person.unit,
        "state": person.state,
    }  # fmt: skip
