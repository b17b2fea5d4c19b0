"""kill -9 at every step, restart, compare: nothing acknowledged is missing, nothing is double.

Real processes on a real SQLite file and a real PostgreSQL. `make soak` runs ten times as many photos.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import httpx2
import numpy as np
import pytest
import simplejpeg
from dying import DYING
from fastapi.testclient import TestClient
from loopback import CLIENT, wait_until_up
from sqlalchemy import func, select

from streetsight.service.assembling.arming import frame_settled
from streetsight.service.assembling.tables import Assembly
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.frames.tables import Frame
from streetsight.service.jobs.tables import Job
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.steps import Step
from streetsight.service.store.opening import open_database

SOAK = int(os.environ.get("SOAK", "1"))
UPLOAD_STEPS = ("accepted", "stored", "written", "committed")
WORK_STEPS = ("claimed", "detected", "publishing", "published")
ASSEMBLY_STEPS = ("assembled", "settling")
LEASE = 6  # seconds; neither loading the tracker nor a busy machine must look like a hang


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts a command that dies at a step; whatever is left at the end is killed."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment |= {
        "STREETSIGHT_DATA_FOLDER": str(settings.data_folder), "STREETSIGHT_DATABASE_URL": settings.database,
        "STREETSIGHT_MIN_FREE_BYTES": "0", "STREETSIGHT_LEASE_SECONDS": str(LEASE),
        "STREETSIGHT_POLL_SECONDS": "0.05", "STREETSIGHT_MAX_BATCH_SIZE": "4",
    }  # fmt: skip

    def run(*command: str, step: str = "none", count: int = 1) -> "subprocess.Popen[bytes]":
        with (tmp_path / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", DYING, step, str(count), *command],
                stderr=log,
                env=environment,
            )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


def test_every_step_is_one_that_the_tests_kill_at() -> None:
    assert set(UPLOAD_STEPS + WORK_STEPS + ASSEMBLY_STEPS) == set(get_args(Step))


def pictures(count: int, seed: int) -> list[bytes]:
    """Small photos, each with other bytes."""
    random_ = np.random.default_rng(seed)
    return [
        simplejpeg.encode_jpeg(random_.integers(0, 255, (64, 64, 3), dtype=np.uint8), 60)
        for _ in range(count)
    ]


def send(port: int, token: str, number: int, photo: bytes, until_up: bool = True) -> dict[str, Any] | None:
    """Upload as a device does: again until acknowledged; None when the server is down and not waited for."""
    while True:
        try:
            answer = CLIENT.post(
                f"http://127.0.0.1:{port}/v1/frames", files={"photo": (f"{number}.jpg", photo)},
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": f"photo {number}"},
                timeout=60,
            )  # fmt: skip
        except httpx2.HTTPError:
            if not until_up:
                return None
            time.sleep(0.05)
            continue
        if answer.status_code in (200, 201):
            receipt: dict[str, Any] = answer.json()
            return receipt
        assert answer.status_code == 503, answer.text


def test_a_server_killed_at_every_step_of_an_upload_loses_nothing(
    settings: Settings, new_token: Callable[..., str], free_port: int, run: Callable[..., Any]
) -> None:
    token, photos = new_token(), pictures(40 * SOAK, 1)
    waiting, receipts = list(enumerate(photos)), {}
    chance = random.Random(1)
    for step in (*UPLOAD_STEPS, "none"):
        server = run(
            "serve", "--port", str(free_port), "--workers", "0", step=step, count=chance.randint(1, 6)
        )
        wait_until_up(f"http://127.0.0.1:{free_port}/healthz", server)

        def upload(server: Any = server) -> None:
            while waiting and server.poll() is None:
                number, photo = waiting.pop()
                receipt = send(free_port, token, number, photo, until_up=False)
                if receipt is None:
                    waiting.append((number, photo))
                else:
                    receipts[number] = receipt

        threads = [threading.Thread(target=upload) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if step != "none":
            assert server.wait(60) == -signal.SIGKILL, f"nothing was killed at {step}"
            acknowledged_is_there(settings, photos, receipts)
    assert len(receipts) == len(photos)
    acknowledged_is_there(settings, photos, receipts)
    server.terminate()
    assert server.wait(60) == 0  # and a server that is asked to stop stops cleanly
    with open_database(settings) as database, database.read() as session:
        assert session.scalar(select(func.count()).select_from(Frame)) == len(photos)
        assert session.scalar(select(func.count()).select_from(Job)) == len(photos)


def acknowledged_is_there(settings: Settings, photos: list[bytes], receipts: dict[int, Any]) -> None:
    from streetsight.service.files.opening import open_blobs

    blobs = open_blobs(settings)
    with open_database(settings) as database, database.read() as session:
        for number, receipt in list(receipts.items()):
            frame = session.get_one(Frame, receipt["id"])
            assert frame.sha256 == hashlib.sha256(photos[number]).hexdigest()
            assert blobs.get(frame.sha256) == photos[number]


def test_workers_killed_at_every_step_publish_each_frame_once(
    settings: Settings, start: Callable[..., Any], run: Callable[..., Any], work: Callable[[], Any]
) -> None:
    client, photos = start(), pictures(24 * SOAK, 2)
    for number, photo in enumerate(photos):
        assert client.post("/v1/frames", files={"photo": (f"{number}.jpg", photo)}).status_code == 201
    chance = random.Random(2)
    for step in WORK_STEPS:
        count = 1 if step in ("claimed", "published") else chance.randint(1, 4)
        assert run("work", step=step, count=count).wait(120) == -signal.SIGKILL
    two_workers_do_the_rest(settings, run)
    published_once(settings, len(photos))


def two_workers_do_the_rest(settings: Settings, run: Callable[..., Any]) -> None:
    """Competing over what is left, and over the leases of the dead."""
    two = [run("work"), run("work")]
    deadline = time.monotonic() + 120
    with open_database(settings) as database:
        while True:
            with database.read() as session:
                left = session.scalar(select(func.count()).select_from(Job))
            if not left:
                break
            assert time.monotonic() < deadline, f"{left} jobs are left"
            time.sleep(0.1)
    for process in two:
        process.terminate()
        assert process.wait(60) == 0


def test_workers_killed_while_they_assemble_make_each_candidate_once(
    settings: Settings, client: TestClient, photos: list[bytes], run: Callable[..., Any],
    work: Callable[[], Any],
) -> None:  # fmt: skip
    patrols = []
    for key, some in (("one", photos[::2]), ("two", photos[1::2])):
        patrols.append(client.post("/v1/patrols", json={"key": key}).json()["id"])
        for number, photo in enumerate(some):
            data = {"metadata": json.dumps({"patrol_id": patrols[-1], "name": f"{number}.jpg"})}
            assert client.post("/v1/frames", files={"photo": photo}, data=data).status_code == 201
        assert client.post(f"/v1/patrols/{patrols[-1]}/close").status_code == 200
    for step in ASSEMBLY_STEPS:
        assert run("work", step=step).wait(120) == -signal.SIGKILL
    two_workers_do_the_rest(settings, run)
    once = assembled(settings)
    assert once
    with open_database(settings) as database, database.write() as session:
        for patrol in patrols:
            frame_settled(session, patrol)
    work()  # again, for nothing
    assert assembled(settings) == once


def assembled(settings: Settings) -> list[tuple[Any, ...]]:
    """Candidates with their sightings; none twice."""
    with open_database(settings) as database, database.read() as session:
        candidates = session.scalars(select(Candidate).order_by(Candidate.id)).all()
        places = [(each.place_id, each.condition) for each in candidates]
        assert len(places) == len(set(places))
        assert set(session.scalars(select(CandidateSighting.sighting_id))) <= set(
            session.scalars(select(Sighting.id))
        )
        assert session.scalar(select(func.count()).select_from(Assembly)) == 2
        return [(each.id, each.version, each.sightings, each.frames) for each in candidates]


def published_once(settings: Settings, count: int) -> None:
    with open_database(settings) as database, database.read() as session:
        assert (
            session.scalar(select(func.count()).select_from(Frame).where(Frame.state == "detected")) == count
        )
        results = session.scalars(select(Result)).all()
        assert sorted(each.frame_id for each in results) == sorted(session.scalars(select(Frame.id)))
        assert set(session.scalars(select(Detection.result_id))) <= {each.id for each in results}


def test_a_client_that_drops_its_connection_ends_with_identical_bytes(
    settings: Settings, new_token: Callable[..., str], free_port: int, run: Callable[..., Any]
) -> None:
    """Connections cut at random points, hundreds of times; then each photo once whole."""
    token, photos, chance = new_token(), pictures(10, 3), random.Random(3)
    server = run("serve", "--port", str(free_port), "--workers", "0")
    wait_until_up(f"http://127.0.0.1:{free_port}/healthz", server)
    request = httpx2.Request(
        "POST", f"http://127.0.0.1:{free_port}/v1/frames", files={"photo": ("a.jpg", photos[0])},
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    for _ in range(200 * SOAK):
        request = httpx2.Request(
            "POST", f"http://127.0.0.1:{free_port}/v1/frames",
            files={"photo": ("a.jpg", chance.choice(photos))}, headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        cut(request, free_port, chance)
    receipts = {number: send(free_port, token, number, photo) for number, photo in enumerate(photos)}
    acknowledged_is_there(settings, photos, receipts)
    with open_database(settings) as database, database.read() as session:
        assert session.scalar(select(func.count()).select_from(Frame)) == len(photos)


def cut(request: httpx2.Request, port: int, chance: random.Random) -> None:
    """Send a request up to a random byte, then hang up, politely or not."""
    import socket

    head = [f"{request.method} {request.url.path} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    whole = "\r\n".join([*head, "", ""]).encode() + request.read()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(whole[: chance.randrange(len(whole))])
        if chance.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_serve_restarts_a_worker_that_dies_and_takes_all_along_when_it_stops(
    settings: Settings, new_token: Callable[..., str], free_port: int, run: Callable[..., Any], tmp_path: Path
) -> None:
    import psutil

    token, photos = new_token(), pictures(3, 4)
    server = run("serve", "--port", str(free_port), "--workers", "1")
    wait_until_up(f"http://127.0.0.1:{free_port}/healthz", server)

    def worker() -> psutil.Process:
        while not (found := psutil.Process(server.pid).children()):
            time.sleep(0.05)
        return found[0]

    def detected(number: int) -> None:
        receipt = send(free_port, token, number, photos[number])
        assert receipt is not None
        while True:
            frame = CLIENT.get(
                f"http://127.0.0.1:{free_port}/v1/frames/{receipt['id']}",
                headers={"Authorization": f"Bearer {token}"},
            ).json()
            if frame["state"] == "detected":
                return
            time.sleep(0.05)

    detected(0)
    first = worker()
    first.kill()
    first.wait()
    detected(1)
    second = worker()
    assert second.pid != first.pid
    metrics = CLIENT.get(f"http://127.0.0.1:{free_port}/metrics").text
    assert 'streetsight_uploads_total{outcome="accepted"} 2.0' in metrics
    assert 'streetsight_jobs_ended_total{end="done",kind="detect"}' in metrics  # counted in another process
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    assert not second.is_running()
    events = [json.loads(line)["event"] for line in (tmp_path / "server.log").read_text().splitlines()]
    assert "worker_lost" in events
    assert "worker_stopped" in events


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_workers_end_when_their_server_was_killed(free_port: int, run: Callable[..., Any]) -> None:
    import psutil

    server = run("serve", "--port", str(free_port), "--workers", "1")
    wait_until_up(f"http://127.0.0.1:{free_port}/healthz", server)
    while not (children := psutil.Process(server.pid).children()):
        time.sleep(0.05)
    time.sleep(4)  # it must have begun to watch
    server.kill()
    server.wait()
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert (len(gone), alive) == (1, [])
