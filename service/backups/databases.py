"""Copies of the database, and back: one state of it, made while servers go on."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, MetaData, create_engine, text
from sqlalchemy.pool import NullPool

from streetsight.service.backups.contents import Contents, contents_of
from streetsight.service.backups.points import BackupError
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import found_version

DEBIAN = Path("/usr/lib/postgresql")


def require_database(settings: Settings) -> None:
    """Raises BackupError where the settings name no database with our tables: opening it would make one."""
    with closing(Database(settings.database, settings.sqlite_busy_seconds)) as database:
        absent = database.is_sqlite and not Path(str(database.url.database)).exists()
        if absent or found_version(database) is None:
            raise BackupError(
                "there is no database at {url}; set STREETSIGHT_DATABASE_URL and STREETSIGHT_DATA_FOLDER as "
                "the server has them. With the settings of the units: `systemctl start streetsight-backup`",
                url=database.url.render_as_string(),
            )


def copy_database(database: Database, target: Path) -> Contents:
    """Write the database as it is at one moment to a file; gives what it holds at that moment.

    Raises:
        BackupError: PostgreSQL's programs are missing, or failed.
    """
    if database.is_sqlite:
        return _copy_sqlite(database.url, target)
    return _copy_postgresql(database, target)


def _copy_sqlite(url: URL, target: Path) -> Contents:
    # Not the back-up API: it begins anew at each write, and never ends under steady uploads.
    with closing(sqlite3.connect(str(url.database))) as connection:
        connection.execute("VACUUM INTO ?", [str(target)])
    sync_file(target)
    with opened_copy(target) as copied:
        return contents_of(copied)


@contextmanager
def opened_copy(path: Path) -> Iterator[Connection]:
    """A copy of an SQLite database, which reading leaves as it is."""
    engine = create_engine(
        f"sqlite:///file:{path.resolve()}?mode=ro&immutable=1&uri=true", poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection


def _copy_postgresql(database: Database, target: Path) -> Contents:
    """Dump and counts see the same snapshot."""
    alone = database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with alone.connect() as connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run("pg_dump", database.url, "--format=custom", f"--snapshot={snapshot}", f"--file={target}")
        contents = contents_of(connection)
    sync_file(target)
    return contents


def check_copy(path: Path, kind: str) -> str | None:
    """What is wrong with a copy of a database; None when it can be read."""
    if kind == "postgresql":
        return _run_reading("pg_restore", "--list", str(path))
    try:
        with opened_copy(path) as connection:
            found = str(connection.scalar(text("PRAGMA integrity_check")))
    except Exception as error:  # noqa: BLE001  whatever a damaged file makes of it
        return str(getattr(error, "orig", error))
    return None if found == "ok" else found


def put_back(database: Database, source: Path) -> None:
    """Make the database what the copy says; what it held before is gone.

    Raises:
        BackupError: servers are connected, and nothing was changed; or it failed, and has to be done again.
    """
    require_unused(database)
    if not database.is_sqlite:
        _empty(database)
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
        _run("pg_restore", database.url, *options, str(source))
        return
    path = Path(str(database.url.database))
    database.close()
    draft = path.with_name(f".{path.name}.draft")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    sync_file(draft)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    os.replace(draft, path)
    sync_file(path.parent)


def _empty(database: Database) -> None:
    """Drop all tables: those of a newer version would hold on to what `--clean` wants to drop."""
    found = MetaData()
    with database.engine.begin() as connection:
        found.reflect(connection)
        found.drop_all(connection)
    database.close()


def require_unused(database: Database) -> None:
    """Raises BackupError while a server or a worker has the database open."""
    if not database.is_sqlite:
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'streetsight' AND pid <> pg_backend_pid()"
        )
        with database.engine.connect() as connection:
            in_use = connection.scalar(others)
        database.close()
    else:
        database.close()
        in_use = _is_open(Path(str(database.url.database)))
    if in_use:
        raise BackupError("the database is in use; stop all servers and workers, then restore")


def _is_open(path: Path) -> bool:
    """Whether another process has an SQLite database open: it cannot leave WAL then."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            return True
        except sqlite3.DatabaseError:
            return False  # no database any more: that may be why it is put back
    return False


def sync_file(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _program(name: str) -> str:
    """Of PostgreSQL's clients, the newest: it reads all servers up to its own version."""
    newest = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise BackupError("{program} is not installed; install Debian's postgresql-client", program=name)
    return found


def _run(name: str, url: URL, *arguments: str) -> None:
    """A program on a database. The password goes by the environment: others see command lines."""
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    address = bare.render_as_string()
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run(
        [_program(name), f"--dbname={address}", *arguments],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError("{program} failed: {reason}", program=name, reason=done.stderr.strip()[:500])


def _run_reading(name: str, *arguments: str) -> str | None:
    done = subprocess.run([_program(name), *arguments], capture_output=True, text=True, check=False)
    return done.stderr.strip()[:500] or "it cannot be read" if done.returncode else None
