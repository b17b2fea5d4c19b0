"""Two who come at once: the second begins while what the first did is not committed yet. For PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text
from waiting import wait_for

from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession

First = TypeVar("First")
Second = TypeVar("Second")

WAITERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def crossed(
    database: Database, first: Callable[[WriteSession], First], second: Callable[[], Second]
) -> tuple[First, Future[Second]]:
    """What the first did, and what came of the second, which has ended.

    Args:
        first: a unit of work; it is committed once the second has ended, or waits for it.
    """
    with ThreadPoolExecutor(1) as pool, database.write() as session:
        done = first(session)
        other = pool.submit(second)
        wait_until_stuck(database, other)
    return done, other


def wait_until_stuck(database: Database, other: Future[Second]) -> None:
    """Until the other has ended, or waits for a lock of this one."""
    wait_for(lambda: other.done() or somebody_waits(database))


def somebody_waits(database: Database) -> bool:
    """Whether anybody of this database waits for another one's lock."""
    with database.read() as session:
        return bool(session.scalar(WAITERS))
