"""HTTP: people, for those who look after them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from streetsight.service.auth.access import Admin
from streetsight.service.auth.actor import Role
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.etags import IfMatch, etag
from streetsight.service.people import links, service
from streetsight.service.people.cookies import public_url
from streetsight.service.people.schemas import (
    LinkMade,
    PersonChange,
    PersonNew,
    PersonPage,
    PersonRole,
    PersonShown,
    State,
)
from streetsight.service.people.tables import Person
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/people", tags=["people"])


@router.get("")
def list_people(
    server: Server,
    actor: Admin,
    limit: Limit = 50,
    cursor: Cursor = None,
    role: Annotated[PersonRole | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
) -> PersonPage:
    """People, newest first. An admin of some areas sees those whose areas all lie in these."""
    with server.database.read() as session:
        found = service.list_people(session, actor, Role(role) if role else None, state, limit, cursor)
        return PersonPage(items=[*map(PersonShown.of, found.items)], next_cursor=found.next_cursor)


@router.post("", status_code=201, responses={409: {"description": "The login is taken."}})
def add_person(server: Server, actor: Admin, sent: PersonNew, response: Response) -> PersonShown:
    """Add a person."""
    new = service.NewPerson(
        sent.login, sent.name, Role(sent.role), None if sent.areas is None else tuple(sent.areas), sent.unit
    )
    password = sent.password.get_secret_value() if sent.password else None
    hashed = service.checked_hash(password, sent.login) if password is not None else None
    person = server.writer.run(partial(service.add_person, actor=actor, new=new, hashed=hashed))
    response.headers["Location"] = f"/v1/people/{person.id}"
    return _shown(person, response)


@router.get("/{person_id}")
def read_person(server: Server, actor: Admin, person_id: Id, response: Response) -> PersonShown:
    """One person."""
    with server.database.read() as session:
        return _shown(service.find_person(session, person_id, actor), response)


@router.patch("/{person_id}", responses={412: {"description": "It was changed meanwhile."}})
def change_person(
    server: Server, actor: Admin, person_id: Id, sent: PersonChange, version: IfMatch, response: Response
) -> PersonShown:
    """Change a person. Who is disabled loses all sessions and tokens at once."""
    change = partial(
        service.change_person, actor=actor, person_id=person_id, version=version,
        changes=sent.changes(),
    )  # fmt: skip
    return _shown(server.writer.run(change), response)


@router.post("/{person_id}/link", status_code=201)
def add_link(server: Server, actor: Admin, person_id: Id, request: Request) -> LinkMade:
    """A link by which the person chooses a password, once, within 24 hours. Earlier ones are over."""

    def add(session: WriteSession) -> str:
        return links.add_link(session, actor, service.find_person(session, person_id, actor))

    token = server.writer.run(add)
    base = public_url(request, server.settings)
    return LinkMade(url=links.link_url(base, token), expires_at=now() + links.LASTS)


@router.delete("/{person_id}/sessions", status_code=204)
def end_sessions(server: Server, actor: Admin, person_id: Id) -> None:
    """End all sessions of a person."""
    server.writer.run(partial(service.end_all_sessions, actor=actor, person_id=person_id))


def _shown(person: Person, response: Response) -> PersonShown:
    response.headers["ETag"] = etag(person.version)
    return PersonShown.of(person)
