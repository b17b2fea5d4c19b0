"""The database, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streetsight.models.cli import spoken_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.store.database import Database


@contextmanager
def database_of_settings(lang: str | None) -> "Iterator[tuple[Database, Language]]":
    """The database and the language to speak; errors for people end the command."""
    from streetsight.service.faults import StorageFull, Unavailable
    from streetsight.service.settings import read_settings
    from streetsight.service.store.database import DatabaseError, spoken_failures
    from streetsight.service.store.opening import open_database

    data_errors = (DatabaseError, Unavailable, StorageFull)
    with (
        spoken_errors(lang, data_errors) as language,
        spoken_failures(),
        open_database(read_settings()) as database,
    ):
        yield database, language
