"""Photos out of archives that strangers sent: zip and tar, read as a stream, never unpacked to the disk.

Whatever is wrong with one file is that file's outcome; what would cost the server its memory, disk or days
refuses the archive. Nothing in an archive is believed: sizes are counted while reading.
"""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Self

from streetsight.inference.reading import SUFFIXES
from streetsight.models.language import SpokenError

MAX_RATIO, RATIO_FREE_BYTES = 200, 64 << 20  # photos hardly shrink; a bomb of zeros shrinks a thousandfold
MAX_HEADER_BYTES = 1 << 20  # of a tar's long names and extended headers, which tarfile reads into memory
APPENDICES = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".jar")
JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_BROKEN = (
    OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, tarfile.TarError,
    ValueError, OverflowError,
)  # fmt: skip


class ArchiveRefused(SpokenError):
    """An archive of which no more is read; `code` says why to programs."""

    code = "archive_refused"


class TooManyFiles(ArchiveRefused):
    """More files than an archive may have."""

    code = "too_many_files"


class ArchiveBomb(ArchiveRefused):
    """It would grow beyond measure."""

    code = "archive_bomb"


class ArchiveDamaged(ArchiveRefused):
    """It cannot be read, or not to its end."""

    code = "archive_damaged"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A file of an archive.

    Attributes:
        content: its bytes; None when it is not taken.
        refused: why not, as a code.
    """

    name: str
    content: bytes | None
    refused: str | None = None


@dataclass(slots=True)
class Limits:
    """What is left of what an archive may cost.

    Attributes:
        file_bytes: of one photo.
        files: in the archive.
        size: of the archive itself.
    """

    file_bytes: int
    files: int
    size: int
    spent: int = 0
    seen: int = 0

    def count(self) -> None:
        """One more file. Raises TooManyFiles."""
        self.seen += 1
        if self.seen > self.files:
            raise TooManyFiles("the archive has more than {most} files; split it", most=self.files)

    def spend(self, size: int) -> None:
        """So many bytes more came, or are to come, out of it. Raises ArchiveBomb."""
        self.spent += size
        if self.spent > RATIO_FREE_BYTES + MAX_RATIO * self.size:
            raise ArchiveBomb(
                "the archive of {size} bytes unpacks to more than {ratio} times as many; photos do not: "
                "it is refused",
                size=self.size, ratio=MAX_RATIO,
            )  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether it is one that we read, by its content."""
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except _BROKEN:
        return False


def read_archive(path: Path, file_bytes: int, files: int) -> Iterator[Member]:
    """The files of an archive in their order.

    Args:
        file_bytes: most bytes of one photo.
        files: most files.

    Raises:
        ArchiveRefused: after the last file that was read well.
    """
    limits = Limits(file_bytes, files, path.stat().st_size)
    try:
        yield from _zip(path, limits) if zipfile.is_zipfile(path) else _tar(path, limits)
    except _BROKEN as error:
        if isinstance(error, ArchiveRefused):
            raise
        raise ArchiveDamaged(
            "the archive cannot be read any further ({reason})", reason=str(error)[:200]
        ) from error


def _zip(path: Path, limits: Limits) -> Iterator[Member]:
    _check_directory(path, limits)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            limits.count()
            refused = _refusal(info.filename) or ("encrypted" if info.flag_bits & 1 else None)
            if refused is None and (info.external_attr >> 16) & 0o170000 == 0o120000:
                refused = "not_a_file"
            yield _read_zipped(archive, info, limits) if refused is None else _refused(info.filename, refused)


def _read_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Member:
    try:
        with archive.open(info) as member:
            return _read(info.filename, member, limits)
    except ArchiveRefused:
        raise
    except _BROKEN:
        return _refused(info.filename, "damaged")


def _check_directory(path: Path, limits: Limits) -> None:
    """The directory is read into memory as a whole, so its size is looked at first.

    It lies before its end record; no entry is shorter than 46 bytes.
    """
    with path.open("rb") as file:
        file.seek(max(0, limits.size - (1 << 16) - 22))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
        locator = tail.rfind(b"PK\x06\x07", 0, at)
        if size == 0xFFFFFFFF and locator >= 0:  # zip64
            file.seek(int.from_bytes(tail[locator + 8 : locator + 16], "little"))
            size = int.from_bytes(file.read(56)[40:48], "little")
    if size > limits.files * 512:
        raise TooManyFiles("the archive has more than {most} files; split it", most=limits.files)


class _CheckedInfo(tarfile.TarInfo):
    """A header whose appendices fit into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size > MAX_HEADER_BYTES and info.type in APPENDICES:
            raise ArchiveBomb(
                "a header of the archive has {size} bytes, names are shorter: it is refused", size=info.size
            )
        return info


def _tar(path: Path, limits: Limits) -> Iterator[Member]:
    with tarfile.open(path, "r|*", tarinfo=_CheckedInfo) as archive:
        for info in archive:
            archive.members.clear()  # type: ignore[attr-defined]  # it would remember all of them
            limits.count()
            if info.isdir():
                continue
            limits.spend(max(0, info.size) if info.isfile() else 0)  # also what is passed over is unpacked
            refused = _refusal(info.name) or (None if info.isfile() else "not_a_file")
            member = archive.extractfile(info) if refused is None else None
            if member is None:
                yield _refused(info.name, refused or "not_a_file")
            else:
                yield _read(info.name, member, limits, spent=True)


def _read(name: str, member: IO[bytes], limits: Limits, spent: bool = False) -> Member:
    content = member.read(limits.file_bytes + 1)  # the size in the directory may lie
    if not spent:
        limits.spend(len(content))
    if len(content) > limits.file_bytes:
        return _refused(name, "too_large")
    return Member(_shown(name), content)


def _refusal(name: str) -> str | None:
    """Why a file of this name is not even read."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0].startswith("/") or parts[0].endswith(":"):
        return "unsafe_path"
    if name.startswith(JUNK[0]) or parts[-1] in JUNK or parts[-1].startswith("._"):
        return "not_a_photo"
    suffix = os.path.splitext(parts[-1])[1].lower()
    if suffix in ARCHIVES:
        return "nested_archive"
    return None if suffix in SUFFIXES else "not_a_photo"


def _refused(name: str, why: str) -> Member:
    return Member(_shown(name), None, why)


def _shown(name: str) -> str:
    """Fit for a database and a terminal."""
    printable = "".join(each if each.isprintable() else "?" for each in name)
    return printable.encode("utf-8", "replace").decode()[-255:]
