"""The job that builds a dataset version: labels and photos gathered, imported, dealt into parts, frozen."""

import shutil
from collections import Counter
from datetime import datetime
from typing import Any

import structlog

from streetsight.datasets.classes import ClassMap
from streetsight.datasets.formats.importing import import_labels
from streetsight.datasets.formats.request import ImportRequest
from streetsight.datasets.groups import read_grouped
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.splits import split_by_group
from streetsight.datasets.versions import Version, freeze, store
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.dataset_versions import service
from streetsight.service.dataset_versions.tables import DatasetVersion
from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import Blobs
from streetsight.service.jobs.faults import kept
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.progress import going_on
from streetsight.service.jobs.queue import Claim
from streetsight.service.labels.files import write_folder
from streetsight.service.labels.photos import Labels
from streetsight.service.labels.service import Filters, gather, note_originals, still_here
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

log = structlog.get_logger(__name__)


class DatasetJob:
    """See `Handler`."""

    kind, calls, alone = service.KIND, 1, False

    def __init__(self, database: Database, blobs: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, blobs, settings

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            asked = service.find(session, claim.key)
        try:
            with self._database.read() as session:
                labels = gather(session, SYSTEM, _filters(asked.filters))
            labels = still_here(labels, self._blobs)
            version = self._build(asked, labels)
        except Unavailable:
            raise
        except SpokenError as error:  # of the data: trying again would not help
            return _failed(claim.key, error)
        return _built(claim.key, version, labels)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        _failed(claim.key, SpokenError("it failed several times; the log of the server says why"))(session)

    def _build(self, asked: DatasetVersion, labels: Labels) -> Version:
        dataset = service.dataset_folder(self._settings, asked.id)
        shutil.rmtree(dataset, ignore_errors=True)  # what a killed worker left
        exported = dataset / "exported"
        write_folder(labels, self._blobs, exported, going_on)
        classes = ClassMap({}, default_taxonomy())
        summary = import_labels(ImportRequest(exported, dataset, classes, link=True), _watched)
        shutil.rmtree(exported)
        log.info("dataset_imported", version=asked.id, photos=summary.sources.total())
        with PhotoCache(dataset) as cache:
            records = read_grouped(dataset, cache, lambda _: going_on())
            frozen = freeze(split_by_group(records), dataset, cache, lambda _: going_on())
        return store(frozen, dataset / "versions", asked.note)[0]


def _filters(sent: dict[str, Any]) -> Filters:
    moments = {
        name: datetime.fromisoformat(sent[name]) if sent.get(name) else None
        for name in ("decided_from", "decided_before")
    }
    return Filters(
        area=sent.get("area"), condition=sent.get("condition"), every_frame=sent.get("frames") == "all",
        **moments,
    )  # fmt: skip


def _built(version_id: str, version: Version, labels: Labels) -> Effect:
    photos = version.manifest.photos

    def effect(session: WriteSession) -> None:
        row = service.find(session, version_id)
        row.state, row.ended_at, row.address = "built", now(), version.address
        row.parts = dict(Counter(each.part for each in photos))
        row.boxes = dict(Counter(box[0] for each in photos for box in each.boxes))
        row.undecided = labels.undecided
        session.flush()
        note_originals(session, SYSTEM, labels)
        record(
            session, SYSTEM, "dataset_version.built", f"dataset_version/{version_id}",
            {"address": version.address, "photos": len(photos)},
        )  # fmt: skip

    return effect


def _failed(version_id: str, error: Exception) -> Effect:
    def effect(session: WriteSession) -> None:
        row = service.find(session, version_id)
        row.state, row.ended_at, row.fault = "failed", now(), kept(error)

    return effect


def _watched(items: list[Any]) -> Any:
    for each in items:
        going_on()
        yield each
