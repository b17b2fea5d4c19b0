"""Turns and locks: what one has, nobody else has until its transaction ends. SQLite has one writer anyway."""

from typing import TypeVar

from sqlalchemy import Select, func, select

from streetsight.service.store.sessions import WriteSession

Selected = TypeVar("Selected", bound=Select)  # type: ignore[type-arg]


def take_turn(session: WriteSession, name: str, shared: bool = False) -> None:
    """Wait for the turn of this name: what is read from now on, nobody of the same name changes.

    Args:
        shared: have it beside others who share it; whoever wants it alone waits for all of them.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        session.execute(select(lock(func.hashtext(name))))


def locked(wanted: Selected) -> Selected:
    """The rows of one table, kept from being changed by others, and as they are once the others have ended.

    Others may refer to the rows meanwhile: a lock against that would have two who act on an issue and decide
    its candidate wait for each other.
    """
    return wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
