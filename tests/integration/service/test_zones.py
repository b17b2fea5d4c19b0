"""Zones: read as the rules read them, replaced whole, and always possible to go back."""

import json
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from shapely.geometry import box, mapping

from streetsight.service.auth.actor import Role
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.zones.service import zones_in_force

SignIn = Callable[..., TestClient]
Json = dict[str, Any]


def zone(kind: str, name: str, geometry: Any, **more: Any) -> Json:
    return {
        "type": "Feature",
        "properties": {"kind": kind, "name": name, **more},
        "geometry": mapping(geometry),
    }


def collection(*features: Json) -> Json:
    return {"type": "FeatureCollection", "time_zone": "+08:00", "features": [*features]}


NIGHT = [{"days": "fri-sun", "from": "18:00", "to": "01:00"}]
MARKET = zone("vending_permitted", "night market", box(120, 30, 120.01, 30.01), windows=NIGHT)
LANE = zone("no_parking", "fire lane", box(120.1, 30, 120.11, 30.01), classes=["car"])
CROOKED = zone("no_parking", "crooked", box(0, 0, 1, 1)) | {
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
}


def put(client: TestClient, document: Json, version: int, **parameters: Any) -> Any:
    headers = {"If-Match": f'"{version}"'}
    return client.put("/v1/zones", json=document, params={"reason": "new map", **parameters}, headers=headers)


def kinds_in_force(settings: Settings) -> list[str]:
    with open_database(settings) as database, database.read() as session:
        return [each.kind for each in zones_in_force(session).zones]


def test_zones_are_in_force_for_the_rules_and_can_be_sent_back(person: SignIn, settings: Settings) -> None:
    analyst = person(Role.ANALYST)
    assert kinds_in_force(settings) == []
    assert put(analyst, collection(MARKET, LANE), 0).status_code == 200
    assert kinds_in_force(settings) == ["vending_permitted", "no_parking"]

    read = analyst.get("/v1/zones")
    assert (read.headers["ETag"], read.json()["version"]) == ('"1"', 1)
    assert read.json()["features"][0]["properties"]["windows"] == NIGHT
    again = put(analyst, read.json(), 1)
    assert (again.status_code, again.json()["zones"]) == (200, 2)
    assert kinds_in_force(settings) == ["vending_permitted", "no_parking"]


def test_going_back_makes_a_new_version_and_the_past_stays(person: SignIn, settings: Settings) -> None:
    analyst, reader = person(Role.ANALYST), person(Role.VIEWER)
    put(analyst, collection(MARKET), 0)
    put(analyst, collection(LANE), 1)
    back = {"to": 1, "reason": "the lane was drawn wrongly"}
    assert analyst.post("/v1/zones/rollback", json=back, headers={"If-Match": '"1"'}).status_code == 412
    assert reader.post("/v1/zones/rollback", json=back, headers={"If-Match": '"2"'}).status_code == 403
    done = analyst.post("/v1/zones/rollback", json=back, headers={"If-Match": '"2"'})
    assert (done.json()["number"], done.json()["copy_of"]) == (3, 1)
    assert kinds_in_force(settings) == ["vending_permitted"]
    versions = analyst.get("/v1/zones/versions").json()["items"]
    assert [(each["number"], each["copy_of"]) for each in versions] == [(3, 1), (2, None), (1, None)]
    assert analyst.get("/v1/zones/versions/2").json() == json.loads(json.dumps(collection(LANE)))
    missing = analyst.post("/v1/zones/rollback", json={**back, "to": 9}, headers={"If-Match": '"3"'})
    assert missing.json()["code"] == "no_zone_version"


def test_faulty_zones_are_named_and_refused_unless_the_rest_is_wanted(person: SignIn) -> None:
    analyst = person(Role.ANALYST)
    document = collection(MARKET, CROOKED, zone("moon", "moon", box(0, 0, 1, 1)))
    refused = put(analyst, document, 0)
    assert (refused.status_code, refused.json()["code"]) == (422, "zones_refused")
    assert "crooked: the outline crosses itself" in refused.json()["detail"]
    assert "moon: unknown kind" in refused.json()["detail"]
    tried = put(analyst, document, 0, check=True).json()
    assert [each["outcome"] for each in tried["reports"]] == ["accepted", "self_crossing", "unknown_kind"]
    assert analyst.get("/v1/zones").json()["version"] == 0
    taken = put(analyst, document, 0, partial=True).json()
    assert (taken["number"], taken["zones"]) == (1, 1)
    assert [each["properties"]["name"] for each in analyst.get("/v1/zones").json()["features"]] == [
        "night market"
    ]
    assert put(analyst, {**document, "coordinates": "utm"}, 1).json()["code"] == "zones_refused"


def test_another_citys_zones_are_noticed_once_there_are_areas(person: SignIn) -> None:
    analyst = person(Role.ANALYST)
    city = {"type": "Feature", "geometry": mapping(box(120, 30, 121, 31)),
            "properties": {"code": "1", "name": "city", "kind": "city"}}  # fmt: skip
    areas = {"type": "FeatureCollection", "coordinates": "wgs84", "features": [city]}
    analyst.put("/v1/areas", json=areas, params={"reason": "x"}, headers={"If-Match": '"0"'})
    far = put(analyst, collection(zone("no_parking", "far", box(100, 20, 100.1, 20.1))), 0)
    assert "another city" in far.json()["detail"]
    swapped = put(analyst, collection(zone("no_parking", "swapped", box(30.2, 80, 30.3, 80.1))), 0)
    assert swapped.status_code == 422
    assert put(analyst, collection(MARKET), 0).status_code == 200


def test_people_see_the_zones_of_their_areas(person: SignIn) -> None:
    analyst = person(Role.ANALYST)
    features = [
        {"type": "Feature", "geometry": mapping(box(lon, 30, lon + 0.05, 30.1)),
         "properties": {"code": code, "name": code, "kind": "grid"}}
        for code, lon in (("west", 120.0), ("east", 120.08))
    ]  # fmt: skip
    areas = {"type": "FeatureCollection", "coordinates": "wgs84", "features": features}
    analyst.put("/v1/areas", json=areas, params={"reason": "x"}, headers={"If-Match": '"0"'})
    put(analyst, collection(MARKET, LANE), 0)
    seen = person(Role.VIEWER, ["/west/"]).get("/v1/zones").json()["features"]
    assert [each["properties"]["name"] for each in seen] == ["night market"]
    assert len(person(Role.VIEWER).get("/v1/zones/kinds", headers={"Accept-Language": "zh"}).json()) > 3
    assert put(person(Role.ANALYST, ["/west/"]), collection(LANE), 1).json()["code"] == "whole_city_only"
