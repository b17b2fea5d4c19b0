"""The database goes and comes back; the disk fills up under the server."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from streetsight.service.settings import Settings


def upload(client: TestClient, photo: bytes) -> Any:
    return client.post("/v1/frames", files={"photo": ("a.jpg", photo)})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_goes_and_comes_back(
    client: TestClient, photos: list[bytes], postgres: Any, work: Callable[[], Any]
) -> None:
    kept = upload(client, photos[0]).headers["Location"]
    assert "streetsight_database_up 1.0" in client.get("/metrics").text
    postgres.stop()
    try:
        for answer in (upload(client, photos[1]), client.get(kept)):
            assert (answer.status_code, answer.json()["code"]) == (503, "database_gone")
            assert int(answer.headers["Retry-After"]) >= 1
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["checks"]["database"]
        told = client.get("/metrics")  # the count of what was refused is wanted just now
        assert told.status_code == 200
        assert "streetsight_database_up 0.0" in told.text
        assert re.search(r'duration_seconds_count\{.*route="/v1/frames",status="503"\} [1-9]', told.text)
        assert 'streetsight_storage_free_bytes{storage="files"}' in told.text
        assert "streetsight_queue_depth" not in told.text
    finally:
        postgres.start()
    deadline = time.monotonic() + 60
    while (again := upload(client, photos[1])).status_code != 201:
        assert time.monotonic() < deadline, again.text
    assert client.get("/readyz").status_code == 200
    work()
    assert client.get(kept).json()["state"] == "detected"
    assert client.get(again.headers["Location"]).json()["state"] == "detected"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB under the data folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("where", ["photos", "database"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disk_that_fills_up_costs_nothing_that_was_acknowledged(
    start: Callable[..., TestClient], settings: Settings, photos: list[bytes], small_disk: Path, where: str
) -> None:
    from pydantic import SecretStr

    settings.data_folder.mkdir(exist_ok=True)
    place: dict[str, object] = {"data_folder": small_disk / "data"}
    if where == "database":
        place = {"database_url": SecretStr(f"sqlite:///{small_disk}/streetsight.sqlite")}
    client = start(**place)
    safe = [upload(client, photos[0])]
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            pass
    refused = [upload(client, photo) for photo in photos[1:4]]
    assert {each.status_code for each in refused} == {507}, [each.text for each in refused]
    assert refused[0].headers["Content-Type"] == "application/problem+json"
    ballast.unlink()
    safe += [upload(client, photo) for photo in photos[1:4]]
    assert [each.status_code for each in safe] == [201] * 4
    for answer, photo in zip(safe, photos, strict=False):
        assert client.get(answer.headers["Location"] + "/photo").content == photo
