"""A bucket without rights: said at the start and in mid-run, to all who ask; what needs none goes on."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from faulty import Faults, FaultyLink
from sqlalchemy import select

from streetsight.service.auth.actor import Role
from streetsight.service.files.opening import open_blobs
from streetsight.service.jobs.tables import Job
from streetsight.service.serving import _try_storage
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
IN_BUCKET = {"files_url", "s3_access_key_id", "s3_secret_access_key", "s3_timeout_seconds"}


@pytest.fixture
def storage(s3_settings: Settings) -> Iterator[FaultyLink]:
    """The way to the bucket, on which rights are taken."""
    link = FaultyLink(int(str(s3_settings.s3_endpoint_url).rpartition(":")[2]), Faults())
    yield link
    link.close()


@pytest.fixture
def settings(settings: Settings, s3_settings: Settings, storage: FaultyLink) -> Settings:
    bucket: dict[str, Any] = s3_settings.model_dump(include=IN_BUCKET)
    return settings.model_copy(update=bucket | {"s3_endpoint_url": storage.url})


def upload(client: TestClient, photo: bytes) -> Any:
    return client.post("/v1/frames", files={"photo": ("a.jpg", photo)})


def test_a_bucket_that_may_not_be_written_is_named_and_the_rest_goes_on(
    client: TestClient, storage: FaultyLink, photos: list[bytes], work: Callable[..., Any],
    person: Callable[..., TestClient],
) -> None:  # fmt: skip
    kept = upload(client, photos[0]).headers["Location"]
    storage.forbidden = frozenset({"PUT"})
    refused = upload(client, photos[1])
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_refuses")
    assert "STREETSIGHT_S3_ACCESS_KEY_ID" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) >= 1
    work(rounds=3)
    assert client.get(kept).json()["state"] == "detected"
    assert client.get(f"{kept}/photo").content == photos[0]
    assert person(Role.ADMIN).get("/v1/candidates").status_code == 200
    storage.forbidden = frozenset()
    assert upload(client, photos[1]).status_code == 201


def test_a_bucket_that_may_not_be_read_costs_no_job_an_attempt(
    client: TestClient, settings: Settings, storage: FaultyLink, photos: list[bytes],
    work: Callable[..., Any],
) -> None:  # fmt: skip
    kept = upload(client, photos[0]).headers["Location"]
    storage.forbidden = frozenset({"GET", "HEAD"})
    work(rounds=1)
    with open_database(settings) as database, database.read() as session:
        waiting = session.scalars(select(Job).where(Job.kind == "detect")).one()
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    assert "the object storage refuses access" in str(waiting.last_error)
    assert client.get(f"{kept}/photo").json()["code"] == "storage_refuses"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, None)
    assert "STREETSIGHT_FILES_URL" in ready.json()["checks"]["files"]
    storage.forbidden = frozenset()
    with open_database(settings) as database, database.write() as session:
        session.scalars(select(Job).where(Job.kind == "detect")).one().run_after = waiting.created_at
    work(rounds=3)
    assert client.get(kept).json()["state"] == "detected"


def test_a_server_says_at_its_start_what_it_may_not(
    settings: Settings,
    storage: FaultyLink,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    storage.forbidden = frozenset({"GET"})
    _try_storage(open_blobs(settings))
    said = caplog.text + "".join(capsys.readouterr())
    assert "photos_cannot_be_stored" in said
    assert "the object storage refuses access" in said
