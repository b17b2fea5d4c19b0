"""Digests are those of the content; the cache is believed only while a file cannot have changed."""

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from streetsight.datasets import digests as module
from streetsight.datasets.digests import TICKS_NS, Digest, digest_photos
from streetsight.datasets.photo_cache import FILE_NAME, PhotoCache, cache_folder


def write(folder: Path, count: int = 3) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * (number + 1))
    return paths


def settle() -> None:
    """Until a change of the files shows in their times."""
    time.sleep(1.5 * TICKS_NS / 1e9)


def truth(path: Path) -> Digest:
    content = path.read_bytes()
    return Digest(hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are really read."""
    opened: list[Path] = []
    real = module._digest

    def watched(path: Path) -> object:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(module, "_digest", watched)
    return opened


def test_digests_are_those_of_the_contents(tmp_path: Path) -> None:
    paths = write(tmp_path / "photos", 200)
    missing = tmp_path / "photos" / "missing.jpg"
    done: list[int] = []
    found = digest_photos([*paths, missing, paths[0]], advance=done.append)
    assert found.of == {path: truth(path) for path in paths}
    assert found.faults == {missing: "No such file or directory"}
    assert sum(done) == 201


def test_a_file_is_read_once_for_all_runs(tmp_path: Path, reads: list[Path]) -> None:
    paths = write(tmp_path / "photos")
    settle()
    for _ in range(2):
        with PhotoCache(tmp_path / "cache") as cache:
            assert digest_photos(paths, cache).of == {path: truth(path) for path in paths}
    assert sorted(reads) == paths


def test_what_may_still_be_changing_is_not_remembered(tmp_path: Path, reads: list[Path]) -> None:
    with PhotoCache(tmp_path / "cache") as cache:
        path = tmp_path / "1.jpg"
        ahead = time.time_ns() + 60 * 10**9  # the clock of a file server
        path.write_bytes(b"one")
        os.utime(path, ns=(ahead, ahead))
        digest_photos([path], cache)
        digest_photos([path], cache)
    assert reads == [path, path]


@pytest.mark.parametrize("trick", ["same size", "same time", "verify"])
def test_a_changed_file_is_read_again(tmp_path: Path, trick: str) -> None:
    path = write(tmp_path / "photos")[2]
    settle()
    with PhotoCache(tmp_path / "cache") as cache:
        digest_photos([path], cache)
        before = path.stat()
        path.write_bytes(b"new" if trick != "verify" else path.read_bytes())
        if trick == "same time":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
        assert digest_photos([path], cache).of[path] == truth(path)


def test_verifying_believes_no_cache(tmp_path: Path, reads: list[Path]) -> None:
    paths = write(tmp_path / "photos")
    settle()
    with PhotoCache(tmp_path / "cache") as cache:
        digest_photos(paths, cache)
        cache.keep_digests([(str(p.parent), p.name, module._state(p.stat()), "lie") for p in paths])
        assert {each.sha256 for each in digest_photos(paths, cache).of.values()} == {"lie"}
        assert digest_photos(paths, cache, verify=True).of == {path: truth(path) for path in paths}
        assert digest_photos(paths, cache).of == {path: truth(path) for path in paths}  # and mended it
    assert len(reads) == 2 * len(paths)


def test_a_damaged_cache_is_made_anew(tmp_path: Path, reads: list[Path]) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all, but long enough to look at" * 100)
    paths = write(tmp_path / "photos")
    settle()
    for _ in range(2):
        with PhotoCache(tmp_path) as cache:
            digest_photos(paths, cache)
    assert len(reads) == len(paths)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    paths = write(tmp_path / "photos")
    (tmp_path / "occupied").write_text("a file where the folder should be")
    with PhotoCache(tmp_path / "occupied") as cache:
        assert digest_photos(paths, cache).of == {path: truth(path) for path in paths}


def test_a_lock_held_for_long_costs_nothing_but_time(tmp_path: Path) -> None:
    paths = write(tmp_path / "photos")
    settle()
    with PhotoCache(tmp_path) as cache:
        cache._database.execute("PRAGMA busy_timeout = 0")
        other = sqlite3.connect(tmp_path / FILE_NAME)
        other.execute("BEGIN EXCLUSIVE")
        try:
            cache.keep_digests([("folder", "name", "state", "sha")])
        finally:
            other.rollback()
            other.close()
        assert digest_photos(paths, cache).of == {path: truth(path) for path in paths}


def test_the_cache_lies_where_the_user_wants_it(tmp_path: Path) -> None:
    assert cache_folder({"STREETSIGHT_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "streetsight"
    assert cache_folder({}) == Path.home() / ".cache" / "streetsight"
