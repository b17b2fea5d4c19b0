"""Issues: list, file, one by one, and whose they are."""

import csv
import io
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

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
