"""What maps ask for: issues as points and clusters, ways of patrols, ground in bad light, empty filters."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from shapely import LineString, box, to_wkb
from shapely.geometry import shape
from sqlalchemy import select

from streetsight.service.auth.actor import Role
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.patrols.tables import Patrol
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Lead = Callable[..., str]
Person = Callable[..., TestClient]
HOME, AWAY = "/330106/", "/330108/"
WEST, SOUTH, DAY = 120.15, 30.27, date(2026, 11, 20)


def confirm(client: TestClient, candidate_id: str) -> None:
    path = f"/v1/candidates/{candidate_id}/decisions"
    answer = client.post(path, json={"kind": "confirm"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 201, answer.text


def issues_on_map(client: TestClient, zoom: int, **params: Any) -> Any:
    answer = client.get("/v1/issues/map", params={"bbox": "120,30,121,31", "zoom": zoom, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_issues_are_points_while_they_are_few(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    for condition in ("exposed_garbage", "street_vending"):
        confirm(inspector, lead(condition=condition))
    shown = issues_on_map(inspector, 14)
    assert (shown["kind"], shown["total"], shown["clusters"]) == ("points", 2, [])
    point = shown["points"][0]
    assert (point["lon"], point["lat"], point["state"], point["overdue"]) == (WEST, SOUTH, "filed", False)
    assert issues_on_map(inspector, 14, condition="street_vending")["total"] == 1
    assert issues_on_map(inspector, 14, state="closed")["total"] == 0
    assert issues_on_map(person(Role.INSPECTOR, [AWAY]), 14)["total"] == 0


def test_many_issues_are_clusters(
    start: Callable[..., TestClient], client: TestClient, person: Person, lead: Lead
) -> None:
    inspector = person(Role.INSPECTOR)
    for number in range(4):
        confirm(inspector, lead(lon=WEST + number // 2 * 0.2))
    other = start(max_map_points=3)
    other.headers.pop("Authorization")
    other.cookies, other.headers = inspector.cookies, {**other.headers, **inspector.headers}
    shown = issues_on_map(other, 10)
    assert (shown["kind"], shown["total"], shown["points"]) == ("clusters", 4, [])
    assert (
        sorted((each["count"], each["open"], each["overdue"]) for each in shown["clusters"])
        == [(2, 2, 0)] * 2
    )
    for each in shown["clusters"]:
        west, south, east, north = each["bbox"]
        assert west <= each["lon"] < east
        assert south <= each["lat"] < north


def ground(settings: Settings, lead: Lead, area: str = HOME) -> str:
    """Ground of one patrol: seen, in bad light beside it and over it, and a way. Gives the patrol."""
    lead(area_path=area)
    squares = {
        "seen": box(WEST, SOUTH, WEST + 2e-4, SOUTH + 1e-4),
        "dim": box(WEST + 1e-4, SOUTH, WEST + 3e-4, SOUTH + 1e-4),
        "driven": LineString([(WEST, SOUTH), (WEST + 3e-4, SOUTH)]),
    }
    with open_database(settings) as database, database.write() as session:
        patrol = session.scalars(select(Patrol)).one()
        packed = {name: to_wkb(each) for name, each in squares.items()}
        session.add(CoveredTile(patrol_id=patrol.id, day=DAY, x=120150, y=30270, frames=2, **packed))
        return patrol.id


def test_ground_in_bad_light_is_not_seen(
    client: TestClient, settings: Settings, lead: Lead, person: Person
) -> None:
    ground(settings, lead)
    shown = person(Role.VIEWER).get("/v1/coverage", params={"bbox": "120,30,121,31"}).json()
    kinds = {each["properties"]["kind"]: shape(each["geometry"]) for each in shown["features"]}
    assert set(kinds) == {"seen", "dim"}
    beside = box(WEST + 2e-4, SOUTH, WEST + 3e-4, SOUTH + 1e-4)
    assert kinds["dim"].symmetric_difference(beside).area == pytest.approx(0, abs=1e-12)
    assert shown["measure"]["dim_m2"] == pytest.approx(shown["measure"]["seen_m2"] / 2, rel=1e-3)


def test_ways_tell_whose_they_were(
    client: TestClient, settings: Settings, lead: Lead, person: Person
) -> None:
    patrol = ground(settings, lead)
    viewer = person(Role.VIEWER)
    [way] = viewer.get("/v1/coverage/ways", params={"bbox": "120,30,121,31"}).json()["features"]
    assert way["properties"]["patrol_id"] == patrol
    assert way["properties"]["device"].startswith("car-")
    assert way["properties"]["day"] == DAY.isoformat()
    assert shape(way["geometry"]).length == pytest.approx(3e-4)
    half = {"bbox": f"120,30,{WEST + 1e-4},31"}
    [cut] = viewer.get("/v1/coverage/ways", params=half).json()["features"]
    assert shape(cut["geometry"]).length == pytest.approx(1e-4)
    for params in ({"first": "2026-11-21"}, {"bbox": "1,1,2,2"}):
        assert viewer.get("/v1/coverage/ways", params=params).json()["features"] == []


def test_a_filter_that_nobody_filled_in_takes_all(person: Person, lead: Lead) -> None:
    lead()
    names = (
        "area", "class", "condition", "state", "source", "severity", "min_score", "seen_from", "bbox", "near",
        "id",
    )  # fmt: skip
    viewer = person(Role.VIEWER)
    assert len(viewer.get("/v1/candidates", params=dict.fromkeys(names, "")).json()["items"]) == 1
    assert viewer.get("/v1/candidates", params={"state": ["", "rejected"]}).json()["items"] == []


@pytest.mark.parametrize("path", ["/v1/candidates/map", "/v1/issues/map"])
def test_a_map_of_no_box_is_refused(person: Person, path: str) -> None:
    for wanted in ("zoom=3", "zoom=3&bbox=", "zoom=3&bbox=1,2"):
        assert person(Role.VIEWER).get(f"{path}?{wanted}").status_code == 422
