"""The database of the settings, opened and of the right version."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from streetsight.service.settings import Settings
from streetsight.service.store.database import Database, DatabaseError
from streetsight.service.store.migrating import prepare


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database, set up if it is empty.

    Raises:
        DatabaseError: when it is of another version, or its folder cannot be made.
        DatabaseGone: when it cannot be reached.
    """
    make_data_folder(settings)
    database = Database(settings.database, settings.sqlite_busy_seconds)
    try:
        prepare(database)
        yield database
    finally:
        database.close()


def make_data_folder(settings: Settings) -> None:
    """The data folder, for the owner only: it holds photos of people.

    Raises:
        DatabaseError: when it cannot be made.
    """
    with spoken_folder(settings):
        settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def spoken_folder(settings: Settings) -> Iterator[None]:
    """What cannot be made in the data folder, in words.

    Raises:
        DatabaseError: with the folder and who we are.
    """
    try:
        yield
    except OSError as error:
        raise DatabaseError(
            "the data folder {folder} cannot be written by user {user} ({reason}): give it to this user, or "
            "set STREETSIGHT_DATA_FOLDER to a folder that is",
            folder=settings.data_folder.resolve(), user=os.geteuid(), reason=error.strerror,
        ) from error  # fmt: skip
