"""What a running server holds: opened at start, closed at the end, handed to whoever needs it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request

from streetsight.inference.pipeline import cores
from streetsight.models.releases import search_path
from streetsight.service.detections.looking import Looker
from streetsight.service.detections.service import KIND
from streetsight.service.files.blobs import Blobs
from streetsight.service.files.opening import open_blobs
from streetsight.service.gate import Gate
from streetsight.service.jobs.backlog import Backlog
from streetsight.service.privacy.copies import open_copies
from streetsight.service.privacy.publishing import Publisher
from streetsight.service.releases.choosing import chosen
from streetsight.service.releases.keeper import ReleaseKeeper
from streetsight.service.releases.recording import record_changes
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.writer import GroupWriter

SIGN_INS_AT_ONCE = 8  # each costs 19 MiB and some 50 ms of a core, on purpose


@dataclass(frozen=True, slots=True, eq=False)
class Stores:
    """What taking photos in needs. Every field may be used from several threads at once."""

    settings: Settings
    database: Database
    blobs: Blobs
    writer: GroupWriter


@dataclass(frozen=True, slots=True, eq=False)
class Resources(Stores):
    """Opened by `opened`; every field may be used from several threads at once."""

    looker: Looker
    publisher: Publisher
    releases: ReleaseKeeper
    backlog: Backlog
    uploads: Gate
    looks: Gate
    exports: Gate
    sign_ins: Gate
    started: float = field(default_factory=time.monotonic)


@contextmanager
def opened(settings: Settings) -> Iterator[Resources]:
    """All that the web server needs.

    Raises:
        SpokenError: when the database, the storage or the release cannot be used; says what to do.
    """
    with open_database(settings) as database:
        blobs = open_blobs(settings)
        with database.read() as session:
            release = chosen(session, search_path())
        looker = Looker(release, settings.provider, calls=1, threads=cores())
        publisher = Publisher(
            blobs, open_copies(settings), looker, settings.redaction_missing_classes,
            settings.max_copies_at_once,
        )  # fmt: skip
        writer = GroupWriter(database)
        releases = ReleaseKeeper(
            database, looker, settings.release_poll_seconds, after=lambda: writer.run(record_changes)
        )
        try:
            with releases.running():
                yield Resources(
                    settings, database, blobs, writer, looker, publisher, releases, Backlog(database, KIND),
                    uploads=Gate(settings.max_uploads_at_once),
                    looks=Gate(settings.max_detect_at_once),
                    exports=Gate(settings.max_exports_at_once),
                    sign_ins=Gate(SIGN_INS_AT_ONCE),
                )  # fmt: skip
        finally:
            writer.close()


async def resources_of(request: Request) -> Resources:
    """Dependency: what the server holds. Async, because it is not worth a change of threads."""
    found = request.state.resources
    assert isinstance(found, Resources)
    return found
