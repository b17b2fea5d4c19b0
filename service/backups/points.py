"""A folder of back-ups: photos once for all of them, and a folder for each point in time.

files/ab/<sha256>           photos, never changed; a further back-up adds those that are new
points/<moment>/            database.sqlite or database.dump, secret.key, uploads/, photos.txt
points/<moment>/manifest.json   written last: without it, the point is none

"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError
from streetsight.service.files.blobs import CHUNK_BYTES, spread
from streetsight.service.files.local import DRAFTS

MANIFEST, PHOTOS, UPLOADS = "manifest.json", "photos.txt", "uploads"
DATABASE_FILES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
Kind = Literal["sqlite", "postgresql"]
_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


class BackupError(SpokenError):
    """A back-up cannot be made, read or put back; the message says what to do."""


class Part(BaseModel):
    """A file of a point."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_bytes: int


class Manifest(BaseModel):
    """What a point holds.

    Attributes:
        schema_version: of the database.
        rows: how many, by table.
        audit_head: NUMBER:HASH of the log of that moment; None while it was empty.
        photos, photo_bytes: how many photos the rows name that retention has not taken, and their bytes.
        parts: files of the point by their path in it.
        secret_key: whether the data folder's key is among them; without it, STREETSIGHT_SECRET_KEYS had it.
        missing: digests of photos that rows name and that the storage had not, or not unharmed.
        uploads_elsewhere: uploads in pieces of other machines, which are not in here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal[1]
    made_at: datetime
    program: str
    database: Kind
    schema_version: str
    rows: dict[str, int]
    audit_head: str | None
    photos: int
    photo_bytes: int
    parts: dict[str, Part]
    secret_key: bool
    missing: list[str]
    uploads_elsewhere: list[str]


@dataclass(frozen=True, slots=True)
class Point:
    """A back-up that is whole. Attributes: root: the folder of all; folder: its own."""

    root: Path
    folder: Path
    manifest: Manifest

    @property
    def database(self) -> Path:
        return self.folder / DATABASE_FILES[self.manifest.database]

    def digests(self) -> Iterator[str]:
        """Of all photos that its rows name, without those that retention had taken before it was whole."""
        with (self.folder / PHOTOS).open() as lines:
            for line in lines:
                yield line.strip()


def photo_path(root: Path, sha256: str) -> Path:
    """Where a photo lies in a folder of back-ups."""
    return root / "files" / spread(sha256)


@contextmanager
def private() -> Iterator[None]:
    """What this process writes meanwhile is for its user alone: back-ups hold photos of people and keys."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def make_root(root: Path) -> None:
    """The folder of back-ups. Raises BackupError when it cannot be made, or is no place for them."""
    with spoken_disk(root):
        root.mkdir(parents=True, exist_ok=True)
    require_apart(root)


def require_apart(root: Path) -> None:
    """Raises BackupError for a data folder: photos lie there in the same way, and `prune` would take them."""
    if (root / "files" / DRAFTS).exists():
        raise BackupError(
            "{folder} is the data folder of a server; name a folder of its own for back-ups", folder=root
        )


def new_folder(root: Path) -> Path:
    """A folder for a new point. Raises BackupError when the folder cannot be written."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with spoken_disk(root):
        for name in ("points", "files"):
            (root / name).mkdir(exist_ok=True)
            if (mode := (root / name).stat().st_mode) & 0o007:  # left open by a version before
                (root / name).chmod(mode & 0o770)
        for number in range(1000):
            folder = root / "points" / (f"{moment}-{number}" if number else moment)
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    raise BackupError("{folder} has a thousand back-ups of this second", folder=root)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """From here on the point is one."""
    replace_file(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())


def points(root: Path) -> list[str]:
    """Names of the points that are whole, oldest first."""
    found = (root / "points").glob(f"*/{MANIFEST}") if root.is_dir() else ()
    return sorted((each.parent.name for each in found if _NAME.fullmatch(each.parent.name)), key=_order)


def unfinished(root: Path) -> list[Path]:
    """Folders of points that have no manifest: nobody ended them, or `prune` was stopped in one."""
    found = (each for each in (root / "points").glob("*") if _NAME.fullmatch(each.name))
    return [each for each in found if not (each / MANIFEST).exists()]


def _order(name: str) -> tuple[str, int]:
    moment, _, number = name.partition("-")
    return moment, int(number or 0)


def open_point(root: Path, name: str | None = None) -> Point:
    """A point, the newest one unless named.

    Raises:
        BackupError: there is none, or its manifest cannot be read.
    """
    known = points(root)
    if name is None and not known:
        raise BackupError(
            "{folder} holds no back-up; expected what `streetsight backup create` made", folder=root
        )
    if name is not None and name not in known:
        raise BackupError(
            "{folder} has no back-up {name}; it has {known}",
            folder=root,
            name=name,
            known=", ".join(known) or "-",
        )
    folder = root / "points" / (name or known[-1])
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except ValidationError as error:
        raise BackupError(
            "{file} cannot be read; it is damaged, or of a newer version of this program",
            file=folder / MANIFEST,
        ) from error
    return Point(root, folder, manifest)


def part_of(path: Path) -> Part:
    """Digest and size of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return Part(sha256=digest.hexdigest(), size_bytes=path.stat().st_size)


@contextmanager
def spoken_disk(folder: Path) -> Iterator[None]:
    """Failures of the disk of back-ups, in words for people."""
    try:
        yield
    except OSError as error:
        raise BackupError(
            "the folder {folder} cannot be used for back-ups ({reason})",
            folder=folder, reason=error.strerror or error,
        ) from error  # fmt: skip
