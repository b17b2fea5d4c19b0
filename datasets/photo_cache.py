"""What was once worked out about photos: digests by file, fingerprints by digest, in one SQLite file.

A file counts as unchanged while its size, modification time and change time are the same: the change time
is set by the kernel and cannot be put back by a program that restores the modification time. What is known by
digest never grows old. The file may be deleted at any time; where it cannot be written, nothing is kept.
"""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

FILE_NAME = "photos.sqlite"
QUESTION_SIZE = 500  # digests asked for at once; SQLite allows 999 values or more
SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (folder TEXT, name TEXT, state TEXT, sha256 TEXT,
                                    PRIMARY KEY (folder, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fingerprints (sha256 TEXT, method TEXT, content BLOB,
                                         PRIMARY KEY (sha256, method)) WITHOUT ROWID;
"""


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`STREETSIGHT_CACHE`, else the user's cache folder."""
    if environment.get("STREETSIGHT_CACHE"):
        return Path(environment["STREETSIGHT_CACHE"])
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streetsight"


class PhotoCache:
    """Digests and fingerprints that were worked out before; use it as a context."""

    def __init__(self, folder: Path | None = None) -> None:
        self._database = _open((folder or cache_folder()) / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def digests(self, folder: str) -> dict[str, tuple[str, str]]:
        """File name -> (state of the file when it was read, sha256), for one folder."""
        rows = self._database.execute("SELECT name, state, sha256 FROM digests WHERE folder = ?", (folder,))
        return {name: (state, sha256) for name, state, sha256 in rows}

    def keep_digests(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Rows of folder, file name, state, sha256."""
        self._write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", rows)

    def fingerprints(self, digests: Iterable[str], method: str) -> dict[str, bytes]:
        """sha256 -> fingerprint made by this method, for those that are known."""
        known: dict[str, bytes] = {}
        asked = list(digests)
        for start in range(0, len(asked), QUESTION_SIZE):
            some = asked[start : start + QUESTION_SIZE]
            marks = ",".join("?" * len(some))
            known |= self._database.execute(
                f"SELECT sha256, content FROM fingerprints WHERE method = ? AND sha256 IN ({marks})",
                (method, *some),
            )
        return known

    def keep_fingerprints(self, method: str, contents: Mapping[str, bytes]) -> None:
        rows = ((sha256, method, content) for sha256, content in contents.items())
        self._write("INSERT OR REPLACE INTO fingerprints VALUES (?, ?, ?)", rows)

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with _nothing_lost(), self._database:
            self._database.executemany(statement, rows)


def _open(path: Path) -> sqlite3.Connection:
    """The cache at `path`; made anew when it is damaged, in memory when it cannot be written."""
    for attempt in ("as it is", "made anew"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if attempt == "made anew":
                path.unlink(missing_ok=True)
            database = sqlite3.connect(path, timeout=30)
            database.executescript(SCHEMA)
            return database
        except (OSError, sqlite3.OperationalError):
            break
        except sqlite3.DatabaseError:  # not a database
            database.close()
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    return database


@contextmanager
def _nothing_lost() -> Iterator[None]:
    """A full disk or a lock held for long costs the next run some time, never this one its result."""
    try:
        yield
    except sqlite3.OperationalError:
        return


def by_folder(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Absolute folder -> the paths in it."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        folders[path.parent].append(path)
    return {os.path.abspath(folder): inside for folder, inside in folders.items()}
