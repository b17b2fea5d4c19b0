"""Resumable uploads: whatever breaks, what the server says it has is on the disk, and ends as sent."""

import base64
import hashlib
import io
import json
import os
import random
import socket
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from tusclient.client import TusClient

from streetsight.service.app import create_app
from streetsight.service.files.local import LocalBlobs
from streetsight.service.frames.intake import take_in
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs import queue
from streetsight.service.jobs.tables import Job
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now
from streetsight.service.uploads.archives import ArchiveBomb, TooManyFiles, read_archive
from streetsight.service.uploads.job import UploadJob
from streetsight.service.uploads.protocol import CONTENT_TYPE
from streetsight.service.uploads.service import KIND, BytesElsewhere, expire, staging_of
from streetsight.service.uploads.tables import Upload
from streetsight.service.worker import Worker

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": CONTENT_TYPE}
Work = Callable[[], Worker]
TRIES = 200 * int(os.environ.get("SOAK", "1"))


def metadata(**said: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def begin(client: TestClient, size: int, **said: str) -> str:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(**said)}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def send(client: TestClient, url: str, offset: int, content: bytes, **headers: str) -> Any:
    return client.patch(url, content=content, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def offset_of(client: TestClient, url: str) -> int:
    answer = client.head(url, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def uploaded(client: TestClient, content: bytes, **said: str) -> str:
    url = begin(client, len(content), **said)
    assert send(client, url, 0, content).status_code == 204
    return url


def zipped(*files: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return into.getvalue()


def tarred(*files: tuple[str, bytes], mode: Any = "w:gz") -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode=mode) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return into.getvalue()


def test_an_upload_goes_on_where_it_stopped(client: TestClient, settings: Settings) -> None:
    content = os.urandom(2_000_000)  # more than a body of JSON may have
    url = begin(client, len(content), filename="drive.mp4")
    assert send(client, url, 0, content[:30_000]).headers["Upload-Offset"] == "30000"
    told = client.head(url, headers=TUS)
    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == ("30000", "2000000")
    assert "GMT" in told.headers["Upload-Expires"]
    wrong = send(client, url, 0, content)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_offset")
    assert wrong.headers["Tus-Resumable"] == "1.0.0"
    assert send(client, url, 30_000, content[30_000:]).status_code == 204
    staged = staging_of(settings).path(url.rpartition("/")[2])
    assert staged.read_bytes() == content
    assert client.get(url).json()["state"] == "received"
    assert send(client, url, 2_000_000, b"x").status_code == 409


def test_the_protocol_says_no_in_its_own_words(client: TestClient, start: Callable[..., TestClient]) -> None:
    told = client.options("/v1/uploads", headers=TUS)
    assert told.headers["Tus-Version"] == "1.0.0"
    assert set(told.headers["Tus-Extension"].split(",")) >= {
        "creation",
        "termination",
        "checksum",
        "expiration",
    }
    url = begin(client, 10)
    patch = {**PIECE, "Upload-Offset": "0"}
    refused = {
        412: client.patch(url, headers={**patch, "Tus-Resumable": "0.2.2"}),
        415: client.patch(url, content=b"x", headers={**patch, "Content-Type": "text/plain"}),
        400: client.patch(url, content=b"x", headers={**patch, "Upload-Offset": "-1"}),
        413: client.patch(url, content=b"x" * 11, headers=patch),
        404: client.patch(f"{url[:-4]}0000", content=b"x", headers=patch),
    }
    assert {status: answer.status_code for status, answer in refused.items()} == {
        each: each for each in refused
    }
    assert refused[412].headers["Tus-Version"] == "1.0.0"
    assert offset_of(client, url) == 0
    assert client.post("/v1/uploads", headers=TUS).status_code == 400
    assert client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(2**45)}).status_code == 413
    assert client.post("/v1/uploads", headers={"Upload-Length": "1"}).status_code == 412
    full = start(min_free_bytes=1 << 60)
    assert full.post("/v1/uploads", headers={**TUS, "Upload-Length": "1"}).status_code == 507
    few = start(max_open_uploads=1)
    begin(few, 10)
    many = few.post("/v1/uploads", headers={**TUS, "Upload-Length": "1"})
    assert (many.status_code, many.json()["code"]) == (429, "too_many_uploads")


def test_another_device_sees_nothing_of_an_upload(client: TestClient, new_token: Callable[..., str]) -> None:
    url = begin(client, 10)
    stranger = {"Authorization": f"Bearer {new_token()}", **TUS}
    assert client.head(url, headers=stranger).status_code == 404
    assert client.get(url, headers=stranger).status_code == 404
    assert client.delete(url, headers=stranger).status_code == 404
    reader = {"Authorization": f"Bearer {new_token('read')}", **TUS}
    assert client.post("/v1/uploads", headers={**reader, "Upload-Length": "1"}).status_code == 403


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_with_a_wrong_checksum_is_not_kept(client: TestClient, algorithm: str) -> None:
    content = os.urandom(5000)
    url = begin(client, len(content))
    good = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    bad = base64.b64encode(hashlib.new(algorithm, b"other").digest()).decode()
    refused = send(client, url, 0, content, **{"Upload-Checksum": f"{algorithm} {bad}"})
    assert (refused.status_code, refused.json()["code"]) == (460, "wrong_checksum")
    assert offset_of(client, url) == 0
    assert send(client, url, 0, content, **{"Upload-Checksum": f"md5 {bad}"}).status_code == 400
    assert send(client, url, 0, content, **{"Upload-Checksum": f"{algorithm} {good}"}).status_code == 204
    assert offset_of(client, url) == 5000


def test_creation_may_bring_the_first_piece(client: TestClient) -> None:
    answer = client.post("/v1/uploads", content=b"12345", headers={**PIECE, "Upload-Length": "10"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")
    assert offset_of(client, answer.headers["Location"]) == 5


def test_ended_and_expired_uploads_are_gone_with_their_bytes(client: TestClient, settings: Settings) -> None:
    ended, late = begin(client, 10), begin(client, 10)
    send(client, late, 0, b"123")
    assert client.delete(ended, headers=TUS).status_code == 204
    staging = staging_of(settings)
    assert len(staging.ids()) == 1
    with open_database(settings) as database:
        with database.write() as session:
            passed = now() - timedelta(seconds=1)
            session.execute(update(Upload).where(Upload.received_bytes == 3).values(expires_at=passed))
        os.utime(staging.path(staging.ids()[0]), (0, 0))
        expire(database, settings)
    for url in (ended, late):
        assert client.head(url, headers=TUS).status_code == 410
        assert send(client, url, 0, b"x").status_code == 410
        assert client.delete(url, headers=TUS).status_code == 410
        assert client.get(url).json()["state"] == "gone"
    assert staging.ids() == []


def test_two_writers_of_one_upload_do_not_mix(client: TestClient, settings: Settings) -> None:
    url = begin(client, 10)
    with staging_of(settings).locked(url.rpartition("/")[2]):  # as another process holds it
        answer = send(client, url, 0, b"12345")
        assert (answer.status_code, answer.json()["code"]) == (423, "locked")
        assert client.delete(url, headers=TUS).status_code == 423
    statuses, ready = list[int](), threading.Barrier(4)

    def write(number: int) -> None:
        ready.wait()
        statuses.append(send(client, url, 0, bytes([48 + number]) * 10).status_code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    content = staging_of(settings).path(url.rpartition("/")[2]).read_bytes()
    assert len(content) == 10
    assert len(set(content)) == 1


@given(
    st.dictionaries(
        st.sampled_from(
            ["Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum", "Content-Type",
             "Tus-Resumable", "Content-Length"]
        ),
        st.one_of(
            st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
            st.sampled_from(["0", "5", "1e3", "+1", "0x5", "1.0.0", "name ====", "sha1 AA", CONTENT_TYPE]),
            st.integers().map(str),
        ),
    ),
    st.sampled_from(["POST", "PATCH", "HEAD", "DELETE", "OPTIONS"]),
    st.binary(max_size=20),
)  # fmt: skip
@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_breaks_the_server(
    client: TestClient, headers: dict[str, str], method: str, body: bytes
) -> None:
    url = begin(client, 5)
    sent = [(name.encode(), value.strip().encode("latin-1")) for name, value in {**PIECE, **headers}.items()]
    target = url if method in ("PATCH", "HEAD", "DELETE") else "/v1/uploads"
    answer = client.request(method, target, headers=sent, content=body)
    assert answer.status_code < 500, answer.text
    assert client.get(url).json()["received_bytes"] <= 5
    client.delete(url, headers=TUS)


def test_an_archive_becomes_frames_with_an_outcome_for_each_file(
    client: TestClient, photos: list[bytes], work: Work
) -> None:
    patrol = client.post("/v1/patrols", json={"key": "monday"}).json()["id"]
    files = [
        ("day/1.jpg", photos[0]), ("day/2.jpg", photos[1]), ("day/again.jpg", photos[0]),
        ("../out.jpg", photos[2]), ("/abs.jpg", photos[2]), ("C:\\x.jpg", photos[2]),
        ("inner.zip", b"PK"), ("notes.txt", b"x"),
        ("broken.jpg", b"no photo"), ("__MACOSX/._1.jpg", b"x"), ("夜市.jpg", photos[3]),
    ]  # fmt: skip
    expected = [
        "accepted", "accepted", "duplicate", "unsafe_path", "unsafe_path", "unsafe_path", "nested_archive",
        "not_a_photo", "invalid_image", "not_a_photo", "accepted",
    ]  # fmt: skip
    for pack in (zipped, tarred):
        url = uploaded(client, pack(*files), filename="photos.zip", patrol=patrol)
        work()
        shown = client.get(url).json()
        assert (shown["state"], shown["kind"]) == ("done", "archive"), shown
        assert [each["outcome"] for each in shown["files"]] == expected
        expected = ["duplicate" if each == "accepted" else each for each in expected]
        assert shown["files"][10]["name"] == "夜市.jpg"
        frame = client.get(f"/v1/frames/{shown['files'][0]['frame_id']}").json()
        assert (frame["patrol_id"], frame["name"], frame["state"]) == (patrol, "1.jpg", "detected")
        rest = client.get(url, params={"limit": 4}).json()
        assert (len(rest["files"]), rest["next_after"]) == (4, 3)
        assert client.get(url, params={"after": 3}).json()["files"][0]["number"] == 4


def test_a_single_photo_and_a_file_that_is_nothing(
    client: TestClient, photos: list[bytes], work: Work
) -> None:
    said = json.dumps({"position": {"lon": 120.1, "lat": 30.1}, "camera": "left"})
    photo = uploaded(client, photos[0], filename="a/b/one.jpg", metadata=said)
    nothing, empty = uploaded(client, os.urandom(5000), filename="drive.mp4"), begin(client, 0)
    work()
    shown = client.get(photo).json()
    assert (shown["state"], shown["kind"], shown["name"]) == ("done", "photo", "one.jpg")
    frame = client.get(f"/v1/frames/{shown['files'][0]['frame_id']}").json()
    assert frame["position"]["lon"] == 120.1
    for url in (nothing, empty):
        assert client.get(url).json()["state"] == "failed"
        assert client.get(url).json()["reason"]


def test_bombs_are_refused_by_name_and_cost_nothing(tmp_path: Path, photos: list[bytes]) -> None:
    zeros = bytes(30 << 20)
    bomb = tmp_path / "bomb.zip"
    many = [(f"{number}.jpg", zeros) for number in range(8)]
    bomb.write_bytes(zipped(*many, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(ArchiveBomb, match="times as many"):
        [*read_archive(bomb, 32 << 20, 100)]
    thick = tmp_path / "bomb.tar.gz"
    thick.write_bytes(tarred(("a.txt", bytes(200 << 20))))
    with pytest.raises(ArchiveBomb):
        [*read_archive(thick, 32 << 20, 100)]
    crowd = tmp_path / "crowd.zip"
    crowd.write_bytes(zipped(*((f"{number}.jpg", b"") for number in range(30))))
    with pytest.raises(TooManyFiles):
        [*read_archive(crowd, 32 << 20, 20)]
    long = tmp_path / "long.zip"
    long.write_bytes(zipped(*((f"{number:0200}.jpg", b"") for number in range(300))))
    with pytest.raises(TooManyFiles):  # by the size of its directory, before that is read
        next(read_archive(long, 32 << 20, 20))
    header = tmp_path / "header.tar"
    info = tarfile.TarInfo("x.jpg")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    header.write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(ArchiveBomb, match="header"):
        [*read_archive(header, 32 << 20, 100)]
    large = tmp_path / "large.zip"
    large.write_bytes(zipped(("large.jpg", os.urandom(5000)), ("fine.jpg", photos[0][:1000])))
    assert [each.refused for each in read_archive(large, 2000, 100)] == ["too_large", None]
    link = tmp_path / "link.tar"
    with tarfile.open(link, "w") as archive:
        pointer = tarfile.TarInfo("passwd.jpg")
        pointer.type, pointer.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(pointer)
    assert [each.refused for each in read_archive(link, 2000, 100)] == ["not_a_file"]


def test_a_cut_archive_gives_what_it_has_and_says_so(
    client: TestClient, photos: list[bytes], work: Work
) -> None:
    whole = tarred(("1.jpg", photos[0]), ("2.jpg", photos[1]), mode="w")
    url = uploaded(client, whole[: len(photos[0]) + 2000], filename="cut.tar")
    work()
    shown = client.get(url).json()
    assert (shown["state"], shown["summary"]) == ("done", {"accepted": 1})
    assert "cannot be read any further" in shown["reason"]


def test_what_was_done_before_a_crash_is_not_done_twice(
    client: TestClient, photos: list[bytes], work: Work, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streetsight.service.uploads import job

    url = uploaded(client, zipped(*((f"{n}.jpg", photo) for n, photo in enumerate(photos[:5]))))
    real, calls = take_in, list[int]()

    def dying(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("killed")
        return real(*given, **named)

    monkeypatch.setattr(job, "take_in", dying)
    monkeypatch.setattr(job, "SLICE_FILES", 2)
    while client.get(url).json()["state"] == "received":
        work()
    shown = client.get(url).json()
    assert (shown["state"], [each["number"] for each in shown["files"]]) == ("done", [0, 1, 2, 3, 4])
    with open_database(settings) as database, database.read() as session:
        assert len(session.scalars(select(Frame.id)).all()) == 5


def test_bytes_that_no_machine_has_are_waited_for_until_the_upload_expires(
    client: TestClient, photos: list[bytes], work: Work, settings: Settings
) -> None:
    url = uploaded(client, zipped(("1.jpg", photos[0])))
    upload_id = url.rpartition("/")[2]
    staging_of(settings).path(upload_id).unlink()  # as on a disk that was lost, or on another machine
    with open_database(settings) as database:
        handler = UploadJob(database, LocalBlobs(settings.data_folder / "files"), settings)
        with database.write() as session:
            (claim,) = queue.claim(session, KIND, 1, queue.Backoff())
            with pytest.raises(BytesElsewhere):
                handler.work(claim)
            queue.postpone(session, claim, "elsewhere", timedelta(0))
            session.execute(update(Upload).where(Upload.id == upload_id).values(expires_at=now()))
    work()
    shown = client.get(url).json()
    assert (shown["state"], shown["files"]) == ("failed", [])
    assert shown["reason"].startswith("no worker has found its bytes")
    with open_database(settings) as database, database.read() as session:
        assert session.scalars(select(Job.id).where(Job.kind == KIND)).all() == []


def video(pictures: int) -> bytes:
    import av
    import numpy as np

    into = io.BytesIO()
    with av.open(into, "w", format="mp4") as container:
        container.metadata["creation_time"] = "2026-05-01T08:00:00.000000Z"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(pictures):
            picture = np.full((240, 320, 3), number * 5 % 256, np.uint8)
            picture[:, : 20 + number] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return into.getvalue()


GPX = """<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
{points}</trkseg></trk></gpx>"""


def test_a_video_becomes_frames_along_its_track(client: TestClient, work: Work) -> None:
    patrol = client.post("/v1/patrols", json={"key": "video"}).json()["id"]
    points = "".join(
        f'<trkpt lat="{30 + second * 5 / 111_320:.7f}" lon="120">'
        f"<time>2026-05-01T08:00:{second:02}Z</time></trkpt>"
        for second in range(10)
    )  # 5 m/s to the north
    uploaded(client, GPX.format(points=points).encode(), filename="way.gpx", patrol=patrol)
    work()
    url = uploaded(client, video(40), filename="drive.mp4", patrol=patrol)
    work()
    shown = client.get(url).json()
    assert (shown["state"], shown["kind"]) == ("done", "video"), shown
    frames = [client.get(f"/v1/frames/{each['frame_id']}").json() for each in shown["files"]]
    assert len(frames) == 5  # 4 s at 5 m/s and 10 pictures a second: the first that has come 4 m, each time
    assert [each["patrol_id"] for each in frames] == [patrol] * 5
    norths = [(each["position"]["lat"] - 30) * 111_320 for each in frames]
    assert norths == pytest.approx([0, 4.5, 9, 13.5, 18], abs=0.1)
    assert frames[1]["taken_at"].startswith("2026-05-01T08:00:00.9")
    alone = uploaded(client, video(20), filename="alone.mp4")
    work()
    counts = client.get(alone).json()["summary"]  # its first picture is the first one of the other, too
    assert counts == {"accepted": 3, "duplicate": 1}  # by time: every 0.5 s


@contextmanager
def listening(settings: Settings) -> Iterator[str]:
    """The application behind a real socket."""
    config = uvicorn.Config(create_app(settings), "127.0.0.1", 0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    pause = threading.Event()
    while not server.started:
        pause.wait(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_an_independent_client_uploads(
    settings: Settings, new_token: Callable[..., str], photos: list[bytes], tmp_path: Path, work: Work
) -> None:
    file = tmp_path / "photos.zip"
    file.write_bytes(zipped(*((f"{n}.jpg", photo) for n, photo in enumerate(photos[:3]))))
    with listening(settings) as address:
        client = TusClient(f"{address}/v1/uploads", headers={"Authorization": f"Bearer {new_token()}"})
        for checksum in (False, True):
            with file.open("rb") as stream:
                said = {"filename": "photos.zip"}
                uploader = client.uploader(
                    file_stream=stream, chunk_size=50_000, metadata=said, upload_checksum=checksum
                )
                uploader.upload()
            upload_id = str(uploader.url).rpartition("/")[2]
            assert staging_of(settings).path(upload_id).read_bytes() == file.read_bytes()
    work()
    with open_database(settings) as database, database.read() as session:
        assert [*session.scalars(select(Upload.state))] == ["done", "done"]
        assert len(session.scalars(select(Frame.id)).all()) == 3


class FaultyUploader:
    """Sends an upload over a socket of its own, and hangs up at random points."""

    def __init__(self, address: str, token: str, seed: int) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._to, self._token, self.random = (host, int(port)), token, random.Random(seed)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"", cut: int = -1) -> Any:
        """One request; gives status and headers. Of one that is `cut` only so many bytes are sent: None."""
        lines = {
            "Host": "x",
            "Authorization": f"Bearer {self._token}",
            "Content-Length": str(len(body)),
            **TUS,
        }
        head = "\r\n".join(
            [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**lines, **headers}.items())]
        )
        message = head.encode() + b"\r\n\r\n" + body
        with socket.create_connection(self._to) as line:
            if 0 <= cut < len(message):
                line.sendall(message[:cut])
                if self.random.random() < 0.5:  # reset, not closed
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                return None
            line.sendall(message)
            if cut >= len(message) and self.random.random() < 0.5:
                return None  # gone before the answer
            return self._answer(line)

    def _answer(self, line: socket.socket) -> tuple[int, dict[str, str]]:
        received = b""
        while b"\r\n\r\n" not in received:
            more = line.recv(65536)
            assert more, received
            received += more
        status, *rest = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        headers = dict(each.split(": ", 1) for each in rest)
        return int(status.split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    def upload(self, content: bytes) -> tuple[str, int]:
        """Until all of it is there; gives the id, and how often the line broke."""
        status, headers = self.ask("POST", "/v1/uploads", {"Upload-Length": str(len(content))})
        assert status == 201
        url, breaks, offset = headers["location"], 0, 0
        while offset < len(content):
            piece = content[offset : offset + self.random.randint(1, 40_000)]
            broken = self.random.random() < 0.7
            cut = self.random.randint(0, len(piece) + 400) if broken else -1
            sent = {"Content-Type": CONTENT_TYPE, "Upload-Offset": str(offset)}
            if self.random.random() < 0.3:
                sent["Upload-Checksum"] = f"sha1 {base64.b64encode(hashlib.sha1(piece).digest()).decode()}"
            answer = self.ask("PATCH", url, sent, piece, cut)
            if answer is None:
                breaks += 1
            else:
                assert answer[0] in (204, 409, 423), answer
            offset = self._offset(url, offset)
        return url.rpartition("/")[2], breaks

    def _offset(self, url: str, least: int) -> int:
        status, headers = self.ask("HEAD", url, {})
        assert status == 200
        offset = int(headers["upload-offset"])
        assert offset >= least, "what was said to be kept was lost"
        return offset


def test_a_line_that_breaks_anywhere_ends_with_identical_bytes(
    settings: Settings, new_token: Callable[..., str]
) -> None:
    breaks, seed = 0, 0
    with listening(settings) as address:
        token = new_token()
        while breaks < TRIES:
            uploader = FaultyUploader(address, token, seed)
            content = uploader.random.randbytes(uploader.random.randint(1, 200_000))
            upload_id, broken = uploader.upload(content)
            assert staging_of(settings).path(upload_id).read_bytes() == content
            breaks, seed = breaks + broken, seed + 1
    assert seed > 1
