"""kill -9 of a vehicle's agent at every step: what it answered for arrives once, byte for byte."""

import contextlib
import hashlib
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from vehicles import City, Vehicle, jpegs

from streetsight.service.steps import AgentStep

TAKING = ("filed", "noting", "kept")
SENDING = ("posted", "sent")
IN_PIECES = ("pieced",)
LOOKING = ("redacted", "looked")
EVICTING = ("evicting", "evicted")


def test_every_step_is_one_that_the_tests_kill_at() -> None:
    assert set(TAKING + SENDING + IN_PIECES + LOOKING + EVICTING) == set(get_args(AgentStep))


@pytest.fixture
def city(tmp_path: Path, free_port: int) -> Iterator[City]:
    city = City(tmp_path / "city", free_port)
    yield city
    city.end()


@pytest.fixture
def vehicle(tmp_path: Path, city: City) -> Iterator[Vehicle]:
    vehicle = Vehicle(tmp_path / "vehicle", city.url, city.command("device", "add", "car"))
    yield vehicle
    if vehicle.process is not None and vehicle.process.poll() is None:
        vehicle.kill()


def check_spool(vehicle: Vehicle) -> None:
    """Every row that counts has its whole file. Files without a row are allowed until the next start."""
    files = {f"{path.parent.name}/{path.name}": path for path in (vehicle.state / "photos").glob("*/*")}
    with closing(sqlite3.connect(vehicle.state / "spool.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for file, sha256 in vehicle.rows("SELECT file, sha256 FROM frames WHERE present"):
        assert hashlib.sha256(files[file].read_bytes()).hexdigest() == sha256


def digests(photos: list[bytes]) -> set[str]:
    return {hashlib.sha256(each).hexdigest() for each in photos}


def dies_at(vehicle: Vehicle, step: str, count: int) -> None:
    vehicle.start(step, count)
    assert vehicle.process is not None
    assert vehicle.process.wait(60) == -signal.SIGKILL, (
        f"nothing was killed at {step}: {vehicle.log()[-2000:]}"
    )
    check_spool(vehicle)


def test_an_agent_killed_at_every_step_loses_nothing_and_doubles_nothing(
    city: City, vehicle: Vehicle
) -> None:
    photos = jpegs(60, 1)
    for number, photo in enumerate(photos):
        vehicle.shoot(f"{number:03}.jpg", photo)
    for number, step in enumerate(TAKING):
        dies_at(vehicle, step, 2 + number)
        here = {row[0] for row in vehicle.rows("SELECT sha256 FROM frames WHERE present")}
        assert here | vehicle.in_camera() == digests(photos)
    city.start()
    for step in SENDING:
        dies_at(vehicle, step, 2)
        there, waiting = city.photos(), vehicle.rows("SELECT sha256 FROM frames WHERE state = 'waiting'")
        assert set(there) | {row[0] for row in waiting} | vehicle.in_camera() == digests(photos)
    vehicle.start()
    vehicle.wait_until_empty()
    vehicle.end()
    assert set(city.photos()) == digests(photos)
    assert vehicle.rows("SELECT count(*) FROM evictions") == [(0,)]


def test_an_agent_killed_amid_a_resumable_upload_goes_on(city: City, vehicle: Vehicle) -> None:
    photos = jpegs(2, 2, side=512)
    upload = {"resumable_from_bytes": 1000, "piece_bytes": 4096, "timeout_s": 5}
    vehicle.configure(upload=upload)
    city.start()
    for number, photo in enumerate(photos):
        vehicle.shoot(f"{number}.jpg", photo)
    for _ in range(3):
        dies_at(vehicle, "pieced", 2)
    received = city.rows("SELECT sum(received_bytes) FROM uploads")[0][0]
    assert received >= 3 * 4096  # the second did not begin anew
    city.end()
    city.start(workers=1)
    vehicle.start()
    vehicle.wait_until_empty()
    vehicle.end()
    assert set(city.photos()) == digests(photos)
    assert city.rows("SELECT count(*) FROM uploads WHERE state != 'done'") == [(0,)]


def test_an_agent_killed_while_it_evicts_logs_each_eviction_once(vehicle: Vehicle) -> None:
    photos = jpegs(40, 3)
    size = sum(map(len, photos)) // 4
    vehicle.configure(spool={"min_free_bytes": 0, "max_bytes": size})
    for number, photo in enumerate(photos):
        vehicle.shoot(f"{number:03}.jpg", photo)
    for step in EVICTING:
        dies_at(vehicle, step, 3)
    dies_at(vehicle, "kept", 20)
    here = {row[0] for row in vehicle.rows("SELECT taken_sha256 FROM frames WHERE present")}
    evicted = [row[0] for row in vehicle.rows("SELECT taken_sha256 FROM evictions")]
    assert len(evicted) == len(set(evicted))
    assert not here & set(evicted)
    assert here | set(evicted) | vehicle.in_camera() == digests(photos)
    files = [path.stat().st_size for path in (vehicle.state / "photos").glob("*/*")]
    assert sum(files) <= size + max(map(len, photos))


def test_an_agent_killed_while_it_redacts_sends_no_original(
    city: City, vehicle: Vehicle, photos: list[bytes]
) -> None:
    vehicle.configure(look={"redact": True, "provider": "onnx"})
    for number, photo in enumerate(photos[:2]):
        vehicle.shoot(f"{number}.jpg", photo)
    for step in LOOKING:
        dies_at(vehicle, step, 1)
    city.start()
    vehicle.start()
    vehicle.wait_until_empty(120)
    vehicle.end()
    sent = city.photos()
    assert len(sent) == 2
    assert not set(sent) & digests(photos)
    assert all(b"Exif" not in photo for photo in sent.values())


def test_an_agent_that_begins_on_a_full_disk_waits_for_room(vehicle: Vehicle, tmp_path: Path) -> None:
    vehicle.state.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(vehicle.state)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        theirs = vehicle.state / "theirs"
        vehicle.start()
        vehicle.wait_until_running()
        vehicle.kill()
        with theirs.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        (vehicle.state / "ballast").unlink(missing_ok=True)
        with theirs.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        vehicle.start()
        vehicle.shoot("a.jpg", jpegs(1, 6)[0])
        time.sleep(3)
        assert vehicle.process is not None
        assert vehicle.process.poll() is None, vehicle.log()[-1000:]
        theirs.unlink()
        deadline = time.monotonic() + 60
        while any(vehicle.camera.glob("*.jpg")):
            assert time.monotonic() < deadline, vehicle.log()[-1000:]
            time.sleep(0.1)
        vehicle.end()
    finally:
        subprocess.run(["umount", "--lazy", str(vehicle.state)], check=True)
