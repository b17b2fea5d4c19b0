"""Which files of a camera's folder were done, so that they are not done again after a restart."""

from dataclasses import dataclass

from streetsight.service.agent.database import SpoolDatabase


@dataclass(frozen=True, slots=True)
class Seen:
    """Attributes: done: pictures of a video that were dealt with; finished: nothing is left to do."""

    done: int
    finished: bool


class SeenFiles:
    """Files by path, size and time of change: one that changed is another one."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    def state(self, path: str, size_bytes: int, mtime_ns: int) -> Seen | None:
        """What was done with this file; None when it is new or has changed."""
        found = self._database.rows(
            "SELECT done, finished FROM sources WHERE path = ? AND size_bytes = ? AND mtime_ns = ?",
            path, size_bytes, mtime_ns,
        )  # fmt: skip
        return Seen(found[0]["done"], bool(found[0]["finished"])) if found else None

    def note(
        self, path: str, size_bytes: int, mtime_ns: int, done: int, finished: bool, reason: str | None = None
    ) -> None:
        """Remember it. `done` counts a video's pictures; `reason` says why something was left out."""
        with self._database.writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?)",
                (path, size_bytes, mtime_ns, done, finished, reason),
            )

    def forget(self, folder: str, present: set[str]) -> None:
        """Files that are not in their folder any more need no memory."""
        rows = self._database.rows(
            "SELECT path FROM sources WHERE substr(path, 1, ?) = ?", len(folder), folder
        )
        gone = [(row["path"],) for row in rows if row["path"] not in present]
        if gone:
            with self._database.writing() as database:
                database.executemany("DELETE FROM sources WHERE path = ?", gone)
