"""The database, for commands, and its errors as words for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streetsight.models.cli import spoken_errors
from streetsight.models.language import SpokenError

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.service.store.database import Database


@contextmanager
def spoken_data_errors(lang: str | None, *also: type[SpokenError]) -> "Iterator[Language]":
    """The language to speak. Errors for people end the command; `also` are errors of data as well."""
    from streetsight.service.faults import StorageFull, Unavailable
    from streetsight.service.store.database import DatabaseError, spoken_failures

    data_errors = (DatabaseError, Unavailable, StorageFull, *also)
    with spoken_errors(lang, data_errors) as language, spoken_failures():
        yield language


@contextmanager
def database_of_settings(lang: str | None, *also: type[SpokenError]) -> "Iterator[tuple[Database, Language]]":
    """The database and the language to speak. `also` as for `spoken_data_errors`."""
    from streetsight.service.settings import read_settings
    from streetsight.service.store.opening import open_database

    with spoken_data_errors(lang, *also) as language, open_database(read_settings()) as database:
        yield database, language
