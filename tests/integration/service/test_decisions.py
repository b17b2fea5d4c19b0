"""Deciding of candidates: states, versions, two at once, repetition, undoing, who may."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from streetsight.service.auth.actor import Role
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Lead = Callable[..., str]
Person = Callable[..., TestClient]
HOME, AWAY = "/330106/", "/330108/"


def read(client: TestClient, candidate_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/candidates/{candidate_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def decide(
    client: TestClient, candidate_id: str, version: int | None = None, key: str | None = None, **asked: Any
) -> Response:
    """Asks for it by this version, or by the one now; `class_` is sent as `class`."""
    asked = {name.rstrip("_"): value for name, value in asked.items()}
    version = read(client, candidate_id)["version"] if version is None else version
    headers = {"If-Match": f'"{version}"'} | ({"Idempotency-Key": key} if key else {})
    return client.post(f"/v1/candidates/{candidate_id}/decisions", json=asked, headers=headers)


def test_confirming_makes_an_issue_with_a_number_of_its_day(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR, [HOME])
    first, second = (decide(inspector, lead(), kind="confirm", unit="环卫所").json() for _ in range(2))
    assert first["state"] == "confirmed"
    assert first["version"] == 2
    assert first["issue_number"].endswith("-000001")
    assert second["issue_number"].endswith("-000002")
    issue = inspector.get(f"/v1/issues/{first['issue_number']}").json()
    assert issue["id"] == first["issue_id"]
    assert issue["district"] == "330106"
    assert issue["unit"] == "环卫所"
    assert inspector.get("/v1/issues").json()["items"][1]["number"] == first["issue_number"]
    events = person(Role.ADMIN).get("/v1/events").json()["items"]
    assert {"candidate.decided", "issue.created"} <= {each["kind"] for each in events}


def test_another_district_counts_for_itself(person: Person, lead: Lead) -> None:
    admin = person(Role.ADMIN)
    numbers = {
        decide(admin, lead(area_path=path), kind="confirm").json()["issue_number"] for path in (HOME, AWAY)
    }
    assert len(numbers) == 1
    assert len(admin.get("/v1/issues", params={"number": numbers.pop()}).json()["items"]) == 2


def test_a_version_is_asked_for_and_must_be_the_current_one(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    path = f"/v1/candidates/{candidate}/decisions"
    for headers in ({}, {"If-Match": "*"}, {"If-Match": "nonsense"}):
        answer = inspector.post(path, json={"kind": "confirm"}, headers=headers)
        assert answer.status_code == 428
        assert answer.json()["code"] == "precondition_required"
    assert decide(inspector, candidate, kind="correct", severity="high").status_code == 201
    late = decide(inspector, candidate, version=1, kind="confirm")
    assert late.status_code == 412
    assert late.headers["etag"] == '"2"'
    assert late.json()["version"] == 2
    assert read(inspector, candidate)["state"] == "open"


def test_of_two_reviewers_at_once_one_is_told(person: Person, lead: Lead) -> None:
    candidates = [lead() for _ in range(6)]
    one, other = person(Role.INSPECTOR), person(Role.STREET_CHIEF)
    for candidate in candidates:
        with ThreadPoolExecutor(2) as pool:
            confirmed = pool.submit(decide, one, candidate, 1, kind="confirm")
            rejected = pool.submit(decide, other, candidate, 1, kind="reject", reason="not_there")
            statuses = sorted([confirmed.result().status_code, rejected.result().status_code])
        assert statuses == [201, 412]
        assert len(read(one, candidate)["decisions"]) == 1


def test_a_repeated_request_is_answered_as_it_was(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    first = decide(inspector, candidate, 1, key="k1", kind="reject", reason="permitted")
    again = decide(inspector, candidate, 1, key="k1", kind="reject", reason="permitted")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["decision"] == again.json()["decision"]
    other = decide(inspector, candidate, 1, key="k1", kind="confirm")
    assert other.status_code == 409
    assert other.json()["code"] == "key_taken"
    assert len(read(inspector, candidate)["decisions"]) == 1


def test_a_rejection_needs_a_reason_that_is_known(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    assert decide(inspector, candidate, kind="reject").status_code == 422
    for reason in ("because", "other"):
        assert decide(inspector, candidate, kind="reject", reason=reason).status_code == 422
    answer = inspector.get("/v1/decisions/reasons", headers={"Accept-Language": "zh-CN"})
    assert {each["code"]: each["text"] for each in answer.json()}["not_there"] == "图中没有"
    made = decide(inspector, candidate, kind="reject", reason="other", text="是花坛").json()
    assert made["state"] == "rejected"
    assert made["decision"]["text"] == "是花坛"


def test_a_correction_keeps_the_detectors_word_beside_it(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    frame = read(inspector, candidate)["traced"][0]["best"]["frame_id"]
    box = {"frame_id": frame, "box_xyxy_px": [12, 22, 120, 95]}
    made = decide(
        inspector, candidate, kind="correct", severity="high", box=box,
        position={"lon": 120.1502, "lat": 30.2702}, code={"scheme": "GB/T 47678.5-2026", "code": "06042"},
        class_="overflowing_bin",
    )  # fmt: skip
    assert (made.status_code, made.json()["state"]) == (201, "open"), made.text
    shown = read(inspector, candidate)
    assert shown["class"] == "overflowing_bin"
    assert shown["condition"] == "exposed_garbage"
    assert shown["code"]["name"] == "垃圾站(箱)满溢"
    assert shown["best_box"] == [12, 22, 120, 95]
    detected = shown["detected"]
    assert detected["class"] == "garbage"
    assert detected["best_box"] == [10, 20, 110, 90]
    assert (detected["lon"], detected["lat"], detected["severity"]) == (120.15, 30.27, "medium")
    decide(inspector, candidate, kind="confirm")
    decide(inspector, candidate, kind="correct", class_="garbage")
    issue = read(inspector, candidate)["issue"]
    assert issue["class"] == "garbage"
    assert issue["version"] == 2
    assert read(inspector, candidate)["detected"]["class"] == "garbage"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),  # changes nothing
        ({"class": "unicorn"}, 422),
        ({"condition": "street_vending"}, 422),  # garbage is no vending
        ({"class": "person"}, 422),  # never an issue
        ({"box": {"frame_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "box_xyxy_px": [1, 1, 2, 2]}}, 422),
        ({"box": {"frame_id": None, "box_xyxy_px": [1, 1, 9000, 2]}}, 422),  # outside the picture
        ({"box": {"frame_id": None, "box_xyxy_px": [5, 1, 2, 2]}}, 422),
        ({"position": {"lon": 200, "lat": 30}}, 422),
        ({"severity": "dreadful"}, 422),
    ],
)
def test_a_correction_that_cannot_be(person: Person, lead: Lead, asked: dict[str, Any], status: int) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    if asked.get("box", {"frame_id": 1})["frame_id"] is None:
        asked = {"box": {**asked["box"], "frame_id": read(inspector, candidate)["best_frame_id"]}}
    answer = decide(inspector, candidate, kind="correct", **asked)
    assert answer.status_code == status, answer.text
    assert read(inspector, candidate)["version"] == 1


def test_nobody_moves_a_candidate_out_of_their_areas(person: Person, lead: Lead) -> None:
    answer = decide(person(Role.INSPECTOR, [HOME]), lead(), kind="correct", position={"lon": 0, "lat": 0})
    assert answer.status_code == 403
    assert answer.json()["code"] == "outside_areas"


def test_merging_and_taking_it_back(person: Person, lead: Lead) -> None:
    inspector, one, other = person(Role.INSPECTOR), lead(sightings=2), lead()
    assert decide(inspector, one, kind="merge", into=one).status_code == 409
    assert decide(inspector, one, kind="merge", into=other).status_code == 201
    target = read(inspector, other)
    assert target["parts"] == [one]
    assert target["sightings"] == 3
    assert target["frames"] == 6
    assert target["version"] == 2
    assert len(target["traced"]) == 3
    merged = read(inspector, one)
    assert (merged["state"], merged["merged_into_id"]) == ("merged", other)
    assert decide(inspector, other, kind="merge", into=one).json()["code"] == "cannot_merge"
    assert decide(inspector, one, kind="reopen").json()["state"] == "open"
    target = read(inspector, other)
    assert target["parts"] == []
    assert target["sightings"] == 1
    assert target["version"] == 3
    assert [each["kind"] for each in target["decisions"]] == ["merge", "reopen"]


def test_different_conditions_are_not_merged(person: Person, lead: Lead) -> None:
    vending = lead(condition="street_vending", class_name="street_vendor")
    answer = decide(person(Role.INSPECTOR), lead(), kind="merge", into=vending)
    assert answer.status_code == 409
    assert "correct the condition" in answer.json()["detail"]


def test_splitting_makes_one_more(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead(sightings=3)
    ids = [each["id"] for each in read(inspector, candidate)["traced"]]
    for wrong in (ids, ["0" * 36], []):
        assert decide(inspector, candidate, kind="split", sightings=wrong).status_code in (409, 422)
    made = decide(inspector, candidate, kind="split", sightings=ids[1:]).json()
    fresh, rest = read(inspector, made["decision"]["other_id"]), read(inspector, candidate)
    assert {each["id"] for each in fresh["traced"]} == set(ids[1:])
    assert fresh["state"] == "open"
    assert (fresh["sightings"], fresh["frames"], rest["sightings"]) == (2, 4, 1)
    assert fresh["position"]["lon"] > rest["position"]["lon"]
    assert fresh["pinned"]
    assert rest["pinned"]
    assert fresh["area_path"] == rest["area_path"]
    assert [each["kind"] for each in fresh["decisions"]] == ["split"]


def test_reopening_undoes_ones_own_decision_and_withdraws_the_issue(person: Person, lead: Lead) -> None:
    one, other, candidate = person(Role.INSPECTOR), person(Role.INSPECTOR), lead()
    number = decide(one, candidate, kind="confirm").json()["issue_number"]
    foreign = decide(other, candidate, kind="reopen")
    assert foreign.status_code == 403
    assert foreign.json()["code"] == "not_yours"
    assert decide(one, candidate, kind="reopen").json()["state"] == "open"
    assert one.get(f"/v1/issues/{number}").json()["state"] == "withdrawn"
    again = decide(other, candidate, kind="confirm").json()
    assert again["issue_number"] == number
    assert other.get(f"/v1/issues/{number}").json()["state"] == "filed"
    assert decide(person(Role.ADMIN), candidate, kind="reopen").status_code == 201
    last = read(one, candidate)["decisions"][-1]
    assert last["undoes_id"] == again["decision"]["id"]


def test_what_cannot_be_decided_says_what_can(person: Person, lead: Lead) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead()
    assert read(inspector, candidate)["possible"] == ["confirm", "reject", "correct", "merge", "split"]
    assert decide(inspector, candidate, kind="reopen").json()["code"] == "not_possible"
    decide(inspector, candidate, kind="confirm")
    answer = decide(inspector, candidate, kind="reject", reason="not_there")
    assert answer.status_code == 409
    assert "correct, reopen" in answer.json()["detail"]


def test_many_decisions_stand_or_fall_alone(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR, [HOME])
    good, stale, foreign = lead(), lead(), lead(area_path=AWAY)
    wanted = [
        {"candidate_id": good, "version": 1, "key": "a", "decision": {"kind": "confirm"}},
        {"candidate_id": stale, "version": 7, "decision": {"kind": "confirm"}},
        {"candidate_id": foreign, "version": 1, "decision": {"kind": "confirm"}},
    ]
    for expected in (["decided", "stale", "no_candidate"], ["repeated", "stale", "no_candidate"]):
        outcomes = inspector.post("/v1/decisions", json={"decisions": wanted}).json()["outcomes"]
        assert [each["outcome"] for each in outcomes] == expected
    assert [each["status"] for each in outcomes] == [200, 412, 404]
    assert outcomes[1]["version"] == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.HANDLER])
def test_only_reviewers_decide(person: Person, lead: Lead, role: Role) -> None:
    answer = decide(person(role), lead(), 1, kind="confirm")
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"


def test_a_decision_is_in_the_audit_log(person: Person, lead: Lead) -> None:
    candidate, admin = lead(), person(Role.ADMIN)
    decide(admin, candidate, kind="reject", reason="not_there")
    entries = admin.get("/v1/audit", params={"subject": f"candidate/{candidate}"}).json()["items"]
    assert [each["action"] for each in entries] == ["candidate.rejected"]


def test_a_decision_that_fails_changes_nothing(person: Person, lead: Lead, settings: Settings) -> None:
    inspector, candidate = person(Role.INSPECTOR), lead(sightings=2)
    before = read(inspector, candidate)
    frame = before["best_frame_id"]
    answer = decide(
        inspector,
        candidate,
        kind="correct",
        severity="high",
        box={"frame_id": frame, "box_xyxy_px": [0, 0, 9999, 9]},
    )
    assert answer.status_code == 422
    assert read(inspector, candidate) == before
    from streetsight.service.decisions.tables import Decision

    with open_database(settings) as database, database.read() as session:
        assert session.query(Decision).count() == 0
