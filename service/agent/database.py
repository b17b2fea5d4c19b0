"""The spool's database: SQLite, one connection, every commit on the disk before it returns."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streetsight.service.agent.opening import open_database, spoken


class SpoolDatabase:
    """Safe to use from several threads.

    Attributes:
        lock: held while anything is read or written; may be held longer to do both as one.
    """

    def __init__(self, folder: Path) -> None:
        """Raises SpoolError when it cannot be used."""
        self._folder, self.lock = folder, threading.RLock()
        self._connection = open_database(folder)

    def close(self) -> None:
        with self.lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises SpoolError, SpoolFull: nothing of it was done."""
        with self.lock, spoken(self._folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self.lock, spoken(self._folder):
            return self._connection.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> Any:
        """The first column of the only row."""
        (row,) = self.rows(query, *values)
        return row[0]
