"""Folders and zip archives, read alike: names and bytes. Nothing is ever unpacked to where an entry says."""

import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from streetsight.datasets.formats.labels import ExchangeError, Unreadable
from streetsight.datasets.sources import SUFFIXES

MAX_LABEL_BYTES = 1 * 2**30
MAX_PHOTO_BYTES = 512 * 2**20
MAX_ENTRIES = 1_000_000

# Labels shrink 10 to 50 times, photos hardly; deflate's most is 1032. Below the floor no harm is done.
MAX_RATIO, RATIO_FLOOR_BYTES = 200, 64 * 2**20

# What zipfile raises on damaged, encrypted and exotic archives.
_BROKEN_ARCHIVE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)
_OFFICE_DUST = ("__MACOSX", "Thumbs.db", "desktop.ini")


class Tree(Protocol):
    """What is imported."""

    @property
    def title(self) -> str:
        """How the user named it."""

    @property
    def files(self) -> tuple[str, ...]:
        """Relative paths with `/`, sorted, without hidden files."""

    def read(self, name: str, limit: int = MAX_LABEL_BYTES) -> bytes:
        """The bytes of one file.

        Raises:
            Unreadable: when it cannot be had or has more than `limit` bytes.
        """

    def path(self, name: str) -> Path | None:
        """Where the file lies on disc, if it does."""


@contextmanager
def open_tree(path: Path) -> Iterator[Tree]:
    """A folder, a zip archive, or a single label file with its photos beside it.

    Raises:
        ExchangeError: when the path is nothing of these, or an archive that is damaged or dangerous.
    """
    if path.is_dir():
        yield FolderTree(str(path), _walk(path))
    elif path.is_file() and zipfile.is_zipfile(path):
        with _open_zip(path) as archive:
            yield ZipTree(str(path), archive, _checked_entries(archive, path))
    elif path.suffix.lower() in (".json", ".xml", ".yaml", ".yml") and path.is_file():
        beside = _walk(path.parent)
        kept = {name: each for name, each in beside.items() if is_photo(name) or each == path}
        yield FolderTree(str(path), kept)
    elif path.exists():
        raise ExchangeError(
            "{path}: neither a folder nor a zip archive; unpack other archives (rar, 7z, tar) first",
            path=path,
        )
    else:
        raise ExchangeError("{path}: no such file or folder", path=path)


@dataclass(frozen=True, slots=True)
class FolderTree:
    """Files of a folder, by relative name."""

    title: str
    paths: dict[str, Path]
    files: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(sorted(self.paths)))

    def read(self, name: str, limit: int = MAX_LABEL_BYTES) -> bytes:
        try:
            with self.paths[name].open("rb") as file:
                return _within(file.read(limit + 1), limit)
        except OSError as error:
            raise Unreadable("the file cannot be read ({reason})", reason=error.strerror) from error

    def path(self, name: str) -> Path | None:
        return self.paths[name]


@dataclass(frozen=True, slots=True)
class ZipTree:
    """Entries of an archive that has been found harmless."""

    title: str
    archive: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]
    files: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(sorted(self.entries)))

    def read(self, name: str, limit: int = MAX_LABEL_BYTES) -> bytes:
        try:
            with self.archive.open(self.entries[name]) as entry:
                return _within(entry.read(limit + 1), limit)  # the size in the directory may lie
        except _BROKEN_ARCHIVE as error:
            raise Unreadable("the archive's entry cannot be read ({reason})", reason=error) from error

    def path(self, name: str) -> Path | None:
        return None


def is_photo(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def read_text(tree: Tree, name: str) -> str:
    """A label file as text: UTF-8 with or without mark, UTF-16 with mark, else GB 18030 (which holds GBK).

    Raises:
        Unreadable: when it is none of these.
    """
    data = tree.read(name)
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("expected text in UTF-8 or GB 18030; save it as UTF-8")


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise Unreadable("the file has more than {limit} MiB", limit=limit >> 20)
    return data


def _walk(root: Path) -> dict[str, Path]:
    """Relative name -> path, links followed but never in a circle, hidden files left out."""
    found: dict[str, Path] = {}
    visited: set[str] = set()
    for parent, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(each for each in folders if not _is_dust(each))
        for name in names:
            path = Path(parent, name)
            if not _is_dust(name) and path.is_file():
                found[_shown(path.relative_to(root).as_posix())] = path
    return found


def _is_dust(part: str) -> bool:
    return part.startswith(".") or part in _OFFICE_DUST


def _shown(name: str) -> str:
    """A name that is no UTF-8 comes with surrogates; Chinese Windows wrote it in GBK."""
    data = os.fsencode(name)
    return _decoded(data) or data.decode("utf-8", "replace")


def _decoded(data: bytes) -> str | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _BROKEN_ARCHIVE as error:
        raise ExchangeError(
            "{path}: the archive is damaged ({reason}); download or pack it again", path=path, reason=error
        ) from error


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Name -> entry.

    Raises:
        ExchangeError: for what a labelling tool never writes and an attacker does.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_ENTRIES:
        raise ExchangeError(
            "{path}: {count} entries are more than {limit}; split the archive",
            path=path, count=len(infos), limit=MAX_ENTRIES,
        )  # fmt: skip
    _check_sizes(infos, path)
    names = {_entry_name(info): info for info in infos}
    twice = [name for name, count in Counter(map(_entry_name, infos)).items() if count > 1]
    if twice:
        raise ExchangeError("{path}: two entries are named {name}; pack it again", path=path, name=twice[0])
    for name, info in names.items():
        _check_entry(name, info, path)
    return {name: info for name, info in names.items() if not any(map(_is_dust, name.split("/")))}


def _check_sizes(infos: list[zipfile.ZipInfo], path: Path) -> None:
    declared, packed = sum(info.file_size for info in infos), path.stat().st_size
    for what, size, share in [
        (str(path), declared, packed),
        *((info.filename, info.file_size, info.compress_size) for info in infos),
    ]:
        if size > RATIO_FLOOR_BYTES and size > MAX_RATIO * share:
            raise ExchangeError(
                "{path}: {name} claims to grow from {packed} to {size} MiB: a zip bomb, nothing was unpacked",
                path=path, name=what, packed=round(share / 2**20, 1), size=size >> 20,
            )  # fmt: skip


def _check_entry(name: str, info: zipfile.ZipInfo, path: Path) -> None:
    if info.flag_bits & 0x1:
        raise ExchangeError(
            "{path}: {name} is encrypted; unpack it with its password and import the folder",
            path=path,
            name=name,
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ExchangeError("{path}: {name} is a link; pack the files themselves", path=path, name=name)
    outside = name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts
    if outside:
        raise ExchangeError(
            "{path}: the entry {name} leads out of the archive; it was not made by a labelling tool",
            path=path, name=name,
        )  # fmt: skip


def _entry_name(info: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag zipfile takes names for cp437; Chinese Windows wrote GBK."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeEncodeError):  # it has been corrected from an extra field
            name = _decoded(name.encode("cp437")) or name
    return name.replace("\\", "/")
