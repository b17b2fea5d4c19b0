"""Candidates as a list, a map, files, and one with all that it rests on."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import CandidateReport
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

Lead = Callable[..., str]
Person = Callable[..., TestClient]
HOME, AWAY = "/330106/", "/330108/"


def ids(client: TestClient, **params: Any) -> list[str]:
    answer = client.get("/v1/candidates", params=params)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_each_filter_finds_its_own(person: Person, lead: Lead) -> None:
    viewer = person(Role.VIEWER)
    plain = lead()
    other = lead(
        condition="street_vending", class_name="street_vendor", state="gone", source="hotline", score=0.3,
        severity="high", lon=121.0, lat=31.0, area_path=AWAY,
        first_seen_at=now() - timedelta(hours=2), last_seen_at=now() - timedelta(hours=1),
    )  # fmt: skip
    assert ids(viewer) == [other, plain]
    hour = (now() - timedelta(minutes=30)).isoformat()
    yesterday = (now() - timedelta(days=1)).isoformat()
    for wanted in (
        {"area": AWAY}, {"class": "street_vendor"}, {"condition": "street_vending"}, {"state": "gone"},
        {"source": "hotline"}, {"severity": "high"}, {"bbox": "120.9,30.9,121.1,31.1"},
        {"near": "121.001,31,200"}, {"id": other[:30]}, {"seen_from": yesterday},
    ):  # fmt: skip
        assert ids(viewer, **wanted) == [other], wanted
    assert ids(viewer, min_score=0.5) == [plain]
    assert ids(viewer, seen_before=yesterday) == [plain]
    assert ids(viewer, near="121.01,31,200") == []
    assert ids(viewer, created_before=yesterday) == []
    assert ids(viewer, created_from=yesterday, seen_before=hour) == [other, plain]
    assert ids(viewer, state=["open", "gone"], severity=["high", "medium"]) == [other, plain]


def test_pages_lead_on(person: Person, lead: Lead) -> None:
    viewer, made = person(Role.VIEWER), [lead() for _ in range(5)]
    found, cursor = [], None
    while True:
        answer = viewer.get(
            "/v1/candidates", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        found += [each["id"] for each in answer["items"]]
        if (cursor := answer["next_cursor"]) is None:
            break
    assert found == made[::-1]


@pytest.mark.parametrize(
    "wanted",
    [
        {"bbox": "1,2,3"}, {"near": "0,0,0"}, {"near": "0,0,1e9"}, {"near": "a,b,c"}, {"state": "lost"},
        {"area": "no such code"}, {"min_score": "2"}, {"seen_from": "2026-01-01T00:00:00"},
        {"class": "x; DROP TABLE candidates"}, {"id": "%"}, {"format": "xlsx"}, {"crs": "bd09"},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_told(person: Person, wanted: dict[str, str]) -> None:
    answer = person(Role.VIEWER).get("/v1/candidates", params=wanted)
    assert answer.status_code == 422, answer.text


def test_the_trace_goes_down_to_the_release(person: Person, lead: Lead) -> None:
    candidate = lead(sightings=2, glimpses=3)
    answer = person(Role.INSPECTOR).get(f"/v1/candidates/{candidate}", headers={"Accept-Language": "zh-CN"})
    shown = answer.json()
    assert answer.headers["etag"] == '"1.2"'
    assert len(shown["traced"]) == 2
    assert shown["traced"][0]["best"]["release"] == "tiny@0123456789ab"
    assert set(shown["frames_shown"]) == {each["best"]["frame_id"] for each in shown["traced"]}
    assert shown["result"]["detections"][0]["box_xyxy_px"] == [10, 20, 110, 90]
    assert shown["result"]["release"] == "tiny@0123456789ab"
    assert "2 张照片" in shown["findings"][0]["says"] or "2" in shown["findings"][0]["says"]
    assert shown["position"] == {"lon": 120.15, "lat": 30.27, "covariance_m2": [4, 0, 4]}
    assert (shown["decisions"], shown["issue"], shown["detected"]) == ([], None, None)


def test_who_has_a_version_is_not_sent_it_again(person: Person, lead: Lead, settings: Settings) -> None:
    candidate, inspector = lead(), person(Role.INSPECTOR)
    path = f"/v1/candidates/{candidate}"
    tag = inspector.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"7", {tag}', tag[:-1] + '-gzip"'):
        answer = inspector.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    with open_database(settings) as database, database.write() as session:  # as late evidence comes
        session.add(CandidateReport(candidate_id=candidate, source="citizen", condition="exposed_garbage"))
    assert inspector.get(path, headers={"If-None-Match": tag}).status_code == 200
    decision = inspector.post(f"{path}/decisions", json={"kind": "confirm"}, headers={"If-Match": tag})
    assert decision.status_code == 201  # it is in nobody's way
    assert inspector.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_candidate_of_fifty_sightings_takes_a_handful_of_queries(person: Person, lead: Lead) -> None:
    small, large, viewer = lead(), lead(sightings=50), person(Role.VIEWER)
    counts = []
    for candidate in (small, large):
        tries = []
        for _ in range(3):  # the fewest of three: a new connection introduces itself, at any request
            with statements() as seen:
                assert viewer.get(f"/v1/candidates/{candidate}").status_code == 200
            tries.append(len(seen))
        counts.append(min(tries))
    assert counts[0] == counts[1] <= 16, seen


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of every engine meanwhile."""
    from sqlalchemy import Engine

    seen: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def test_a_map_shows_points_while_they_are_few(
    person: Person, start: Callable[..., TestClient], lead: Lead
) -> None:
    made = [lead(lon=120.15 + index / 1000, lat=30.27) for index in range(6)]
    lead(lon=None, lat=None)
    viewer = person(Role.VIEWER)
    shown = viewer.get("/v1/candidates/map", params={"bbox": "120,30,121,31", "zoom": 12}).json()
    assert (shown["kind"], shown["total"]) == ("points", 6)
    assert {each["id"] for each in shown["points"]} == set(made)
    assert viewer.get("/v1/candidates/map", params={"zoom": 3}).status_code == 422


def test_a_map_of_many_shows_clusters(person: Person, client: TestClient, lead: Lead) -> None:
    object.__setattr__(client.app_state["resources"].settings, "__dict__", {
        **client.app_state["resources"].settings.__dict__, "max_map_points": 3,
    })  # fmt: skip
    for index in range(6):
        lead(lon=120.15 + index // 3 * 0.5, lat=30.27, state="open" if index else "confirmed")
    viewer = person(Role.VIEWER)
    shown = viewer.get("/v1/candidates/map", params={"bbox": "120,30,121,31", "zoom": 12}).json()
    assert (shown["kind"], shown["total"], shown["points"]) == ("clusters", 6, [])
    west, east = sorted(shown["clusters"], key=lambda each: each["lon"])
    assert (west["count"], west["open"], west["confirmed"], east["count"]) == (3, 2, 1, 3)
    assert west["lon"] == pytest.approx(120.15)
    left, low, right, high = west["bbox"]
    assert left <= 120.15 < right
    assert low <= 30.27 < high
    whole = viewer.get("/v1/candidates/map", params={"bbox": "-180,-90,180,90", "zoom": 0}).json()
    assert [each["count"] for each in whole["clusters"]] == [6]
    some = viewer.get(
        "/v1/candidates/map", params={"bbox": "120,30,121,31", "zoom": 12, "state": "confirmed"}
    )
    assert some.json()["kind"] == "points"


def table(client: TestClient, **params: Any) -> tuple[list[str], list[dict[str, str]]]:
    answer = client.get(
        "/v1/candidates", params={"format": "csv", **params}, headers={"Accept-Language": "zh-CN"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    reader = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return list(reader.fieldnames or ()), list(reader)


def test_a_table_for_spreadsheets(person: Person, lead: Lead) -> None:
    bad = '=HYPERLINK("http://evil","x"),\n"旧"'
    code = {"scheme": "GB/T 47678.5-2026", "kind": "事项", "code": "06010", "name": "暴露垃圾"}
    first, second = lead(description=bad, code=code), lead(lon=None, lat=None)
    heads, rows = table(person(Role.ANALYST))
    assert heads[-3:] == ["经度 (WGS-84)", "纬度 (WGS-84)", "坐标系"]
    assert [each["编号"] for each in rows] == [second, first]
    row = rows[1]
    assert row["描述"] == f"'{bad}"
    assert row["问题类型"] == "暴露垃圾"
    assert row["状态"] == "待核实"
    assert row["国标代码"] == "06010 暴露垃圾 (GB/T 47678.5-2026)"
    assert row["首次发现"] == "2026-11-21T07:30:00+08:00"
    assert (float(row["经度 (WGS-84)"]), row["坐标系"]) == (120.15, "WGS-84")
    assert (rows[0]["经度 (WGS-84)"], rows[0]["坐标系"]) == ("", "")


def test_coordinates_for_chinese_maps_say_so(person: Person, lead: Lead) -> None:
    lead()
    analyst = person(Role.ANALYST)
    expected = from_wgs84(np.array([[120.15, 30.27]]), "gcj02")[0]
    heads, [row] = table(analyst, crs="gcj02")
    assert row["坐标系"] == "GCJ-02"
    assert [float(row[head]) for head in heads[-3:-1]] == pytest.approx(expected, abs=1e-7)
    shown = analyst.get("/v1/candidates", params={"format": "geojson", "crs": "gcj02"}).json()
    assert shown["coordinate_system"] == "GCJ-02"
    assert shown["features"][0]["geometry"]["coordinates"] == pytest.approx(list(expected), abs=1e-7)


def test_geojson_is_what_its_rules_say(person: Person, lead: Lead) -> None:
    first, second = lead(lon=None, lat=None), lead()
    answer = person(Role.INSPECTOR).get("/v1/candidates", headers={"Accept": "application/geo+json"})
    assert answer.headers["content-type"] == "application/geo+json"
    assert "attachment" in answer.headers["content-disposition"]
    shown = answer.json()
    assert (shown["type"], shown["coordinate_system"]) == ("FeatureCollection", "WGS-84")
    assert [each["id"] for each in shown["features"]] == [second, first]
    point, nowhere = (each["geometry"] for each in shown["features"])
    assert point == {"type": "Point", "coordinates": [120.15, 30.27]}  # lon first
    assert nowhere is None
    assert {each["type"] for each in shown["features"]} == {"Feature"}
    assert shown["features"][0]["properties"]["class"] == "garbage"
    assert shown["features"][0]["properties"]["first_seen_at"].endswith("+08:00")


def test_a_file_has_all_rows_of_many_blocks(
    person: Person, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streetsight.service.exports.BLOCK", 3)
    made = [lead(glimpses=1) for _ in range(8)]
    analyst = person(Role.ANALYST)
    assert [each["编号"] for each in table(analyst)[1]] == made[::-1]
    shown = analyst.get("/v1/candidates", params={"format": "geojson"}).json()
    assert [each["id"] for each in shown["features"]] == made[::-1]
    assert table(analyst, state="rejected")[1] == []
    assert (
        analyst.get("/v1/candidates", params={"format": "geojson", "state": "gone"}).json()["features"] == []
    )


def test_a_file_that_would_be_cut_off_is_refused(person: Person, client: TestClient, lead: Lead) -> None:
    object.__setattr__(client.app_state["resources"].settings, "__dict__", {
        **client.app_state["resources"].settings.__dict__, "max_export_rows": 2,
    })  # fmt: skip
    for area in (HOME, HOME, AWAY):
        lead(area_path=area)
    analyst = person(Role.ANALYST)
    answer = analyst.get("/v1/candidates", params={"format": "csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
    assert len(table(analyst, area=HOME)[1]) == 2


def test_a_viewer_reads_and_takes_no_files(person: Person, lead: Lead) -> None:
    viewer = person(Role.VIEWER)
    answer = viewer.get("/v1/candidates", params={"format": "csv"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_outsiders_see_nothing_of_the_streets_own(person: Person, lead: Lead) -> None:
    outsider, inspector = person(Role.THIRD_PARTY), person(Role.INSPECTOR)
    entered, decided, fresh = lead(source="inspector"), lead(), lead()
    path = f"/v1/candidates/{decided}/decisions"
    inspector.post(path, json={"kind": "confirm"}, headers={"If-Match": '"1"'})
    assert ids(outsider) == [fresh]
    for candidate in (entered, decided):
        assert outsider.get(f"/v1/candidates/{candidate}").status_code == 404
    for noun in ("decisions", "issues"):
        assert outsider.get(f"/v1/{noun}").json()["items"] == []
    path = f"/v1/candidates/{fresh}/decisions"
    assert outsider.post(path, json={"kind": "confirm"}, headers={"If-Match": '"1"'}).status_code == 201
    assert ids(outsider) == [fresh]
    assert len(outsider.get("/v1/issues").json()["items"]) == 1
    assert len(inspector.get("/v1/issues").json()["items"]) == 2
