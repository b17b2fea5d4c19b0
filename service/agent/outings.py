"""Outings of the vehicle: which patrol a frame belongs to, and what the server knows of it."""

import os
import time

from streetsight.service.agent.database import SpoolDatabase


class Outings:
    """The patrols of the spool."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    def current(self, gap_s: float) -> int:
        """The patrol that a frame of now belongs to: the open one, or a new one after a gap."""
        now = time.time()
        with self._database.lock:
            latest = self._database.rows(
                "SELECT * FROM patrols WHERE closed_at IS NULL ORDER BY id DESC LIMIT 1"
            )
            # a clock that was set back makes no outing longer
            if latest and abs(now - latest[0]["last_frame_at"]) < gap_s:
                return int(latest[0]["id"])
            self.close()
            key = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)) + "-" + os.urandom(3).hex()
            with self._database.writing() as database:
                made = "INSERT INTO patrols (key, opened_at, last_frame_at) VALUES (?, ?, ?)"
                return int(database.execute(made, (key, now, now)).lastrowid or 0)

    def close(self, idle_s: float = 0.0) -> None:
        """Outings without a frame for so long are over."""
        now = time.time()
        with self._database.writing() as database:
            database.execute(
                "UPDATE patrols SET closed_at = ?1 WHERE closed_at IS NULL AND abs(?1 - last_frame_at) >= ?2",
                (now, idle_s),
            )

    def to_close(self) -> list[tuple[int, str]]:
        """Ids here and at the server of patrols that are over and whose frames are all sent."""
        rows = self._database.rows(
            "SELECT id, server_id FROM patrols WHERE closed_at IS NOT NULL AND server_id IS NOT NULL "
            "AND NOT told_closed AND NOT EXISTS (SELECT 1 FROM frames WHERE patrol_id = patrols.id AND "
            "(state = 'new' OR state = 'uploaded' OR (state = 'waiting' AND thinned = 0))) "
            "ORDER BY id LIMIT 20"
        )
        return [(row["id"], row["server_id"]) for row in rows]

    def server_id(self, patrol_id: int) -> str | None:
        """What the server calls a patrol."""
        known: str | None = self._database.one("SELECT server_id FROM patrols WHERE id = ?", patrol_id)
        return known

    def key(self, patrol_id: int) -> str:
        """What we call a patrol."""
        return str(self._database.one("SELECT key FROM patrols WHERE id = ?", patrol_id))

    def know(self, patrol_id: int, server_id: str | None) -> None:
        """Remember it; None forgets it, when the server has."""
        with self._database.writing() as database:
            database.execute("UPDATE patrols SET server_id = ? WHERE id = ?", (server_id, patrol_id))

    def told_closed(self, patrol_id: int) -> None:
        with self._database.writing() as database:
            database.execute("UPDATE patrols SET told_closed = 1 WHERE id = ?", (patrol_id,))
