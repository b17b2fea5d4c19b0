"""Over HTTP, photos in a bucket behave as photos in a folder do, from upload to retention."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select, update

from streetsight.service.auth.actor import Role
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.retention.tables import RetentionRun
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
IN_BUCKET = {"files_url", "s3_endpoint_url", "s3_access_key_id", "s3_secret_access_key", "s3_timeout_seconds"}


@pytest.fixture(params=["folder", "bucket"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Of either storage; what may be deleted is deleted by the next round."""
    update: dict[str, Any] = {"retention_grace_hours": 0.0, "sweep_after_hours": -1.0}
    if request.param == "bucket":
        update |= request.getfixturevalue("s3_settings").model_dump(include=IN_BUCKET)
    return settings.model_copy(update=update)


def a_year_later(settings: Settings) -> None:
    """All is long past: for photos that nothing rests on, and for the latest round of retention."""
    moment = now() - timedelta(days=400)
    with open_database(settings) as database, database.write() as session:
        session.execute(update(Frame).values(created_at=moment))
        session.execute(update(Patrol).values(closed_at=moment))
        session.execute(update(RetentionRun).values(created_at=moment))


def test_photos_come_are_read_detected_covered_and_go(
    client: TestClient, settings: Settings, person: Callable[..., TestClient], photos: list[bytes],
    work: Callable[[], Any],
) -> None:  # fmt: skip
    alone = client.post("/v1/frames", files={"photo": ("a.jpg", photos[0])})
    assert alone.status_code == 201, alone.text
    batch = [("photos", ("b.jpg", content)) for content in (photos[1], b"no photo", photos[0], photos[2])]
    outcomes = client.post("/v1/frames/batch", files=batch).json()["outcomes"]
    assert [each["outcome"] for each in outcomes] == ["accepted", "invalid_image", "duplicate", "accepted"]
    frames = [f"/v1/frames/{each['id']}" for each in (alone.json(), outcomes[0], outcomes[3])]
    assert [client.get(f"{frame}/photo").content for frame in frames] == photos[:3]
    assert client.get("/readyz").json()["checks"]["files"] is None
    work()
    assert {client.get(frame).json()["state"] for frame in frames} == {"detected"}

    admin = person(Role.ADMIN)
    copies = [admin.get(f"{frame}/photo") for frame in (frames[0], frames[0])]  # made, then kept
    assert copies[0].status_code == 200, copies[0].text
    assert copies[0].content == copies[1].content != photos[0]
    shown, sent = (Image.open(io.BytesIO(each)) for each in (copies[0].content, photos[0]))
    assert shown.size == sent.size
    assert not shown.getexif()
    assert np.abs(np.asarray(shown, float) - np.asarray(sent, float)).mean() < 20, "another photo"
    assert admin.get(f"{frames[0]}/original", params={"reason": "appeal"}).content == photos[0]

    blobs = open_blobs(settings)
    stray = blobs.put(os.urandom(40))
    held = {"subject": f"frame/{alone.json()['id']}", "reason": "court case 12"}
    assert admin.post("/v1/retention/holds", json=held).status_code == 201
    a_year_later(settings)
    work()
    with open_database(settings) as database, database.read() as session:
        left = {frame.id: blobs.exists(frame.sha256) for frame in session.scalars(select(Frame))}
    assert [left[frame.rpartition("/")[2]] for frame in frames] == [True, False, False]
    assert not blobs.exists(stray)
    assert client.get(f"{frames[0]}/photo").content == photos[0]
    for reader in (client, admin):
        answer = reader.get(f"{frames[1]}/photo")
        assert (answer.status_code, answer.json()["code"]) == (410, "photo_expired"), answer.text
