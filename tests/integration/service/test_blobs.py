"""One contract for every storage: content-addressed, whole or absent, never silently full."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from streetsight.service.faults import StorageFull, Unavailable
from streetsight.service.files.blobs import Blobs, NoBlob
from streetsight.service.files.local import DRAFTS, LocalBlobs
from streetsight.service.files.objects import NoBucket
from streetsight.service.files.opening import FilesError, open_blobs
from streetsight.service.settings import Settings

CONTENT = b"street" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_what_is_put_can_be_had(blobs: Blobs) -> None:
    assert not blobs.exists(SHA256)
    assert blobs.put(CONTENT) == SHA256
    assert blobs.put(CONTENT) == SHA256
    assert blobs.exists(SHA256)
    assert blobs.get(SHA256) == CONTENT
    assert b"".join(blobs.stream(SHA256)) == CONTENT
    assert blobs.get(blobs.put(b"")) == b""
    blobs.check()


def test_what_is_not_there_says_so_at_once(blobs: Blobs) -> None:
    with pytest.raises(NoBlob):
        blobs.get(SHA256)
    with pytest.raises(NoBlob):
        blobs.stream(SHA256)  # not only once the answer is under way
    blobs.delete(SHA256)
    blobs.put(CONTENT)
    blobs.delete(SHA256)
    assert not blobs.exists(SHA256)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, f"{'0' * 64}/x"])
def test_only_a_digest_is_a_name(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        blobs.get(name)


def test_many_at_once(blobs: Blobs) -> None:
    contents = [os.urandom(1000) for _ in range(8)] * 4
    threads = [threading.Thread(target=blobs.put, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(blobs.get(hashlib.sha256(content).hexdigest()) == content for content in contents)


def test_a_link_shows_the_blob_to_whoever_has_it(s3_settings: Settings) -> None:
    blobs = open_blobs(s3_settings)
    link = blobs.link(blobs.put(CONTENT), 60)
    assert link is not None
    assert httpx2.get(link).content == CONTENT


def test_another_kind_of_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilesError, match="expected s3://bucket/prefix"):
        open_blobs(Settings(data_folder=tmp_path, files_url="ftp://somewhere"))


def test_the_watermark_comes_before_the_end_of_the_disk(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "files", min_free_bytes=1 << 60)
    with pytest.raises(StorageFull, match="are kept free"):
        blobs.put(CONTENT)
    with pytest.raises(StorageFull):
        blobs.check()
    assert list((tmp_path / "files" / DRAFTS).iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_and_leaves_nothing_half_written(small_disk: Path) -> None:
    blobs = LocalBlobs(small_disk / "files")
    kept: list[tuple[bytes, str]] = []

    def fill() -> None:
        for _ in range(10):
            kept.append((content := os.urandom(1 << 20), blobs.put(content)))

    with pytest.raises(StorageFull, match="make room"):
        fill()
    assert 2 <= len(kept) < 10
    assert list((small_disk / "files" / DRAFTS).iterdir()) == []
    assert all(blobs.get(sha256) == content for content, sha256 in kept)
    blobs.delete(kept[0][1])
    assert blobs.get(blobs.put(b"there is room again")) == b"there is room again"


def test_a_disk_that_became_read_only_is_no_loss(small_disk: Path) -> None:
    blobs = LocalBlobs(small_disk / "files")
    blobs.put(CONTENT)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(Unavailable, match="Read-only"):
        blobs.put(b"more")
    with pytest.raises(Unavailable):
        blobs.check()
    assert blobs.get(SHA256) == CONTENT


def test_storage_that_answers_500_is_unavailable(tmp_path: Path) -> None:
    class Broken(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    blobs = open_blobs(
        Settings(
            data_folder=tmp_path, files_url="s3://bucket", s3_access_key_id="id", s3_timeout_seconds=1,
            s3_endpoint_url=f"http://127.0.0.1:{server.server_port}", s3_secret_access_key="secret",  # type: ignore[arg-type]
        )
    )  # fmt: skip
    for use in (lambda: blobs.put(CONTENT), lambda: blobs.get(SHA256), blobs.check):
        with pytest.raises(Unavailable, match="does not answer"):
            use()
    server.shutdown()
    server.server_close()


def test_a_bucket_that_is_not_there_is_named_and_says_nothing_of_photos(
    s3_settings: Settings,
) -> None:
    gone = s3_settings.model_copy(update={"files_url": "s3://renamed/photos"})
    blobs, key = open_blobs(gone), "0" * 64
    for ask in (blobs.check, lambda: blobs.put(b"x"), lambda: blobs.get(key), lambda: blobs.exists(key),
                lambda: blobs.delete(key)):  # fmt: skip
        with pytest.raises(NoBucket, match="no such bucket as STREETSIGHT_FILES_URL names"):
            ask()
    there = open_blobs(s3_settings)
    assert not there.exists(key)
    with pytest.raises(NoBlob):
        there.get(key)
