"""The database of the settings, opened and of the right version."""

from collections.abc import Iterator
from contextlib import contextmanager

from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import prepare


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database, set up if it is empty.

    Raises:
        DatabaseError: when it is of another version, or cannot be reached.
    """
    make_data_folder(settings)
    database = Database(settings.database, settings.sqlite_busy_seconds)
    try:
        prepare(database)
        yield database
    finally:
        database.close()


def make_data_folder(settings: Settings) -> None:
    """The data folder, for the owner only: it holds photos of people."""
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
