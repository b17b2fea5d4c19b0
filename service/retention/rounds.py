"""A round of retention, or of the sweep: slice by slice, so that it may stop anywhere and go on later."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import select

from streetsight.service.files.blobs import SHARDS, Blobs
from streetsight.service.privacy.copies import Copies
from streetsight.service.reports.service import erase_contacts
from streetsight.service.retention.deletions import forget_old
from streetsight.service.retention.expiring import delete_due, expire, judge
from streetsight.service.retention.limits import Limits, count
from streetsight.service.retention.sweeping import sweep_shard
from streetsight.service.retention.tables import RetentionRun
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

Kind = Literal["retention", "sweep"]
Stage = Literal["expire", "delete", "contacts", "sweep", "done"]
FIRST: dict[Kind, Stage] = {"retention": "expire", "sweep": "sweep"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round has come to. Attributes: after: last frame, or shard, that is done."""

    run_id: str
    stage: Stage
    after: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Found:
    """What a slice did. Attributes: counts: by what became of photos and rows."""

    counts: dict[str, int]
    freed_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """What rounds work with."""

    database: Database
    blobs: Blobs
    copies: Copies
    settings: Settings

    def start(self, kind: Kind, started_by: str) -> Place:
        """Write down that a round begins; its first place."""
        with self.database.write() as session:
            run = start_run(session, kind, started_by, self.settings)
        return Place(run.id, FIRST[kind])

    def go_on(self, place: Place, seconds: float) -> Place:
        """Work for about so long; the place that was reached."""
        until = time.monotonic() + seconds
        while place.stage != "done":
            place = self.step(place)
            if time.monotonic() >= until:
                break
        return place

    def step(self, place: Place) -> Place:
        """One slice, written down; safe to repeat if it was cut off."""
        stages = {
            "expire": self._expire, "delete": self._delete, "contacts": self._contacts, "sweep": self._sweep,
        }  # fmt: skip
        found, reached = stages[place.stage](place)
        with self.database.write() as session:
            run = session.get_one(RetentionRun, place.run_id)
            run.counts = dict(Counter(run.counts) + Counter(found.counts))
            run.freed_bytes += found.freed_bytes
            if reached.stage == "done":
                run.ended_at = now()
                log.info("retention_round_ended", kind=run.kind, counts=run.counts, freed=run.freed_bytes)
        return reached

    def _expire(self, place: Place) -> tuple[Found, Place]:
        with self.database.write() as session:
            batch = judge(session, self._limits(session, place), place.after)
            expire(session, batch)
        reached = replace(place, after=batch.last_id)
        found = Found(count(reason for _, reason in batch.verdicts))
        return found, reached if batch.last_id else Place(place.run_id, "delete")

    def _delete(self, place: Place) -> tuple[Found, Place]:
        with self.database.read() as session:
            limits = self._limits(session, place)
        grace = timedelta(hours=self.settings.retention_grace_hours)
        deleted, rescued, freed = delete_due(self.database, self.blobs, self.copies, limits, grace)
        found = Found({"deleted": deleted, "rescued": rescued}, freed)
        return found, place if deleted or rescued else Place(place.run_id, "contacts")

    def _contacts(self, place: Place) -> tuple[Found, Place]:
        with self.database.write() as session:
            erased = erase_contacts(session, now() - timedelta(days=self.settings.report_contact_days))
            forget_old(session)
        return Found({"contacts_erased": erased}), Place(place.run_id, "done")

    def _sweep(self, place: Place) -> tuple[Found, Place]:
        shard = SHARDS[SHARDS.index(place.after) + 1] if place.after else SHARDS[0]
        before = now() - timedelta(hours=self.settings.sweep_after_hours)
        swept = sweep_shard(self.database, self.blobs, self.copies, shard, before)
        found = Found({"looked_at": swept.looked_at, "orphans": swept.orphans}, swept.size_bytes)
        last = shard == SHARDS[-1]
        return found, Place(place.run_id, "done") if last else replace(place, after=shard)

    def _limits(self, session: ReadSession, place: Place) -> Limits:
        """Of the moment at which the round began: one round judges all by the same."""
        return Limits.of(self.settings, session.get_one(RetentionRun, place.run_id).created_at)

    def would_expire(self) -> Found:
        """What a round would hide now, without changing anything."""
        limits, after = Limits.of(self.settings, now()), None
        counts: Counter[str] = Counter()
        freed = 0
        while True:
            with self.database.read() as session:
                batch = judge(session, limits, after)
            counts.update(count(reason for _, reason in batch.verdicts))
            freed += sum(frame.size_bytes for frame, reason in batch.verdicts if reason)
            if (after := batch.last_id) is None:
                return Found(dict(counts), freed)

    def would_sweep(self) -> Found:
        """What the sweep would delete now, without changing anything."""
        before = now() - timedelta(hours=self.settings.sweep_after_hours)
        swept = [
            sweep_shard(self.database, self.blobs, self.copies, shard, before, dry_run=True)
            for shard in SHARDS
        ]
        counts = {"looked_at": sum(e.looked_at for e in swept), "orphans": sum(e.orphans for e in swept)}
        return Found(counts, sum(each.size_bytes for each in swept))


def start_run(session: WriteSession, kind: Kind, started_by: str, settings: Settings) -> RetentionRun:
    """The row of a round that begins now."""
    moment = now()
    cutoffs = {
        "retention": Limits.of(settings, moment).say(),
        "sweep": {"orphan": (moment - timedelta(hours=settings.sweep_after_hours)).isoformat()},
    }[kind]
    run = RetentionRun(kind=kind, started_by=started_by, created_at=moment, cutoffs=cutoffs, counts={})
    session.add(run)
    session.flush()
    return run


def list_runs(session: ReadSession, limit: int, cursor: str | None) -> Page[RetentionRun]:
    """Rounds, newest first."""
    return page(session, select(RetentionRun), RetentionRun, limit, cursor)
