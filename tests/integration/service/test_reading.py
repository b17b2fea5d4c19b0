"""What people read of frames, patrols and sightings, and what devices do."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from streetsight.service.auth.actor import Role

Lead = Callable[..., str]
Person = Callable[..., TestClient]
HOME, AWAY = "/330106/", "/330108/"


def items(client: TestClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_people_read_what_lies_in_their_areas(person: Person, lead: Lead, client: TestClient) -> None:
    for path in ("/330106/330106003/", AWAY, None):
        lead(area_path=path)
    everywhere, here, nowhere = person(Role.VIEWER), person(Role.VIEWER, [HOME]), person(Role.VIEWER, [])
    for noun, whole in (("frames", 6), ("patrols", 3), ("sightings", 3), ("candidates", 3)):
        counts = [len(items(each, f"/v1/{noun}")) for each in (everywhere, here, nowhere)]
        assert counts == [whole, whole // 3, 0], noun
    for noun in ("frames", "patrols"):
        assert items(client, f"/v1/{noun}") == []  # the device has sent none of these


def test_what_lies_elsewhere_is_not_there(person: Person, lead: Lead, client: TestClient) -> None:
    candidate = lead(area_path=AWAY)
    admin, foreign = person(Role.ADMIN), person(Role.INSPECTOR, [HOME])
    issue = admin.post(
        f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm"}, headers={"If-Match": '"1"'}
    ).json()
    frame = items(admin, "/v1/frames")[0]
    ids = {
        "frames": frame["id"], "patrols": frame["patrol_id"], "candidates": candidate,
        "sightings": items(admin, "/v1/sightings")[0]["id"], "issues": issue["issue_id"],
    }  # fmt: skip
    paths = [f"/v1/{noun}/{each}" for noun, each in ids.items()]
    paths += [f"/v1/issues/{issue['issue_number']}", f"/v1/candidates/{candidate}/decisions"]
    for path in paths:
        assert admin.get(path).status_code == 200, path
        assert foreign.get(path).status_code == 404, path
    asked = {"kind": "correct", "severity": "low"}
    headers = {"If-Match": '"2"'}
    answer = foreign.post(f"/v1/candidates/{candidate}/decisions", json=asked, headers=headers)
    assert answer.status_code == 404
    own = lead()
    into = {"kind": "merge", "into": candidate}
    answer = foreign.post(f"/v1/candidates/{own}/decisions", json=into, headers={"If-Match": '"1"'})
    assert answer.status_code == 404
    for path in ("/v1/decisions", "/v1/issues"):
        assert items(foreign, path) == []
    assert items(foreign, "/v1/candidates", area=AWAY) == []
    files = foreign.get("/v1/candidates", params={"format": "geojson"}).json()["features"]
    assert [each["id"] for each in files] == [own]
    for noun in ("frames", "patrols"):
        assert client.get(f"/v1/{noun}/{ids[noun]}").status_code == 404  # another device


@pytest.mark.parametrize("noun", ["frames", "patrols", "sightings", "candidates", "issues", "decisions"])
def test_nobody_reads_without_signing_in(client: TestClient, noun: str) -> None:
    del client.headers["Authorization"]
    assert client.get(f"/v1/{noun}").status_code == 401


def test_frames_and_patrols_can_be_filtered(person: Person, lead: Lead) -> None:
    viewer = person(Role.VIEWER)
    lead()
    lead(area_path=AWAY)
    frame = items(viewer, "/v1/frames", area=AWAY)[0]
    assert frame["area_path"] == AWAY
    assert len(items(viewer, "/v1/frames", device_id=frame["device_id"])) == 2
    assert len(items(viewer, "/v1/patrols", device_id=frame["device_id"])) == 1
    answer = viewer.get("/v1/frames", params={"area": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_area")


def test_a_sighting_shows_each_of_its_frames(person: Person, lead: Lead) -> None:
    candidate, viewer = lead(glimpses=3), person(Role.VIEWER)
    [found] = items(viewer, "/v1/sightings", **{"class": "garbage", "min_score": 0.5})
    shown = viewer.get(f"/v1/sightings/{found['id']}").json()
    assert [each["score"] for each in shown["glimpses"]] == [0.8, 0.79, 0.78]
    assert shown["best"] == shown["glimpses"][0]
    assert shown["candidates"] == [candidate]
    assert items(viewer, "/v1/sightings", patrol_id=found["patrol_id"], bbox="120,30,121,31") == [found]
    assert items(viewer, "/v1/sightings", bbox="0,0,1,1") == []
    assert items(viewer, "/v1/sightings", seen_from="2026-11-21T12:00:00+08:00") == []
