"""Devices as people see them: add, move, tokens, and what their pictures were worth."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from fastapi.testclient import TestClient

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.detections.tables import Result
from streetsight.service.devices.quality import quality_days
from streetsight.service.devices.service import find_device
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.progress import progress_of
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.database import Database
from streetsight.service.store.ids import first_id, new_id
from streetsight.service.store.types import now

SignIn = Callable[..., TestClient]


def is_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


NOBODY = "01a20233-5f67-77ae-9e8a-8156a002b49c"


def test_a_device_is_added_moved_and_its_token_taken_back(client: TestClient, person: SignIn) -> None:
    admin = person(Role.ADMIN)
    made = admin.post("/v1/devices", json={"name": "car-1", "scopes": ["upload"]})
    assert made.status_code == 201
    device, path = made.json(), made.headers["Location"]
    assert device["token"].startswith("ssd_")
    assert admin.get(path).json() == {key: value for key, value in device.items() if key != "token"}
    is_problem(admin.post("/v1/devices", json={"name": "car-1"}), 409, "device_exists")
    is_problem(admin.post("/v1/devices", json={"name": "car-2", "scopes": ["fly"]}), 422, "malformed")
    moved = admin.patch(path, json={"area_path": "/330106/"}).json()
    assert (moved["area_path"], moved["tokens"]) == ("/330106/", 1)

    second = admin.post(f"{path}/tokens", json={}).json()
    assert admin.get(path).json()["tokens"] == 2
    client.headers["Authorization"] = f"Bearer {device['token']}"
    assert client.post("/v1/devices/self/heartbeat", json={}).status_code == 200
    listed = admin.get(f"{path}/tokens").json()["items"]
    assert [each["scopes"] for each in listed] == [["upload", "read", "detect"], ["upload"]]
    assert "token" not in listed[0]
    for _ in range(2):
        assert admin.delete(f"{path}/tokens/{listed[1]['id']}").status_code == 204
    is_problem(client.post("/v1/devices/self/heartbeat", json={}), 401, "token_revoked")
    client.headers["Authorization"] = f"Bearer {second['token']}"
    assert client.post("/v1/devices/self/heartbeat", json={}).status_code == 200
    is_problem(admin.delete(f"{path}/tokens/{NOBODY}"), 404, "no_device_token")
    actions = [each["action"] for each in admin.get("/v1/audit?action=device_token").json()["items"]]
    assert actions.count("device_token.revoked") == 1


def test_who_looks_after_an_area_has_its_devices(person: SignIn) -> None:
    city, local = person(Role.ADMIN), person(Role.ADMIN, ["/330106/"])
    elsewhere = city.post("/v1/devices", json={"name": "b", "area_path": "/440305/"}).json()["id"]
    here = local.post("/v1/devices", json={"name": "a", "area_path": "/330106/330106003/"}).json()["id"]
    assert [each["name"] for each in local.get("/v1/devices").json()["items"]] == ["a"]
    is_problem(local.get(f"/v1/devices/{elsewhere}"), 404, "no_device")
    is_problem(local.post(f"/v1/devices/{elsewhere}/tokens", json={}), 404, "no_device")
    is_problem(local.post("/v1/devices", json={"name": "c"}), 403, "beyond_areas")
    is_problem(local.patch(f"/v1/devices/{here}", json={"area_path": None}), 403, "beyond_areas")


def test_quality_is_counted_by_day_and_reason(database: Database) -> None:
    moment = now()
    with database.write() as session:
        device = Device(name="car-1")
        session.add(device)
        session.flush()
        patrol = Patrol(device_id=device.id, key="morning")
        session.add(patrol)
        session.flush()
        faults: list[list[str]] = [[], [], ["too_dark"], ["lens_covered", "too_dark"]]
        for number, each in enumerate(faults):
            _look(session, device.id, patrol.id, number, "accepted", {"faults": each})
        _look(session, device.id, patrol.id, 4, "truncated", None)
        yesterday = first_id(moment - timedelta(days=1))[:13] + new_id()[13:]
        _look(session, device.id, None, 5, "accepted", {"faults": ["blurred"]}, id=yesterday)
        device_id, patrol_id = device.id, patrol.id
    with database.read() as session:
        days = quality_days(session, find_device(session, SYSTEM, device_id), UTC, 3)
        far = progress_of(session, [patrol_id])[patrol_id]
    counted = [(each.frames, each.scorable, dict(each.faults)) for each in days]
    assert counted == [
        (5, 2, {"too_dark": 2, "lens_covered": 1, "truncated": 1}), (1, 0, {"blurred": 1}), (0, 0, {}),
    ]  # fmt: skip
    assert (days[0].refused, days[1].refused, days[2].refused) == (0.6, 1.0, None)
    assert far.outcomes == {"accepted": 2, "too_dark": 1, "lens_covered+too_dark": 1, "truncated": 1}
    assert (far.frames, far.looked_at, far.size_bytes, far.sightings) == (5, 5, 5, None)


def _look(
    session: Any, device_id: str, patrol_id: str | None, number: int, outcome: str,
    quality: dict[str, Any] | None, **more: Any,
) -> None:  # fmt: skip
    frame = Frame(
        sha256=f"{number:064}", size_bytes=1, media_type="image/jpeg", device_id=device_id,
        patrol_id=patrol_id, state="detected", metadata_sent={}, **more,
    )  # fmt: skip
    session.add(frame)
    session.flush()
    result = Result(frame_id=frame.id, release="a@b", outcome=outcome, quality=quality, file_metadata={})
    session.add(result)
    session.flush()
    frame.result_id = result.id
