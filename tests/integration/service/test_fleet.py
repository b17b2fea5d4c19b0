"""Two web servers and two workers over one PostgreSQL and one bucket: processes with folders of their own.

Both webs get every photo at the same time; one of each kind is killed at work, the database goes and comes
back, the storage is slow and refuses now and then. What comes out is what one local server makes of the same.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from dying import DYING
from fastapi.testclient import TestClient
from faulty import Faults, FaultyLink
from found import found
from loopback import CLIENT, is_up
from pydantic import SecretStr
from sqlalchemy import func, select

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.auth.csrf import HEADER
from streetsight.service.detections.tables import Result
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.tables import Job
from streetsight.service.people.links import add_link
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.settings import Settings
from streetsight.service.store.key_proof import prove_key
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import SealError, open_sealer
from streetsight.service.uploads.protocol import CONTENT_TYPE

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SLOW = Faults(delay=0.5, delay_s=0.1, refuse=0.03)
IN_BUCKET = {"files_url", "s3_endpoint_url", "s3_access_key_id", "s3_secret_access_key", "s3_timeout_seconds"}
Process = subprocess.Popen[bytes]


@pytest.fixture
def shared(settings: Settings, s3_settings: Settings) -> Settings:
    """What all machines of the fleet have in common; the storage seen without faults."""
    key = SecretStr(Fernet.generate_key().decode())
    bucket = s3_settings.model_dump(include=IN_BUCKET)
    return settings.model_copy(update=bucket | {"secret_keys": key})


@pytest.fixture
def slow_storage(shared: Settings) -> Iterator[FaultyLink]:
    """The way to the bucket that the fleet takes."""
    link = FaultyLink(int(str(shared.s3_endpoint_url).rpartition(":")[2]), SLOW, seed=4)
    yield link
    link.close()


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines by name, each with a data folder of its own."""

    folder: Path
    environment: dict[str, str]
    running: list[Process]

    def start(self, machine: str, *command: str, step: str = "none", count: int = 1) -> Process:
        """A command of `streetsight` on a machine; it dies when it reaches a step for the n-th time."""
        with (self.folder / f"{machine}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", DYING, step, str(count), *command], stderr=log, stdout=log,
                env=self.environment | {"STREETSIGHT_DATA_FOLDER": str(self.folder / machine)},
            )  # fmt: skip
        self.running.append(process)
        return process

    def web(self, machine: str, port: int, **dies: Any) -> Process:
        return self.start(machine, "serve", "--port", str(port), "--workers", "0", **dies)

    def log_of(self, machine: str) -> str:
        return (self.folder / f"{machine}.log").read_text()


@pytest.fixture
def fleet(shared: Settings, slow_storage: FaultyLink, tmp_path: Path) -> Iterator[Fleet]:
    assert shared.secret_keys is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment |= {
        "STREETSIGHT_DATABASE_URL": shared.database, "STREETSIGHT_FILES_URL": str(shared.files_url),
        "STREETSIGHT_S3_ENDPOINT_URL": slow_storage.url, "STREETSIGHT_S3_TIMEOUT_SECONDS": "5",
        "STREETSIGHT_S3_ACCESS_KEY_ID": "id", "STREETSIGHT_S3_SECRET_ACCESS_KEY": "secret",
        "STREETSIGHT_SECRET_KEYS": shared.secret_keys.get_secret_value(),
        "STREETSIGHT_MIN_FREE_BYTES": "0", "STREETSIGHT_POLL_SECONDS": "0.05",
        "STREETSIGHT_MAX_BATCH_SIZE": "4", "STREETSIGHT_LEASE_SECONDS": "15",
        "STREETSIGHT_ASSEMBLE_AFTER_SECONDS": "0",
    }  # fmt: skip
    folder = tmp_path / "fleet"
    folder.mkdir()
    fleet = Fleet(folder, environment, [])
    yield fleet
    for process in fleet.running:
        process.kill()
        process.wait()


def answers(port: int, path: str = "/healthz") -> bool:
    return is_up(f"http://127.0.0.1:{port}{path}")


@dataclass(frozen=True, slots=True)
class Device:
    """A vehicle that sends every photo of its patrol to each of the webs, again until it is acknowledged."""

    token: str
    photos: Sequence[bytes]
    patrol_id: str
    receipts: "list[tuple[int, str]]"

    def send_all(self, ports: Sequence[int]) -> None:
        for number, photo in enumerate(self.photos):
            data = {"metadata": json.dumps({"patrol_id": self.patrol_id, "name": f"{number}.jpg"})}
            sent = {"files": {"photo": photo}, "data": data}
            answer = until_answered(ports, self.token, "/v1/frames", **sent)
            assert answer.status_code in (200, 201), answer.text
            self.receipts.append((number, answer.json()["id"]))


def until_answered(ports: Sequence[int], token: str, path: str, **sent: Any) -> httpx2.Response:
    """Ask as a device behind a balancer does: the other web while one is down, or something behind it is."""
    for port in cycle(ports):
        url = f"http://127.0.0.1:{port}{path}"
        try:
            answer = CLIENT.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=60, **sent)
        except httpx2.HTTPError:
            time.sleep(0.05)
            continue
        if answer.status_code != 503:
            break
        time.sleep(0.1)
    return answer


def sent_to_both(devices: Sequence[Device], ports: Sequence[int]) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=one.send_all, args=(each,))
        for one in devices
        for each in (ports, ports[::-1])
    ]
    for thread in threads:
        thread.start()
    return threads


def test_a_fleet_that_is_killed_at_loses_nothing_and_finds_what_one_server_finds(
    fleet: Fleet, shared: Settings, new_token: Callable[..., str], photos: list[bytes], postgres: Any,
    start: Callable[..., TestClient], work_on: Callable[..., None], free_ports: tuple[int, int],
    tmp_path: Path,
) -> None:  # fmt: skip
    ports = free_ports
    webs = [fleet.web("web-1", ports[0], step="stored", count=1), fleet.web("web-2", ports[1])]
    first = fleet.start("worker-1", "work", step="publishing", count=2)
    devices = []
    for number in range(2):
        token = new_token(of=shared)
        patrol = until_answered(ports[number:], token, "/v1/patrols", json={"key": "morning"}).json()["id"]
        devices.append(Device(token, photos[number::2], patrol, []))

    while not answers(ports[0], "/readyz"):  # else the other stores everything, and nobody is killed
        time.sleep(0.1)
    sending = sent_to_both(devices, ports)
    assert webs[0].wait(300) == -signal.SIGKILL, "the web was to be killed in mid-upload"
    postgres.stop()
    try:
        assert not answers(ports[1], "/readyz")
    finally:
        postgres.start()
    for thread in sending:
        thread.join(300)
        assert not thread.is_alive()
    for device in devices:
        closed = until_answered(ports[1:], device.token, f"/v1/patrols/{device.patrol_id}/close")
        assert closed.status_code == 200, closed.text
    assert first.wait(300) == -signal.SIGKILL, "the worker was to be killed in mid-job"
    two = [fleet.start(machine, "work") for machine in ("worker-2", "worker-3")]  # compete for what is left
    wait_until_done(shared, two)

    assert [len(device.receipts) for device in devices] == [2 * len(device.photos) for device in devices]
    one_frame_for_each(shared, devices)
    local = one_local_server(start, work_on, devices, tmp_path / "local")
    assert found(shared) == found(local)
    for process in (webs[1], *two):
        process.terminate()
        assert process.wait(60) == 0


def wait_until_done(settings: Settings, workers: Sequence[Process]) -> None:
    """Frames detected and patrols assembled."""
    deadline = time.monotonic() + 300
    with open_database(settings) as database:
        while True:
            with database.read() as session:
                left = session.scalar(select(func.count()).where(Job.kind.in_(("detect", "assemble"))))
            if not left:
                return
            assert time.monotonic() < deadline, f"{left} jobs are left"
            assert [each.poll() for each in workers] == [None] * 2, "a worker ended"
            time.sleep(0.1)


def one_frame_for_each(settings: Settings, devices: Sequence[Device]) -> None:
    """Each photo is one frame, whichever web was asked, with its bytes and one result."""
    blobs = open_blobs(settings)
    with open_database(settings) as database, database.read() as session:
        frames = {each.id: each for each in session.scalars(select(Frame))}
        results = session.scalars(select(Result.frame_id)).all()
    assert sorted(results) == sorted(frames)
    assert {each.state for each in frames.values()} == {"detected"}
    assert len(frames) == sum(len(device.photos) for device in devices)
    for device in devices:
        for number, frame_id in device.receipts:
            frame, photo = frames[frame_id], device.photos[number]
            assert frame.sha256 == hashlib.sha256(photo).hexdigest()
            assert blobs.get(frame.sha256) == photo


def one_local_server(
    start: Callable[..., TestClient], work_on: Callable[..., None], devices: Sequence[Device], folder: Path
) -> Settings:
    """The same photos, one after the other, to one server with SQLite and a folder; its settings."""
    client = start(data_folder=folder, database_url=None)
    for number, device in enumerate(devices):
        patrol = client.post("/v1/patrols", json={"key": f"{number}"}).json()["id"]
        for name, photo in enumerate(device.photos):
            data = {"metadata": json.dumps({"patrol_id": patrol, "name": f"{name}.jpg"})}
            answer = client.post("/v1/frames", files={"photo": photo}, data=data)
            assert answer.status_code == 201, answer.text
        assert client.post(f"/v1/patrols/{patrol}/close").status_code == 200
    settings = Settings(data_folder=folder, lease_seconds=2, min_free_bytes=0)  # type: ignore[arg-type]
    work_on(settings)
    return settings


@pytest.fixture
def two_webs(start: Callable[..., TestClient], shared: Settings, tmp_path: Path) -> list[TestClient]:
    """Two web servers of a fleet, and one device that knows both."""
    common = shared.model_dump(include=IN_BUCKET | {"secret_keys"})
    webs = [start(data_folder=tmp_path / name, **common) for name in ("a", "b")]
    webs[1].headers["Authorization"] = webs[0].headers["Authorization"]
    return webs


def test_an_upload_in_pieces_goes_on_at_the_web_that_has_it(two_webs: list[TestClient]) -> None:
    here, there = two_webs
    tus = {"Tus-Resumable": "1.0.0"}
    place = here.post("/v1/uploads", headers=tus | {"Upload-Length": "6"}).headers["Location"]
    piece = tus | {"Content-Type": CONTENT_TYPE, "Upload-Offset": "0"}
    elsewhere = there.patch(place, content=b"abc", headers=piece)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (503, "bytes_elsewhere")
    assert int(elsewhere.headers["Retry-After"]) >= 1
    assert here.patch(place, content=b"abc", headers=piece).status_code == 204
    assert there.head(place, headers=tus).headers["Upload-Offset"] == "3"  # nobody is told to begin anew
    assert there.delete(place, headers=tus).status_code == 204
    assert here.head(place, headers=tus).status_code == 410


def test_links_sessions_and_locks_are_of_the_whole_fleet(
    two_webs: list[TestClient], shared: Settings
) -> None:
    """A link is good once, who signs in is signed in everywhere, and failed sign-ins count together."""
    here, there = two_webs
    with open_database(shared) as database, database.write() as session:
        person = add_person(session, SYSTEM, NewPerson("li.ming", "Li Ming", Role.ADMIN))
        chosen = {"token": add_link(session, SYSTEM, person), "password": "correct horse battery"}
    for each in two_webs:
        del each.headers["Authorization"]
    signed = here.post("/v1/setup", data=chosen)
    assert signed.status_code == 201, signed.text
    assert there.post("/v1/setup", data=chosen).json()["code"] == "link_over"
    there.cookies.update(here.cookies)
    assert there.get("/v1/session").json()["person"]["login"] == "li.ming"
    headers = {HEADER: there.get("/v1/session").json()["csrf_token"]}
    assert here.delete("/v1/session", headers=headers).status_code == 204
    assert there.get("/v1/session").status_code == 401
    wrong = {"login": "li.ming", "password": "wrong"}
    answers = [each.post("/v1/session", json=wrong).status_code for each in (here, there) * 3]
    assert answers == [401] * 5 + [429]


def test_a_quota_is_of_the_whole_fleet_however_close_together_it_is_used(
    start: Callable[..., TestClient], shared: Settings, photos: list[bytes], tmp_path: Path
) -> None:
    common = shared.model_dump(include=IN_BUCKET | {"secret_keys"}) | {"device_daily_frames": 5}
    webs = [start(data_folder=tmp_path / name, **common) for name in ("a", "b")]
    webs[1].headers["Authorization"] = webs[0].headers["Authorization"]

    def send(number: int) -> int:
        photo = photos[0] + bytes([number])
        return webs[number % 2].post("/v1/frames", files={"photo": photo}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(18))) == [201] * 5 + [429] * 13


def test_a_machine_with_another_key_is_told_so_at_its_start(
    shared: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    with open_database(shared) as database:
        prove_key(database, open_sealer(shared))
        prove_key(database, open_sealer(shared))
        other = shared.model_copy(update={"secret_keys": None, "data_folder": tmp_path})
        with pytest.raises(SealError, match="set the same STREETSIGHT_SECRET_KEYS on all machines"):
            prove_key(database, open_sealer(other))
        fleet.environment["STREETSIGHT_SECRET_KEYS"] = Fernet.generate_key().decode()
        assert fleet.start("alone", "work").wait(120) == 2
        assert "STREETSIGHT_SECRET_KEYS" in fleet.log_of("alone")
        assert fleet.start("alone", "new-key").wait(120) == 0
        with pytest.raises(SealError):
            prove_key(database, open_sealer(shared))
