"""sha256 of photo files, all cores at once, and only of those that changed since the last time."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from streetsight.datasets.photo_cache import PhotoCache, by_folder

Advance = Callable[[int], object]

# A file changed twice within one tick of the kernel's clock (10 ms at most) shows one time for both, so what
# was read that soon after a change is not remembered.
TICKS_NS = 100_000_000
BATCH = 64  # files a thread takes at once: handing them over one by one costs as much as a small file


@dataclass(frozen=True, slots=True)
class Digest:
    """The content of a file: sha256 in hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Digests:
    """What was found: a digest for each file that could be read, and a reason for each that could not."""

    of: dict[Path, Digest]
    faults: dict[Path, str]


def digest_photos(
    paths: Iterable[Path],
    cache: PhotoCache | None = None,
    verify: bool = False,
    advance: Advance = lambda _: None,
) -> Digests:
    """Digests of files.

    Args:
        paths: files; one given twice is read once.
        cache: what earlier runs found; files that did not change since are not read again.
        verify: read every file, whatever the cache says.
        advance: called with the number of files done since the last call.
    """
    known: dict[Path, Digest] = {}
    to_read: list[Path] = []
    faults: dict[Path, str] = {}
    for folder, inside in by_folder(dict.fromkeys(paths)).items():
        remembered = {} if cache is None or verify else cache.digests(folder)
        for path in inside:
            state, sha256 = remembered.get(path.name, ("", ""))
            if not state:
                to_read.append(path)
                continue
            try:
                status = os.stat(path)
            except OSError as error:
                faults[path] = error.strerror or str(error)
                continue
            if _state(status) == state:
                known[path] = Digest(sha256, status.st_size)
            else:
                to_read.append(path)
    advance(len(known))
    fresh, unreadable = _read(to_read, cache, advance)
    return Digests(known | fresh, faults | unreadable)


def _read(
    paths: list[Path], cache: PhotoCache | None, advance: Advance
) -> tuple[dict[Path, Digest], dict[Path, str]]:
    found: dict[Path, Digest] = {}
    faults: dict[Path, str] = {}
    rows: list[tuple[str, str, str, str]] = []
    folders = {parent: os.path.abspath(parent) for parent in {path.parent for path in paths}}
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for batch, answers in zip(batches, threads.map(_digest_batch, batches), strict=True):
            for path, answer in zip(batch, answers, strict=True):
                if isinstance(answer, str):
                    faults[path] = answer
                    continue
                digest, state = answer
                found[path] = digest
                if state:
                    rows.append((folders[path.parent], path.name, state, digest.sha256))
            advance(len(batch))
    if cache is not None:
        cache.keep_digests(rows)
    return found, faults


def _digest_batch(paths: list[Path]) -> list[tuple[Digest, str] | str]:
    return [_digest(path) for path in paths]


def _digest(path: Path) -> tuple[Digest, str] | str:
    """Digest and state of the file, the latter "" when it may still be changing; or why it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            content = file.readall()
            after = os.fstat(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    digest = Digest(hashlib.sha256(content).hexdigest(), len(content))
    settled = time.time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > TICKS_NS
    return digest, _state(after) if settled and _state(before) == _state(after) else ""


def _state(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
