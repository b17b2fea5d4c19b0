"""What every route has in common: one shape of errors, who may ask, limits, ids, health, metrics."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from streetsight.service.app import create_app
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.devices.service import revoke_tokens
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.people.tokens import add_token
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.opening import open_database

EXAMPLES = 10 * int(os.environ.get("SOAK", "1"))
FEW = EXAMPLES // 5  # for an admin, whose requests do more
Start = Callable[..., TestClient]
SOME_ID = "01a20233-5f67-77ae-9e8a-8156a002b49c"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def is_problem(answer: Any, status: int, code: str) -> None:
    """The canonical error: RFC 9457 with a code for programs and the request's id."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(body)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:streetsight:problem:{code}")
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["detail"]


def test_errors_have_one_shape(client: TestClient) -> None:
    is_problem(client.get("/nowhere"), 404, "not_found")
    is_problem(client.delete("/v1/frames"), 405, "method_not_allowed")
    is_problem(client.get(f"/v1/frames/{SOME_ID}"), 404, "no_frame")
    is_problem(client.get("/v1/frames/../../etc/passwd"), 404, "not_found")
    is_problem(client.get("/v1/frames?limit=0"), 422, "malformed")
    is_problem(client.get("/v1/frames?bbox=1,2,3"), 422, "bad_bbox")
    is_problem(client.get("/v1/frames/'; DROP TABLE frames; --"), 422, "malformed")
    is_problem(client.post("/v1/patrols", json={"key": "a", "area": "b"}), 422, "malformed")
    is_problem(client.post("/v1/frames", json={}), 422, "bad_form")
    is_problem(client.post("/v1/frames", files={"picture": b"x"}), 422, "bad_form")
    is_problem(
        client.post("/v1/frames", content=b"x", headers={"Content-Type": "multipart/form-data"}),
        400,
        "bad_request",
    )


def test_no_other_token_gets_in(client: TestClient, new_token: Callable[..., str]) -> None:
    client.headers.pop("Authorization")
    for value in ("Bearer nonsense", "Bearer ", "Basic YTpi", f"bearer {new_token()[:-1]}"):
        is_problem(client.get("/v1/frames", headers={"Authorization": value}), 401, "unauthenticated")


def test_a_token_is_good_for_its_scopes_until_it_is_revoked(
    client: TestClient, settings: Settings, new_token: Callable[..., str]
) -> None:
    client.headers["Authorization"] = f"Bearer {new_token('read')}"
    assert client.get("/v1/frames").status_code == 200
    is_problem(client.post("/v1/patrols", json={"key": "a"}), 403, "missing_scope")
    with open_database(settings) as database:
        from streetsight.service.devices.tables import Device, DeviceToken

        with database.write() as session:
            names = list(session.scalars(select(Device.name)))
            assert sum(revoke_tokens(session, name) for name in names) == len(names)
        with database.read() as session:  # what is kept gives no token away
            assert client.headers["Authorization"][7:] not in str(
                session.scalars(select(DeviceToken.token_sha256)).all()
            )
    is_problem(client.get("/v1/frames"), 401, "token_revoked")


def test_a_body_is_read_for_nobody_who_may_not_send_it(client: TestClient) -> None:
    client.headers.pop("Authorization")
    read = 0

    def body() -> Any:
        nonlocal read
        for _ in range(64):
            read += 1
            yield bytes(1 << 20)

    is_problem(client.post("/v1/frames", content=body()), 401, "unauthenticated")


@pytest.mark.parametrize("announced", [True, False])
def test_bodies_have_limits(client: TestClient, announced: bool) -> None:
    content = b'{"key": "' + b"a" * (2 << 20) + b'"}'
    sent: Any = content if announced else iter([content[:1000], content[1000:]])
    answer = client.post("/v1/patrols", content=sent, headers={"Content-Type": "application/json"})
    is_problem(answer, 413, "too_large")


def test_deep_json_is_an_error_like_any_other(client: TestClient) -> None:
    for content in (b"[" * 500_000, b'{"key":' * 100_000):
        answer = client.post("/v1/patrols", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
    deep = client.post("/v1/frames", files={"photo": b"x"}, data={"metadata": "[" * 500_000})
    is_problem(deep, 422, "invalid_metadata")


def test_details_are_said_in_the_language_asked_for(client: TestClient) -> None:
    answer = client.get(f"/v1/frames/{SOME_ID}", headers={"Accept-Language": "fr, zh-CN;q=0.8, en;q=0.5"})
    assert answer.json()["detail"] == f"没有照片 {SOME_ID},或不在您的范围内"


def test_a_sensible_request_id_is_kept(client: TestClient) -> None:
    assert (
        client.get("/healthz", headers={"X-Request-ID": "truck-7.1"}).headers["X-Request-ID"] == "truck-7.1"
    )
    assert client.get("/healthz", headers={"X-Request-ID": "a b\x01"}).headers["X-Request-ID"] != "a b\x01"


def test_what_we_did_not_foresee_tells_nothing_but_an_id(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("streetsight.service.frames.service.list_frames", broken)
    answer = client.get("/v1/frames")
    is_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text


def test_health_and_metrics(start: Start) -> None:
    client = start()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["checks"] == {"database": None, "files": None, "release": None}
    client.post("/v1/frames", files={"photo": b"no picture"})
    text = client.get("/metrics").text
    assert 'streetsight_uploads_total{outcome="invalid_image"}' in text
    for storage in ("data", "files"):
        assert f'streetsight_storage_free_bytes{{storage="{storage}"}}' in text
    full = start(min_free_bytes=1 << 60)
    answer = full.get("/readyz")
    is_problem(answer, 503, "not_ready")
    assert answer.json()["checks"]["files"].startswith("the disk for photos")
    assert answer.json()["codes"] == {"files": "storage_full"}


def test_a_server_without_a_bucket_says_so_and_tells_the_room_for_uploads(
    start: Start, s3_settings: Settings
) -> None:
    keys = {name: getattr(s3_settings, name) for name in Settings.model_fields if name.startswith("s3_")}
    client = start(files_url="s3://renamed/photos", **keys)
    answer = client.get("/readyz")
    is_problem(answer, 503, "not_ready")
    assert answer.json()["codes"] == {"files": "no_bucket"}
    text = client.get("/metrics").text
    assert 'streetsight_storage_free_bytes{storage="data"}' in text
    assert 'storage="files"' not in text


def test_a_heartbeat_tells_the_clock(client: TestClient) -> None:
    answer = client.post(
        "/v1/devices/self/heartbeat", json={"clock": "2020-01-01T00:00:00Z", "queued_frames": 3}
    )
    assert answer.json()["clock_offset_seconds"] < -1e8
    is_problem(client.post("/v1/devices/self/heartbeat", json={"clock": "now"}), 422, "malformed")


@pytest.mark.parametrize("who", ["device", "admin"])
def test_generated_requests_find_no_fault(
    settings: Settings, new_token: Callable[..., str], lead: Callable[..., str], photos: list[bytes],
    free_port: int, who: str,
) -> None:  # fmt: skip
    """schemathesis: generated requests to every operation of the description, seeded; none is our mistake.

    A device asks for what is not there, an admin for what is.
    """
    import schemathesis
    from hypothesis import HealthCheck, Phase, given
    from hypothesis import settings as bounds
    from schemathesis.core.result import Ok

    schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
    token, there, examples = new_token(), dict[str, str](), EXAMPLES
    if who == "admin":
        token, there, examples = (
            admin_token(settings),
            what_is_there(settings, lead(glimpses=1), photos[0]),
            FEW,
        )
    headers, asked, went_well = {"Authorization": f"Bearer {token}", "If-Match": '"1"'}, set(), set()
    with served(settings, free_port) as url:
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json", timeout=120)
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()

            @given(case=operation.as_strategy())
            @bounds(
                max_examples=examples, derandomize=True, deadline=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def ask(case: Any) -> None:
                case.path_parameters |= {name: there[name] for name in case.path_parameters if name in there}
                answer = case.call(headers=headers)
                assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"
                asked.add(operation := (case.method.upper(), case.operation.path))
                if answer.status_code < 300:
                    went_well.add(operation)

            ask()
    assert len(asked) == len(list(schema.get_all_operations()))
    if who == "device":
        assert ("POST", "/v1/frames") in asked
    else:
        assert {("GET", "/v1/people"), ("GET", "/v1/candidates/{candidate_id}")} <= went_well


def admin_token(settings: Settings) -> str:
    """For programs of somebody who may do everything."""
    with open_database(settings) as database, database.write() as session:
        admin = add_person(session, SYSTEM, NewPerson("admin", "admin", Role.ADMIN, None, None))
        return add_token(session, SYSTEM, admin, "generated requests", days=1)[1]


def what_is_there(settings: Settings, candidate_id: str, photo: bytes) -> dict[str, str]:
    """Ids of rows that exist, by the names that parts of paths have."""
    sha256 = open_blobs(settings).put(photo)
    with open_database(settings) as database, database.write() as session:
        sighting = session.scalars(select(Sighting)).one()
        session.execute(update(Frame).values(sha256=sha256, size_bytes=len(photo)))
        other = add_person(session, SYSTEM, NewPerson("other", "other", Role.INSPECTOR, None, None))
        return {
            "candidate_id": candidate_id, "sighting_id": sighting.id, "patrol_id": sighting.patrol_id,
            "device_id": sighting.device_id, "frame_id": sighting.glimpses[0]["frame"], "person_id": other.id,
        }  # fmt: skip


@contextmanager
def served(settings: Settings, port: int) -> Iterator[str]:
    """The application on a real socket."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
