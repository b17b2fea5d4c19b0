"""Months from confirmed issues to a frozen ranking, over HTTP, on both databases."""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from crossing import crossed, wait_until_stuck
from fastapi.testclient import TestClient
from places import write_places
from sqlalchemy import select, update

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.scoring import periods
from streetsight.service.scoring.figures import enter
from streetsight.service.scoring.reading import example_schemes
from streetsight.service.scoring.spans import span_of
from streetsight.service.scoring.tables import ClosedPeriod, ClosedSheet
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database

Person = Callable[..., TestClient]
Lead = Callable[..., str]
OCTOBER = datetime(2026, 10, 14, 3, tzinfo=UTC)  # a Wednesday morning in China
SOUTH, NORTH = (120.10, 30.20, 120.20, 30.30), (120.10, 30.31, 120.20, 30.40)

# Two at once need two writers.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def document(**changes: Any) -> dict[str, Any]:
    content = yaml.safe_load(example_schemes()["sections-by-scene"].read_text(encoding="utf-8"))
    return {**content, **changes}


@pytest.fixture
def analyst(person: Person, settings: Settings) -> TestClient:
    """Two sections are registered, and the example scheme is adopted from October 2026 on."""
    analyst = person(Role.ANALYST)
    with open_database(settings) as database, database.write() as session:
        write_places(session, ("section", "S", "南片区", SOUTH), ("section", "N", "北片区", NORTH))
    kept = analyst.post("/v1/schemes", json={"document": document(), "reason": "test"})
    assert kept.status_code == 201, kept.text
    adopted = analyst.post(
        "/v1/schemes/sections/versions/1/adopt", json={"month": "2026-10", "reason": "test"}
    )
    assert adopted.status_code == 200, adopted.text
    return analyst


@pytest.fixture
def filed(person: Person, lead: Lead) -> Callable[..., str]:
    """Confirms a lead that was seen in October, and gives its issue's number."""
    inspector = person(Role.INSPECTOR)

    def filed(lon: float = 120.15, lat: float = 30.25, **fields: Any) -> str:
        seen = fields.pop("seen", OCTOBER)
        candidate = lead(lon=lon, lat=lat, first_seen_at=seen, last_seen_at=seen, **fields)
        answer = inspector.post(
            f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm"}, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 201, answer.text
        shown = inspector.get(f"/v1/issues/{answer.json()['issue_id']}").json()
        return str(shown["number"])

    return filed


def act(client: TestClient, issue: str, kind: str, **asked: Any) -> None:
    tag = client.get(f"/v1/issues/{issue}").headers["etag"]
    answer = client.post(f"/v1/issues/{issue}/acts", json={"kind": kind, **asked}, headers={"If-Match": tag})
    assert answer.status_code == 201, answer.text


def standings(client: TestClient, period: str) -> dict[str, Any]:
    answer = client.get(f"/v1/scores/sections/{period}")
    assert answer.status_code == 200, answer.text
    return {each["code"]: each for each in answer.json()["standings"]}


def close(client: TestClient, period: str, status: int = 200) -> dict[str, Any]:
    answer = client.post(f"/v1/scores/sections/{period}/close", json={})
    assert answer.status_code == status, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_month_is_scored_closed_and_reckoned_once_more(
    analyst: TestClient, filed: Callable[..., str], lead: Lead
) -> None:
    number = filed()
    filed(lat=30.2501)  # eleven metres further: the same place
    pothole = filed(lat=30.26, class_name="pothole", condition="broken_facility")
    lead(lat=30.27, first_seen_at=OCTOBER)  # nobody has confirmed it

    now = standings(analyst, "2026-10")
    assert (now["S"]["total"], now["S"]["rank"], now["S"]["cases"], now["S"]["places"]) == ("98.50", 1, 3, 2)
    assert (now["N"]["total"], now["N"]["status"], now["N"]["rank"]) == (None, "not_inspected", None)

    closed = close(analyst, "2026-10")
    assert standings(analyst, "2026-10") == now
    assert analyst.post("/v1/scores/sections/2026-10/recompute").json() == {"sheets": 2, "different": []}
    sheet = analyst.get("/v1/scores/sections/2026-10/sheets/S").json()
    assert (
        analyst.get("/v1/scores/sections/2026-10").json()["closed"]["sheets_sha256"]
        == closed["sheets_sha256"]
    )
    lines = sheet["parts"][0]["items"][0]["lines"]
    by_number = {line["number"]: line for line in lines}
    assert by_number[number]["points"] == "-0.5"
    assert by_number[pothole]["points"] == "-1"
    assert all(line["decision"] and line["photos"] and line["issue"] for line in lines)
    assert [line["why"] for line in lines].count("same_place") == 1
    assert sheet["fairness"]["unreviewed"] == 1
    assert {each["class_name"] for each in sheet["fairness"]["classes"]} == {"garbage", "pothole"}
    counted = analyst.get(f"/v1/scores/issues/{pothole}").json()["items"]
    month = {"scheme": "sections", "period": "2026-10", "code": "S"}
    assert counted == [{**month, "stage": "1", "points": "1", "restored_in": None}]


@pytest.mark.parametrize(
    ("found", "visits"),
    [
        (("2026-10-14T07:30+08:00", "2026-10-14T09:00+08:00"), 1),
        (("2026-10-14T10:00+08:00", "2026-10-15T07:00+08:00"), 2),
    ],
)
def test_visits_are_counted_by_the_days_of_the_city(
    analyst: TestClient, filed: Callable[..., str], found: tuple[str, ...], visits: int
) -> None:
    for number, when in enumerate(found):
        filed(lat=30.25 + number / 1000, source="inspector", seen=datetime.fromisoformat(when))
    sheet = analyst.get("/v1/scores/sections/2026-10/sheets/S").json()
    assert sheet["fairness"]["visits"] == visits


def test_what_is_confirmed_late_counts_in_the_next_month(
    analyst: TestClient, filed: Callable[..., str]
) -> None:
    filed()
    close(analyst, "2026-10")

    late = filed(lat=30.28)

    assert standings(analyst, "2026-10")["S"]["total"] == "99.50", "it is closed"
    assert standings(analyst, "2026-11")["S"]["total"] == "99.50"
    lines = analyst.get("/v1/scores/sections/2026-11/sheets/S").json()["parts"][0]["items"][0]["lines"]
    assert [line["number"] for line in lines] == [late]


def test_reopening_takes_it_back_into_its_month(analyst: TestClient, filed: Callable[..., str]) -> None:
    filed()
    close(analyst, "2026-10")
    filed(lat=30.28)

    answer = analyst.post("/v1/scores/sections/2026-10/reopen", json={"why": "nachgereicht"})

    assert answer.status_code == 204
    assert standings(analyst, "2026-10")["S"]["total"] == "99.00"
    assert "S" in standings(analyst, "2026-11")
    assert standings(analyst, "2026-11")["S"]["cases"] == 0
    close(analyst, "2026-10")
    assert standings(analyst, "2026-10")["S"]["total"] == "99.00"


def test_an_upheld_appeal_gives_back_exactly_what_was_taken(
    analyst: TestClient, filed: Callable[..., str], person: Person
) -> None:
    contested, _ = filed(), filed(lat=30.28)
    close(analyst, "2026-10")
    inspector, handler = person(Role.INSPECTOR), person(Role.HANDLER, unit="环卫所")
    act(inspector, contested, "dispatch", unit="环卫所")
    act(handler, contested, "appeal", text="不在我辖区")
    blocked = analyst.post("/v1/scores/sections/2026-10/reopen", json={"why": "appeal"})
    assert blocked.status_code == 204
    refused = close(analyst, "2026-10", status=409)
    assert refused["code"] == "cannot_close"
    assert contested in refused["detail"]
    act(inspector, contested, "refuse_appeal", text="在辖区内")
    close(analyst, "2026-10")

    act(handler, contested, "appeal", text="有新证据")
    act(inspector, contested, "uphold_appeal", text="证据成立")

    assert standings(analyst, "2026-10")["S"]["total"] == "99.00", "a closed month stays"
    assert standings(analyst, "2026-11")["S"]["status"] == "not_inspected", (
        "it waits for a month with a total"
    )
    filed(lat=30.29, seen=OCTOBER + timedelta(days=20))
    sheet = analyst.get("/v1/scores/sections/2026-11/sheets/S").json()
    assert (sheet["total"], sheet["restored"]) == ("100.00", "0.50")


def test_a_month_is_not_closed_before_its_end_or_out_of_turn(analyst: TestClient) -> None:
    assert close(analyst, "2026-09", status=409)["code"] == "not_adopted"
    ahead = (datetime.now(UTC) + timedelta(days=62)).strftime("%Y-%m")
    assert "ends at" in close(analyst, ahead, status=409)["detail"]
    close(analyst, "2026-10")
    assert "already" in close(analyst, "2026-10", status=409)["detail"]
    adopt = {"month": "2026-10", "reason": "test"}
    answer = analyst.post("/v1/schemes/sections/versions/1/adopt", json=adopt)
    assert (answer.status_code, answer.json()["code"]) == (409, "month_closed")


def test_a_changed_scheme_is_tried_on_what_was_frozen(analyst: TestClient, filed: Callable[..., str]) -> None:
    filed()
    close(analyst, "2026-10")
    stricter = document()
    stricter["parts"][0]["items"][0]["rules"][0]["points"] = 4

    shown = analyst.post("/v1/schemes/preview", json={"document": stricter, "periods": ["2026-10"]})

    assert shown.json() == {
        "subjects": 2,
        "changes": [
            {"period": "2026-10", "code": "S", "name": "南片区", "total_now": "99.50", "total_then": "96.00",
             "rank_now": 1, "rank_then": 1},
        ],
    }  # fmt: skip
    assert standings(analyst, "2026-10")["S"]["total"] == "99.50"


def test_a_tampered_sheet_is_found(
    analyst: TestClient, filed: Callable[..., str], settings: Settings
) -> None:
    filed()
    close(analyst, "2026-10")
    with open_database(settings) as database, database.write() as session:
        closed = session.scalars(select(ClosedPeriod)).one()
        other = session.get_one(ClosedSheet, (closed.id, "N")).sheet
        session.execute(update(ClosedSheet).where(ClosedSheet.code == "S").values(sheet=other))

    answer = analyst.post("/v1/scores/sections/2026-10/recompute").json()

    assert answer["different"] == ["S"]


def test_figures_come_by_file_and_bad_lines_are_named(analyst: TestClient) -> None:
    content = document(
        key="mixed", total=110, parts=[
            *document()["parts"],
            {"key": "survey", "zh": "满意度", "en": "survey", "weight": 10, "items": [
                {"key": "survey", "zh": "问卷", "en": "survey", "full": 10, "starts": "zero", "rules": [
                    {"key": "s", "kind": "by_figure", "zh": "满意度", "en": "s", "of": "satisfaction",
                     "points": 10}]}]},
        ],
    )  # fmt: skip
    analyst.post("/v1/schemes", json={"document": content, "reason": "test"})
    analyst.post("/v1/schemes/mixed/versions/1/adopt", json={"month": "2026-10", "reason": "test"})
    bad = "code,key,value\nS,satisfaction,86.5\nX,satisfaction,90\nN,satisfaction,viel\n"
    url = "/v1/scores/mixed/2026-10/figures"

    refused = analyst.post(url, files={"file": ("survey.csv", bad)})
    assert (refused.status_code, refused.json()["code"]) == (422, "figures_refused")
    assert "line 3" in refused.json()["detail"]
    assert "line 4" in refused.json()["detail"]
    assert analyst.get(url).json()["items"] == []
    kept = analyst.post(url, files={"file": ("survey.csv", bad)}, params={"keep_good": True})
    assert (kept.json()["kept"], len(kept.json()["left_out"])) == (1, 2)
    assert analyst.get(url).json()["items"][0]["source"] == "survey.csv:2"


def test_schemes_that_cannot_be_meant_are_refused_with_what_to_change(analyst: TestClient) -> None:
    wrong = document()
    wrong["parts"][0]["weight"] = 90
    answer = analyst.post("/v1/schemes", json={"document": wrong, "reason": "test"})
    assert (answer.status_code, answer.json()["code"]) == (422, "scheme_refused")
    assert "add up to 90" in answer.json()["detail"]


def test_years_follow_from_months_and_recommend(
    analyst: TestClient, filed: Callable[..., str], person: Person
) -> None:
    filed()
    close(analyst, "2026-10")

    shown = standings(analyst, "2026")
    assert shown["S"]["status"] == "incomplete", "the survey is missing"
    assert shown["N"]["status"] == "not_inspected"
    csv = "code,key,value\nS,third_party,90\nS,satisfaction,80\n"
    kept = analyst.post("/v1/scores/sections/2026/figures", files={"file": ("year.csv", csv)})
    assert kept.status_code == 200, kept.text
    total = analyst.get("/v1/scores/sections/2026").json()["standings"][0]["total"]
    assert Decimal(total) == Decimal("59.70") + 18 + 16
    best = analyst.get("/v1/scores/sections/2026/recommended").json()
    assert [each["code"] for each in best] == ["S"]


def test_who_may_do_what(analyst: TestClient, person: Person, filed: Callable[..., str]) -> None:
    filed()
    assert person(Role.VIEWER).get("/v1/scores/sections/2026-10").status_code == 200
    assert person(Role.THIRD_PARTY).get("/v1/scores/sections/2026-10").status_code == 403
    assert person(Role.INSPECTOR).post("/v1/scores/sections/2026-10/close", json={}).status_code == 403
    elsewhere = person(Role.VIEWER, ["/330105/"])
    assert elsewhere.get("/v1/scores/sections/2026-10/sheets/S").status_code == 404
    assert elsewhere.get("/v1/scores/sections/2026-10").status_code == 200, "rankings are public"
    assert (
        person(Role.ANALYST, ["/330106/"]).post("/v1/scores/sections/2026-10/close", json={}).status_code
        == 403
    )


def test_days_and_rhythm(analyst: TestClient, filed: Callable[..., str]) -> None:
    filed()
    filed(lat=30.28, seen=OCTOBER + timedelta(days=7, hours=9))
    day = {"day": "2026-10-21", "note": "市级明察"}
    assert analyst.put("/v1/inspection-days/2026-10", json={"items": [day]}).status_code == 204
    wrong = analyst.put("/v1/inspection-days/2026-10", json={"items": [{"day": "2026-11-01"}]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_period")

    splits = analyst.get("/v1/scores/sections/2026-10/sheets/S").json()["splits"]
    assert {(each["tag"], each["value"]): each["cases"] for each in splits} == {
        ("inspection", "announced"): 1, ("inspection", "ordinary"): 1,
        ("light", "day"): 1, ("light", "night"): 1,
    }  # fmt: skip
    weeks = analyst.get("/v1/scores/sections/2026-10/rhythm", params={"by": "week"}).json()["items"]
    assert [(each["period"], each["cases"], each["hot"]) for each in weeks] == [
        ("2026-W42", 1, {"S": 1}), ("2026-W43", 1, {"S": 1}),
    ]  # fmt: skip


@pytest.fixture
def october(analyst: TestClient, filed: Callable[..., str]) -> str:
    """Path of a month that can be closed: of a scheme with points by hand and a figure, with one of each."""
    filed()
    content = document(
        key="mixed", total=110, parts=[
            *document()["parts"],
            {"key": "survey", "zh": "满意度", "en": "survey", "weight": 10, "items": [
                {"key": "survey", "zh": "问卷", "en": "survey", "full": 10, "starts": "zero", "rules": [
                    {"key": "s", "kind": "by_figure", "zh": "满意度", "en": "s", "of": "satisfaction",
                     "points": 10}]}]},
        ],
    )  # fmt: skip
    content["parts"][0]["items"][0]["rules"].append(
        {"key": "hand", "kind": "manual", "zh": "人工", "en": "by hand", "lowest": -5, "highest": 5}
    )
    for _ in range(2):
        assert analyst.post("/v1/schemes", json={"document": content, "reason": "test"}).status_code == 201
    adopt(analyst, 1)
    path = "/v1/scores/mixed/2026-10"
    bring(analyst, path, "first.csv", "S,satisfaction,80\nN,satisfaction,80\n")
    assert give(analyst, path, "at first").status_code == 201
    return path


def adopt(client: TestClient, number: int) -> None:
    asked = {"month": "2026-10", "reason": "test"}
    answer = client.post(f"/v1/schemes/mixed/versions/{number}/adopt", json=asked)
    assert answer.status_code == 200, answer.text


def bring(client: TestClient, path: str, name: str, lines: str) -> None:
    sent = {"file": (name, f"code,key,value\n{lines}")}
    answer = client.post(f"{path}/figures", files=sent)
    assert answer.status_code == 200, answer.text


def give(client: TestClient, path: str, reason: str) -> Any:
    sent = {"code": "S", "rule": rule_of(), "points": "-1", "reason": reason}
    return client.post(f"{path}/entries", json=sent)


def rule_of() -> str:
    part = document()["parts"][0]
    return f"{part['key']}.{part['items'][0]['key']}.hand"


def take_back(client: TestClient, path: str) -> None:
    entry = client.get(f"{path}/entries").json()["items"][0]["id"]
    answer = client.delete(f"{path}/entries/{entry}")
    assert answer.is_success, answer.text


def announce(client: TestClient) -> None:
    day = {"day": f"{OCTOBER:%Y-%m-%d}", "note": "市级明察"}
    assert client.put("/v1/inspection-days/2026-10", json={"items": [day]}).status_code == 204


def after_gathering(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[int], object]) -> None:
    """Something happens each time a month is reckoned; it is told how often it was before."""
    standing, count = periods._standing, iter(range(99))

    def reckoned(*args: Any, **named: Any) -> periods.Result:
        result = standing(*args, **named)
        meanwhile(next(count))
        return result

    monkeypatch.setattr(periods, "_standing", reckoned)


@pytest.mark.parametrize(
    ("what", "counts"),
    [
        ("given", lambda sheet: "meanwhile" in sheet and "at first" in sheet),
        ("taken back", lambda sheet: "at first" not in sheet),
        ("figure", lambda sheet: json.loads(sheet)["total"] == "107.50"),
        ("announced", lambda sheet: '"announced"' in sheet),
        ("adopted", lambda sheet: json.loads(sheet)["version"] == 2),
    ],
)
def test_what_is_brought_in_while_a_month_is_closed_counts_in_it(
    analyst: TestClient,
    october: str,
    what: str,
    counts: Callable[[str], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not counts(analyst.get(f"{october}/sheets/S").text)
    bringing: dict[str, Callable[[], object]] = {
        "given": lambda: give(analyst, october, "meanwhile"),
        "taken back": lambda: take_back(analyst, october),
        "figure": lambda: bring(analyst, october, "late.csv", "S,satisfaction,90\n"),
        "announced": lambda: announce(analyst),
        "adopted": lambda: adopt(analyst, 2),
    }
    after_gathering(monkeypatch, lambda time: bringing[what]() if time == 0 else None)
    assert analyst.post(f"{october}/close", json={}).status_code == 200
    monkeypatch.undo()
    assert counts(analyst.get(f"{october}/sheets/S").text)
    assert analyst.post(f"{october}/recompute").json()["different"] == []


def test_a_month_is_closed_however_much_is_brought_in_meanwhile(
    analyst: TestClient, october: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[int] = []

    def meanwhile(time: int) -> None:
        if time < periods.RECKONINGS:  # then who brings something in waits
            answers.append(give(analyst, october, f"time {time}").status_code)

    after_gathering(monkeypatch, meanwhile)
    assert analyst.post(f"{october}/close", json={}).status_code == 200
    monkeypatch.undo()
    assert answers == [201] * periods.RECKONINGS
    sheet = analyst.get(f"{october}/sheets/S").text
    assert all(f"time {time}" in sheet for time in range(periods.RECKONINGS))
    assert give(analyst, october, "too late").json()["code"] == "month_closed"


@ON_POSTGRESQL
def test_a_closing_waits_for_points_that_are_being_given(
    analyst: TestClient, october: str, database: Database, settings: Settings
) -> None:
    given = "mixed", span_of("2026-10"), "S", rule_of(), Decimal(-1), "meanwhile"
    _, closing = crossed(
        database,
        lambda session: enter(session, settings, SYSTEM, *given),
        lambda: analyst.post(f"{october}/close", json={}),
    )
    assert closing.result().status_code == 200
    assert "meanwhile" in analyst.get(f"{october}/sheets/S").text


@ON_POSTGRESQL
def test_points_that_come_while_a_month_is_being_frozen_are_refused(
    analyst: TestClient, october: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze, late = periods.freeze, list[Future[Any]]()

    def frozen(*args: Any) -> ClosedPeriod:
        late.append(pool.submit(give, analyst, october, "too late"))
        wait_until_stuck(database, late[0])
        return freeze(*args)

    monkeypatch.setattr(periods, "freeze", frozen)
    with ThreadPoolExecutor(1) as pool:
        assert analyst.post(f"{october}/close", json={}).status_code == 200
    assert (late[0].result().status_code, late[0].result().json()["code"]) == (409, "month_closed")
