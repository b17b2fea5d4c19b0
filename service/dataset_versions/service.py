"""Dataset versions: ask for one, find, list, delete."""

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import select

from streetsight.service.areas.service import path_of_area, require_whole_city
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.dataset_versions.tables import DatasetVersion
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.jobs.queue import enqueue
from streetsight.service.settings import Settings
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

KIND = "build_dataset"
"""Jobs that build a version; their key is its id."""


class NoVersion(NotFound):
    """No dataset version of this id."""

    code = "no_dataset_version"


class NotBuilt(Conflict):
    """A dataset version that is not ready for what was asked."""

    code = "dataset_version_not_built"


def dataset_folder(settings: Settings, version_id: str) -> Path:
    """Where a version's photos and labels lie: a dataset as `streetsight dataset` knows it."""
    return settings.data_folder / "datasets" / version_id


def version_folder(settings: Settings, version: DatasetVersion) -> Path:
    """Where its manifest lies. Raises NotBuilt."""
    return dataset_folder(settings, version.id) / "versions" / address_of(version)


def address_of(version: DatasetVersion) -> str:
    """What releases know it by. Raises NotBuilt."""
    if version.state != "built" or version.address is None:
        raise NotBuilt("the dataset version {id} is {state}", id=version.id, state=version.state)
    return version.address


def ask(session: WriteSession, actor: Actor, note: str, filters: dict[str, Any]) -> DatasetVersion:
    """Have a version built in the background. Raises WholeCityOnly, UnknownArea."""
    require_whole_city(actor)
    if filters.get("area") is not None:
        path_of_area(session, filters["area"])
    version = DatasetVersion(note=note, made_by=actor.name, filters=filters)
    session.add(version)
    session.flush()
    enqueue(session, KIND, version.id)
    record(
        session, actor, "dataset_version.asked", f"dataset_version/{version.id}", {"note": note, **filters}
    )
    return version


def find(session: ReadSession, version_id: str) -> DatasetVersion:
    """A version. Raises NoVersion."""
    version = session.get(DatasetVersion, version_id)
    if version is None:
        raise NoVersion("there is no dataset version {id}", id=version_id)
    return version


def list_versions(session: ReadSession, limit: int, cursor: str | None) -> Page[DatasetVersion]:
    """Versions, newest first."""
    return page(session, select(DatasetVersion), DatasetVersion, limit, cursor)


def built(session: ReadSession) -> list[DatasetVersion]:
    """Those that can be trained on, newest first."""
    found = select(DatasetVersion).where(DatasetVersion.state == "built")
    return list(session.scalars(found.order_by(DatasetVersion.id.desc())))


def delete(session: WriteSession, actor: Actor, version_id: str) -> DatasetVersion:
    """Give its photos and labels up; the row stays, because releases name it. Raises NoVersion, NotBuilt."""
    require_whole_city(actor)
    version = find(session, version_id)
    if version.state == "queued":
        raise NotBuilt("the dataset version {id} is {state}", id=version.id, state=version.state)
    version.state, version.ended_at = "deleted", now()
    session.flush()
    record(session, actor, "dataset_version.deleted", f"dataset_version/{version.id}")
    return version


def remove_files(settings: Settings, version_id: str) -> None:
    """Delete the copies of photos that a version keeps; again does no harm."""
    shutil.rmtree(dataset_folder(settings, version_id), ignore_errors=True)
