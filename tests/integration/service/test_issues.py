"""Issues: list, file, one by one, and whose they are; entered by hand, with photos that people bring."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from streetsight.service.auth.actor import Role

Lead = Callable[..., str]
Person = Callable[..., TestClient]


def confirm(client: TestClient, candidate: str, **asked: Any) -> dict[str, Any]:
    answer = client.post(
        f"/v1/candidates/{candidate}/decisions",
        json={"kind": "confirm", **asked},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_issues_are_listed_and_filtered(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    one = confirm(inspector, lead(), unit="环卫所")
    vending = lead(condition="street_vending", class_name="street_vendor", lon=121.0, area_path="/330108/")
    other = confirm(inspector, vending)
    for wanted, expected in (
        ({}, [other, one]), ({"unit": "环卫所"}, [one]), ({"condition": "street_vending"}, [other]),
        ({"class": "garbage"}, [one]), ({"area": "/330108/"}, [other]),
        ({"bbox": "120.9,30,121.1,31"}, [other]), ({"state": "withdrawn"}, []),
        ({"confirmed_before": "2020-01-01T00:00:00Z"}, []),
        ({"confirmed_from": "2020-01-01T00:00:00Z", "state": "filed"}, [other, one]),
    ):  # fmt: skip
        found = inspector.get("/v1/issues", params=wanted).json()["items"]
        assert [each["id"] for each in found] == [each["issue_id"] for each in expected], wanted


def test_an_issue_has_a_version(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    path = f"/v1/issues/{confirm(inspector, lead())['issue_id']}"
    answer = inspector.get(path)
    assert answer.headers["etag"] == '"1.0"'
    assert inspector.get(path, headers={"If-None-Match": '"1.0"'}).status_code == 304
    assert inspector.get("/v1/issues/20200101-000001").status_code == 404
    assert inspector.get("/v1/issues/nonsense").status_code == 422


def test_a_number_that_two_districts_gave_is_never_taken_for_one_of_them(person: Person, lead: Lead) -> None:
    everywhere, here = person(Role.INSPECTOR), person(Role.INSPECTOR, areas=["/330106/"])
    one, other = confirm(everywhere, lead()), confirm(everywhere, lead(lon=121.0, area_path="/330108/"))
    number = one["issue_number"]
    assert other["issue_number"] == number
    assert here.get(f"/v1/issues/{number}").json()["id"] == one["issue_id"]

    comment: dict[str, Any] = {"json": {"kind": "comment", "text": "?"}, "headers": {"If-Match": '"1"'}}
    for answer in (
        everywhere.get(f"/v1/issues/{number}"),
        everywhere.get(f"/v1/issues/{number}/acts"),
        everywhere.post(f"/v1/issues/{number}/acts", **comment),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "many_issues")
        for each, district in ((one, "/330106/330106003/"), (other, "/330108/")):
            assert f"{each['issue_id']} ({district})" in answer.json()["detail"]
    assert everywhere.post(f"/v1/issues/{other['issue_id']}/acts", **comment).status_code == 201

    listed = everywhere.get(f"/issues/{number}").text
    assert all(f'href="/issues/{each["issue_id"]}"' in listed for each in (one, other))


def test_a_handler_sees_the_tasks_of_its_unit(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    own = confirm(inspector, lead(), unit="环卫所")
    foreign = confirm(inspector, lead(), unit="市政所")
    nobodys = confirm(inspector, lead())
    handler, without = person(Role.HANDLER, unit="环卫所"), person(Role.HANDLER)
    assert [each["id"] for each in handler.get("/v1/issues").json()["items"]] == [own["issue_id"]]
    assert handler.get(f"/v1/issues/{own['issue_id']}").status_code == 200
    for other in (foreign, nobodys):
        assert handler.get(f"/v1/issues/{other['issue_id']}").status_code == 404
    assert without.get("/v1/issues").json()["items"] == []
    for noun in ("candidates", "decisions", "frames", "sightings"):
        assert handler.get(f"/v1/{noun}").status_code == 403


def test_issues_as_files(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    made = confirm(inspector, lead(), unit="+8613")
    answer = inspector.get("/v1/issues", headers={"Accept": "text/csv", "Accept-Language": "en"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert (row["number"], row["unit"], row["state"]) == (made["issue_number"], "'+8613", "filed")
    assert row["confirmed"].endswith("+08:00")
    [feature] = inspector.get("/v1/issues", params={"format": "geojson"}).json()["features"]
    assert feature["geometry"]["coordinates"] == [120.15, 30.27]
    assert feature["properties"]["confirmed_at"] == row["confirmed"]


CODE = {"scheme": "GB/T 47678.5-2026", "code": "06010"}
THERE = {"lon": 120.15, "lat": 30.27, "source": "map_pin"}
NO_FRAME = "01a20233-5f67-77ae-9e8a-8156a002b49c"


def picture(shade: int) -> bytes:
    """A photo that no other one is like."""
    file = io.BytesIO()
    noise = np.random.default_rng(shade).integers(0, 255, (64, 96, 3), np.uint8)
    Image.fromarray(noise).save(file, "JPEG")
    return file.getvalue()


def brought(client: TestClient, content: bytes, **metadata: Any) -> dict[str, Any]:
    answer = client.post("/v1/photos", files={"photo": content}, data={"metadata": json.dumps(metadata)})
    assert answer.status_code in (200, 201), answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def test_people_bring_photos(person: Person, photos: list[bytes], work: Callable[[], Any]) -> None:
    inspector, handler, viewer = (
        person(Role.INSPECTOR),
        person(Role.HANDLER, unit="环卫所"),
        person(Role.VIEWER),
    )
    by_exif = brought(inspector, photos[0])
    assert by_exif["position"]["source"] == "exif"
    assert by_exif["taken_at"] is not None
    browser = {"lon": 120.2, "lat": 30.3, "source": "browser", "accuracy_m": 25}
    said = brought(handler, picture(1), position=browser)
    assert (said["position"]["source"], said["position"]["accuracy_m"]) == ("browser", 25)
    again = brought(handler, picture(1))
    assert (again["id"], again["outcome"], again["position"]["source"]) == (
        said["id"],
        "duplicate",
        "browser",
    )
    refused = viewer.post("/v1/photos", files={"photo": picture(2)})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert inspector.post("/v1/photos", files={"photo": b"no photo"}).status_code == 422
    work()
    assert handler.get(f"/v1/frames/{said['id']}/photo").status_code == 200  # its own
    assert handler.get(f"/v1/frames/{by_exif['id']}/photo").status_code == 404
    found = inspector.post("/v1/detect", files={"photo": photos[0]})
    assert (found.status_code, found.json()["outcome"]) == (200, "accepted")
    assert handler.post("/v1/detect", files={"photo": photos[0]}).status_code == 403


def test_an_issue_is_entered_by_hand(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    open_lead = lead()
    frame = brought(inspector, picture(3), position={"lon": 120.15, "lat": 30.27, "source": "browser"})["id"]
    box = [10, 10, 50, 50]
    body = {
        "code": CODE, "position": THERE, "description": "一堆垃圾", "photos": [frame], "unit": "环卫所",
        "detection": {"frame_id": frame, "class": "garbage", "box_xyxy_px": box, "score": 0.7},
    }  # fmt: skip
    near = inspector.get("/v1/issues/similar", params={"lon": 120.15, "lat": 30.27, "code": "06010"}).json()
    assert [(each["what"], each["id"]) for each in near] == [("candidate", open_lead)]
    answer = inspector.post("/v1/issues", json=body, headers={"Idempotency-Key": "e1"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    issue = made["issue"]
    assert [each["id"] for each in made["similar"]] == [open_lead]
    shown = {name: issue[name] for name in ("state", "source", "condition", "class", "unit", "best_box")}
    assert shown == {
        "state": "filed", "source": "inspector", "condition": "exposed_garbage", "class": "garbage",
        "unit": "环卫所", "best_box": box,
    }  # fmt: skip
    assert (issue["code"]["name"], issue["photos"][0]["warning"]) == ("暴露垃圾", None)
    again = inspector.post("/v1/issues", json=body, headers={"Idempotency-Key": "e1"})
    assert (again.status_code, again.json()["issue"]["id"]) == (200, issue["id"])
    candidate = inspector.get(f"/v1/candidates/{issue['candidate_id']}").json()
    assert (candidate["state"], candidate["source"]) == ("confirmed", "inspector")
    assert candidate["issue"]["number"] == issue["number"]
    assert frame in candidate["frames_shown"]
    told = inspector.get(f"/v1/issues/{issue['id']}/acts", headers={"Accept-Language": "zh"}).json()
    assert {each["label"] for each in told} == {"确认", "上报"}


def test_what_has_no_condition_no_photo_and_no_position_can_be_entered_too(person: Person) -> None:
    inspector, analyst = person(Role.INSPECTOR), person(Role.ANALYST)
    square = [[120.1, 30.2], [120.2, 30.2], [120.2, 30.3], [120.1, 30.3], [120.1, 30.2]]
    areas = {"type": "FeatureCollection", "features": [{
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [square]},
        "properties": {"code": "330106", "name": "西湖区", "kind": "district"}}]}  # fmt: skip
    put = analyst.put(
        "/v1/areas", params={"crs": "wgs84", "reason": "x"}, json=areas, headers={"If-Match": '"0"'}
    )
    assert put.status_code == 200, put.text
    noise = {"code": {**CODE, "code": "06028"}, "area": "330106", "place": "文三路与学院路口东北角"}
    issue = inspector.post("/v1/issues", json=noise).json()["issue"]
    shown = tuple(issue[name] for name in ("condition", "area_path", "lon", "place", "district"))
    assert shown == ("other", "/330106/", None, "文三路与学院路口东北角", "330106")
    scoped = person(Role.INSPECTOR, areas=["/330108/"])
    outside = scoped.post("/v1/issues", json=noise)
    assert (outside.status_code, outside.json()["code"]) == (403, "outside_areas")
    for body, status, code in (
        ({"code": CODE}, 422, "malformed"),
        ({"code": {**CODE, "code": "99999"}, "position": THERE}, 422, "unknown_code"),
        ({"code": CODE, "position": THERE, "condition": "nonsense"}, 422, "malformed"),
        ({"code": CODE, "position": THERE, "photos": [NO_FRAME]}, 404, "no_frame"),
        ({"code": {**CODE, "code": "09009"}, "position": THERE, "photos": [],
          "detection": {"frame_id": NO_FRAME, "class": "garbage",
                        "box_xyxy_px": [0, 0, 5, 5]}}, 422, "unfit"),
    ):  # fmt: skip
        answer = inspector.post("/v1/issues", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(inspector.get("/v1/issues").json()["items"]) == 1  # what was refused left nothing
    assert len(inspector.get("/v1/candidates").json()["items"]) == 1


def test_those_from_outside_see_what_they_entered_and_nothing_of_the_street(person: Person) -> None:
    inspector, outsider = person(Role.INSPECTOR), person(Role.THIRD_PARTY)
    body = {"code": CODE, "position": THERE}
    theirs = inspector.post("/v1/issues", json=body).json()["issue"]["id"]
    answer = outsider.post("/v1/issues", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["similar"] == []
    own = answer.json()["issue"]
    assert [each["id"] for each in outsider.get("/v1/issues").json()["items"]] == [own["id"]]
    assert outsider.get(f"/v1/candidates/{own['candidate_id']}").status_code == 200
    assert outsider.get(f"/v1/issues/{theirs}").status_code == 404
    path = f"/v1/issues/{own['id']}/acts"
    body = {"kind": "comment", "text": "internal"}
    assert inspector.post(path, json=body, headers={"If-Match": '"1"'}).status_code == 201
    assert [each["kind"] for each in outsider.get(path).json()] == ["confirm", "enter"]
    assert {each["kind"] for each in outsider.get(f"/v1/issues/{own['id']}").json()["possible"]} == {
        "comment"
    }


def test_codes_are_found_in_both_languages(person: Person) -> None:
    inspector = person(Role.INSPECTOR)
    found = inspector.get("/v1/codes", params={"search": "井盖"}, headers={"Accept-Language": "zh"}).json()
    assert len(found) >= 40
    english = inspector.get("/v1/codes", params={"search": "street lamp"}).json()
    assert (english[0]["code"], english[0]["label"]) == ("01006", "street lamp manhole cover: fault")
    assert {each["code"] for each in english} >= {"01037"}
    [old] = inspector.get("/v1/codes", params={"search": "0110", "scheme": "GB/T 30428.2-2013"}).json()
    assert (old["name"], old["successor"], old["verified"]) == ("暴露垃圾", "06010", False)
    whole = inspector.get("/v1/codes", params={"limit": 1000, "kind": "事项", "order": "code"}).json()
    assert len(whole) == 250


def test_issues_are_listed_by_deadline_and_counted(person: Person, lead: Lead) -> None:
    inspector, other = person(Role.INSPECTOR), person(Role.INSPECTOR)
    ids = [confirm(inspector, lead())["issue_id"] for _ in range(3)]
    confirm(other, lead())
    for issue, day in zip(ids[:2], ("2099-02-01", "2099-01-01"), strict=True):
        body = {"kind": "dispatch", "unit": "环卫所", "due_at": f"{day}T00:00:00Z"}
        answer = inspector.post(f"/v1/issues/{issue}/acts", json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == 201
    wanted: dict[str, Any] = {"mine": True, "order": "deadline", "limit": 2}
    first = inspector.get("/v1/issues", params=wanted).json()
    assert [each["id"] for each in first["items"]] == [ids[1], ids[0]]
    rest = inspector.get("/v1/issues", params={**wanted, "cursor": first["next_cursor"]}).json()
    assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == ([ids[2]], None)
    counted = inspector.get("/v1/issues/counts", params={"mine": True}).json()
    assert (counted["states"]["dispatched"], counted["states"]["filed"], counted["total"]) == (2, 1, 3)
    handler = person(Role.HANDLER, unit="环卫所")
    assert handler.get("/v1/issues/counts").json()["total"] == 2
    filters: tuple[tuple[dict[str, Any], int], ...] = (
        ({"open": True}, 4), ({"open": False}, 0), ({"state": ["filed", "closed"]}, 2),
        ({"overdue": True}, 0),
        ({"overdue": False}, 4), ({"due_before": "2099-01-15T00:00:00Z"}, 1), ({"code": "06010"}, 0),
        ({"source": "patrol"}, 4), ({"near": "120.15,30.27,30"}, 4), ({"supervision": "any"}, 0),
    )  # fmt: skip
    for asked, count in filters:
        assert len(inspector.get("/v1/issues", params=asked).json()["items"]) == count, asked


def test_what_was_tagged_and_filed_is_a_label(
    person: Person, photos: list[bytes], work: Callable[[], Any]
) -> None:
    inspector, analyst = person(Role.INSPECTOR), person(Role.ANALYST)
    frame = brought(inspector, photos[0])["id"]
    found = inspector.post("/v1/detect", files={"photo": photos[0]}).json()["detections"]
    tagged = next(each for each in found if each["condition"])
    drawn = {"frame_id": frame, "class": "garbage", "box_xyxy_px": [5, 5, 40, 30]}
    accepted = {
        "frame_id": frame, "class": tagged["class"], "box_xyxy_px": tagged["box_xyxy_px"],
        "score": tagged["score"],
    }  # fmt: skip
    for detection, condition in ((drawn, "exposed_garbage"), (accepted, tagged["condition"])):
        body = {"code": CODE, "condition": condition, "position": THERE, "detection": detection}
        assert inspector.post("/v1/issues", json=body).status_code == 201
    work()
    labels = analyst.get("/v1/labels/export").json()
    assert [each["frame_id"] for each in labels["images"]] == [frame]
    names = {each["id"]: each["name"] for each in labels["categories"]}
    assert "garbage" in {names[each["category_id"]] for each in labels["annotations"]}
