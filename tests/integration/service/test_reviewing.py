"""The queue of leads to review: its order, leases, and two people at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.reviewing.policy import PolicyError, load_policy
from streetsight.service.reviewing.tables import ReviewLease
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

Lead = Callable[..., str]
Person = Callable[..., TestClient]


def take(
    client: TestClient, count: int = 1, desk: str = "a", holding: tuple[str, ...] = (), **filters: Any
) -> Any:
    answer = client.post(
        "/v1/review/next", params={"count": count, **filters}, json={"desk": desk, "holding": [*holding]}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(taken: Any) -> list[str]:
    return [each["id"] for each in taken["items"]]


def decide(client: TestClient, candidate_id: str, version: int, **asked: Any) -> Any:
    path = f"/v1/candidates/{candidate_id}/decisions"
    answer = client.post(path, json=asked, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("urgent", "calm"),
    [
        ({"severity": "high"}, {"severity": "low"}),
        ({"score": 0.5}, {"score": 0.95}),
        ({"created_at": now() - timedelta(days=9)}, {}),
        ({"source": "citizen"}, {"source": "patrol"}),
        ({"severity": "low", "created_at": now() - timedelta(days=30)}, {"severity": "high"}),
        ({"score": None, "severity": None, "source": "hotline"}, {"score": 0.9}),
    ],
    ids=["risk", "uncertainty", "age", "somebody waits", "nothing waits for ever", "a report"],
)
def test_the_urgent_one_comes_first(
    person: Person, lead: Lead, urgent: dict[str, Any], calm: dict[str, Any]
) -> None:
    inspector, second, first = person(Role.INSPECTOR), lead(**calm), lead(**urgent)
    assert ids(take(inspector)) == [first]
    assert ids(take(inspector, holding=(first,))) == [second]


def test_a_handful_comes_area_by_area_and_class_by_class(person: Person, lead: Lead) -> None:
    there, here = "/330106/330106004/", "/330106/330106003/"
    made = [
        (path, name, lead(area_path=path, class_name=name))
        for name in ("garbage", "overflowing_bin") for path in (there, here)
    ]  # fmt: skip
    assert ids(take(person(Role.INSPECTOR), 4)) == [each[2] for each in sorted(made)]


def test_nobody_gets_what_another_has(person: Person, lead: Lead) -> None:
    one, other = person(Role.INSPECTOR), person(Role.INSPECTOR)
    for _ in range(4):
        lead()
    mine, theirs = take(one, 3), take(other, 3)
    assert len(mine["items"]) == 3
    assert len(theirs["items"]) == 1
    assert not set(ids(mine)) & set(ids(theirs))
    assert mine["waiting"] == theirs["waiting"] == 4
    assert ids(take(one, 3, desk="another page of mine")) == []
    assert set(ids(take(one, 3))) == set(ids(mine)), "a page that was loaded anew gets its own again"


def test_many_at_once_never_get_the_same(person: Person, lead: Lead) -> None:
    made = {lead(glimpses=1) for _ in range(24)}
    crews = [person(Role.INSPECTOR) for _ in range(4)]
    with ThreadPoolExecutor(len(crews)) as pool:
        taken = list(pool.map(lambda crew: ids(take(crew, 3)) + ids(take(crew, 3, desk="b")), crews))
    together = [each for one in taken for each in one]
    assert len(together) == len(set(together))
    assert set(together) == made


def test_a_lease_is_over_when_left_or_late(person: Person, lead: Lead, settings: Settings) -> None:
    one, other, lost = person(Role.INSPECTOR), person(Role.INSPECTOR), lead()
    assert ids(take(one)) == [lost]
    assert one.post("/v1/review/release", json={"desk": "some other"}).status_code == 204
    assert ids(take(other)) == []
    assert one.post("/v1/review/release", json={"desk": "a"}).status_code == 204
    assert ids(take(other)) == [lost]
    assert take(one, 0, holding=(lost,))["lost"] == [lost]
    with open_database(settings) as database, database.write() as session:
        session.execute(update(ReviewLease).values(expires_at=now() - timedelta(seconds=1)))
    assert take(one, 0, holding=(lost,))["lost"] == [], "nobody else wanted it meanwhile"
    assert take(other, 0, holding=(lost,))["lost"] == [lost]


def test_what_was_passed_over_goes_to_others(person: Person, lead: Lead) -> None:
    one, other, first, second = person(Role.INSPECTOR), person(Role.INSPECTOR), lead(severity="high"), lead()
    assert ids(take(one)) == [first]
    answer = one.post("/v1/review/next", json={"desk": "a", "passed": [first]})
    assert ids(answer.json()) == [second]
    assert ids(take(other, 2)) == [first]


def test_asking_again_makes_it_longer_and_old_leases_are_swept_out(
    person: Person, lead: Lead, settings: Settings
) -> None:
    inspector, first, second = person(Role.INSPECTOR), lead(severity="high"), lead(severity="low")
    take(inspector, 2)
    with open_database(settings) as database, database.write() as session:
        session.execute(update(ReviewLease).values(expires_at=now() - timedelta(days=1)))
    take(inspector, 0, holding=(first,))
    with open_database(settings) as database, database.read() as session:
        left = session.execute(select(ReviewLease.candidate_id, ReviewLease.expires_at)).one()
    assert left.candidate_id == first != second
    assert left.expires_at > now()


def test_a_lease_keeps_nobody_from_deciding(person: Person, lead: Lead) -> None:
    one, other, candidate = person(Role.INSPECTOR), person(Role.INSPECTOR), lead()
    [item] = take(one)["items"]
    decide(other, candidate, item["version"], kind="reject", reason="not_there")
    again = take(one, 1, holding=(candidate,))
    assert again["lost"] == [candidate]
    assert (again["items"], again["waiting"]) == ([], 0)


def test_what_was_reopened_is_still_ours(person: Person, lead: Lead) -> None:
    one, other, candidate = person(Role.INSPECTOR), person(Role.INSPECTOR), lead()
    [item] = take(one)["items"]
    made = decide(one, candidate, item["version"], kind="reject", reason="not_there")
    decide(one, candidate, made["version"], kind="reopen")
    assert ids(take(other)) == []
    assert ids(take(one)) == [candidate]


def test_filters_and_areas_hold(person: Person, lead: Lead) -> None:
    home, vending = lead(), lead(condition="street_vending", class_name="street_vendor")
    away = lead(area_path="/330108/")
    inspector = person(Role.INSPECTOR, ["/330106/"])
    assert ids(take(inspector, 5, condition="street_vending")) == [vending]
    assert ids(take(inspector, 5, desk="b")) == [home]
    assert take(inspector, 0)["waiting"] == 2
    assert take(inspector, 0, holding=(away,))["lost"] == [away]
    assert ids(take(person(Role.ADMIN), 5)) == [away]


def test_only_who_decides_reviews(person: Person, lead: Lead) -> None:
    lead()
    for role in (Role.VIEWER, Role.ANALYST, Role.HANDLER):
        answer = person(role).post("/v1/review/next", json={"desk": "a"})
        assert answer.status_code == 403, role


@pytest.mark.parametrize(
    ("params", "body"),
    [({"count": 21}, {"desk": "a"}), ({}, {}), ({}, {"desk": ""}), ({}, {"desk": "a", "holding": ["x"]})],
)
def test_what_cannot_be_asked_is_told(person: Person, params: dict[str, Any], body: dict[str, Any]) -> None:
    answer = person(Role.INSPECTOR).post("/v1/review/next", params=params, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_city_has_its_own_order(
    start: Callable[..., TestClient], lead: Lead, person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[severity]\nlow = 5\nhigh = 1\n[uncertainty]\nmost = 1\n[age]\ndays = 1000\n")
    policy = load_policy(path)
    high, low = lead(severity="high"), lead(severity="low")
    for wanted, first in ((load_policy(), high), (policy, low)):
        with open_database(start().app_state["resources"].settings) as database, database.read() as session:
            order = wanted.priority(now()).desc()
            assert session.scalars(select(Candidate.id).order_by(order)).first() == first
    assert person(Role.INSPECTOR).get("/v1/review/policy").json()["severity"]["high"] == 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[severity", "cannot be read"),
        ("[severity]\nhigh = -1\n", "severity.high"),
        ("x = 1\n", "review policy"),
    ],
)
def test_a_policy_that_cannot_be_is_told(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=named):
        load_policy(path)
