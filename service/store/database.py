"""The database: SQLite in a file by default, PostgreSQL by URL, the same code on both.

SQLite is opened twice: for reading (many connections, `query_only`) and for writing (`BEGIN IMMEDIATE`, so
that a writer waits for its turn at the start and never loses half-way). WAL lets readers go on meanwhile;
`synchronous=FULL` makes a commit survive a power cut; mmap is off, because mapped pages go stale on some
mounts.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import sessionmaker

from streetsight.models.language import SpokenError
from streetsight.service.faults import StorageFull, Unavailable
from streetsight.service.store.sessions import ReadSession, WriteSession

SQLITE_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "mmap_size=0", "temp_store=MEMORY",
)  # fmt: skip
READ_CONNECTIONS, WRITE_CONNECTIONS = 40, 10
GONE_RETRY_SECONDS, FULL_RETRY_SECONDS, MET_RETRY_SECONDS = 5.0, 60.0, 1.0
DEADLOCK = {"40P01", "40001"}
UNIQUE = {"23505"}
"""States of SQL as PostgreSQL tells them."""


class DatabaseError(SpokenError):
    """The database cannot be used; the message says what to do."""


class DatabaseGone(Unavailable):
    """The database does not answer, or not in time."""

    code = "database_gone"


class WritesMet(DatabaseGone):
    """Others changed the same at this moment, again and again."""

    code = "writes_met"


class DatabaseFull(StorageFull):
    """The disk of the database is full."""

    code = "storage_full"


class Database:
    """A database, opened. Safe to share between threads; every process opens its own."""

    def __init__(self, url: str, busy_seconds: float = 30.0) -> None:
        """Open, without touching the tables.

        Args:
            url: `sqlite:///path` or `postgresql://user:password@host/name`.
            busy_seconds: how long to wait for another process's write to end, or for a connection.

        Raises:
            DatabaseError: for a URL that cannot be used.
        """
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._reader = _sqlite(self.url, busy_seconds, writes=False)
            self._writer = _sqlite(self.url, busy_seconds, writes=True)
        else:
            self._reader = self._writer = _postgresql(self.url, busy_seconds)
        reading = {"postgresql_readonly": True} if not self.is_sqlite else {}
        self._read = sessionmaker(
            self._reader.execution_options(**reading), class_=ReadSession, expire_on_commit=False
        )
        self._write = sessionmaker(self._writer, class_=WriteSession, expire_on_commit=False)
        # SQLite's own queue of writers is a race of pollers; inside one process a lock is fair and free.
        self._turn: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def engine(self) -> Engine:
        """For migrations and tools; units of work go through `read` and `write`."""
        return self._writer

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """A read-only unit of work."""
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """A unit of work: committed when the block ends, rolled back when it raises."""
        with self._turn, self._write.begin() as session:
            yield session

    def check(self) -> None:
        """One round trip.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: when the database does not answer.
        """
        with self._reader.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


def parse_url(url: str) -> URL:
    """The URL, with the driver that we ship.

    Raises:
        DatabaseError: when it is no URL, or of a database that we do not speak.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseError(
            "the database URL cannot be read; expected sqlite:///path or postgresql://user:password@host/name"
        ) from error
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    backend = parsed.drivername.partition("+")[0]
    if backend not in drivers:
        raise DatabaseError(
            "{backend} is no database that we speak; expected sqlite:///path or "
            "postgresql://user:password@host/name",
            backend=backend,
        )
    return parsed.set(drivername=drivers[backend])


def spoken(error: SpokenError | SQLAlchemyError) -> SpokenError:
    """What a failure of the database means to who asked; errors for people stay as they are.

    Raises:
        SQLAlchemyError: the error itself, when it is our own mistake.
    """
    if isinstance(error, SpokenError):
        return error
    reason = str(getattr(error, "orig", error)).lower()
    if any(sign in reason for sign in ("disk is full", "no space left", "disk i/o error")):
        return DatabaseFull(
            "no room is left for the database; nothing was changed", retry_after_seconds=FULL_RETRY_SECONDS
        )
    if state_of(error) in DEADLOCK:
        return WritesMet(
            "others are changing the same at this moment; nothing was changed, send again",
            retry_after_seconds=MET_RETRY_SECONDS,
        )
    if _is_away(error):
        return DatabaseGone(
            "the database does not answer; nothing was changed, send again later",
            retry_after_seconds=GONE_RETRY_SECONDS,
        )
    raise error


def met_another(error: Exception) -> bool:
    """Whether a unit of work failed only because of what another one did meanwhile: again, it may not."""
    return state_of(error) in DEADLOCK | UNIQUE


def state_of(error: Exception) -> str | None:
    """PostgreSQL's state of SQL; None for other failures, and of SQLite."""
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _is_away(error: SQLAlchemyError) -> bool:
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeout)) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


@contextmanager
def spoken_failures(url: URL | None = None) -> Iterator[None]:
    """For commands: failures of the database as errors for who runs it, with the driver's reason.

    Args:
        url: of the database, where it is known; told without the password.

    Raises:
        SpokenError: for what somebody else has to mend; our own mistakes stay as they are.
    """
    try:
        yield
    except SQLAlchemyError as error:
        said = spoken(error)
        raise (_told(error, url) if isinstance(said, DatabaseGone) else said) from error


def _told(error: SQLAlchemyError, url: URL | None) -> DatabaseGone:
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    if url is None:
        return DatabaseGone(
            "the database does not answer ({reason}); what was under way was not changed, try again later",
            reason=reason, retry_after_seconds=GONE_RETRY_SECONDS,
        )  # fmt: skip
    if url.get_backend_name() == "sqlite":
        return DatabaseGone(
            "the database {path} cannot be used by user {user} ({reason}); nothing was changed: the file and "
            "its folder must be writable, and STREETSIGHT_DATA_FOLDER the server's",
            path=url.database, user=os.geteuid(), reason=reason, retry_after_seconds=GONE_RETRY_SECONDS,
        )  # fmt: skip
    return DatabaseGone(
        "the database {url} does not answer ({reason}); nothing was changed: it must run, and "
        "STREETSIGHT_DATABASE_URL name it, its user and password",
        url=url.set(drivername=url.get_backend_name()).render_as_string(), reason=reason,
        retry_after_seconds=GONE_RETRY_SECONDS,
    )  # fmt: skip


def _sqlite(url: URL, busy_seconds: float, writes: bool) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": busy_seconds, "isolation_level": None, "check_same_thread": False},
        pool_size=WRITE_CONNECTIONS if writes else READ_CONNECTIONS,
        max_overflow=0,
        pool_timeout=busy_seconds,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, busy_seconds: float) -> Engine:
    return create_engine(
        url,
        connect_args={"connect_timeout": 5, "application_name": "streetsight", "client_encoding": "utf8"},
        pool_size=READ_CONNECTIONS,
        max_overflow=WRITE_CONNECTIONS,
        pool_timeout=busy_seconds,
        pool_pre_ping=True,  # a server that was restarted costs no request
    )
