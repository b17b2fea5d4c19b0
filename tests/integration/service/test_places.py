"""Places: a register with a past, and issues that know which of them they lie in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box, mapping
from sqlalchemy import select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.models.language import chinese
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.groupings.reading import default_document
from streetsight.service.places import attributing, changing, job, membership, reading, service
from streetsight.service.places.changing import Said
from streetsight.service.places.index import Ground, PlaceIndex
from streetsight.service.places.reading import PlacesRefused, read_places
from streetsight.service.places.schemas import PlaceChanged
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database
from streetsight.service.worker import Worker

Json = dict[str, Any]
Lead = Callable[..., str]
Person = Callable[..., TestClient]
JAN, MAR, MAY, JUL = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7))
ASPECTS = default_document().by_code["aspect"]
BOW_TIE = {"type": "Polygon", "coordinates": [[[120, 30], [121, 31], [121, 30], [120, 31], [120, 30]]]}


def feature(kind: str, code: str, geometry: Any, **more: Any) -> Json:
    properties = {"kind": kind, "code": code, "name": f"{kind} {code}", **more}
    drawn = geometry if isinstance(geometry, dict) else mapping(geometry)
    return {"type": "Feature", "properties": properties, "geometry": json.loads(json.dumps(drawn))}


def collection(*features: Json, **members: Any) -> Json:
    return {"type": "FeatureCollection", "coordinates": "wgs84", "features": [*features], **members}


SECTION = feature("section", "S1", box(120.1, 30.2, 120.2, 30.3), unit="街道办", peer_group="中心城区")
ROAD = feature(
    "道路", "R1", LineString([(120.14, 30.27), (120.16, 30.27)]), width_m=40, grade="严管",
    一级街长="张三", 二级街长="李四", 三级街长="王五", 配合单位="市政所、园林所", 定人员="每班两人",
)  # fmt: skip
PARK = feature("park", "P1", box(120.149, 30.269, 120.151, 30.271), unit="园林所", 一级街长="张三")
POINT = feature("point", "D1", Point(120.15, 30.2705), radius_m=80, aspect="环境卫生", origin="马路办公")
ALL = collection(SECTION, ROAD, PARK, POINT)


def put(client: TestClient, document: Json, version: int, begins: datetime = JAN, **parameters: Any) -> Any:
    asked = {"reason": "2026", "valid_from": begins.isoformat(), **parameters}
    return client.put("/v1/places", json=document, params=asked, headers={"If-Match": f'"{version}"'})


def confirm(client: TestClient, candidate: str) -> str:
    answer = client.post(
        f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["issue_id"])


def places_of(client: TestClient, issue: str) -> list[str]:
    return [f"{each['kind']}/{each['code']}" for each in client.get(f"/v1/issues/{issue}").json()["places"]]


def test_places_are_imported_listed_and_given_back(person: Person) -> None:
    analyst, viewer = person(Role.ANALYST), person(Role.VIEWER)
    assert viewer.get("/v1/places").headers["ETag"] == '"0"'
    tried = put(analyst, ALL, 0, check=True).json()
    assert (tried["number"], tried["counts"]["added"]) == (0, 4)
    made = put(analyst, ALL, 0)
    assert made.status_code == 200, made.text
    assert made.json()["counts"] == {"added": 4, "changed": 0, "ended": 0, "unchanged": 0}
    assert made.json()["kinds"] == ["park", "point", "road", "section"]

    items = viewer.get("/v1/places").json()["items"]
    assert [each["code"] for each in items] == ["P1", "D1", "R1", "S1"]
    park, point, road, section = items
    assert (park["scene"], section["scene"], road["scene"]) == ("park", None, "road")
    assert (road["grade"], road["chief_2"], road["co_units"]) == ("strict", "李四", ["市政所", "园林所"])
    assert (point["aspect"], point["origin"]) == ("sanitation", "on_the_road")
    assert road["five_fixed"]["people"] == "每班两人"
    assert road["missing"] == ["hours", "duty", "standard", "rewards"]
    first = viewer.get("/v1/places", params={"limit": 3}).json()
    rest = viewer.get("/v1/places", params={"cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [each["id"] for each in items]

    for wanted, codes in (
        ({"kind": "road"}, ["R1"]), ({"unit": "园林所"}, ["P1", "R1"]), ({"chief": "张三"}, ["P1", "R1"]),
        ({"chief": "王五"}, ["R1"]), ({"grade": "strict"}, ["R1"]), ({"scene": "park"}, ["P1"]),
        ({"peer_group": "中心城区"}, ["S1"]), ({"search": "d1"}, ["D1"]), ({"search": "%"}, []),
        ({"bbox": "120.19,30.29,120.21,30.31"}, ["S1"]), ({"near": "120.15,30.2735,10"}, ["S1"]),
        ({"near": "120.15,30.2735,300"}, ["P1", "D1", "S1"]),
        ({"moment": "2025-12-31T00:00:00Z"}, []),
    ):  # fmt: skip
        found = viewer.get("/v1/places", params=wanted).json()["items"]
        assert [each["code"] for each in found] == codes, wanted
    at = viewer.get("/v1/places/at", params={"lon": 120.15, "lat": 30.27}).json()
    assert [each["code"] for each in at] == ["P1", "D1", "R1", "S1"]

    again = put(analyst, viewer.get("/v1/places/geojson").json(), 1)
    assert again.json()["counts"] == {"added": 0, "changed": 0, "ended": 0, "unchanged": 4}, again.text
    changes = analyst.get("/v1/places/changes").json()["items"]
    assert [(each["number"], each["action"]) for each in changes] == [(2, "imported"), (1, "imported")]
    words = viewer.get("/v1/places/words/kinds", headers={"Accept-Language": "zh"}).json()
    assert words[2] == {"code": "road", "name": "道路(商业街)", "scene": "road"}


def test_an_import_says_what_it_changes_and_leaves_other_kinds(person: Person) -> None:
    analyst = person(Role.ANALYST)
    put(analyst, ALL, 0)
    wider = feature("road", "R1", LineString([(120.14, 30.27), (120.16, 30.27)]), width_m=50)
    fresh = feature("road", "R2", LineString([(120.14, 30.28), (120.16, 30.28)]), width_m=20)
    second = put(analyst, collection(wider, fresh), 1, MAR).json()
    assert second["added"] == ["road/R2"]
    assert [each["code"] for each in second["changed"]] == ["R1"]
    assert set(second["changed"][0]["fields"]) >= {"width_m", "grade", "chief_1", "five_fixed"}
    third = put(analyst, collection(), 2, MAY, kind="road").json()
    assert (third["ended"], third["counts"]["ended"]) == (["road/R1", "road/R2"], 2)
    for moment, codes in ((JAN, ["R1"]), (MAR, ["R1", "R2"]), (MAY, [])):
        found = analyst.get("/v1/places", params={"kind": "road", "moment": moment.isoformat()}).json()
        assert [each["code"] for each in found["items"]] == codes
    assert len(analyst.get("/v1/places").json()["items"]) == 3
    versions = analyst.get("/v1/places/road/R1/history").json()
    assert [each["properties"]["width_m"] for each in versions] == [50, 40]
    assert versions[0]["properties"]["ended_number"] == 3
    assert put(analyst, collection(PARK), 3, kind="road").json()["code"] == "places_refused"


def test_one_place_is_added_changed_and_ended(person: Person) -> None:
    analyst = person(Role.ANALYST)
    sent = {
        "kind": "point", "code": "D9", "name": "桥下",
        "geometry": {"type": "Point", "coordinates": [120.15, 30.27]},
        "crs": "gcj02", "radius_m": 50, "reason": "投诉集中", "valid_from": JAN.isoformat(),
    }  # fmt: skip
    made = analyst.post("/v1/places", json=sent)
    assert made.status_code == 201, made.text
    assert made.json()["geometry"]["coordinates"] != [120.15, 30.27]
    assert made.json()["ground"]["type"] == "Polygon"
    assert analyst.post("/v1/places", json=sent).json()["code"] == "place_exists"
    path, tag = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    asked = {
        "attributes": {"unit": "环卫所", "five_fixed": {"duty": "巡查"}},
        "reason": "x",
        "valid_from": MAR.isoformat(),
    }
    changed = analyst.patch(path, json=asked, headers=tag)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["properties"]["unit"], changed.json()["properties"]["radius_m"]) == ("环卫所", 50)
    assert analyst.patch(path, json=asked, headers=tag).status_code == 412
    tag = {"If-Match": changed.headers["ETag"]}
    assert analyst.patch(path, json=asked, headers=tag).json()["code"] == "nothing_changed"
    for wrong in ({"attributes": {"colour": "red"}}, {"attributes": {"kind": "road"}}, {"geometry": BOW_TIE}):
        assert analyst.patch(path, json={**wrong, "reason": "x"}, headers=tag).status_code == 422
    before = analyst.get(path, params={"moment": "2026-02-01T00:00:00Z"}).json()["properties"]
    assert (before["unit"], before["five_fixed"]["duty"]) == (None, None)
    ended = analyst.post(f"{path}/end", json={"reason": "达标", "valid_to": MAY.isoformat()}, headers=tag)
    assert ended.json()["properties"]["valid_to"].startswith("2026-05-01")
    assert analyst.get(path).json()["code"] == "no_place"
    assert analyst.get(path, params={"moment": MAR.isoformat()}).headers["ETag"] == ended.headers["ETag"]


def test_who_may_change_the_register_and_see_what(person: Person, client: TestClient) -> None:
    analyst = person(Role.ANALYST)
    assert put(person(Role.INSPECTOR), ALL, 0).status_code == 403
    assert put(person(Role.ANALYST, ["/330106/"]), ALL, 0).json()["code"] == "whole_city_only"
    assert put(client, ALL, 0).status_code == 403
    assert put(analyst, ALL, 0).status_code == 200
    assert put(analyst, ALL, 0).status_code == 412
    assert analyst.put("/v1/places", json=ALL, params={"reason": "x"}).status_code == 428
    limited = person(Role.VIEWER, ["/330106/"])
    assert limited.get("/v1/places").json()["items"] == []
    assert limited.get("/v1/places/road/R1").status_code == 404
    assert limited.get("/v1/places/at", params={"lon": 120.15, "lat": 30.27}).json() == []


def test_an_issue_lies_in_the_places_of_then(person: Person, lead: Lead, work: Callable[[], Worker]) -> None:
    analyst, inspector = person(Role.ANALYST), person(Role.INSPECTOR)
    put(analyst, ALL, 0)
    early = confirm(inspector, lead(first_seen_at=MAR, last_seen_at=MAR))
    assert places_of(inspector, early) == ["park/P1", "point/D1", "road/R1", "section/S1"]
    moved = collection(feature("park", "P1", box(120.3, 30.269, 120.4, 30.271)))
    assert put(analyst, moved, 1, MAY).status_code == 200
    late = confirm(inspector, lead(first_seen_at=JUL, last_seen_at=JUL))
    outside = confirm(inspector, lead(lon=121.0, first_seen_at=JUL, last_seen_at=JUL))
    work()
    assert places_of(inspector, early) == ["park/P1", "point/D1", "road/R1", "section/S1"]
    assert places_of(inspector, late) == ["point/D1", "road/R1", "section/S1"]
    assert places_of(inspector, outside) == []
    for wanted, expected in (
        ("P1", [early]), ("park/P1", [early]), ("road/P1", []), ("section/S1", [late, early]), ("none", []),
    ):  # fmt: skip
        found = inspector.get("/v1/issues", params={"place": wanted}).json()["items"]
        assert [each["id"] for each in found] == expected, wanted
    groups = {
        each["grouping"]: each["group"] for each in inspector.get(f"/v1/issues/{late}").json()["groups"]
    }
    assert (groups["aspect"], groups["surface"]) == ("sanitation", "ground")


def test_a_corrected_position_moves_the_issue(person: Person, lead: Lead) -> None:
    put(person(Role.ANALYST), ALL, 0)
    inspector, candidate = person(Role.INSPECTOR), lead(first_seen_at=MAR, last_seen_at=MAR)
    issue = confirm(inspector, candidate)
    answer = inspector.post(
        f"/v1/candidates/{candidate}/decisions",
        json={"kind": "correct", "position": {"lon": 120.12, "lat": 30.22}}, headers={"If-Match": '"2"'},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    assert places_of(inspector, issue) == ["section/S1"]


def test_issues_are_filtered_by_group(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    new, old = "GB/T 47678.5-2026", "GB/T 30428.2-2013"
    cases: list[Json] = [
        {}, {"condition": "street_vending", "class_name": "street_vendor", "code": None},
        {"condition": "other", "class_name": None, "code": {"scheme": old, "code": "0203"}},
        {"condition": "other", "class_name": None, "code": {"scheme": new, "code": "07003"}},
        {"condition": "broken_facility", "class_name": "damaged_manhole", "code": None},
        {"condition": "exposed_garbage", "class_name": "garbage", "code": {"scheme": new, "code": "06036"}},
        {"condition": "other", "class_name": None, "code": None},
    ]  # fmt: skip
    for number, case in enumerate(cases):
        confirm(inspector, lead(lat=30.0 + number / 100, **case))
    issues = [each["id"] for each in inspector.get("/v1/issues").json()["items"]]
    told = {each: inspector.get(f"/v1/issues/{each}").json()["groups"] for each in issues}
    for grouping in default_document().groupings:
        for member in grouping.members:
            name = f"{grouping.code}:{member.code}"
            found = inspector.get("/v1/issues", params={"group": name}).json()["items"]
            expected = [
                each for each in issues
                if (grouping.code, member.code) in {(one["grouping"], one["group"]) for one in told[each]}
            ]  # fmt: skip
            assert [each["id"] for each in found] == expected, name
    assert inspector.get("/v1/issues", params={"group": "aspect:none"}).json()["code"] == "no_such_group"


def test_the_past_gets_its_places_by_the_job(
    person: Person, lead: Lead, work: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "BATCH_ISSUES", 2)
    analyst, inspector = person(Role.ANALYST), person(Role.INSPECTOR)
    moments = [datetime(2026, month, 15, tzinfo=UTC) for month in (1, 2, 3, 4, 5)]
    issues = [confirm(inspector, lead(first_seen_at=each, last_seen_at=each)) for each in moments]
    assert [places_of(inspector, each) for each in issues] == [[]] * 5
    put(analyst, collection(SECTION), 0, datetime(2026, 2, 1, tzinfo=UTC))
    work()
    assert [places_of(inspector, each) for each in issues] == [[], *[["section/S1"]] * 4]
    monkeypatch.setattr(job, "frozen_before", lambda _session: datetime(2026, 4, 1, tzinfo=UTC))
    monkeypatch.setattr(changing, "frozen_before", lambda _session: datetime(2026, 4, 1, tzinfo=UTC))
    path, tag = "/v1/places/section/S1", {"If-Match": '"1"'}
    gone = {"reason": "x", "valid_to": datetime(2026, 3, 1, tzinfo=UTC).isoformat()}
    assert analyst.post(f"{path}/end", json=gone, headers=tag).json()["code"] == "month_closed"
    added = put(analyst, collection(PARK), 1, datetime(2026, 1, 1, tzinfo=UTC))
    assert added.status_code == 200
    work()
    with_park = [["section/S1"], ["section/S1"], ["park/P1", "section/S1"], ["park/P1", "section/S1"]]
    assert [places_of(inspector, each) for each in issues] == [[], *with_park]


def test_the_tree_of_chiefs_and_what_is_not_whole(person: Person) -> None:
    analyst = person(Role.ANALYST)
    put(analyst, ALL, 0)
    tree = analyst.get("/v1/places/chiefs").json()
    assert [(each["level"], each["name"], each["count"]) for each in tree] == [(1, "张三", 2), (0, None, 2)]
    assert tree[0]["places"] == ["park/P1"]
    assert tree[0]["below"][0]["below"][0] == {
        "level": 3, "name": "王五", "person_id": None, "count": 1, "places": ["road/R1"], "below": [],
    }  # fmt: skip
    found = analyst.get(
        "/v1/places/five-fixed", params={"kind": "road"}, headers={"Accept-Language": "zh"}
    ).json()
    assert (found["places"], found["whole"]) == (1, 0)
    assert found["items"][0]["missing_names"] == ["定时段", "定责任", "定标准", "定奖惩"]


def table(client: TestClient, text: str, version: int, **parameters: Any) -> Any:
    asked = {"reason": "台账", "valid_from": MAR.isoformat(), **parameters}
    headers = {"If-Match": f'"{version}"', "Content-Type": "text/csv"}
    return client.post("/v1/places/attributes", content=text.encode("gb18030"), params=asked, headers=headers)


def test_attributes_come_from_a_table_line_by_line(person: Person) -> None:
    analyst = person(Role.ANALYST)
    put(analyst, ALL, 0)
    text = (
        "类型,编码,责任单位,定时段,道路等级,经办\n道路,R1,环卫所,7-22 时,,甲\n公园,P1,-,,,甲\n"
        "道路,R9,环卫所,,,甲\n"
        "道路,R1,市政所,,,甲\n点位,D1,,,飞快,甲\n点位,,,,,甲\n湖,L1,,,,甲\n"
    )
    refused = table(analyst, text, 1)
    assert (refused.status_code, refused.json()["code"]) == (422, "table_refused")
    assert all(f"line {number}" in refused.json()["detail"] for number in (4, 5, 6, 7, 8)), refused.text
    tried = table(analyst, text, 1, check=True).json()
    assert (tried["number"], [each["line"] for each in tried["refused"]]) == (0, [4, 5, 6, 7, 8])
    assert table(analyst, text, 0, partial=True).status_code == 412
    done = table(analyst, text, 1, partial=True)
    assert done.status_code == 200, done.text
    assert [(each["code"], each["fields"]) for each in done.json()["changed"]] == [
        ("P1", ["unit"]), ("R1", ["unit", "five_fixed"]),
    ]  # fmt: skip
    assert "经办" in done.json()["warnings"][0]["message"]
    road = analyst.get("/v1/places/road/R1").json()["properties"]
    assert (road["unit"], road["five_fixed"]["people"], road["five_fixed"]["hours"]) == (
        "环卫所",
        "每班两人",
        "7-22 时",
    )
    assert (road["grade"], road["chief_1"]) == ("strict", "张三")
    assert analyst.get("/v1/places/park/P1").json()["properties"]["unit"] is None
    february = {"moment": "2026-02-01T00:00:00Z"}
    assert analyst.get("/v1/places/park/P1", params=february).json()["properties"]["unit"] == "园林所"
    assert table(analyst, "编码,责任单位\nR1,环卫所\n", 2, kind="road").json()["counts"]["unchanged"] == 1
    for wrong in ("", "名称\nx\n", "编码\nR1\n"):
        assert table(analyst, wrong, 2).status_code == 422


def test_dense_issues_suggest_a_point(person: Person, lead: Lead) -> None:
    analyst, inspector = person(Role.ANALYST), person(Role.INSPECTOR)
    put(analyst, collection(POINT), 0)
    dense = [
        confirm(inspector, lead(lon=120.5 + step / 5000, lat=30.5, source="citizen")) for step in range(6)
    ]
    for step in range(5):
        confirm(inspector, lead(lon=120.15 + step / 20000, lat=30.27))
    confirm(inspector, lead(lon=120.9, lat=30.9))
    found = inspector.get("/v1/places/suggestions", params={"within_m": 30, "least": 3}).json()
    assert [(each["issues"], each["complaints"], each["within"]) for each in found] == [
        (6, 1.0, []), (5, 0.0, ["point/D1"]),
    ]  # fmt: skip
    assert sorted(found[0]["issue_ids"]) == sorted(dense)
    assert found[0]["conditions"] == {"exposed_garbage": 6}
    assert found[0]["aspects"] == {"sanitation": 6}
    assert "6 issues of the last 90 days within" in found[0]["because"]
    only = {"within_m": 30, "least": 3, "unregistered": True}
    assert len(inspector.get("/v1/places/suggestions", params=only).json()) == 1
    assert (
        inspector.get("/v1/places/suggestions", params={"within_m": 10, "least": 2}).json()[0]["issues"] == 5
    )
    assert inspector.get("/v1/places/suggestions", params={**only, "aspect": "encroachment"}).json() == []


@pytest.mark.parametrize(
    ("features", "outcome"),
    [
        ([feature("section", "a", BOW_TIE)], "crosses"),
        ([feature("road", "a", LineString([(120, 30), (120, 31)]))], "no_width"),
        ([feature("point", "a", Point(120, 30))], "no_radius"),
        ([feature("road", "a", LineString([(120, 30), (120, 30)]), width_m=3)], "bad_geometry"),
        ([feature("park", "a", box(430000, 3300000, 430100, 3300100))], "out_of_range"),
        ([feature("park", "a", {"type": "GeometryCollection", "geometries": []})], "bad_geometry"),
        ([feature("planet", "a", box(0, 0, 1, 1))], "bad_attribute"),
        ([feature("park", "a b", box(0, 0, 1, 1))], "bad_attribute"),
        ([feature("park", "a", box(0, 0, 1, 1), grade="快")], "bad_attribute"),
        ([feature("park", "a", box(0, 0, 1, 1), grid_code="123")], "bad_attribute"),
        ([feature("park", "a", box(0, 0, 1, 1), name="")], "bad_attribute"),
        ([feature("park", "a", box(0, 0, 1, 1), aspect="月球")], "unknown_aspect"),
        ([feature("park", "a", box(0, 0, 1, 1))] * 2, "twice"),
        ([{"type": "Feature"}], "not_a_feature"), ([None], "not_a_feature"), ([7], "not_a_feature"),
    ],
)  # fmt: skip
def test_what_would_assign_wrongly_refuses_the_file(features: list[Any], outcome: str) -> None:
    with pytest.raises(PlacesRefused) as refused:
        read_places(collection(*features), None, ASPECTS)
    assert outcome in [each.outcome for each in refused.value.findings]
    for language in ("en", "zh"):
        assert refused.value.findings[0].place in refused.value.say(language)


def test_a_crossing_is_named_in_the_coordinates_of_the_file() -> None:
    with pytest.raises(PlacesRefused) as refused:
        read_places(collection(feature("section", "a", BOW_TIE)), "wgs84", None)
    assert "120.500000, 30.500000 (1-2 / 3-4)" in refused.value.say("zh")
    with pytest.raises(PlacesRefused, match="problems: 1") as refused:
        read_places(collection(feature("section", "a", BOW_TIE), coordinates="gcj02"), None, None)
    assert "120.500000, 30.500000" in refused.value.say("en")


def test_what_can_be_lived_with_is_told() -> None:
    read = read_places(
        collection(
            feature("park", "a", box(120, 30, 120.1, 30.1), OBJECTID=7),
            feature("park", "b", box(120.05, 30, 120.15, 30.1)),
            feature("road", "c", LineString([(120, 30), (120, 30.1)]), width_m=20, area_type="桥下空间"),
            feature("road", "d", LineString([(120, 30), (120.1, 30)]), width_m=20, area_type="背街小巷"),
        ),
        None, None,
    )  # fmt: skip
    assert {(each.place, each.outcome) for each in read.warnings} == {
        ("-", "ignored"), ("park/a", "overlaps"), ("road/c", "own_word"),
    }  # fmt: skip
    assert [place.values["area_type"] for place in read.places if place.kind == "road"] == [
        "桥下空间",
        "backstreet",
    ]


def test_every_message_of_places_has_its_chinese() -> None:
    said = {*reading.MESSAGES.values(), *attributing.FAULTS.values()} - {"{detail}"}
    assert said <= set(chinese())


def test_the_command_imports_shows_and_checks(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    run = CliRunner()

    def said(*words: str) -> tuple[int, list[str]]:
        answer = run.invoke(app, ["place", *words])
        return answer.exit_code, answer.stdout.splitlines()

    example = ("import", "--example", "wuhan-sections", "--from", "2026-01-01")
    assert said(*example, "--check") == (0, ["10 added, 0 changed, 0 ended, 0 as they were"])
    assert said(*example) == (0, ["10 added, 0 changed, 0 ended, 0 as they were"])
    assert said(*example) == (0, ["0 added, 0 changed, 0 ended, 10 as they were"])
    _, lines = said("list", "--kind", "片区")
    assert json.loads(lines[0])["name"] == "武汉体育中心"
    assert said("list", "--at", "2025-06-01") == (0, [])
    file = tmp_path / "units.csv"
    file.write_text("编码,责任单位\nWH-01,体育中心街道\nWH-99,x\n", "utf-8")
    refused = run.invoke(app, ["place", "import", str(file), "--kind", "section", "--lang", "zh"])
    assert refused.exit_code != 0
    assert "第 3 行" in refused.stderr
    assert said("import", str(file), "--kind", "section", "--partial")[1] == [
        "0 added, 1 changed, 0 ended, 0 as they were"
    ]
    _, lines = said("show", "section", "WH-01")
    assert [json.loads(line)["properties"]["unit"] for line in lines] == ["体育中心街道", None]
    _, lines = said("check")
    assert len(lines) == 11
    assert "定人员" in run.invoke(app, ["place", "check", "--lang", "zh"]).stdout
    for wrong in (["list", "--kind", "planet"], ["list", "--at", "someday"], ["show", "road", "none"]):
        assert said(*wrong)[0] != 0


# --- what must hold of any register ---

SQUARES = st.tuples(*[st.integers(0, 6)] * 4).map(
    lambda each: box(
        min(each[0], each[2]), min(each[1], each[3]), max(each[0], each[2]) + 1, max(each[1], each[3]) + 1
    )
)


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database whose transactions are never committed."""
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('places') / 'places.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


@contextmanager
def undone(register: Database) -> Iterator[Any]:
    """A session whose work is taken back at its end."""
    with suppress(ZeroDivisionError), register.write() as session:
        yield session
        raise ZeroDivisionError


@given(st.lists(st.tuples(SQUARES, st.sampled_from(["park", "section", "road"])), max_size=12), st.data())
def test_overlapping_layers_each_get_theirs_and_borders_too(drawn: list[Any], data: st.DataObject) -> None:
    grounds = [
        Ground(str(number), kind, f"c{number}", JAN, data.draw(st.sampled_from([None, MAY])), shape)
        for number, (shape, kind) in enumerate(drawn)
    ]
    point = Point(data.draw(st.integers(0, 14)) / 2, data.draw(st.integers(0, 14)) / 2)
    moment = data.draw(
        st.sampled_from([JAN - timedelta(microseconds=1), JAN, MAY - timedelta(microseconds=1), MAY])
    )
    expected = [
        each for each in grounds
        if each.geometry.intersects(point) and JAN <= moment < (each.valid_to or JUL)
    ]  # fmt: skip
    index = PlaceIndex(data.draw(st.permutations(grounds)))
    assert index.at(point.x, point.y, moment) == sorted(expected, key=lambda each: (each.kind, each.code))


@bounds(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]), SQUARES, st.sampled_from(["change", "end"]), st.integers(1, 300)
        ),
        max_size=6,
    )
)
def test_a_change_leaves_the_past_as_it_was(register: Database, steps: list[Any]) -> None:
    """Whatever is changed, ended and changed back: before its moment nothing is another."""
    days = [JAN + timedelta(days=day, hours=12) for day in range(0, 310, 10)]
    with undone(register) as session:
        first = collection(*(feature("park", code, box(0, 0, 3, 3)) for code in "abc"))
        changing.import_places(session, SYSTEM, read_places(first, None, None), Said("x", JAN))
        for code, shape, what, day in steps:
            moment = JAN + timedelta(days=day)
            before = [_as_of(session, each) for each in days]
            _step(session, ("park", code), shape, what, moment)
            after = [_as_of(session, each) for each in days]
            for each, was, became in zip(days, before, after, strict=True):
                if each < moment:
                    assert was == became
                others = [{key: value for key, value in one.items() if key != code} for one in (was, became)]
                assert others[0] == others[1]


def _step(session: Any, key: tuple[str, str], shape: Any, what: str, moment: datetime) -> None:
    tag = service.tag_of(session, *key)
    try:
        if what == "end":
            changing.end_place(session, SYSTEM, key, "x", moment, tag)
        else:
            sent = PlaceChanged(geometry=mapping(shape), valid_from=moment, reason="x")
            changing.change_place(session, SYSTEM, key, sent, tag)
            assert _as_of(session, moment)[key[1]] == json.loads(json.dumps(mapping(shape)))
    except (service.NoPlace, changing.NothingChanged):
        return


def _as_of(session: Any, moment: datetime) -> dict[str, Any]:
    found = service.places_in_force(session, "park", moment)
    assert len({each.code for each in found}) == len(found)
    return {each.code: each.geometry for each in found}


@bounds(max_examples=15)
@given(st.permutations(range(4)), st.permutations(range(4)))
def test_the_order_of_a_file_means_nothing(register: Database, first: list[int], second: list[int]) -> None:
    def outcome(order: list[int]) -> list[Any]:
        with undone(register) as session:
            document = collection(*(ALL["features"][each] for each in order))
            changing.import_places(session, SYSTEM, read_places(document, None, ASPECTS), Said("x", JAN))
            names = (*changing.COMPARED, "kind", "code", "lon")
            rows = session.scalars(select(Place).order_by(Place.id))
            return [{name: getattr(place, name) for name in names} for place in rows]
        raise AssertionError

    assert outcome(first) == outcome(second)


def test_memberships_are_one_row_for_each_place(person: Person, lead: Lead, settings: Settings) -> None:
    put(person(Role.ANALYST), ALL, 0)
    issue = confirm(person(Role.INSPECTOR), lead(first_seen_at=MAR, last_seen_at=MAR))
    with open_database(settings) as database, database.read() as session:
        rows = session.scalars(select(IssuePlace).where(IssuePlace.issue_id == issue)).all()
        assert {(each.kind, each.code, each.found_at) for each in rows} == {
            ("park", "P1", MAR), ("point", "D1", MAR), ("road", "R1", MAR), ("section", "S1", MAR),
        }  # fmt: skip
        assert membership.found_at_of(JUL, MAY) == MAY
        codes = [each.code for each in service.index_at(session, MAR).at(120.15, 30.27)]
        assert codes == ["P1", "D1", "R1", "S1"]
        assert service.index_at(session, JAN - timedelta(days=1)).at(120.15, 30.27) == []
