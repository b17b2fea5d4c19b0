"""Make a back-up while servers go on.

Photos are written before their rows and never change, so the database is copied first. Uploads in pieces are
copied before it, because they go when their frames are made, and again after it, because they grow.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from streetsight.models.durable import sync_folder
from streetsight.service.backups.contents import Contents
from streetsight.service.backups.databases import copy_database, sync_file
from streetsight.service.backups.locking import locked
from streetsight.service.backups.points import (
    DATABASE_FILES,
    PHOTOS,
    UPLOADS,
    Kind,
    Manifest,
    Point,
    make_root,
    new_folder,
    open_point,
    part_of,
    photo_path,
    private,
    spoken_disk,
    write_manifest,
)
from streetsight.service.files.blobs import Blobs, NoBlob
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.tables import Frame
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.sealing import KEY_FILE
from streetsight.service.uploads.service import staging_of

Item = TypeVar("Item")
AT_ONCE, BLOCK = 8, 256  # threads; digests asked of the database at once


def create(settings: Settings, database: Database, blobs: Blobs, root: Path) -> Point:
    """A new point in a folder of back-ups; photos that are in there already are not read again.

    Raises:
        BackupError: nothing that is a point was made.
        Unavailable: the storage does not answer.
    """
    with private():
        make_root(root)
        return _create_locked(settings, database, blobs, root)


def _create_locked(settings: Settings, database: Database, blobs: Blobs, root: Path) -> Point:
    with locked(root):  # a photo that is in there already has to stay until the point names it
        folder = new_folder(root)
        try:
            with spoken_disk(root):
                return _create(settings, database, blobs, root, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _create(settings: Settings, database: Database, blobs: Blobs, root: Path, folder: Path) -> Point:
    kind: Kind = "sqlite" if database.is_sqlite else "postgresql"
    _copy_uploads(settings, folder)
    contents = copy_database(database, folder / DATABASE_FILES[kind])
    _copy_uploads(settings, folder)
    elsewhere = _keep_unfinished(folder, contents)
    has_key = _copy_key(settings, folder)
    not_had = _copy_photos(blobs, root, contents.photos)
    missing = _still_wanted(database, not_had)
    photos = dict(contents.photos)
    for taken in set(not_had).difference(missing):
        del photos[taken]
    (folder / PHOTOS).write_text("".join(f"{sha256}\n" for sha256 in photos))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        sync_file(path)
    sync_folder(folder)
    write_manifest(
        folder,
        Manifest(
            form=1, made_at=datetime.now(UTC), program=version("streetsight"), database=kind,
            schema_version=contents.version, rows=contents.rows, audit_head=contents.audit_head,
            photos=len(photos), photo_bytes=sum(photos.values()),
            parts={str(path.relative_to(folder)): part_of(path) for path in files},
            secret_key=has_key, missing=missing, uploads_elsewhere=elsewhere,
        ),
    )  # fmt: skip
    return open_point(root, folder.name)


def _copy_photos(blobs: Blobs, root: Path, photos: Iterable[tuple[str, int]]) -> list[str]:
    """Bring photos, by digest and size, into a folder of back-ups; gives those not to be had unharmed."""

    def copy(photo: tuple[str, int]) -> bool:
        sha256, size = photo
        try:
            whole = photo_path(root, sha256).stat().st_size == size  # to read them all is for verify
        except FileNotFoundError:
            whole = False
        return whole or copy_photo(blobs, root, sha256)

    missing = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for block in _blocks(photos):
            done = pool.map(copy, block)
            missing += [sha256 for (sha256, _), came in zip(block, done, strict=True) if not came]
    return missing


def copy_photo(blobs: Blobs, root: Path, sha256: str) -> bool:
    """Bring a photo into a folder of back-ups; whether it is there now, whole and as its name says."""
    path = photo_path(root, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft, digest = path.with_name(f".{new_id()}"), hashlib.sha256()
    try:
        with draft.open("wb") as file:
            for chunk in blobs.stream(sha256):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            return False
        os.replace(draft, path)
        sync_folder(path.parent)
    except NoBlob:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _still_wanted(database: Database, missing: list[str]) -> list[str]:
    """Those that retention has not taken meanwhile."""
    wanted = []
    for block in _blocks(missing):
        with database.read() as session:
            alive = select(Frame.sha256).where(has_digest(session, block), Frame.photo_expired_at.is_(None))
            wanted += list(session.scalars(alive))
    return sorted(wanted)


def _copy_uploads(settings: Settings, folder: Path) -> None:
    staging = staging_of(settings)
    (folder / UPLOADS).mkdir(exist_ok=True)
    for upload_id in staging.ids():
        with suppress(FileNotFoundError):  # its frames are made
            shutil.copyfile(staging.path(upload_id), folder / UPLOADS / upload_id)


def _keep_unfinished(folder: Path, contents: Contents) -> list[str]:
    """Only uploads that the database knows as unfinished; gives those whose bytes are on other machines."""
    here = {path.name for path in (folder / UPLOADS).iterdir()}
    for needless in here - set(contents.uploads):
        (folder / UPLOADS / needless).unlink()
    return sorted(set(contents.uploads) - here)


def _copy_key(settings: Settings, folder: Path) -> bool:
    key = settings.data_folder / KEY_FILE
    if settings.secret_keys is not None or not key.exists():
        return False
    shutil.copyfile(key, folder / KEY_FILE)
    return True


def _blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(items)
    while block := list(islice(left, BLOCK)):
        yield block
