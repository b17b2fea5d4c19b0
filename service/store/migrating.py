"""Versions of the database: which one it has, which one this program needs, and the way between.

A server never changes a database that holds data by itself: it says which version it found and leaves the
decision to `streetsight migrate`. Only an empty database is set up without being asked.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from streetsight.service.store.database import Database, DatabaseError, spoken_failures

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where a database is changed: a server that starts on one of its version needs none.

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "alembic_version"
log = logging.getLogger(__name__)  # commands that set up no logs have it on standard error, too
_LOCK = 0x57E75164  # any number that nobody else uses for an advisory lock of PostgreSQL


def needed_version() -> str:
    """Version of the tables that this program was written for."""
    return max(_known())


def found_version(database: Database) -> str | None:
    """Version of the database; None when it is empty.

    Raises:
        DatabaseError: when it holds tables of somebody else, or cannot hold every text.
        DatabaseGone: when it cannot be reached; says where, and the driver's reason.
    """
    with spoken_failures(database.url), database.engine.connect() as connection:
        _refuse_encoding(connection)
        tables = inspect(connection).get_table_names()
        version = None
        if VERSION_TABLE in tables:
            version = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
        if version is None and tables:
            raise DatabaseError(
                "{url} holds tables that are not ours; name a database of its own in "
                "STREETSIGHT_DATABASE_URL",
                url=database.url.render_as_string(),
            )
        return str(version) if version is not None else None


def _refuse_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise DatabaseError(
            "the database keeps texts as {encoding}, and needs UTF8: create it anew with `createdb "
            "--encoding=UTF8 --template=template0 NAME`",
            encoding=encoding,
        )


def prepare(database: Database) -> None:
    """Set up an empty database; refuse one of another version.

    Raises:
        DatabaseError: saying which version was found and what to do.
        DatabaseGone: see `found_version`.
    """
    found, needed = found_version(database), needed_version()
    if found is None:
        migrate(database)
    elif found != needed:
        _refuse_newer(found, needed)
        raise DatabaseError(
            "the database has version {found}, this program needs {needed}: stop all servers, back it up, "
            "then run `streetsight migrate`",
            found=found, needed=needed,
        )  # fmt: skip


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring the database to the version needed, in one transaction; gives the version before and after.

    Several processes may call this at once: the others wait, then find nothing to do.

    Raises:
        DatabaseError: when it is of a newer version than this program.
        DatabaseGone: see `found_version`.
    """
    from alembic import command

    before, config = found_version(database), migration_config()
    if before is not None:
        _refuse_newer(before, needed_version())
    else:  # told by every command: it may be that the settings are not the server's
        log.warning("database_set_up %s", database.url.render_as_string())
    with database.engine.begin() as connection:
        _wait_for_turn(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, needed_version()


def _refuse_newer(found: str, needed: str) -> None:
    if found not in _known() | {needed}:
        raise DatabaseError(
            "the database has version {found}, which is newer than this program ({needed}): install the "
            "newer program, or restore the back-up made before it",
            found=found, needed=needed,
        )  # fmt: skip


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite: BEGIN IMMEDIATE has done it
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _known() -> set[str]:
    """Versions there are, by the names of their files: 0001_devices.py and so on."""
    return {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def migration_config() -> "Config":
    """What Alembic needs to know."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
