"""A device uploads photos; they are detected; the result can be read. On SQLite and PostgreSQL."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from streetsight.service.settings import Settings

Start = Callable[..., TestClient]


def upload(client: TestClient, photo: bytes, key: str | None = None, **metadata: Any) -> Any:
    return client.post(
        "/v1/frames",
        files={"photo": ("photo.jpg", photo)},
        data={"metadata": json.dumps(metadata)} if metadata else {},
        headers={"Idempotency-Key": key} if key else {},
    )


def test_a_photo_goes_all_the_way(client: TestClient, photos: list[bytes], work: Callable[[], Any]) -> None:
    answer = upload(client, photos[0], name="0001.jpg")
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["sha256"] == hashlib.sha256(photos[0]).hexdigest()
    place = answer.headers["Location"]
    assert client.get(place).json()["state"] == "queued"

    work()

    frame = client.get(place).json()
    assert (frame["state"], frame["name"], frame["media_type"]) == ("detected", "0001.jpg", "image/jpeg")
    assert frame["result"]["outcome"] == "accepted"
    assert frame["result"]["release"].startswith("street-n-")
    assert (frame["result"]["width"], frame["result"]["height"]) == (640, 360)
    assert frame["position"]["source"] == "exif"  # nothing was said, so the file's word counts
    assert frame["taken_at"].endswith("+08:00")  # the offset is kept
    assert client.get(f"{place}/photo").content == photos[0]


def test_what_the_device_says_goes_before_exif(
    client: TestClient, photos: list[bytes], work: Callable[[], Any]
) -> None:
    position = {"lon": 116.4, "lat": 39.9, "accuracy_m": 3.0}
    answer = upload(client, photos[0], taken_at="2026-05-01T08:00:00-03:00", position=position)
    work()
    frame = client.get(answer.headers["Location"]).json()
    assert frame["taken_at"] == "2026-05-01T08:00:00-03:00"
    assert frame["position"]["source"] == "device"
    assert frame["position"]["lon"] == 116.4
    assert frame["result"]["file_metadata"]["position"]["source"] == "exif"  # kept beside it


def test_the_same_bytes_are_one_frame(client: TestClient, photos: list[bytes]) -> None:
    first, again = upload(client, photos[0]), upload(client, photos[0], name="other.jpg")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["outcome"] == "duplicate"
    assert again.json()["id"] == first.json()["id"]
    assert len(client.get("/v1/frames").json()["items"]) == 1


def test_the_same_key_is_one_frame_and_never_two_contents(client: TestClient, photos: list[bytes]) -> None:
    first = upload(client, photos[0], key="run-1/1")
    assert upload(client, photos[0], key="run-1/1").json()["id"] == first.json()["id"]
    clash = upload(client, photos[1], key="run-1/1")
    assert (clash.status_code, clash.json()["code"]) == (409, "key_reused")
    assert upload(client, photos[1], key="run-1/2").status_code == 201
    assert upload(client, photos[1], key="run-1/3").status_code == 200
    assert upload(client, photos[0], key="run-1/3").status_code == 409  # also a duplicate's key is taken


@pytest.mark.parametrize(
    ("photo", "metadata", "status", "code"),
    [
        (b"", {}, 422, "invalid_image"),
        (b"<svg/>", {}, 422, "invalid_image"),
        (None, {"sha256": "0" * 64}, 422, "wrong_digest"),
        (None, {"lon": 3}, 422, "invalid_metadata"),
        (None, {"position": {"lon": 200, "lat": 0}}, 422, "invalid_metadata"),
        (None, {"taken_at": "2026-05-01T08:00:00"}, 422, "invalid_metadata"),  # which time zone?
        (None, {"name": "a\x00b"}, 422, "invalid_metadata"),
        (None, {"patrol_id": "01a20233-5f67-77ae-9e8a-8156a002b49c"}, 404, "no_patrol"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    client: TestClient, photos: list[bytes], photo: bytes | None, metadata: Any, status: int, code: str
) -> None:
    answer = upload(client, photos[0] if photo is None else photo, **metadata)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert client.get("/v1/frames").json()["items"] == []


def test_damage_that_only_shows_later_is_a_result(
    client: TestClient, photos: list[bytes], work: Callable[[], Any]
) -> None:
    place = upload(client, photos[0][: len(photos[0]) // 2]).headers["Location"]
    work()
    frame = client.get(place).json()
    assert frame["state"] == "detected"
    assert frame["result"]["outcome"] == "truncated"
    assert "copy it again" in frame["result"]["reason"]


def test_in_a_batch_each_photo_has_its_own_outcome(client: TestClient, photos: list[bytes]) -> None:
    upload(client, photos[0])
    files = [
        ("photos", (f"{i}.jpg", data)) for i, data in enumerate([photos[0], b"no", photos[1], photos[2]])
    ]
    metadata = [{}, {}, {"taken_at": "yesterday"}, {"name": "third.jpg"}]
    answer = client.post("/v1/frames/batch", files=files, data={"metadata": json.dumps(metadata)})
    assert answer.status_code == 200
    outcomes = answer.json()["outcomes"]
    assert [(each["status"], each["outcome"]) for each in outcomes] == [
        (200, "duplicate"), (422, "invalid_image"), (422, "invalid_metadata"), (201, "accepted"),
    ]  # fmt: skip
    assert [each["name"] for each in outcomes] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_metadata_of_a_batch_must_fit_it(client: TestClient, photos: list[bytes]) -> None:
    answer = client.post(
        "/v1/frames/batch", files=[("photos", ("a.jpg", photos[0]))], data={"metadata": "[{}, {}]"}
    )
    assert answer.json()["code"] == "invalid_metadata"


def test_frames_are_listed_newest_first_by_cursor_and_filter(
    client: TestClient, photos: list[bytes], work: Callable[[], Any]
) -> None:
    patrol = client.post("/v1/patrols", json={"key": "morning"}).json()["id"]
    ids = [
        upload(
            client, photo, patrol_id=patrol if number < 3 else None,
            taken_at=f"2026-05-0{number + 1}T00:00:00Z", position={"lon": number, "lat": 0},
        ).json()["id"]
        for number, photo in enumerate(photos[:5])
    ]  # fmt: skip

    def listed(**query: Any) -> list[int]:
        found: list[int] = []
        cursor = None
        while True:
            asked = {**query, "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = client.get("/v1/frames", params=asked).json()
            found += [ids.index(each["id"]) for each in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                return found

    assert listed() == [4, 3, 2, 1, 0]
    assert listed(patrol_id=patrol) == [2, 1, 0]
    assert listed(taken_from="2026-05-02T08:00:00+08:00", taken_before="2026-05-04T00:00:00Z") == [2, 1]
    assert listed(bbox="0.5,-1,3.5,1") == [3, 2, 1]
    assert listed(state="detected") == []
    work()
    assert listed(state="detected") == [4, 3, 2, 1, 0]
    items = client.get("/v1/frames").json()["items"]
    classes = {found["class"] for each in items for found in each["result"]["detections"]}
    assert classes
    for name in classes:
        having = [
            ids.index(each["id"])
            for each in items
            if any(found["class"] == name for found in each["result"]["detections"])
        ]
        assert listed(**{"class": name}) == having
    assert listed(min_score=1.0) == []


def test_a_device_sees_only_its_own(
    client: TestClient, photos: list[bytes], new_token: Callable[..., str]
) -> None:
    place = upload(client, photos[0]).headers["Location"]
    patrol = client.post("/v1/patrols", json={"key": "one"}).json()["id"]
    client.headers["Authorization"] = f"Bearer {new_token()}"
    assert client.get(place).status_code == 404
    assert client.get(f"{place}/photo").status_code == 404
    assert client.get("/v1/frames").json()["items"] == []
    assert client.get(f"/v1/patrols/{patrol}").status_code == 404
    assert client.post(f"/v1/patrols/{patrol}/close").status_code == 404
    assert upload(client, photos[1], patrol_id=patrol).status_code == 404
    receipt = upload(client, photos[0])  # it has the bytes, so it may know that they are here, no more
    assert receipt.status_code == 200
    assert set(receipt.json()) == {"id", "sha256", "outcome", "received_at"}


def test_quotas_and_limits(start: Start, photos: list[bytes], settings: Settings) -> None:
    client = start(device_daily_frames=2)
    assert [upload(client, photo).status_code for photo in photos[:3]] == [201, 201, 429]
    assert int(upload(client, photos[2]).headers["Retry-After"]) > 0
    assert upload(client, photos[0]).status_code == 200  # what is here costs nothing
    small = start(max_photo_bytes=100)
    assert upload(small, photos[3]).json()["code"] == "too_large"
    assert upload(small, photos[3] * 1 + bytes(2 << 20)).status_code == 413
    full = start(max_queued_frames=1)
    answer = upload(full, photos[4])
    assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
    assert answer.headers["Retry-After"]


def test_looking_without_keeping(client: TestClient, photos: list[bytes]) -> None:
    answer = client.post("/v1/detect", files={"photo": ("a.jpg", photos[0])})
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "accepted"
    assert answer.json()["detections"]
    assert client.post("/v1/detect", files={"photo": ("a.jpg", b"no")}).json()["outcome"] == "invalid_image"
    assert client.get("/v1/frames").json()["items"] == []


def test_late_frames_of_a_patrol_are_taken_and_marked(client: TestClient, photos: list[bytes]) -> None:
    opened = client.post("/v1/patrols", json={"key": "morning"})
    assert opened.status_code == 201
    again = client.post("/v1/patrols", json={"key": "morning"})
    assert (again.status_code, again.json()["id"]) == (200, opened.json()["id"])
    patrol = opened.json()["id"]
    upload(client, photos[0], patrol_id=patrol)
    closed = client.post(f"/v1/patrols/{patrol}/close").json()
    assert closed["closed_by"] == "device"
    assert client.post(f"/v1/patrols/{patrol}/close").json() == closed
    late = upload(client, photos[1], patrol_id=patrol)
    assert client.get(late.headers["Location"]).json()["late"] is True
    assert len(client.get("/v1/patrols").json()["items"]) == 1
