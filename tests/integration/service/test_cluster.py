"""Detection by a real Ray cluster on loopback: what it finds, and what happens when parts of it are killed.

One cluster for all tests of this file, which take place in their order.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from archives import fill, found, varied
from clusters import Cluster, running
from faulty import Faults, FaultyLink
from pydantic import SecretStr
from sqlalchemy import select

from streetsight.models.releases import load_release
from streetsight.service import worker as working_loop
from streetsight.service.cluster.connecting import ClusterLost, OtherCluster
from streetsight.service.cluster.engine import ClusterEngine
from streetsight.service.detections.job import DetectJob
from streetsight.service.detections.looking import Engine, LocalEngine, Looker
from streetsight.service.detections.service import KIND
from streetsight.service.files.opening import open_blobs
from streetsight.service.jobs.tables import Job
from streetsight.service.reprocessing.frames import Archive
from streetsight.service.reprocessing.running import reprocess
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import migrate
from streetsight.service.store.writer import GroupWriter
from streetsight.service.worker import Worker

TOKEN = "0123456789abcdef" * 4
FRAMES = 96
OTHER = "street-n-2"
SLOW = Faults(delay=1.0, delay_s=1.0)


@dataclass(frozen=True, slots=True)
class City:
    """A cluster, the storage that it reads, and what this machine finds on the photos by either release."""

    cluster: Cluster
    link: FaultyLink
    settings: Settings
    engine: ClusterEngine
    photos: list[bytes]
    expected: dict[str | None, list[Any]]

    def restart_head(self) -> None:
        self.cluster.head.kill()
        self.cluster.start_head()


@pytest.fixture(scope="module")
def city(s3_endpoint: str, photos: list[bytes]) -> Iterator[City]:
    import httpx2 as httpx

    link = FaultyLink(int(s3_endpoint.rpartition(":")[2]), Faults())
    bucket = f"bucket-{os.urandom(6).hex()}"
    httpx.put(f"{s3_endpoint}/{bucket}").raise_for_status()
    said = {
        "FILES_URL": f"s3://{bucket}/photos", "S3_ENDPOINT_URL": link.url, "S3_ACCESS_KEY_ID": "id",
        "S3_SECRET_ACCESS_KEY": "secret", "RAY_TOKEN": TOKEN,
    }  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment |= {f"STREETSIGHT_{name}": value for name, value in said.items()}
    with tempfile.TemporaryDirectory(prefix="ray") as name, running(Path(name), environment) as cluster:
        settings = Settings(
            data_folder=Path(name), files_url=said["FILES_URL"], s3_endpoint_url=link.url,
            s3_access_key_id="id", s3_secret_access_key=SecretStr("secret"), ray_token=SecretStr(TOKEN),
            ray_address=cluster.address, ray_timeout_seconds=20, poll_seconds=0.05,
        )  # fmt: skip
        every = varied(photos, FRAMES)
        expected = {each: _here(settings, every, each) for each in (None, OTHER)}
        with closing(ClusterEngine(load_release(), settings)) as engine:
            yield City(cluster, link, settings, engine, every, expected)
    link.close()


def _here(settings: Settings, photos: list[bytes], name: str | None) -> list[Any]:
    """What the local engine finds, in a database of its own."""
    blobs = open_blobs(settings)
    with closing(_database(settings.data_folder / f"{name}.sqlite")) as database:
        fill(database, blobs, photos)
        _work(database, LocalEngine(Looker(load_release(name), "cpu", calls=2, threads=1), blobs))
        return found(database)


def _database(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    migrate(database)
    return database


def _work(database: Database, engine: Engine, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Do all detection; `meanwhile` is called once a part of it is done."""
    settings = Settings(ray_token=SecretStr(TOKEN), poll_seconds=0.05)
    worker, writer = Worker(database, [DetectJob(database, engine)], settings), GroupWriter(database)
    disturbing = threading.Thread(target=_once_begun, args=(database, meanwhile))
    disturbing.start()
    while _jobs(database):
        if not worker.turn(writer):
            time.sleep(0.05)
    disturbing.join()
    writer.close()


def _once_begun(database: Database, meanwhile: Callable[[], object]) -> None:
    while len(found(database)) < 3:
        time.sleep(0.02)
    meanwhile()


def _jobs(database: Database) -> list[Job]:
    with database.read() as session:
        return [*session.scalars(select(Job).where(Job.kind == KIND, Job.state != "dead"))]


@pytest.fixture
def database(tmp_path: Path, city: City, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Frames that wait for detection; afterwards every one was detected, as this machine would have."""
    monkeypatch.setattr(working_loop, "UNAVAILABLE_SECONDS", 0.5)
    with closing(_database(tmp_path / "streetsight.sqlite")) as opened:
        fill(opened, open_blobs(city.settings), city.photos)
        yield opened
        assert _dead(opened) == []


def _dead(database: Database) -> list[Job]:
    with database.read() as session:
        return [*session.scalars(select(Job).where(Job.state == "dead"))]


def test_replicas_find_what_this_machine_finds(city: City, database: Database) -> None:
    _work(database, city.engine)
    assert found(database) == city.expected[None]


def test_a_change_of_release_under_load_mixes_nothing(city: City, database: Database) -> None:
    before, other = city.engine.release, load_release(OTHER)
    for each in (other, before):  # loaded, so that the change comes before all is done
        city.engine.change(each)
    _work(database, city.engine, lambda: city.engine.change(other))
    assert city.engine.release is other
    city.engine.change(before)
    by_release = {
        release: {row[0]: row for row in rows} for rows in city.expected.values() for release in [rows[0][1]]
    }
    rows = found(database)
    assert all(row == by_release[row[1]][row[0]] for row in rows)
    assert {row[1] for row in rows} == {before.address, other.address}


def test_ray_data_writes_what_this_machine_writes(city: City, database: Database) -> None:
    from streetsight.service.cluster.archive import look_there

    _work(database, city.engine)
    other = load_release(OTHER)
    archive = Archive(other.address)
    report = reprocess(database, archive, other, look_there(other, city.settings), time.sleep)
    assert (report.written, report.failed) == (FRAMES, {})
    assert found(database, other.address) == city.expected[OTHER]
    assert found(database, load_release().address) == city.expected[None]


def test_ray_data_goes_on_when_the_head_has_come_back(city: City, database: Database) -> None:
    from streetsight.service.cluster.archive import look_there

    _work(database, city.engine)
    other, restarts = load_release(OTHER), iter([city.restart_head])
    look = look_there(other, city.settings)

    def disturbed(keys: Sequence[str]) -> Iterator[Any]:
        for answer in look(keys):
            yield answer
            next(restarts, int)()

    report = reprocess(database, Archive(other.address), other, disturbed, time.sleep)
    city.cluster.second.kill()  # it was lost with the head
    city.cluster.start_second()
    assert (report.written, report.failed) == (FRAMES, {})
    assert found(database, other.address) == city.expected[OTHER]


def test_a_slow_storage_only_takes_longer(city: City, database: Database) -> None:
    city.link.faults = SLOW
    try:
        _work(database, city.engine)
    finally:
        city.link.faults = Faults()
    assert found(database) == city.expected[None]


def test_a_replica_that_is_killed_costs_nothing(city: City, database: Database) -> None:
    def kill() -> None:
        machines = (city.cluster.head, city.cluster.second)
        (replica,) = [each for machine in machines for each in machine.processes("ServeReplica")]
        replica.kill()

    _work(database, city.engine, kill)
    assert found(database) == city.expected[None]


def test_a_machine_that_is_lost_costs_nothing(city: City, database: Database) -> None:
    def kill() -> None:
        for raylet in city.cluster.second.processes("raylet/raylet"):
            raylet.kill()

    _work(database, city.engine, kill)
    assert found(database) == city.expected[None]


def test_a_head_that_is_killed_and_started_again_costs_nothing(city: City, database: Database) -> None:
    _work(database, city.engine, city.restart_head)
    assert found(database) == city.expected[None]


def test_another_token_is_refused_in_words(city: City) -> None:
    settings = city.settings.model_copy(update={"ray_token": SecretStr("f" * 64)})
    with (
        closing(ClusterEngine(load_release(), settings)) as engine,
        pytest.raises(OtherCluster, match="token"),
    ):
        engine.look_at("0" * 64)


def test_no_cluster_is_said_at_once(city: City, free_port: int) -> None:
    settings = city.settings.model_copy(update={"ray_address": f"127.0.0.1:{free_port}"})
    engine = ClusterEngine(load_release(), settings)
    with closing(engine), pytest.raises(ClusterLost, match="no Ray cluster answers at 127"):
        engine.look_at("0" * 64)
