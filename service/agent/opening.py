"""Opening the spool: by one process at a time, of a version that we know; in words when it cannot be."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streetsight.service.agent import tables
from streetsight.service.agent.faults import NO_ROOM, SpoolError, SpoolFull

DATABASE, LOCK = "spool.sqlite", "lock"
ASIDE = "photos-of-a-lost-spool"
BUSY_S = 30.0


@contextmanager
def spoken(folder: Path) -> Iterator[None]:
    """Failures of the disk and of the database, in words for people.

    Raises:
        SpoolFull: when no room is left.
        SpoolError: for everything else.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explain(folder, getattr(error, "sqlite_errorname", "") or "", str(error)) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _full(folder) from error
        raise SpoolError(
            "the spool {folder} cannot be used ({reason}); mount it writable, or name another with --state",
            folder=folder, reason=error.strerror or error,
        ) from error  # fmt: skip


def _explain(folder: Path, name: str, reason: str) -> SpoolError:
    if name == "SQLITE_FULL":
        return _full(folder)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return SpoolError(
            "the spool {folder} can be read and not written; mount its disk writable, give the agent's user "
            "the folder, or name another with --state. Nothing in it is lost",
            folder=folder,
        )
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return SpoolError(
            "the spool {folder} is damaged ({reason}). Move its files {files} away and start anew: the "
            "photos are whole; they are put into a folder {aside}-..., to be sent with `--source` and that "
            "folder",
            folder=folder, reason=reason, files=f"{DATABASE}*", aside=ASIDE,
        )  # fmt: skip
    return SpoolError("the spool {folder} cannot be used ({reason})", folder=folder, reason=reason)


def _full(folder: Path) -> SpoolFull:
    return SpoolFull(
        "no room is left on the disk of the spool {folder}; make room there. What is in it is safe",
        folder=folder,
    )


def open_database(folder: Path) -> sqlite3.Connection:
    """The spool's database, made when there is none; each commit is on the disk when it returns.

    Raises:
        SpoolError: of a newer version, damaged, or not to be written.
    """
    with spoken(folder):
        database = sqlite3.connect(
            folder / DATABASE, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        database.row_factory = sqlite3.Row
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            check_version(folder, database)
        except BaseException:
            database.close()
            raise
    return database


def check_version(folder: Path, database: sqlite3.Connection) -> None:
    """Make the tables of an empty database. Raises SpoolError for a newer one."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > tables.VERSION:
        raise newer(folder, version)
    if version == 0:
        tables.create(database)


def newer(folder: Path, version: int) -> SpoolError:
    """What to say of a spool that a later program made."""
    return SpoolError(
        "the spool {folder} was written by a newer version of this program (its {theirs}, ours {ours}); "
        "install that version, or name another folder with --state. Nothing in it was touched",
        folder=folder, theirs=version, ours=tables.VERSION,
    )  # fmt: skip


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, for this process alone; the kernel lets go of it when the process ends, however.

    Raises:
        SpoolError: another process has it.
    """
    with spoken(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SpoolError(
                "another agent is at work in {folder} and sends by itself; stop it first to do it by hand",
                folder=folder,
            ) from None
        yield
    finally:
        os.close(handle)
