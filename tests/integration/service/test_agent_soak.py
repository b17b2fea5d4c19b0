"""A vehicle and its server over a faulty link, both killed with -9 at random, the spool's disk filled once.

A seeded part; `make soak` runs the whole: 10,000 frames, 50 kills of each. What the agent answered for (the
file is gone from the camera's folder) is at the server once, byte for byte, or in the log of evictions.
"""

import contextlib
import hashlib
import os
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty import ROUGH, FaultyLink
from vehicles import City, Vehicle, jpegs

SOAK = int(os.environ.get("SOAK", "1"))
FRAMES, KILLS = (10_000, 50) if SOAK >= 10 else (400 * SOAK, 3 * SOAK)
BEFORE = FRAMES * 3 // 4  # so many frames come in before the disk is filled
PENDING, DISK_MIB = 200, 24
LONGEST_S = 300 * SOAK


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of its own for the spool; None where none can be mounted, and in the short soak.

    That has too few frames to be sure that one goes before another; tests of the spool fill a disk as well.
    """
    if SOAK < 10:
        yield None
        return
    folder = tmp_path / "vehicle" / "state"
    folder.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(words, check=False, capture_output=True).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Drive:
    """Kills, vanishing and filling, spread over the frames as they arrive at the server."""

    def __init__(self, city: City, vehicle: Vehicle, link: FaultyLink, seed: int) -> None:
        self.city, self.vehicle, self.link, self.chance = city, vehicle, link, random.Random(seed)
        self.killed = {"agent": 0, "server": 0}

    def shoot(self, photos: list[bytes], pending: int = PENDING) -> None:
        """As fast as the agent takes them; so many files at most wait for it."""
        for photo in photos:
            while sum(1 for _ in os.scandir(self.vehicle.camera)) > pending:
                time.sleep(0.02)
            self.vehicle.shoot(f"{hashlib.sha256(photo).hexdigest()[:12]}.jpg", photo)

    def arrived(self) -> int:
        return int(self.city.rows("SELECT count(*) FROM frames")[0][0])

    def until(self, count: int, deadline: float) -> None:
        """Until so many frames have arrived, or all that came in so far."""
        waiting = "SELECT count(*) FROM frames WHERE state IN ('new', 'waiting', 'uploaded')"
        while self.arrived() < count and (
            any(self.vehicle.camera.iterdir()) or self.vehicle.rows(waiting)[0][0]
        ):
            assert time.monotonic() < deadline, self.vehicle.log()[-3000:]
            time.sleep(0.1)

    def has_evicted(self) -> bool:
        """On a full disk a reader from outside may find no room for what it shares with the writer."""
        with contextlib.suppress(sqlite3.OperationalError):
            return bool(self.vehicle.rows("SELECT count(*) FROM evictions")[0][0])
        return False

    def kill_agent(self) -> None:
        time.sleep(self.chance.uniform(0, 0.5))
        self.vehicle.kill()
        self.killed["agent"] += 1
        self.vehicle.start()

    def kill_server(self) -> None:
        time.sleep(self.chance.uniform(0, 0.5))
        self.city.kill()
        self.killed["server"] += 1
        self.city.start(wait=False)

    def fill(self, disk: Path | None, photos: list[bytes]) -> None:
        """The link vanishes, somebody else fills the spool's disk, and the camera goes on."""
        self.link.gone = True
        self.link.happened["vanished"] += 1
        if disk is not None:
            with (disk / "theirs").open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(64 << 10))
        camera = threading.Thread(target=self.shoot, args=(photos, len(photos)), daemon=True)
        camera.start()
        deadline = time.monotonic() + 60
        while disk is not None and not self.has_evicted():
            assert time.monotonic() < deadline, self.vehicle.log()[-3000:]
            time.sleep(0.05)
        if disk is not None:
            (disk / "theirs").unlink()
        self.link.gone = False
        camera.join()


def test_nothing_is_lost_or_doubled_over_a_faulty_link(
    tmp_path: Path, free_port: int, small_disk: Path | None
) -> None:
    photos, deadline = jpegs(FRAMES, 7, side=48), time.monotonic() + LONGEST_S
    city = City(tmp_path / "city", free_port)
    city.start()
    link = FaultyLink(free_port, ROUGH, seed=7)
    vehicle = Vehicle(tmp_path / "vehicle", link.url, city.command("device", "add", "car"))
    vehicle.configure(spool={"min_free_bytes": 0, "max_bytes": 16 << 20})
    drive = Drive(city, vehicle, link, seed=7)
    try:
        vehicle.start()
        camera = threading.Thread(target=drive.shoot, args=(photos[:BEFORE],), daemon=True)
        camera.start()
        vehicle.wait_until_running()
        for number in range(KILLS):
            drive.until((2 * number + 1) * FRAMES // (2 * KILLS + 2), deadline)
            drive.kill_agent()
            drive.until((2 * number + 2) * FRAMES // (2 * KILLS + 2), deadline)
            drive.kill_server()
            if number == KILLS // 2:
                camera.join()
                drive.fill(small_disk, photos[BEFORE:])
        vehicle.wait_until_empty(LONGEST_S)
        vehicle.wait_until_running()
        vehicle.end()
    finally:
        if vehicle.process is not None and vehicle.process.poll() is None:
            vehicle.kill()
        city.end()
        link.close()
    check(photos, city, vehicle, drive, small_disk)


def check(photos: list[bytes], city: City, vehicle: Vehicle, drive: Drive, disk: Path | None) -> None:
    shot = {hashlib.sha256(each).hexdigest() for each in photos}
    there, evicted = set(city.photos()), vehicle.evicted_unsent()
    assert there | evicted == shot, f"{len(shot - there - evicted)} frames are lost"
    logged = vehicle.rows("SELECT taken_sha256, count(*) FROM evictions GROUP BY 1 HAVING count(*) > 1")
    assert not logged, "an eviction is logged once"
    sent = {row[0] for row in vehicle.rows("SELECT sha256 FROM frames WHERE state = 'sent'")}
    assert sent <= there, "sent is what the server has"
    assert drive.killed == {"agent": KILLS, "server": KILLS}
    if disk is not None:
        assert vehicle.rows("SELECT count(*) FROM evictions")[0][0] > 0, "the disk was full once"
    happened = drive.link.happened
    faults = ("drop", "cut_request", "cut_answer", "twice", "refuse", "vanished")
    assert all(happened[name] for name in faults)
    print(f"\n{len(there)} arrived, {len(evicted)} evicted unsent, {dict(happened)}, killed {drive.killed}")  # noqa: T201
