"""Areas: imported whole or not at all, and every row knows which one it lies in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box, mapping
from sqlalchemy import select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.models.language import chinese
from streetsight.service.areas.index import AreaIndex
from streetsight.service.areas.reading import MESSAGES, AreasRefused, UnknownCrs, read_areas
from streetsight.service.auth.actor import Role
from streetsight.service.frames.tables import Frame
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.worker import Worker

SignIn = Callable[..., TestClient]
Json = dict[str, Any]


def feature(code: str, geometry: Any, parent: str | None = None, kind: str = "grid", **more: Any) -> Json:
    properties = {"code": code, "name": f"area {code}", "kind": kind, "parent": parent, **more}
    return {"type": "Feature", "properties": properties, "geometry": mapping(geometry)}


def drawn(code: str, geometry: Any, **more: Any) -> Json:
    return feature(code, box(0, 0, 1, 1), **more) | {"geometry": geometry}


def collection(*features: Json, **members: Any) -> Json:
    return {"type": "FeatureCollection", "coordinates": "wgs84", "features": [*features], **members}


BOW_TIE: Json = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
SLIP = {
    "type": "Polygon",
    "coordinates": [[[0, 0], [1, 0], [1, 1], [0.01, 1], [0, 0.99], [0.001, 1], [0, 1], [0, 0]]],
}

CITY = collection(
    feature("330106", box(120, 30, 120.2, 30.2), kind="区", name="西湖区"),
    feature("330106003", box(120, 30, 120.1, 30.2), "330106", kind="subdistrict"),
    feature("330106004", box(120.1, 30, 120.2, 30.2), "330106", kind="subdistrict"),
    feature("g1", box(120, 30, 120.05, 30.1), "330106003"),
)


def put(client: TestClient, document: Json, version: int, **parameters: Any) -> Any:
    headers = {"If-Match": f'"{version}"'}
    return client.put("/v1/areas", json=document, params={"reason": "2026", **parameters}, headers=headers)


def test_areas_are_imported_listed_and_given_back(person: SignIn) -> None:
    analyst = person(Role.ANALYST)
    assert analyst.get("/v1/areas").headers["ETag"] == '"0"'
    answer = put(analyst, CITY, 0)
    assert (answer.status_code, answer.json()["number"], answer.json()["warnings"]) == (200, 1, [])

    viewer = person(Role.VIEWER)
    listed = viewer.get("/v1/areas").json()
    paths = ["/330106/", "/330106/330106003/", "/330106/330106004/", "/330106/330106003/g1/"]
    assert [each["path"] for each in listed["items"]] == paths
    assert listed["items"][0] == {"code": "330106", "name": "西湖区", "kind": "district", "path": "/330106/"}
    children = viewer.get("/v1/areas", params={"parent": "330106"}).json()["items"]
    assert [each["code"] for each in children] == ["330106003", "330106004"]
    first = viewer.get("/v1/areas", params={"limit": 3}).json()
    rest = viewer.get("/v1/areas", params={"cursor": first["next_cursor"]}).json()
    assert [each["path"] for each in first["items"] + rest["items"]] == paths
    at = viewer.get("/v1/areas/at", params={"lon": 120.01, "lat": 30.01}).json()
    assert [each["code"] for each in at] == ["330106", "330106003", "g1"]
    assert viewer.get("/v1/areas/at", params={"lon": 0, "lat": 0}).json() == []
    assert viewer.get("/v1/areas/g1").json()["geometry"] == json.loads(
        json.dumps(CITY["features"][3]["geometry"])
    )
    assert viewer.get("/v1/areas/none").status_code == 404

    given_back = viewer.get("/v1/areas/geojson").json()
    again = put(
        analyst, {**given_back, "features": [_with_parent(each) for each in given_back["features"]]}, 1
    )
    assert (again.status_code, again.json()["number"]) == (200, 2)
    versions = analyst.get("/v1/areas/versions").json()["items"]
    assert [(each["number"], each["reason"]) for each in versions] == [(2, "2026"), (1, "2026")]


def _with_parent(feature: Json) -> Json:
    codes = feature["properties"]["path"].strip("/").split("/")
    properties = {**feature["properties"], "parent": codes[-2] if len(codes) > 1 else None}
    return {**feature, "properties": properties}


def test_who_may_change_areas_and_only_what_was_read(person: SignIn, client: TestClient) -> None:
    assert put(person(Role.INSPECTOR), CITY, 0).status_code == 403
    assert put(person(Role.ANALYST, ["/330106/"]), CITY, 0).json()["code"] == "whole_city_only"
    assert put(client, CITY, 0).status_code == 403  # a device
    analyst = person(Role.ANALYST)
    assert put(analyst, CITY, 0).status_code == 200
    stale = put(analyst, CITY, 0)
    assert (stale.status_code, stale.json()["version"]) == (412, 1)
    assert analyst.put("/v1/areas", json=CITY, params={"reason": "no version"}).status_code == 428
    tried = put(analyst, CITY, 0, check=True)
    assert (tried.status_code, tried.json()["number"]) == (200, 0)
    assert analyst.get("/v1/areas").json()["version"] == 1


def test_people_see_the_areas_that_are_theirs(person: SignIn) -> None:
    put(person(Role.ANALYST), CITY, 0)
    limited = person(Role.VIEWER, ["/330106/330106003/"])
    assert [each["code"] for each in limited.get("/v1/areas").json()["items"]] == ["330106003", "g1"]
    assert limited.get("/v1/areas/330106004").status_code == 404
    assert [each["properties"]["code"] for each in limited.get("/v1/areas/geojson").json()["features"]] == [
        "330106003", "g1",
    ]  # fmt: skip
    at = limited.get("/v1/areas/at", params={"lon": 120.15, "lat": 30.01}).json()
    assert at == []


def test_frames_know_their_area_and_learn_of_new_ones(
    person: SignIn, client: TestClient, photos: list[bytes], work: Callable[[], Worker], settings: Settings
) -> None:
    analyst = person(Role.ANALYST)
    put(analyst, CITY, 0)
    places = [(120.01, 30.01), (120.15, 30.01), (10.0, 10.0)]
    for photo, (lon, lat) in zip(photos, places, strict=False):
        metadata = json.dumps({"position": {"lon": lon, "lat": lat}})
        assert (
            client.post("/v1/frames", files={"photo": photo}, data={"metadata": metadata}).status_code == 201
        )
    plain = client.post("/v1/frames", files={"photo": photos[3]}).json()["id"]
    assert _paths(settings) == ["/330106/330106003/g1/", "/330106/330106004/", None, None]

    work()  # EXIF says where the fourth was taken
    with open_database(settings) as database, database.read() as session:
        there = session.execute(select(Frame.lon, Frame.lat).where(Frame.id == plain)).one()
    around = feature("other", Point(*there).buffer(0.01))
    assert put(analyst, collection(CITY["features"][0], around), 1).status_code == 200
    work()
    assert _paths(settings) == ["/330106/", "/330106/", None, "/other/"]


def _paths(settings: Settings) -> list[str | None]:
    with open_database(settings) as database, database.read() as session:
        return [*session.scalars(select(Frame.area_path).order_by(Frame.id))]


@pytest.mark.parametrize(
    ("features", "found"),
    [
        ([feature("a", box(0, 0, 1, 1)), feature("a", box(0, 0, 1, 1))], "twice"),
        ([feature("a", box(0, 0, 1, 1), "b")], "unknown_parent"),
        ([feature("a", box(0, 0, 1, 1), "b"), feature("b", box(0, 0, 1, 1), "a")], "cycle"),
        ([feature("a", Point(0, 0))], "bad_geometry"),
        ([feature("a", box(0, 0, 0, 1))], "bad_geometry"),
        ([feature("a", box(430000, 3300000, 430100, 3300100))], "out_of_range"),
        ([feature("a", box(30, 120, 31, 121))], "out_of_range"),
        ([feature("a/b", box(0, 0, 1, 1))], "bad_code"),
        ([feature("a", box(0, 0, 1, 1), kind="planet")], "bad_kind"),
        ([feature("a", box(0, 0, 1, 1), name=7)], "bad_name"),
        ([{"type": "Feature"}], "not_a_feature"),
        (["nonsense"], "not_a_feature"),
        ([drawn("a", {"type": "Polygon", "coordinates": "x"})], "bad_geometry"),
        ([drawn("a", {"type": "Polygon"})], "bad_geometry"),
        ([drawn("a", BOW_TIE)], "crosses"),
        ([feature(f"{n:029}", box(0, 0, 1, 1), f"{n - 1:029}" if n else None) for n in range(7)], "too_deep"),
    ],
)  # fmt: skip
def test_files_that_would_assign_wrongly_are_refused_with_their_area(features: list[Any], found: str) -> None:
    with pytest.raises(AreasRefused) as refused:
        read_areas(collection(*features))
    assert found in [each.outcome for each in refused.value.findings]
    for language in ("en", "zh"):
        assert refused.value.findings[0].area in refused.value.say(language)


def test_a_boundary_that_crosses_itself_is_refused_with_where() -> None:
    ring = BOW_TIE["coordinates"][0]
    hole = [[[11, 11], [14, 11], [14, 14], [11, 14], [11, 11]], [[x + 12, y + 12] for x, y in ring]]
    twice = {
        "type": "MultiPolygon",
        "coordinates": [[each.exterior.coords[:]] for each in (box(0, 0, 2, 2), box(1, 1, 3, 3))],
    }
    for geometry, where in (
        (BOW_TIE, "0.500000, 0.500000 (1-2 / 3-4)"),
        ({"type": "Polygon", "coordinates": hole}, "12.500000, 12.500000 (1-2 of ring 2 / 3-4 of ring 2)"),
        (twice, "1.000000, 2.000000"),
    ):
        with pytest.raises(AreasRefused) as refused:
            read_areas(collection(drawn("a", geometry)))
        assert where in refused.value.findings[0].detail
        assert where in refused.value.say("zh")


def test_every_finding_is_said_in_chinese() -> None:
    catalogue = chinese()
    assert set(MESSAGES.values()) <= set(catalogue)


def test_what_can_be_mended_or_lived_with_is_told() -> None:
    read = read_areas(
        collection(
            drawn("tie", SLIP, name=""),
            feature("out", box(0.9, 0, 1.1, 0.1), "tie"),
            feature("left", box(5, 5, 6, 6)),
            feature("right", box(5.5, 5, 6.5, 6)),
        )
    )
    found = {(each.area, each.outcome, each.detail[:5], each.other) for each in read.warnings}
    assert ("left", "overlaps", "50.0", "right") in found
    assert {(area, outcome) for area, outcome, *_ in found} >= {
        ("tie", "repaired"), ("tie", "no_name"), ("out", "outside_parent"),
    }  # fmt: skip
    assert all(area.geometry.is_valid for area in read.areas)


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_the_declared_system_is_what_counts(crs: Any) -> None:
    true = np.array(box(120, 30, 120.1, 30.1).exterior.coords)
    sent = {"type": "Polygon", "coordinates": [from_wgs84(true, crs).tolist()]}
    document = collection(drawn("a", sent), coordinates=crs)
    (area,) = read_areas(document).areas
    assert np.abs(np.array(area.geometry.exterior.coords) - true).max() < 1e-7
    undeclared = {key: value for key, value in document.items() if key != "coordinates"}
    (area,) = read_areas(undeclared, crs).areas
    assert np.abs(np.array(area.geometry.exterior.coords) - true).max() < 1e-7
    for wrong in (undeclared, document | {"coordinates": "utm"}, document | {"crs": "EPSG:4549"}):
        with pytest.raises(UnknownCrs):
            read_areas(wrong)


@given(st.lists(st.tuples(*[st.integers(0, 8)] * 4), min_size=1, max_size=12), st.data())
def test_the_smallest_area_wins_and_its_outline_is_its_own(boxes: list[Any], data: st.DataObject) -> None:
    shapes = [box(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in boxes]
    paths = [f"/{number}/" for number in range(len(shapes))]
    point = Point(data.draw(st.integers(0, 18)) / 2, data.draw(st.integers(0, 18)) / 2)
    inside = [(each.area, path) for each, path in zip(shapes, paths, strict=True) if each.intersects(point)]
    order = data.draw(st.permutations(range(len(shapes))))
    index = AreaIndex([paths[each] for each in order], [shapes[each] for each in order])
    assert index.path_at(point.x, point.y) == (min(inside)[1] if inside else None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": [NaN]}',
        b'{"type": "FeatureCollection", "features": [], "x": "\\ud800"}',
        b'{"type": "FeatureCollection", "features": [], "x": "\\u0000"}',
    ],
)  # fmt: skip
def test_bodies_that_are_no_collection_get_a_reason(person: SignIn, body: bytes) -> None:
    answer = person(Role.ADMIN).put(
        "/v1/areas", content=body, params={"reason": "x"}, headers={"If-Match": '"0"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_geojson")


def test_the_command_imports_and_lists(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps({**CITY, "coordinates": None}))
    run = CliRunner()
    undeclared = run.invoke(app, ["area", "import", str(file), "--lang", "zh"])
    assert undeclared.exit_code != 0
    assert "坐标系" in undeclared.output
    checked = run.invoke(app, ["area", "import", str(file), "--crs", "gcj02", "--check"])
    assert (checked.exit_code, checked.output) == (0, "4 areas are in order\n")
    done = run.invoke(app, ["area", "import", str(file), "--crs", "gcj02"])
    assert (done.exit_code, done.output) == (0, "4 areas are in force as version 1\n")
    assert (
        json.loads(run.invoke(app, ["area", "list"]).output.splitlines()[3])["path"]
        == "/330106/330106003/g1/"
    )
