"""The spool: frames that the agent answers for, from the moment it has them until the server does.

    photo ─► file, synced ─► row, committed ─► the agent's receipt
    row marked and logged, committed ─► file removed

At any instant a power cut leaves either a frame with its whole file, or a file without a row, which is
removed at the next start. When room is needed, frames go in the order of `tables.RANK`, each logged with the
reason.
"""

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from streetsight.service.agent.database import SpoolDatabase
from streetsight.service.agent.faults import SpoolError, SpoolFull
from streetsight.service.agent.opening import DATABASE
from streetsight.service.agent.outings import Outings
from streetsight.service.agent.seen import SeenFiles
from streetsight.service.agent.settings import SpoolSettings
from streetsight.service.agent.shelf import Shelf
from streetsight.service.steps import passed

THINNED_RANK, CONTEXT_RANK, DETECTED_RANK = 2, 3, 5
ROWS_KEPT_S = 30 * 86400.0
Mark = tuple[int, str, str | None, str | None, str | None]
MOST_VICTIMS = 10_000
COVERED = ".redacted.jpg"
DAMAGED = "the file in the spool is damaged or gone"
UNCOVERED = "(sha256 = taken_sha256)"  # what would be sent is what was taken
SLACK_BYTES = 256 << 10  # a disk counts in blocks, and the log of it all takes room too


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the spool.

    Attributes:
        sha256: of the bytes that are to be sent.
        metadata: as POST /v1/frames takes it, without name, digest and patrol.
        detections: how many things were found on it; 0 also before it was looked at.
        upload_url: of a resumable upload that was begun.
    """

    id: int
    taken_sha256: str
    sha256: str
    file: str
    size_bytes: int
    name: str
    metadata: Mapping[str, Any]
    patrol_id: int
    detections: int
    upload_url: str | None

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        fields = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**{**fields, "metadata": json.loads(row["metadata"])})


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found on a frame, and what may leave instead of it.

    Attributes:
        thinned: near enough to another one that is sent, and without a detection.
        redacted: JPEG that is sent instead; None to send the original.
    """

    detections: int
    thinned: bool = False
    redacted: bytes | None = None


def rank_of(looked: Looked | None) -> int:
    """As `tables.RANK`, of a frame that comes in."""
    if looked is None:
        return CONTEXT_RANK
    return DETECTED_RANK if looked.detections else THINNED_RANK if looked.thinned else CONTEXT_RANK


class Spool:
    """Safe to use from several threads; one process at a time (`opening.held`)."""

    def __init__(
        self,
        folder: Path,
        bounds: Callable[[], SpoolSettings],
        only_covered: Callable[[], bool] = lambda: False,
    ) -> None:
        """Open the spool of a folder.

        Args:
            only_covered: whether, as set now, no frame is given out to be sent as it was taken.

        Raises:
            SpoolError: the folder cannot be used.
        """
        self.folder, self._bounds, self._only_covered = folder, bounds, only_covered
        self._shelf = Shelf(folder)
        if not (folder / DATABASE).exists():
            self._shelf.set_aside()
        if self._shelf.free_bytes() < SLACK_BYTES:
            self._shelf.throw_ballast()  # not even the database would open
        self._database = SpoolDatabase(folder)
        self.outings, self.seen = Outings(self._database), SeenFiles(self._database)
        self._bytes = 0
        try:
            self._sweep()
            self._shelf.lay_ballast(int(bounds().min_free_bytes))
        except BaseException:
            self.close()
            raise
        self._bytes = self._database.one("SELECT coalesce(sum(size_bytes), 0) FROM frames WHERE present")

    def close(self) -> None:
        self._database.close()

    # taking in

    def keep(
        self, photo: bytes, name: str, metadata: Mapping[str, Any], patrol_id: int, looked: Looked | None
    ) -> bool:
        """Take a frame. When this returns, it survives a power cut; False when it was here before.

        Args:
            looked: None for one that is still to be looked at.

        Raises:
            SpoolFull: there is no room for a frame like this one; nothing was kept.
        """
        taken = hashlib.sha256(photo).hexdigest()
        leaving = looked.redacted if looked and looked.redacted is not None else photo
        with self._database.lock:
            if self._database.one("SELECT count(*) FROM frames WHERE taken_sha256 = ?", taken):
                return False
            self._make_room(len(leaving), rank_of(looked))
            suffix = COVERED if leaving is not photo else Path(name).suffix.lower()[:6]
            file = self._shelf.write(taken + suffix, leaving)
            passed("filed")
            row = {
                "taken_sha256": taken, "sha256": hashlib.sha256(leaving).hexdigest(), "file": file,
                "size_bytes": len(leaving), "name": name[-255:], "patrol_id": patrol_id,
                "metadata": json.dumps(metadata, ensure_ascii=False), "kept_at": time.time(),
                "state": "waiting" if looked else "new", "detections": looked.detections if looked else 0,
                "thinned": bool(looked and looked.thinned),
            }  # fmt: skip
            try:
                self._insert(row)
            except SpoolError:
                self._shelf.remove([file])
                raise
            self._bytes += len(leaving)
        passed("kept")
        return True

    def _insert(self, row: Mapping[str, Any]) -> None:
        columns = ", ".join(row)
        with self._database.writing() as database:
            marks = ", ".join(f":{name}" for name in row)
            database.execute(f"INSERT INTO frames ({columns}) VALUES ({marks})", row)
            database.execute(
                "UPDATE patrols SET last_frame_at = ? WHERE id = ?", (row["kept_at"], row["patrol_id"])
            )
            passed("noting")

    def replace(self, frame: Frame, looked: Looked) -> None:
        """Say what was found on a frame, and put what may leave in the place of its original.

        Raises:
            SpoolFull: there is no room for the copy; the frame waits as it is.
        """
        with self._database.lock:
            file, sha256, size = frame.file, frame.sha256, frame.size_bytes
            if looked.redacted is not None:
                size, sha256 = len(looked.redacted), hashlib.sha256(looked.redacted).hexdigest()
                self._make_room(size, rank_of(looked), beside=frame.id)
                file = self._shelf.write(frame.taken_sha256 + COVERED, looked.redacted)
                passed("redacted")
            with self._database.writing() as database:
                told = database.execute(
                    "UPDATE frames SET state = 'waiting', detections = ?, thinned = ?, file = ?, sha256 = ?, "
                    "size_bytes = ?, upload_url = NULL "
                    "WHERE id = ? AND state IN ('new', 'waiting') AND present",
                    (looked.detections, looked.thinned, file, sha256, size, frame.id),
                ).rowcount
            passed("looked")
            self._bytes += size - frame.size_bytes if told else 0
            if file != frame.file:  # one that was evicted while it was looked at needs no copy
                self._shelf.remove([frame.file if told else file])

    # sending

    def next_new(self) -> Frame | None:
        """The oldest frame that nobody has looked at, or that is still to be covered before it may leave."""
        which = f"state IN ('new', 'waiting') AND {UNCOVERED}" if self._only_covered() else "state = 'new'"
        found = self._frames(f"{which} AND present ORDER BY id LIMIT 1")
        return found[0] if found else None

    def let_go(self) -> None:
        """Let what was to be looked at be sent as it is: nobody wants it looked at any more."""
        if self._database.one("SELECT EXISTS (SELECT 1 FROM frames WHERE state = 'new')"):
            with self._database.writing() as database:
                database.execute("UPDATE frames SET state = 'waiting' WHERE state = 'new' AND present")

    def waiting(self, limit: int, besides: Iterable[int] = (), thinned: bool = False) -> list[Frame]:
        """Frames to be sent, those with detections first, then the oldest.

        Args:
            besides: ids that somebody is sending.
            thinned: also those that are not worth sending by themselves.
        """
        taken = list(besides)
        marks = ",".join("?" * len(taken))
        which = "thinned IN (0, 1)" if thinned else "thinned = 0"
        if self._only_covered():
            which += f" AND NOT {UNCOVERED}"
        return self._frames(
            f"state = 'waiting' AND {which} AND present AND id NOT IN ({marks}) "
            "ORDER BY detections > 0 DESC, id LIMIT ?",
            *taken, limit,
        )  # fmt: skip

    def uploaded(self) -> list[Frame]:
        """Frames that the server has whole and has not taken apart yet."""
        return self._frames("state = 'uploaded' AND present ORDER BY id LIMIT 100")

    def photo(self, frame: Frame) -> bytes | None:
        """The bytes to be sent; None when they are not those that were kept: the frame is then set aside."""
        content = self._shelf.read(frame.file)
        if hashlib.sha256(content).hexdigest() == frame.sha256:
            return content
        self.mark(frame.id, "refused", reason=DAMAGED)
        return None

    def mark(
        self,
        frame: int,
        state: str,
        frame_id: str | None = None,
        reason: str | None = None,
        upload_url: str | None = None,
    ) -> None:
        """What has become of a frame."""  # fmt: skip
        self.mark_all([(frame, state, frame_id, reason, upload_url)])

    def mark_all(self, marks: Sequence[Mark]) -> None:
        """As `mark`, of many in one transaction: id, state, the server's id, reason, upload's address."""
        with self._database.writing() as database:
            database.executemany(
                "UPDATE frames SET state = ?2, frame_id = coalesce(?3, frame_id), reason = ?4, "
                "upload_url = ?5, sent_at = CASE WHEN ?2 = 'sent' THEN ?6 END WHERE id = ?1 AND present",
                [(*mark, time.time()) for mark in marks],
            )

    def retry(self) -> int:
        """Send again what the server refused; gives how many frames that are."""
        with self._database.writing() as database:
            again = "UPDATE frames SET state = 'waiting', reason = NULL WHERE state = 'refused' AND present"
            return database.execute(again).rowcount

    # what is known besides

    def note(self, **facts: Any) -> None:
        """Remember facts for `streetsight agent status`."""
        with self._database.writing() as database:
            rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in facts.items()]
            database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def queue(self) -> tuple[int, int]:
        """Frames that will be sent and are not yet, and their bytes."""
        row = self._database.rows(
            "SELECT count(*) AS n, coalesce(sum(size_bytes), 0) AS bytes FROM frames "
            "WHERE state IN ('new', 'waiting', 'uploaded') AND thinned = 0"
        )[0]
        return row["n"], row["bytes"]

    def left_to_send(self, thinned: bool = False) -> int:
        """Frames that the server has not taken yet, and patrols that it does not know to be over."""
        which = "" if thinned else "AND thinned = 0"
        waiting = f"SELECT count(*) FROM frames WHERE state IN ('new', 'waiting', 'uploaded') {which}"
        return int(self._database.one(waiting)) + len(self.outings.to_close())

    def refused(self) -> int:
        """Frames that are here and will not be sent."""
        return int(self._database.one("SELECT count(*) FROM frames WHERE state = 'refused' AND present"))

    def free_bytes(self) -> int:
        """On the spool's disk."""
        return self._shelf.free_bytes()

    def tidy(self) -> None:
        """Forget rows of frames that are long sent and gone, and lay the ballast again."""
        before = time.time() - ROWS_KEPT_S
        with self._database.writing() as database:
            database.execute(
                "DELETE FROM frames WHERE NOT present AND state IN ('sent', 'evicted') AND kept_at < ?",
                (before,),
            )
            database.execute("DELETE FROM evictions WHERE rank = 0 AND at < ?", (before,))
        with contextlib.suppress(SpoolFull):
            self._shelf.lay_ballast(int(self._bounds().min_free_bytes))

    # room

    def _make_room(self, size: int, rank: int, beside: int = 0) -> None:
        """Evict what goes before a newcomer of this rank, until it fits.

        Raises:
            SpoolFull: that would not do; nothing was evicted.
        """
        bounds = self._bounds()
        lacking = max(
            self._bytes + size - int(bounds.max_bytes),
            size + SLACK_BYTES + int(bounds.min_free_bytes) - self._shelf.free_bytes(),
        )
        if lacking <= 0:
            return
        victims: list[sqlite3.Row] = []
        for row in self._database.rows(
            "SELECT * FROM frames WHERE present AND rank <= ? AND id != ? ORDER BY rank, id LIMIT ?",
            rank, beside, MOST_VICTIMS,
        ):  # fmt: skip
            victims.append(row)
            lacking -= row["size_bytes"]
            if lacking <= 0:
                break
        if lacking > 0:
            if size > int(bounds.max_bytes):
                raise SpoolFull(
                    "a photo of {size} bytes was not taken: the whole spool may have {most}; let "
                    "agent.spool.max_bytes be larger",
                    size=size, most=int(bounds.max_bytes),
                )  # fmt: skip
            raise SpoolFull(
                "the spool {folder} is full of frames that go before this one; bring the vehicle where it "
                "can upload, or let the spool be larger. This one was not taken, what is there is safe",
                folder=self.folder,
            )
        try:
            self._evict(victims, "room")
        except SpoolFull:  # not even for the log of it: that is what the ballast is for
            self._shelf.throw_ballast()
            self._evict(victims, "room")

    def _evict(self, victims: Sequence[sqlite3.Row], reason: str) -> None:
        now = time.time()
        with self._database.writing() as database:
            database.executemany(
                "INSERT INTO evictions (at, frame, taken_sha256, name, size_bytes, kept_at, state, "
                "detections, rank, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        now, row["id"], row["taken_sha256"], row["name"], row["size_bytes"], row["kept_at"],
                        row["state"], row["detections"], row["rank"], reason,
                    )
                    for row in victims
                ],
            )  # fmt: skip
            database.executemany(
                "UPDATE frames SET present = 0, state = CASE WHEN state = 'sent' THEN 'sent' ELSE 'evicted' "
                "END WHERE id = ?",
                [(row["id"],) for row in victims],
            )
            passed("evicting")
        passed("evicted")
        self._bytes -= sum(row["size_bytes"] for row in victims)
        self._shelf.remove([row["file"] for row in victims])

    def _sweep(self) -> None:
        """Remove files that no row names, and log frames whose file somebody took away."""
        here = self._shelf.files()
        rows = {row["file"]: row for row in self._database.rows("SELECT * FROM frames WHERE present")}
        self._shelf.remove(here - set(rows))
        gone = [row for file, row in rows.items() if file not in here]
        if gone:
            self._evict(gone, "the file is gone")

    def _frames(self, where: str, *values: object) -> list[Frame]:
        return [Frame.of(row) for row in self._database.rows(f"SELECT * FROM frames WHERE {where}", *values)]
