"""A city of two districts: what one sees, counts and changes is its own, whatever the other one has."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from places import write_places
from shapely.geometry import Polygon, box, mapping
from sqlalchemy import select
from streets import STREET, act_on_issue, area, filed, registered

from streetsight.service.auth.actor import Role
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.devices.service import add_device
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.privacy.tables import PhotoAccess
from streetsight.service.scoring.reading import example_schemes
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

SOUTH, NORTH = "/330106/", "/330108/"
NOW = datetime.now(UTC)
MONTH = f"{NOW:%Y-%m}"
CORNER = box(120.1, 30.1, 120.2, 30.2)
"""The north; the south is the L around it, so that each box around the south holds all of the north."""

Person = Callable[..., TestClient]
Lead = Callable[..., str]


@pytest.fixture
def city(person: Person, settings: Settings) -> TestClient:
    """An analyst of the city, which has a section and a market in each district."""
    analyst = person(Role.ANALYST)
    south = box(120, 30, 120.2, 30.2).difference(CORNER)
    areas = [area("330106", south, kind="district"), area("330108", CORNER, kind="district")]
    document = {"type": "FeatureCollection", "coordinates": "wgs84", "features": areas}
    answer = analyst.put("/v1/areas", json=document, params={"reason": "test"}, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    with open_database(settings) as database, database.write() as session:
        for path, code, west, south_edge in ((SOUTH, "A", 120.0, 30.0), (NORTH, "B", 120.1, 30.1)):
            corner = (west + 0.01, south_edge + 0.01)
            section = ("section", f"S{code}", "section", (*corner, west + 0.09, south_edge + 0.09))
            market = ("market", f"M{code}", "market", (*corner, west + 0.02, south_edge + 0.02))
            write_places(session, section, market, area_path=path)
    return analyst


@pytest.fixture
def leads(lead: Lead) -> Callable[[str], str]:
    """A lead in a district, seen now."""

    def leads(path: str, **fields: Any) -> str:
        lon, lat = (120.015, 30.015) if path == SOUTH else (120.115, 30.115)
        where = {"lon": lon, "lat": lat, "area_path": path}
        return lead(**{**where, "first_seen_at": NOW, "last_seen_at": NOW, **fields})

    return leads


def drive(settings: Settings, seen: Polygon) -> None:
    """A patrol of today saw this ground, all of it in one tile."""
    west, south = seen.bounds[:2]
    with open_database(settings) as database, database.write() as session:
        session.add(device := Device(name="car"))
        session.flush()
        session.add(patrol := Patrol(device_id=device.id, key="a"))
        session.flush()
        x, y = int(west * 1000), int(south * 1000)
        day = NOW.astimezone(settings.zone).date()
        session.add(CoveredTile(patrol_id=patrol.id, day=day, x=x, y=y, seen=seen.wkb, frames=1))


def adopt(analyst: TestClient, example: str, **changes: Any) -> str:
    """Scores this month by an example scheme, and gives the scheme's path."""
    document = yaml.safe_load(example_schemes()[example].read_text(encoding="utf-8"))
    kept = analyst.post("/v1/schemes", json={"document": {**document, **changes}, "reason": "test"})
    assert kept.status_code == 201, kept.text
    key = kept.json()["key"]
    said = {"month": MONTH, "reason": "test"}
    assert analyst.post(f"/v1/schemes/{key}/versions/1/adopt", json=said).status_code == 200
    return f"/scores/{key}/{MONTH}"


def test_a_patrol_beside_a_place_has_not_inspected_it(city: TestClient, settings: Settings) -> None:
    with open_database(settings) as database, database.write() as session:
        small, touched = (120.0502, 30.0502, 120.0505, 30.0505), (120.0505, 30.0507, 120.0507, 30.0509)
        write_places(session, ("section", "SMALL", "beside", small), ("section", "EDGE", "touched", touched))
        write_places(session, ("section", "SEEN", "seen", (120.0506, 30.0506, 120.0509, 30.0509)))
    page = adopt(city, "sections-by-scene")
    drive(settings, box(120.0507, 30.0506, 120.0509, 30.0509))  # in the tile of all three
    standings = {each["code"]: each for each in city.get(f"/v1{page}").json()["standings"]}
    statuses = {code: standings[code]["status"] for code in ("SMALL", "EDGE", "SEEN")}
    assert statuses == {"SMALL": "not_inspected", "EDGE": "not_inspected", "SEEN": "scored"}
    for code, patrols in (("SMALL", 0), ("SEEN", 1)):
        fairness = city.get(f"/v1{page}/sheets/{code}").json()["fairness"]
        assert (fairness["patrols"], fairness["days"]) == (patrols, patrols)


def test_patrols_in_one_district_are_no_coverage_of_the_other(
    city: TestClient, person: Person, settings: Settings
) -> None:
    drive(settings, box(120.1502, 30.1502, 120.1508, 30.1508))
    for path, patrols in ((SOUTH, 0), (NORTH, 1)):
        viewer = person(Role.VIEWER, [path])
        for asked in ({}, {"area": path.strip("/")}):
            measure = viewer.get("/v1/coverage", params=asked).json()["measure"]
            assert measure["patrols"] == patrols
            assert len(viewer.get("/v1/coverage/days", params=asked).json()["items"]) == patrols


def test_an_admin_of_a_district_has_its_destinations_alone(
    city: TestClient, person: Person, leads: Callable[[str], str]
) -> None:
    everywhere, admin = person(Role.ADMIN), person(Role.ADMIN, [SOUTH])
    for wanted in ({}, {"area_path": NORTH}, {"area_path": "/"}):
        said = {"name": "all", "url": "https://example.com/a", **wanted}
        assert admin.post("/v1/webhooks", json=said).status_code in (403, 422)
    ours = {"name": "ours", "url": "https://example.com/a", "area_path": SOUTH}
    own = admin.post("/v1/webhooks", json=ours).json()["webhook"]
    other = everywhere.post("/v1/webhooks", json={**ours, "name": "theirs", "area_path": NORTH}).json()
    theirs = f"/v1/webhooks/{other['webhook']['id']}"
    assert [each["name"] for each in admin.get("/v1/webhooks").json()["items"]] == ["ours"]
    assert len(everywhere.get("/v1/webhooks").json()["items"]) == 2
    version = {"If-Match": '"1"'}
    refused = [
        admin.get(theirs), admin.post(f"{theirs}/secret"), admin.post(f"{theirs}/test"),
        admin.post(f"{theirs}/retry"), admin.get(f"{theirs}/deliveries"),
        admin.patch(theirs, json={"enabled": False}, headers=version), admin.delete(theirs, headers=version),
        admin.get(theirs.replace("/v1", "/admin")),
    ]  # fmt: skip
    assert {answer.status_code for answer in refused} == {404}
    widened = admin.patch(f"/v1/webhooks/{own['id']}", json={"area_path": None}, headers=version)
    assert (widened.status_code, widened.json()["code"]) == (403, "beyond_areas")
    page = admin.get("/admin/webhooks").text
    assert "theirs" not in page
    assert '<option value="">' not in page  # everywhere
    assert admin.get("/v1/open311/keys").status_code == 403
    assert admin.post("/v1/open311/keys", json={"name": "x"}).status_code == 403
    assert everywhere.get("/v1/open311/keys").status_code == 200


def test_an_admin_of_a_district_holds_and_lets_go_its_own_evidence(
    city: TestClient, person: Person, leads: Callable[[str], str]
) -> None:
    everywhere, admin = person(Role.ADMIN), person(Role.ADMIN, [SOUTH])
    own, other = ({"subject": f"candidate/{leads(path)}", "reason": "appeal"} for path in (SOUTH, NORTH))
    assert admin.post("/v1/retention/holds", json=other).status_code == 404
    theirs = everywhere.post("/v1/retention/holds", json=other).json()["id"]
    ours = admin.post("/v1/retention/holds", json=own).json()["id"]
    assert [each["id"] for each in admin.get("/v1/retention/holds").json()["items"]] == [ours]
    assert len(everywhere.get("/v1/retention/holds").json()["items"]) == 2
    assert admin.post(f"/v1/retention/holds/{theirs}/release").status_code == 404
    assert admin.post(f"/v1/retention/holds/{ours}/release").status_code == 200


def test_an_admin_of_a_district_learns_nothing_of_looks_and_cameras_elsewhere(
    city: TestClient, person: Person, settings: Settings, leads: Callable[[str], str]
) -> None:
    leads(NORTH)
    with open_database(settings) as database, database.write() as session:
        frame = session.scalars(select(Frame)).first()
        assert frame is not None
        frame.area_path, shown = NORTH, frame.id
        look = {"actor_id": "x", "actor_name": "乙区王五", "role": "inspector", "reason": "申诉2026-118"}
        session.add(PhotoAccess(frame_id=shown, **look))
        add_device(session, "car-B", area_path=NORTH)
        device = session.scalar(select(Device.id).where(Device.name == "car-B"))
    everywhere, admin = person(Role.ADMIN), person(Role.ADMIN, [SOUTH])
    assert admin.get(f"/v1/frames/{shown}/accesses").status_code == 404
    assert admin.get("/v1/privacy/accesses").status_code == 403
    assert len(everywhere.get(f"/v1/frames/{shown}/accesses").json()["items"]) == 1
    profile = f"/v1/devices/{device}/profile"
    before = everywhere.get(profile).json()
    assert admin.put(profile, json={**before, "clock_offset_s": 3600}).status_code == 404
    assert everywhere.get(profile).json() == before


@pytest.mark.parametrize(
    "path", ["/v1/shops/rules", "/v1/quotas/rules", "/v1/deadlines", "/v1/calendar", "/v1/groupings"]
)
def test_rules_of_the_city_are_not_an_analysts_of_one_district(
    path: str, city: TestClient, person: Person
) -> None:
    analyst = person(Role.ANALYST, [SOUTH])
    example = city.get(f"{path}/examples").json()[0]["name"]
    asked = {
        "json": city.get(f"{path}/examples/{example}").json(), "params": {"reason": "test"},
        "headers": {"If-Match": city.get(path).headers["etag"]},
    }  # fmt: skip
    refused = analyst.put(path, **asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "whole_city_only")
    assert city.put(path, **asked).status_code == 200
    assert "rules_form.js" not in analyst.get("/duties").text


def test_zones_of_the_other_district_are_in_no_version_that_one_reads(
    city: TestClient, person: Person
) -> None:
    def zone(name: str, west: float, south: float) -> dict[str, Any]:
        ground = mapping(box(west, south, west + 0.001, south + 0.001))
        return {"type": "Feature", "properties": {"kind": "no_parking", "name": name}, "geometry": ground}

    zones = [zone("甲区禁停", 120.05, 30.05), zone("乙区禁停", 120.15, 30.15)]
    document = {"type": "FeatureCollection", "coordinates": "wgs84", "features": zones}
    put = city.put("/v1/zones", json=document, params={"reason": "test"}, headers={"If-Match": '"0"'})
    assert put.status_code == 200, put.text
    analyst = person(Role.ANALYST, [SOUTH])
    seen = analyst.get("/v1/zones").json()["features"]
    assert [each["properties"]["name"] for each in seen] == ["甲区禁停"]
    for path in ("/v1/zones/versions", "/v1/zones/versions/1"):
        assert analyst.get(path).status_code == 403
        assert "乙区禁停" in city.get(path).text
    assert analyst.get("/admin/zones").status_code == 200


def test_appeals_about_two_issues_of_one_number_are_two(
    city: TestClient, person: Person, leads: Callable[[str], str]
) -> None:
    page, inspector = adopt(city, "sections-by-scene"), person(Role.INSPECTOR)
    issues = {path: filed(inspector, leads(path), unit="环卫所") for path in (SOUTH, NORTH)}
    for path, issue in issues.items():
        act_on_issue(inspector, issue, "dispatch", unit="环卫所")
        act_on_issue(person(Role.HANDLER, [path], "环卫所"), issue, "appeal", text="不在我辖区")
    linked = re.findall(r'<a href="/issues/([0-9a-f-]{36})">(\d{8}-\d+)</a>', city.get(page).text)
    assert {issue for issue, _ in linked} == {*issues.values()}
    assert len({number for _, number in linked}) == 1


def test_issues_of_one_number_that_fit_no_item_are_both_linked(
    city: TestClient, person: Person, settings: Settings, leads: Callable[..., str]
) -> None:
    with open_database(settings) as database, database.write() as session:
        write_places(session, ("section", "SX", "across", (120.095, 30.11, 120.105, 30.19)), area_path=SOUTH)
    page, inspector = adopt(city, "sections-by-scene", otherwise={}), person(Role.INSPECTOR)
    issues = {
        filed(inspector, leads(path, lon=lon, lat=30.15, condition="other", class_name=None))
        for path, lon in ((SOUTH, 120.097), (NORTH, 120.103))
    }
    sheet = city.get(f"/v1{page}/sheets/SX").json()
    assert (len(sheet["unassigned"]), len({*sheet["unassigned"]})) == (2, 1)
    linked = re.findall(r'<a href="/issues/([0-9a-f-]{36})">\d{8}-', city.get(f"{page}/sheets/SX").text)
    assert issues <= {*linked}


def test_the_same_ticket_number_of_another_hotline_is_refused_and_not_swallowed(
    city: TestClient, person: Person
) -> None:
    def tickets(clerk: TestClient, text: str, lon: float, lat: float) -> dict[str, Any]:
        table = f"工单编号,诉求内容,经度,纬度\n2026-0001,{text},{lon},{lat}\n"
        file = {"file": ("a.csv", table.encode(), "text/csv")}
        taken: dict[str, Any] = clerk.post("/v1/reports/import", params={"crs": "wgs84"}, files=file).json()
        return taken

    south, north = person(Role.INSPECTOR, [SOUTH]), person(Role.INSPECTOR, [NORTH])
    assert tickets(south, "井盖坏了", 120.05, 30.05)["accepted"] == 1
    assert tickets(south, "井盖坏了", 120.05, 30.05)["duplicate"] == 1
    line = tickets(north, "垃圾成堆", 120.15, 30.15)["outcomes"][0]
    assert (line["outcome"], line["id"]) == ("bad_ticket", None)
    assert "put your hotline's name before the number" in line["reason"]


def test_units_of_one_name_in_two_districts_do_not_share_campaigns(city: TestClient, person: Person) -> None:
    day = NOW.date()
    phase = {"name": "整治", "first": str(day - timedelta(days=3)), "last": str(day + timedelta(days=3))}
    sent = {
        "name": "北区行动", "kind": "sweep", "area": "330108", "lead": "环卫所", "co_units": [],
        "purpose": "只在北区", "phases": [phase], "subset": {"conditions": ["exposed_garbage"]},
        "places": {"kinds": ["market"]},
    }  # fmt: skip
    made = person(Role.INSPECTOR, [NORTH]).post("/v1/campaigns", json=sent)
    assert made.status_code == 201, made.text
    path = f"/campaigns/{made.json()['id']}"
    for areas, status in (([SOUTH], 404), ([NORTH], 200), (None, 200)):
        handler = person(Role.HANDLER, areas, "环卫所")
        assert len(handler.get("/v1/campaigns").json()["items"]) == (status == 200)
        assert handler.get(f"/v1{path}").status_code == handler.get(path).status_code == status
    assert person(Role.HANDLER, [NORTH], "城管队").get(f"/v1{path}").status_code == 404


def test_a_campaign_is_offered_the_places_of_its_own_district(city: TestClient, person: Person) -> None:
    form = person(Role.INSPECTOR, [SOUTH]).get("/campaigns/new").text
    assert re.findall(r'<option value="(market:\w+)"', form) == ["market:MA"]
    whole = person(Role.INSPECTOR).get("/campaigns/new").text
    assert re.findall(r'<option value="(market:\w+)"', whole) == ["market:MA", "market:MB"]


def test_what_a_score_rests_on_is_for_those_who_may_see_the_place(
    city: TestClient, person: Person, settings: Settings
) -> None:
    scheme = yaml.safe_load(example_schemes()["mixed-sources"].read_text(encoding="utf-8"))
    with open_database(settings) as database, database.write() as session:
        for code, path, west in (("ZA", SOUTH, 120.03), ("ZB", NORTH, 120.16)):
            bounds = (west, 30.13, west + 0.005, 30.135)
            write_places(session, (scheme["subjects"], code, code, bounds), area_path=path)
    page = adopt(city, "mixed-sources")
    inputs = city.get(f"{page}/inputs").text
    rule = re.search(r'<option value="([\w.]+\.[\w.]+\.[\w.]+)"', inputs)
    figure = city.get(f"/v1{page}/figures").json()["wanted"][0]
    assert rule is not None
    for code in ("ZA", "ZB"):
        entry = {"code": code, "rule": rule[1], "points": "0", "reason": f"internal of {code}"}
        assert city.post(f"/v1{page}/entries", json=entry).status_code == 201
        file = {"file": ("f.csv", f"code,key,value\n{code},{figure},55\n", "text/csv")}
        assert city.post(f"/v1{page}/figures", files=file).json()["kept"] == 1
    viewer = person(Role.VIEWER, [SOUTH])
    for kind in ("entries", "figures"):
        assert [each["code"] for each in viewer.get(f"/v1{page}/{kind}").json()["items"]] == ["ZA"]
        assert len(city.get(f"/v1{page}/{kind}").json()["items"]) == 2
    shown = viewer.get(f"{page}/inputs").text
    assert "internal of ZA" in shown
    assert "internal of ZB" not in shown


def test_chiefs_without_an_account_are_named_to_their_own_district(
    city: TestClient, person: Person, settings: Settings
) -> None:
    example = city.get("/v1/quotas/rules/examples").json()[0]["name"]
    rules = city.get(f"/v1/quotas/rules/examples/{example}").json()
    every_day = {**rules, "quotas": [{**quota, "days": "all"} for quota in rules["quotas"]]}
    put = city.put("/v1/quotas/rules", json=every_day, params={"reason": "test"}, headers={"If-Match": '"0"'})
    assert put.status_code == 200, put.text
    with open_database(settings) as database, database.write() as session:
        for code, path, chief in (("RA", SOUTH, "甲区张三"), ("RB", NORTH, "乙区李四")):
            ground = STREET.buffer(0.0001)
            session.add(
                registered(code, "road", STREET, ground, chief_1=chief, chief_2=chief, area_path=path)
            )
    inspector = person(Role.INSPECTOR, [SOUTH])
    named = {name for duty in inspector.get("/v1/quotas").json() for name in duty["without_account"] or ()}
    assert named == {"甲区张三"}
    assert "乙区李四" not in inspector.get("/duties").text
