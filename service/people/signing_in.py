"""Signing in with a password, and changing it."""

from datetime import timedelta
from functools import partial

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.auth.passwords import check_strength, hash_password, is_outdated, is_password
from streetsight.service.faults import Forbidden, Unauthenticated
from streetsight.service.people import attempts
from streetsight.service.people.attempts import Patience, Try
from streetsight.service.people.recognising import Recognised, actor_of
from streetsight.service.people.service import find_person, locked_person, normal_login, set_password
from streetsight.service.people.sessions import Begun, Visit, begin_session, end_one, end_session
from streetsight.service.people.tables import Person
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.types import now


class WrongPassword(Unauthenticated):
    """No active person has this login and password; which of it is wrong is not said."""

    code = "wrong_password"


class NotThePassword(Forbidden):
    """Somebody who is signed in gave another password than theirs."""

    code = "wrong_password"


def sign_in(server: Resources, login: str, password: str, visit: Visit, held: str | None = None) -> Begun:
    """Begin a session for who knows the password.

    Args:
        held: session token that the browser brought; it is ended, never taken over (session fixation).

    Raises:
        WrongPassword, LockedOut: when nobody is let in.
    """
    tried = Try(normal_login(login), visit.address or "")
    with server.database.read() as session:
        person = session.scalar(select(Person).where(Person.login == tried.login, Person.state == "active"))
    if not _knows(server, tried, person, password):
        raise WrongPassword("login or password is wrong, or the account is disabled")
    assert person is not None
    kept = person.password_hash or ""
    fresh = hash_password(password) if is_outdated(kept) else kept
    return server.writer.run(partial(_admit, tried=tried, kept=kept, fresh=fresh, visit=visit, held=held))


def change_password(server: Resources, who: Recognised, current: str, new: str, visit: Visit) -> Begun:
    """Change one's own password. All sessions end; gives a new one for who asks.

    Raises:
        NotThePassword, LockedOut, WeakPassword: when it stays as it was.
    """
    with server.database.read() as session:
        person = find_person(session, who.actor.id)
    check_strength(new, person.login)
    tried = Try(person.login, visit.address or "")
    if not _knows(server, tried, person, current):
        raise NotThePassword("the current password is another one")
    hashed = hash_password(new)

    def change(session: WriteSession) -> Begun:
        changed = locked_person(session, person.id)
        if changed.password_hash != person.password_hash:  # changed meanwhile
            raise NotThePassword("the current password is another one")
        attempts.clear(session, tried)
        set_password(session, who.actor, changed, hashed)
        return begin_session(session, changed, visit)

    return server.writer.run(change)


def patience(settings: Settings) -> Patience:
    """Of the settings."""
    return Patience(
        settings.sign_in_tries, settings.sign_in_address_tries,
        timedelta(seconds=settings.sign_in_lock_seconds),
        timedelta(seconds=settings.sign_in_lock_max_seconds),
    )  # fmt: skip


def _knows(server: Resources, tried: Try, person: Person | None, password: str) -> bool:
    """Whether it is the person's password; takes the same way, and as long, for nobody."""
    with server.sign_ins.entered():
        locks = server.writer.run(
            partial(attempts.count_try, tried=tried, patience=patience(server.settings))
        )
        right = is_password(person.password_hash if person else None, password)
    if not right:
        server.writer.run(partial(_note_failure, person=person, tried=tried, locks=locks))
    return right


def _note_failure(session: WriteSession, person: Person | None, tried: Try, locks: bool) -> None:
    # What was typed as a login is not kept for nobody: it may be a password.
    subject, details = f"person/{person.id if person else '-'}", {"address": tried.address}
    record(session, SYSTEM, "person.sign_in_failed", subject, details)
    if locks:
        record(session, SYSTEM, "person.locked", subject, details)


def _admit(session: WriteSession, tried: Try, kept: str, fresh: str, visit: Visit, held: str | None) -> Begun:
    person = session.scalar(locked(select(Person).where(Person.login == tried.login)))
    if person is None or person.state != "active" or person.password_hash != kept:
        raise WrongPassword("login or password is wrong, or the account is disabled")  # changed meanwhile
    attempts.clear(session, tried)
    person.password_hash = fresh
    return admit(session, person, visit, held)


def admit(session: WriteSession, person: Person, visit: Visit, held: str | None = None) -> Begun:
    """Begin a session for a person who has shown who they are."""
    if held is not None:
        end_session(session, held)
    person.last_signed_in_at = now()
    begun = begin_session(session, person, visit)
    record(
        session, actor_of(person), "person.signed_in", f"person/{person.id}",
        {"method": visit.method, "address": visit.address},
    )  # fmt: skip
    return begun


def sign_out(session: WriteSession, who: Recognised) -> None:
    """End the session that asks."""
    end_one(session, who.actor.id, who.key)
    record(session, who.actor, "person.signed_out", f"person/{who.actor.id}")
