"""Where photos come from: files, folders, globs and zip archives, each photo read when its turn comes."""

import glob
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streetsight.inference.reading import SUFFIXES, PhotoError
from streetsight.models.language import SpokenError

MAX_FILE_BYTES = 512 * 2**20

# What zipfile raises on damaged, encrypted and exotic archives.
_BROKEN_ARCHIVE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class NoPhotosError(SpokenError):
    """A path leads to no photos at all; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """One photo that has not been read yet.

    Attributes:
        name: as the user would find it: the path as given, or `archive.zip/inner/name.jpg`.
        read: gives the bytes; raises PhotoError("unreadable") when they cannot be had.
    """

    name: str
    read: Callable[[], bytes]


def find_photos(paths: Sequence[str], without: Path | None = None) -> list[PhotoSource]:
    """Photos behind files, folders (all levels), globs and zip archives, in order, none twice.

    A file that is named outright is taken whatever its suffix; folders, globs and archives are searched
    by suffix.

    Args:
        without: a folder to pass over: the pictures of an earlier run are not photos.

    Raises:
        NoPhotosError: for a path that does not exist or leads to no photo.
    """
    found: dict[str, PhotoSource] = {}
    passed_over = os.path.join(os.path.abspath(without), "") if without else None
    for path in paths:
        sources = list(_expand(path))
        if passed_over:
            sources = [each for each in sources if not os.path.abspath(each.name).startswith(passed_over)]
        if not sources:
            raise _nothing_in(path)
        for source in sources:
            found.setdefault(source.name, source)
    return list(found.values())


def _expand(path: str) -> Iterator[PhotoSource]:
    if os.path.isdir(path):
        yield from (_from_file(each) for each in _walk(path))
    elif zipfile.is_zipfile(path) and not path.lower().endswith(SUFFIXES):
        yield from _from_archive(path)
    elif os.path.exists(path):
        yield _from_file(path)
    elif glob.has_magic(path):
        for each in sorted(glob.glob(path, recursive=True)):
            if os.path.isdir(each) or each.lower().endswith((*SUFFIXES, ".zip")):
                yield from _expand(each)


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(parent, name)


def _from_file(path: str) -> PhotoSource:
    def read() -> bytes:
        try:
            if os.path.getsize(path) > MAX_FILE_BYTES:
                raise PhotoError(
                    "too_large", "the file has more than {limit} MiB", limit=MAX_FILE_BYTES >> 20
                )
            return Path(path).read_bytes()
        except OSError as error:
            raise PhotoError(
                "unreadable", "the file cannot be read ({reason})", reason=error.strerror
            ) from error

    return PhotoSource(_printable(path), read)


def _printable(path: str) -> str:
    """Names that are no UTF-8 (a disc from Windows) come with surrogates, which no output can hold."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _unreadable_entry(error: Exception) -> PhotoError:
    return PhotoError("unreadable", "the archive's entry cannot be read ({reason})", reason=error)


def _refuse(error: PhotoError) -> bytes:
    raise error


def _from_archive(path: str) -> Iterator[PhotoSource]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if _is_photo(info)]
    except _BROKEN_ARCHIVE as error:
        yield PhotoSource(_printable(path), partial(_refuse, _unreadable_entry(error)))
        return
    for info in sorted(members, key=lambda each: each.filename):
        yield PhotoSource(f"{_printable(path)}/{info.filename}", _member_reader(path, info))


def _is_photo(info: zipfile.ZipInfo) -> bool:
    name = os.path.basename(info.filename)
    return name.lower().endswith(SUFFIXES) and not name.startswith(".") and not info.is_dir()


def _member_reader(path: str, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(info) as member:
                data = member.read(MAX_FILE_BYTES + 1)  # the size in the directory may lie
        except _BROKEN_ARCHIVE as error:
            raise _unreadable_entry(error) from error
        if len(data) > MAX_FILE_BYTES:
            raise PhotoError("too_large", "the file has more than {limit} MiB", limit=MAX_FILE_BYTES >> 20)
        return data

    return read


def _nothing_in(path: str) -> NoPhotosError:
    kinds = " ".join(SUFFIXES)
    if os.path.isdir(path):
        others = sum(len(files) for _, _, files in os.walk(path))
        message = "{path}: no photos in this folder (looked for {kinds}; found {others} other files)"
        return NoPhotosError(message, path=path, kinds=kinds, others=others)
    if os.path.exists(path):
        return NoPhotosError("{path}: no photos in this archive (looked for {kinds})", path=path, kinds=kinds)
    if glob.has_magic(path):
        return NoPhotosError("{path}: no photo matches this pattern", path=path)
    return NoPhotosError("{path}: no such file or folder", path=path)
