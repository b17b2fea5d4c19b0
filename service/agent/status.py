"""What `streetsight agent status` tells: read beside a running agent, without changing anything."""

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.agent import tables
from streetsight.service.agent.faults import SpoolError
from streetsight.service.agent.identity import FILE, read_identity
from streetsight.service.agent.opening import DATABASE, LOCK, newer, spoken
from streetsight.service.agent.spool import DAMAGED
from streetsight.service.agent.troubles import said

RANKS = ("sent", "refused", "thinned", "without detection", "refused, with detection", "with detection")
FRAMES = f"""SELECT CASE WHEN state = 'waiting' AND thinned THEN 'thinned'
    WHEN state = 'refused' AND reason = '{DAMAGED}' THEN 'damaged' ELSE state END, count(*)
    FROM frames WHERE present GROUP BY 1"""
TOTALS = """SELECT coalesce(sum(size_bytes), 0), coalesce(sum(detections > 0 AND state != 'sent'), 0)
    FROM frames WHERE present"""
RANKED = "SELECT rank, count(*) FROM evictions GROUP BY 1 ORDER BY 1"
REFUSED = """SELECT name, coalesce(reason, '') FROM frames WHERE present AND state = 'refused'
    ORDER BY id DESC LIMIT 20"""
OPEN = "SELECT count(*) FROM patrols WHERE closed_at IS NULL"


@dataclass(frozen=True, slots=True)
class Status:
    """The spool as it is now.

    Attributes:
        running: whether an agent is at work here.
        frames: state -> number, of those whose photo is here; thinned ones are `thinned`, those whose
            file is not what was kept `damaged`.
        evicted: rank -> number, of all times that are still remembered.
        facts: what a running agent last noted.
    """

    folder: str
    running: bool
    server: str | None
    device: str | None
    frames: dict[str, int]
    size_bytes: int
    with_detections: int
    evicted: dict[str, int]
    refused: list[dict[str, str]]
    open_patrols: int
    facts: dict[str, Any]

    def as_data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def read_status(folder: Path) -> Status:
    """Raises SpoolError when there is no spool, or one that cannot be read."""
    check_spool(folder)
    identity = read_identity(folder) if (folder / FILE).exists() else None
    with spoken(folder), closing(_open_to_read(folder)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > tables.VERSION:
            raise newer(folder, version)
        frames, ranks = database.execute(FRAMES).fetchall(), database.execute(RANKED).fetchall()
        size_bytes, with_detections = database.execute(TOTALS).fetchone()
        refused = database.execute(REFUSED).fetchall()
        (open_patrols,) = database.execute(OPEN).fetchone()
        facts = database.execute("SELECT name, value FROM facts").fetchall()
    return Status(
        folder=str(folder), running=at_work(folder), server=identity.server if identity else None,
        device=identity.device if identity else None, frames=dict(frames), size_bytes=size_bytes,
        with_detections=with_detections, evicted={RANKS[rank]: count for rank, count in ranks},
        refused=[{"name": name, "reason": reason} for name, reason in refused], open_patrols=open_patrols,
        facts={name: json.loads(value) for name, value in facts},
    )  # fmt: skip


def check_spool(folder: Path) -> None:
    """Raises SpoolError when there is none."""
    if not (folder / DATABASE).exists():
        raise SpoolError(
            "{folder} has no spool; the agent has not run here. Name its folder with --state", folder=folder
        )


def _open_to_read(folder: Path) -> sqlite3.Connection:
    """Without changing anything; also on a disk that is mounted to be read only."""
    address = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    database = sqlite3.connect(address, uri=True)
    try:
        database.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        database.close()
        if os.access(folder, os.W_OK):
            raise
        # WAL wants a file beside it (sqlite.org/wal.html, "Read-Only Databases"); nobody can be writing here
        return sqlite3.connect(f"{address}&immutable=1", uri=True)
    return database


def at_work(folder: Path) -> bool:
    """Whether an agent holds the folder (`opening.held`)."""
    with contextlib.suppress(OSError), (folder / LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lines(status: Status, language: Language) -> Iterator[str]:
    """For a terminal."""

    def say(message: str, **values: object) -> str:
        return translate(message, language, **values)

    yield say("server: {server}", server=status.server or "-")
    yield say("an agent is at work") if status.running else say("no agent is at work")
    yield say("in the spool: {count} frames, {size} MiB", count=sum(status.frames.values()),
              size=round(status.size_bytes / 2**20, 1))  # fmt: skip
    for state in ("new", "waiting", "thinned", "uploaded", "sent", "refused", "damaged"):
        if status.frames.get(state):
            yield f"  {say(state)}: {status.frames[state]}"
    if status.with_detections:
        yield say("not sent yet and with detections: {count}", count=status.with_detections)
    for rank, count in status.evicted.items():
        yield say("evicted, {rank}: {count}", rank=say(rank), count=count)
    for each in status.refused:
        if each["reason"] == DAMAGED:
            yield say("damaged in the spool, or gone from it: {name}", name=each["name"])
        else:
            yield say("will not be sent: {name} ({reason})", **each)
    if heard_at := status.facts.get("heard_at"):
        yield say("the server answered {seconds} s ago", seconds=round(time.time() - heard_at))
    if (offset_s := status.facts.get("clock_offset_s")) is not None:
        yield say("this clock minus the server's: {seconds} s", seconds=round(offset_s, 2))
    since_s = round(time.time() - status.facts.get("said_at", 0))
    for trouble in status.facts.get("troubles") or []:
        if isinstance(trouble, str):  # of an earlier version
            continue
        what = said(trouble, language)
        if status.running:
            yield say("trouble: {what}", what=what)
        else:
            yield say("trouble when an agent last ran, {seconds} s ago: {what}", seconds=since_s, what=what)
