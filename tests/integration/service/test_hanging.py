"""A worker that hangs in native code ends itself, and its job is done by another. Real processes."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from streetsight.service.jobs.tables import Job
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.worker import EXIT_HUNG

# `streetsight work` with a detector that never comes back, and that no other thread can stop.
HANGING = """
import ctypes, sys
from streetsight.service.detections.looking import Looker
Looker.look = lambda *_: ctypes.CDLL(None).pause()
sys.argv = ["streetsight", "work"]
from streetsight.__main__ import main
main()
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_hangs_ends_itself_and_another_does_its_job(
    client: TestClient, settings: Settings, photos: list[bytes], work_on: Callable[..., None]
) -> None:
    frame = client.post("/v1/frames", files={"photo": photos[0]}).headers["Location"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment |= {
        "STREETSIGHT_DATA_FOLDER": str(settings.data_folder), "STREETSIGHT_DATABASE_URL": settings.database,
        "STREETSIGHT_MIN_FREE_BYTES": "0", "STREETSIGHT_LEASE_SECONDS": "2",
    }  # fmt: skip
    hung = subprocess.run(
        [sys.executable, "-c", HANGING], env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert hung.returncode == EXIT_HUNG, hung.stderr
    assert '"reason": "it hung"' in hung.stderr
    with open_database(settings) as database, database.read() as session:
        held = session.scalars(select(Job).where(Job.kind == "detect")).one()
    assert (held.state, held.attempts) == ("leased", 1)
    work_on()
    assert client.get(frame).json()["state"] == "detected"
