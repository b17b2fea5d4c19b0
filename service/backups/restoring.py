"""Put a back-up back: photos first, the database last, so that no row is without its bytes."""

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streetsight.models.durable import replace_file, sync_folder
from streetsight.service.backups.contents import rows_of
from streetsight.service.backups.creating import AT_ONCE
from streetsight.service.backups.databases import put_back, require_unused, sync_file
from streetsight.service.backups.points import UPLOADS, BackupError, Point, photo_path, spoken_disk
from streetsight.service.backups.verifying import DAMAGED, MISSING, Fault, part_faults
from streetsight.service.files.blobs import Blobs, NoBlob, digest_of
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import found_version
from streetsight.service.store.sealing import KEY_FILE
from streetsight.service.uploads.service import staging_of


def restore(
    settings: Settings, database: Database, blobs: Blobs, point: Point, overwrite: bool
) -> list[Fault]:
    """Make database, photos, uploads and key what they were; gives the photos that are not whole in there.

    Args:
        overwrite: the database and key that are there are replaced. Photos that are there stay when their
            bytes, which are all read, are those of the back-up, or are of no row of it.

    Raises:
        BackupError: why nothing was changed; while it is put back, why the database is not what it was.
    """
    _require_fit(settings, database, point, overwrite)
    with spoken_disk(settings.data_folder):
        faults = list(_put_photos(blobs, point))
        _put_uploads(settings, point)
        _put_key(settings, point)
        put_back(database, point.database)
    with database.engine.connect() as connection:
        rows = rows_of(connection)
    if rows != point.manifest.rows:
        raise BackupError("the database that was put back has other rows than the back-up says")
    return faults


def _require_fit(settings: Settings, database: Database, point: Point, overwrite: bool) -> None:
    kind = "sqlite" if database.is_sqlite else "postgresql"
    if kind != point.manifest.database:
        raise BackupError(
            "the back-up is of {theirs}, the settings name {ours}; set STREETSIGHT_DATABASE_URL to a "
            "database of that kind",
            theirs=point.manifest.database, ours=kind,
        )  # fmt: skip
    if faults := list(part_faults(point)):
        raise BackupError(
            "the back-up is damaged: {file}: {what}; take another one",
            file=faults[0].file,
            what=faults[0].what,
        )
    require_unused(database)
    if overwrite:
        return
    if found_version(database) is not None:
        raise BackupError("the database holds data already; name an empty one, or say --overwrite")
    key, kept = settings.data_folder / KEY_FILE, point.folder / KEY_FILE
    if key.exists() and kept.exists() and key.read_bytes() != kept.read_bytes():
        raise BackupError("the data folder has another secret.key already; move it away, or say --overwrite")


def _put_photos(blobs: Blobs, point: Point) -> Iterator[Fault]:
    digests = list(point.digests())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda sha256: _put_photo(blobs, point.root, sha256), digests)
        for sha256, what in zip(digests, found, strict=True):
            if what is not None:
                yield Fault(str(photo_path(point.root, sha256).relative_to(point.root)), what)


def _put_photo(blobs: Blobs, root: Path, sha256: str) -> str | None:
    """What is wrong with a photo of the back-up; None when the storage has it now."""
    if _is_whole(blobs, sha256):
        return None
    try:
        content = photo_path(root, sha256).read_bytes()
    except FileNotFoundError:
        return MISSING
    if digest_of(content) != sha256:
        return DAMAGED
    blobs.delete(sha256)  # else a folder takes damaged bytes of that name for these
    blobs.put(content, sha256)
    return None


def _is_whole(blobs: Blobs, sha256: str) -> bool:
    """Whether the storage has these bytes: read, since neither names nor sizes show all damage."""
    digest = hashlib.sha256()
    try:
        for chunk in blobs.stream(sha256):
            digest.update(chunk)
    except NoBlob:
        return False
    return digest.hexdigest() == sha256


def _put_uploads(settings: Settings, point: Point) -> None:
    folder = staging_of(settings).folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kept in (point.folder / UPLOADS).iterdir():
        shutil.copyfile(kept, folder / kept.name)
        (folder / kept.name).chmod(0o600)
        sync_file(folder / kept.name)
    sync_folder(folder)


def _put_key(settings: Settings, point: Point) -> None:
    if point.manifest.secret_key:
        replace_file(settings.data_folder / KEY_FILE, (point.folder / KEY_FILE).read_bytes())
        (settings.data_folder / KEY_FILE).chmod(0o600)
