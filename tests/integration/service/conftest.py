"""Real parts for the service's tests: a PostgreSQL server, an S3 server, the application, a worker."""

import logging
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from rows import write_lead
from sqlalchemy import create_engine, func, make_url, select, text

from streetsight.models.releases import load_release
from streetsight.service import resources, working
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.auth.csrf import HEADER, csrf_token
from streetsight.service.detections.looking import LocalEngine, Looker
from streetsight.service.devices.service import SCOPES, Scope, add_device
from streetsight.service.files.blobs import Blobs
from streetsight.service.files.local import LocalBlobs
from streetsight.service.files.opening import open_blobs
from streetsight.service.jobs.tables import Job
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.people.sessions import Visit, begin_session
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database
from streetsight.service.store.writer import GroupWriter
from streetsight.service.worker import Worker

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PASSWORD = "p@ss/w: rd%"  # what a URL has to quote


class PostgresServer:
    """A throw-away server on loopback. Runs as `postgres` when we are root: it refuses to be root itself."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.binaries, self.port = folder / "cluster", binaries, unused_port()
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user, self._user)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            shutil.chown(secret, self._user)
        self._run(
            "initdb", "--pgdata", str(self.folder), "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync",
            "--username=streetsight", "--encoding=UTF8",
        )  # fmt: skip

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories="
        self._run(
            "pg_ctl", "start", "-w", "-D", str(self.folder), "-o", options,
            "-l", str(self.folder / "server.log"),
        )  # fmt: skip

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder))

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://streetsight:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        engine = create_engine(
            make_url(self.url()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, name: str, *arguments: str) -> None:
        answer = subprocess.run(
            [self.binaries / name, *arguments], user=self._user, group=self._user, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True,
        )  # fmt: skip
        assert answer.returncode == 0, f"{name}: {answer.stderr}"


@pytest.fixture
def free_port() -> int:
    """A port of loopback that nobody listens on."""
    return unused_port()


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Two of them."""
    return unused_port(), unused_port()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server with a database `migrated` to copy from."""
    if not PLACES:
        pytest.skip("PostgreSQL is absent: install Debian's package postgresql")
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:  # pytest's own are closed to other users
        server = PostgresServer(Path(folder), PLACES[-1])
        server.start()
        try:
            server.execute("CREATE DATABASE migrated")
            database = Database(server.url("migrated"))
            migrate(database)
            database.close()
            yield server
        finally:
            server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, of each kind that we speak."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'streetsight.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{os.urandom(6).hex()}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with our tables."""
    opened = Database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server on loopback (moto's)."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else a failure drowns in answered requests
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_settings(s3_endpoint: str, tmp_path: Path) -> Settings:
    """Settings with a bucket of their own."""
    import httpx2 as httpx

    bucket = f"bucket-{os.urandom(6).hex()}"
    httpx.put(f"{s3_endpoint}/{bucket}").raise_for_status()
    return Settings(
        data_folder=tmp_path / "data", files_url=f"s3://{bucket}/photos", s3_endpoint_url=s3_endpoint,
        s3_access_key_id="id", s3_secret_access_key="secret", s3_timeout_seconds=5,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(params=["local", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Each storage that we speak."""
    if request.param == "local":
        return LocalBlobs(tmp_path / "files")
    return open_blobs(request.getfixturevalue("s3_settings"))


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of a server that stands in a folder of its own; quick to give up."""
    return Settings(
        data_folder=tmp_path / "data", database_url=database_url, min_free_bytes=0,  # type: ignore[arg-type]
        lease_seconds=2, backoff_first_seconds=0.01, backoff_max_seconds=0.02, job_attempts=3,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every application of a test run shares one loaded model: loading takes longer than most tests."""
    for module in (resources, working):
        monkeypatch.setattr(module, "Looker", lambda *_args, **_options: loaded_model())


@cache
def loaded_model() -> Looker:
    return Looker(load_release(), "cpu", calls=2, threads=1)


Start = Callable[..., TestClient]


@pytest.fixture
def start(settings: Settings, new_token: Callable[..., str]) -> Iterator[Start]:
    """Starts the application, with settings changed, and gives a client with a device's token."""
    running: list[TestClient] = []

    def start(**changes: object) -> TestClient:
        from streetsight.service.app import create_app

        chosen = settings.model_copy(update=changes)
        client = TestClient(create_app(chosen), raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        client.headers["Authorization"] = f"Bearer {new_token(of=chosen)}"
        return client

    yield start
    for client in running:
        client.__exit__(None, None, None)


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


SignIn = Callable[..., TestClient]


@pytest.fixture
def person(client: TestClient, settings: Settings) -> SignIn:
    """Adds a person of a role, and gives a client of the same server that they signed in with."""

    def person(role: Role, areas: Sequence[str] | None = None, unit: str | None = None) -> TestClient:
        login = f"{role}-{os.urandom(4).hex()}"
        new = NewPerson(login, login, role, None if areas is None else tuple(areas), unit)
        with open_database(settings) as database, database.write() as session:
            added = add_person(session, SYSTEM, new)
            begun = begin_session(session, added, Visit("password", timedelta(hours=1)))
        return browser(client, begun.token)

    return person


@pytest.fixture
def twins(person: SignIn, start: Start) -> Callable[[Role], tuple[TestClient, TestClient]]:
    """Adds a person; gives clients of theirs at the server, and at a second one over the same database."""
    second = start()

    def twins(role: Role) -> tuple[TestClient, TestClient]:
        here = person(role)
        return here, browser(second, here.cookies[COOKIE])

    return twins


def browser(client: TestClient, session_token: str | None = None) -> TestClient:
    """One more client of a running server, with a session's cookie and what is to be sent beside it."""
    fresh = TestClient(client.app, raise_server_exceptions=False)
    fresh.app_state.update(client.app_state)
    fresh.portal = client.portal
    if session_token is not None:
        fresh.cookies.set(COOKIE, session_token)
        fresh.headers[HEADER] = csrf_token(session_token)
    return fresh


@pytest.fixture
def lead(settings: Settings) -> Callable[..., str]:
    """Writes a candidate with sightings, frames and results, as a patrol would leave it; gives its id."""

    def lead(sightings: int = 1, glimpses: int = 2, **fields: Any) -> str:
        with open_database(settings) as database, database.write() as session:
            return write_lead(session, sightings, glimpses, fields)

    return lead


@pytest.fixture
def new_token(settings: Settings) -> Callable[..., str]:
    """Adds a device, and gives its token and nothing else."""

    def new_token(*scopes: Scope, of: Settings = settings) -> str:
        with open_database(of) as database, database.write() as session:
            return add_device(session, f"camera-{os.urandom(4).hex()}", scopes or SCOPES)

    return new_token


@pytest.fixture
def work(settings: Settings) -> Callable[..., Worker]:
    """Does all jobs that are due, in so many rounds at most, and gives the worker."""

    def work(rounds: int | None = None) -> Worker:
        with open_database(settings) as database:
            blobs = open_blobs(settings)
            engine = LocalEngine(loaded_model(), blobs)
            handlers = working.handlers(database, blobs, engine, settings)
            worker, writer = Worker(database, handlers, settings), GroupWriter(database)
            for _ in count() if rounds is None else range(rounds):
                if not worker.turn(writer):
                    break
            writer.close()
        return worker

    return work


@pytest.fixture
def work_on(settings: Settings) -> Callable[..., None]:
    """One worker that lives on until no job is left; it takes back what others held and left."""

    def work_on(of: Settings = settings) -> None:
        with open_database(of) as database:
            blobs = open_blobs(of)
            handlers = working.handlers(database, blobs, LocalEngine(loaded_model(), blobs), of)
            worker, writer = Worker(database, handlers, of), GroupWriter(database)
            while _jobs_left(database):
                worker.turn(writer)
            writer.close()

    return work_on


def _jobs_left(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.state != "dead")) or 0


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Rendered photos of a simulated patrol, with time and position in their EXIF."""
    from collections import deque

    from streetsight.datasets.simulation.camera import Camera
    from streetsight.datasets.simulation.patrol import simulate_patrol

    folder = tmp_path_factory.mktemp("patrol")
    deque(simulate_patrol(folder, 3, 8, Camera((640, 360)), step_m=10), maxlen=0)
    return [path.read_bytes() for path in sorted((folder / "frames").glob("*.jpg"))]
