"""Pages of issues and tasks on both databases: who gets them, and what filters that are left empty mean."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import CandidateRecheck
from streetsight.service.issues.tables import Issue
from streetsight.service.patrols.tables import Patrol
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Lead = Callable[..., str]
Person = Callable[..., TestClient]
EMPTY = "state=&code=&source=&severity=&area=&condition=&unit=&number=&overdue=&proposal=&confirmed_from="


def filed(inspector: TestClient, candidate: str) -> str:
    path = f"/v1/candidates/{candidate}/decisions"
    answer = inspector.post(path, json={"kind": "confirm"}, headers={"If-Match": '"1"'})
    return str(answer.json()["issue_id"])


def test_a_filter_that_is_left_empty_takes_all(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    issue = filed(inspector, lead())
    assert [each["id"] for each in inspector.get(f"/v1/issues?{EMPTY}").json()["items"]] == [issue]
    assert inspector.get(f"/v1/issues/counts?{EMPTY}").json()["total"] == 1
    for path in (f"/issues?{EMPTY}&from_day=&to_day=&order=deadline", "/issues?to_day=2999-12-31"):
        assert issue in inspector.get(path).text
    assert issue not in inspector.get("/issues?from_day=2999-12-31").text
    assert inspector.get("/issues?state=nonsense").status_code == 422


@pytest.mark.parametrize(
    ("role", "tasks", "issues"),
    [
        (Role.HANDLER, 200, 404),
        (Role.STREET_CHIEF, 200, 200),
        (Role.INSPECTOR, 403, 200),
        (Role.VIEWER, 403, 200),
    ],
)
def test_who_gets_which_page(person: Person, lead: Lead, role: Role, tasks: int, issues: int) -> None:
    issue = filed(person(Role.INSPECTOR), lead())
    who = person(role, unit="环卫所")
    assert who.get("/tasks").status_code == tasks
    assert who.get(f"/issues/{issue}").status_code == issues
    assert who.get(f"/issues/{issue}/orders/1").status_code == 404


def test_passes_that_say_the_same_are_one_line(person: Person, lead: Lead, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    issue = filed(inspector, lead())
    with open_database(settings) as database, database.write() as session:
        row, patrol = session.get_one(Issue, issue), session.scalars(select(Patrol)).first()
        assert patrol is not None
        for number, outcome in enumerate(("still_present", "gone", "gone", "gone")):
            at = datetime.now(UTC) + timedelta(minutes=number)
            session.add(
                CandidateRecheck(
                    candidate_id=row.candidate_id, patrol_id=patrol.id, pass_id=f"{patrol.id}-{number}",
                    at=at, outcome=outcome, gone=0.93, matched=0.0, covered=0.9, missed=0.1,
                    present_before=0.9,
                )
            )  # fmt: skip
    text = inspector.get(f"/issues/{issue}", headers={"Accept-Language": "en"}).text
    assert text.count('class="recheck') == 2
    assert "×3" in text
    assert "gone with 93%" in text
