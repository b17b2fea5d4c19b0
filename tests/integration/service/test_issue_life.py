"""The life of an issue: from filing to closing and back, by whom, with which deadline."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate, CandidateRecheck, PlaceEnding
from streetsight.service.events.tables import Event
from streetsight.service.issues.attention import LOOK_AGAIN, look_after_deadlines
from streetsight.service.issues.proposals import propose_by_leads, propose_by_passes
from streetsight.service.issues.tables import Issue, IssueAct
from streetsight.service.jobs.tables import Job
from streetsight.service.patrols.tables import Patrol
from streetsight.service.reports.progress import states_of
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Lead = Callable[..., str]
Person = Callable[..., TestClient]
THERE = {"lon": 120.15, "lat": 30.27}
TODAY = datetime.now(UTC).date()
HOURS = {"begins": "01-01", "shifts": ["08:00-12:00", "14:00-18:00"]}
CALENDAR = {
    "name": "test", "hours": [HOURS],
    "years": {str(TODAY.year + ahead): {"holidays": []} for ahead in range(-1, 3)},
}  # fmt: skip
DEADLINES = {
    "name": "test", "extensions": 1, "shelving_days": 30,
    "limits": [
        {"code": "06010", "scheme": "GB/T 47678.5-2026", "area_type": "主次干道", "clock": "continuous",
         "minutes": 10},
        {"condition": "exposed_garbage", "clock": "continuous", "hours": 4, "source": "a test"},
    ],
    "supervision": [
        {"name": "first", "colour": "white", "after": {"clock": "continuous", "minutes": 0}, "text": "late"},
        {"name": "second", "colour": "yellow", "after": {"clock": "continuous", "hours": 2}, "text": "later"},
    ],
}  # fmt: skip


def picture(shade: int = 0) -> bytes:
    """A photo that no other one is like."""
    noise = np.random.default_rng(shade).integers(0, 255, (64, 96, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    return file.getvalue()


def photo(client: TestClient, shade: int, place: dict[str, float] | None = THERE) -> str:
    """Uploads one, and gives its id."""
    said = {"position": {**place, "source": "browser", "accuracy_m": 10}} if place else {}
    answer = client.post(
        "/v1/photos", files={"photo": ("a.jpg", picture(shade))}, data={"metadata": json.dumps(said)}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def filed(inspector: TestClient, candidate: str, **asked: Any) -> str:
    answer = inspector.post(
        f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm", **asked},
        headers={"If-Match": '"1"'},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["issue_id"])


def act(client: TestClient, issue: str, kind: str, *, status: int = 201, **asked: Any) -> dict[str, Any]:
    """Acts on the version there is now."""
    seen = client.get(f"/v1/issues/{issue}")
    tag = seen.headers.get("etag", '"1"')
    body = {"kind": kind, **asked}
    answer = client.post(f"/v1/issues/{issue}/acts", json=body, headers={"If-Match": tag})
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(client: TestClient, issue: str) -> dict[str, Any]:
    shown: dict[str, Any] = client.get(f"/v1/issues/{issue}").json()
    return shown


@pytest.fixture
def rules(person: Person) -> None:
    """A calendar and deadlines, brought in over HTTP."""
    analyst = person(Role.ANALYST)
    for path, document in (("calendar", CALENDAR), ("deadlines", DEADLINES)):
        bring_in(analyst, path, document)


def bring_in(analyst: TestClient, path: str, document: dict[str, Any], version: int = 0) -> None:
    answer = analyst.put(
        f"/v1/{path}", params={"reason": "a test"}, json=document, headers={"If-Match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("rules")
def test_from_filing_to_closing_and_back(person: Person, lead: Lead, settings: Settings) -> None:
    inspector, checker = person(Role.INSPECTOR), person(Role.INSPECTOR)
    handler = person(Role.HANDLER, unit="环卫所")
    helper, stranger = person(Role.HANDLER, unit="市政所"), person(Role.HANDLER, unit="园林所")
    candidate = lead()
    issue = filed(inspector, candidate)
    done = act(inspector, issue, "dispatch", unit="环卫所", co_units=["市政所"], text="请处置")
    assert (done["issue"]["state"], done["issue"]["unit"]) == ("dispatched", "环卫所")
    dispatched, due = (datetime.fromisoformat(done["issue"][name]) for name in ("dispatched_at", "due_at"))
    assert due - dispatched == timedelta(hours=4)
    assert done["act"]["details"]["by"] == {"table": "test", "note": None, "source": "a test"}
    assert {each["kind"] for each in read(handler, issue)["possible"]} == {
        "answer", "return", "ask_extension", "appeal", "comment",
    }  # fmt: skip
    assert {each["kind"] for each in read(helper, issue)["possible"]} == {"comment"}
    assert stranger.get(f"/v1/issues/{issue}").status_code == 404
    assert act(helper, issue, "answer", status=403, text="done", photos=[photo(helper, 1)])["code"] == (
        "not_your_act"
    )
    answered = act(handler, issue, "answer", text="已清理", photos=[photo(handler, 2)])
    assert (answered["issue"]["state"], answered["warnings"]) == ("to_check", [])
    back = act(checker, issue, "rework", text="还有残留", photos=[photo(checker, 3)])["issue"]
    assert (back["state"], back["reworks"], back["answered_at"]) == ("rework", 1, None)
    far = photo(handler, 4, {"lon": 120.16, "lat": 30.27})
    unplaced = photo(handler, 5, None)
    again = act(handler, issue, "answer", text="已重新清理", photos=[far, unplaced])
    assert [each["warning"] for each in again["act"]["photos"]] == ["far", "no_position"]
    assert "962 m" in again["warnings"][0]
    closed = act(checker, issue, "close")["issue"]
    assert (closed["state"], closed["closed_how"]) == ("closed", "checked")
    with open_database(settings) as database, database.read() as session:
        assert [each.candidate_id for each in session.scalars(select(PlaceEnding))] == [candidate]
    assert act(checker, issue, "look_back", text="一周后仍干净")["issue"]["looked_back_at"]
    reopened = act(checker, issue, "reopen", text="又出现了")["issue"]
    assert (reopened["state"], reopened["reopenings"], reopened["due_at"]) == ("filed", 1, None)
    with open_database(settings) as database, database.read() as session:
        assert [each.undone_at is None for each in session.scalars(select(PlaceEnding))] == [False]
    told = inspector.get(f"/v1/issues/{issue}/acts").json()
    assert [each["kind"] for each in told] == [
        "confirm", "dispatch", "answer", "rework", "answer", "close", "look_back", "reopen",
    ]  # fmt: skip
    assert told[1]["after"]["state"] == "dispatched"
    assert told[0]["what"] == "decision"


@pytest.mark.usefixtures("rules")
def test_a_version_and_a_key_guard_every_act(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    path = f"/v1/issues/{filed(inspector, lead())}/acts"
    body = {"kind": "dispatch", "unit": "环卫所"}
    assert inspector.post(path, json=body).status_code == 428
    sent = {"If-Match": '"1.0"', "Idempotency-Key": "k1"}
    first = inspector.post(path, json=body, headers=sent)
    second = inspector.post(path, json=body, headers=sent)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["act"] == second.json()["act"]
    other = inspector.post(path, json={**body, "unit": "市政所"}, headers=sent)
    assert (other.status_code, other.json()["code"]) == (409, "key_taken")
    late = inspector.post(path, json=body, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (412, "stale", 2)
    wrong = inspector.post(path, json={"kind": "rework", "text": "x"}, headers={"If-Match": '"2"'})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "not_possible")
    assert "dispatched" in wrong.json()["detail"]


@pytest.mark.usefixtures("rules")
def test_extensions_pauses_and_shelving_move_the_deadline(person: Person, lead: Lead) -> None:
    inspector, chief = person(Role.INSPECTOR), person(Role.STREET_CHIEF)
    handler = person(Role.HANDLER, unit="环卫所")
    issue = filed(inspector, lead())
    first = act(inspector, issue, "dispatch", unit="环卫所")["issue"]["due_at"]
    assert act(handler, issue, "ask_extension", text="车坏了")["issue"]["extension"] == "asked"
    assert act(handler, issue, "ask_extension", status=409, text="x")["code"] == "not_possible"
    moved = act(inspector, issue, "grant_extension")["issue"]
    assert datetime.fromisoformat(moved["due_at"]) - datetime.fromisoformat(first) == timedelta(hours=4)
    assert act(handler, issue, "ask_extension", status=409, text="x")["code"] == "too_many_extensions"
    assert act(inspector, issue, "pause", text="等许可")["issue"]["paused"]
    on = act(inspector, issue, "resume")["issue"]
    assert not on["paused"]
    assert on["due_at"] > moved["due_at"]
    bad = act(chief, issue, "shelve", status=422, text="x", until=str(TODAY + timedelta(days=90)))
    assert bad["code"] == "bad_day"
    until = str(TODAY + timedelta(days=10))
    shelved = act(chief, issue, "shelve", text="历史遗留", until=until)["issue"]
    assert (shelved["state"], shelved["shelved_until"]) == ("shelved", until)
    assert act(chief, issue, "unshelve")["issue"]["state"] == "dispatched"
    given_back = act(handler, issue, "return", text="不是我们的")["issue"]
    assert (given_back["state"], given_back["unit"], given_back["due_at"]) == ("filed", None, None)
    assert handler.get(f"/v1/issues/{issue}").status_code == 404


@pytest.mark.usefixtures("rules")
def test_an_appeal_leaves_a_trace_and_nobody_decides_their_own(person: Person, lead: Lead) -> None:
    inspector, chief = person(Role.INSPECTOR), person(Role.STREET_CHIEF)
    issue = filed(inspector, lead(), unit="环卫所")
    act(inspector, issue, "dispatch", unit="环卫所")
    act(chief, issue, "appeal", text="属物业管理")
    refused = act(chief, issue, "uphold_appeal", status=403, text="x")
    assert "yourself" in refused["detail"]
    upheld = act(inspector, issue, "uphold_appeal", text="情况属实")["issue"]
    assert (upheld["appeal"], upheld["state"]) == ("upheld", "dispatched")
    assert act(inspector, issue, "drop", status=422, reason="not_ours")["code"] == "malformed"
    dropped = act(inspector, issue, "drop", reason="not_ours", text="物业")["issue"]
    assert dropped["state"] == "not_pursued"
    found = inspector.get("/v1/issues", params={"appeal": "upheld"}).json()["items"]
    assert [each["id"] for each in found] == [issue]


@pytest.mark.usefixtures("rules")
def test_deadlines_pass_once_and_supervision_follows(person: Person, lead: Lead, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    issue = filed(inspector, lead())
    act(inspector, issue, "dispatch", unit="环卫所")
    with open_database(settings) as database:
        for hours, colour, orders in ((1, "white", 1), (3, "yellow", 2)):
            past = datetime.now(UTC) - timedelta(hours=hours)
            with database.write() as session:
                values = {"due_at": past, "attention_at": past} if hours == 1 else {}
                if hours == 3:  # as if two hours went by
                    row = session.get_one(Issue, issue)
                    values = {"due_at": past, "attention_at": past, "overdue_told": past}
                    assert row.attention_at is not None
                    assert row.attention_at > datetime.now(UTC)
                session.execute(update(Issue).where(Issue.id == issue).values(**values))
            for _ in range(2):
                with database.write() as session:
                    look_after_deadlines(session, settings)
            shown = read(inspector, issue)
            assert (shown["supervision"], shown["overdue"]) == (colour, True)
            assert len([each for each in shown["supervisions"] if each["colour"] == colour]) == 1, orders
        with database.read() as session:
            kinds = list(session.scalars(select(Event.kind)))
        assert kinds.count("issue.overdue") == 1
        assert kinds.count("issue.supervised") == 3  # the deadline was moved: the first step again
    [found] = inspector.get("/v1/issues", params={"overdue": True, "order": "deadline"}).json()["items"]
    assert found["id"] == issue
    assert act(inspector, issue, "end_supervision", text="已整改")["issue"]["supervision"] is None
    listed = inspector.get("/v1/issues/supervisions", params={"in_force": False}).json()["items"]
    assert {each["number"] for each in listed} == {f"{found['number']}-{n}" for n in (1, 2, 3)}


def test_a_step_beyond_the_calendar_is_looked_for_again(
    person: Person, lead: Lead, settings: Settings
) -> None:
    """The first step lies in a year that nobody has brought in; the second one needs no calendar."""
    year, analyst, inspector = TODAY.year - 1, person(Role.ANALYST), person(Role.INSPECTOR)
    supervision = [
        {"name": "first", "colour": "white", "after": {"clock": "working_days", "days": 2}, "text": "late"},
        {"name": "second", "colour": "yellow", "after": {"clock": "continuous", "hours": 2}, "text": "later"},
    ]
    bring_in(analyst, "deadlines", {"name": "test", "supervision": supervision})
    bring_in(analyst, "calendar", CALENDAR | {"years": {str(year): {"holidays": []}}})
    issue = filed(inspector, lead())
    ahead = datetime.now(UTC) + timedelta(days=1)
    act(inspector, issue, "dispatch", unit="环卫所", due_at=ahead.isoformat())
    late = datetime(year, 12, 31, 4, tzinfo=UTC)  # noon in the city

    def look(attention_at: datetime | None = None) -> tuple[list[str], str | None, datetime | None]:
        with open_database(settings) as database, database.write() as session:
            if attention_at:
                session.execute(update(Issue).values(due_at=late, attention_at=attention_at))
            look_after_deadlines(session, settings)
        with open_database(settings) as database, database.read() as session:
            again = session.get_one(Issue, issue).attention_at
        shown = read(inspector, issue)
        return [each["step"] for each in shown["supervisions"]], shown["supervision"], again

    begin = datetime.now(UTC)
    steps, colour, again = look(late)
    assert (steps, colour) == (["second"], "yellow")
    assert again is not None
    assert begin + LOOK_AGAIN <= again <= datetime.now(UTC) + LOOK_AGAIN
    assert look() == (steps, colour, again), "not yet"

    bring_in(analyst, "calendar", CALENDAR, 1)
    steps, colour, again = look(late)
    assert (sorted(steps), again) == (["first", "second"], None)
    assert colour == "yellow", "the later step was first"
    assert sorted(look(late)[0]) == ["first", "second"], "once each"


def recheck(session: Any, candidate: str, outcome: str, at: datetime) -> None:
    """What a later pass says, as an assembly writes it."""
    patrol = session.scalars(select(Patrol)).first()
    session.add(
        CandidateRecheck(
            candidate_id=candidate, patrol_id=patrol.id, pass_id=f"{patrol.id}-{at:%H%M%S%f}", at=at,
            outcome=outcome, gone=0.9, matched=0.0, covered=0.9, missed=0.1, present_before=0.9,
        )
    )  # fmt: skip
    session.flush()
    propose_by_passes(session, [candidate])


@pytest.mark.usefixtures("rules")
def test_later_passes_propose_and_a_person_decides(person: Person, lead: Lead, settings: Settings) -> None:
    inspector, later = person(Role.INSPECTOR), datetime.now(UTC) + timedelta(hours=1)
    candidate = lead()
    issue = filed(inspector, candidate)
    act(inspector, issue, "dispatch", unit="环卫所")
    tag = inspector.get(f"/v1/issues/{issue}").headers["etag"]
    with open_database(settings) as database, database.write() as session:
        recheck(session, candidate, "gone", later)
    shown = read(inspector, issue)
    assert (shown["proposal"], shown["version"]) == ("close", 2)
    assert shown["proposed_because"]["says"] == "a later pass found nothing there any more"
    assert inspector.get(f"/v1/issues/{issue}").headers["etag"] != tag
    found = inspector.get("/v1/issues", params={"proposal": "close"}).json()["items"]
    assert [each["id"] for each in found] == [issue]
    assert act(inspector, issue, "keep")["issue"]["proposal"] is None
    with open_database(settings) as database, database.write() as session:
        propose_by_passes(session, [candidate])  # the same evidence is not brought up again
    assert read(inspector, issue)["proposal"] is None
    with open_database(settings) as database, database.write() as session:
        recheck(session, candidate, "gone", later + timedelta(hours=1))
    assert read(inspector, issue)["proposal"] == "close"
    assert act(inspector, issue, "close", status=422)["code"] == "nothing_shown"
    closed = act(inspector, issue, "close", text="复查已清")["issue"]
    assert (closed["closed_how"], closed["proposal"]) == ("found_gone", None)


def test_a_new_lead_where_one_was_closed_proposes_reopening(
    person: Person, lead: Lead, settings: Settings
) -> None:
    chief = person(Role.STREET_CHIEF)
    issue = filed(chief, lead())
    done = act(chief, issue, "handle", text="现场劝离", photos=[photo(chief, 7)])["issue"]
    assert (done["state"], done["closed_how"]) == ("closed", "on_spot")
    with open_database(settings) as database, database.write() as session:
        first = session.scalars(select(Candidate)).one()
        again = Candidate(
            source="patrol", condition=first.condition, class_name=first.class_name, lon=first.lon,
            lat=first.lat, area_path=first.area_path, first_seen_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip
        session.add(again)
        session.flush()
        propose_by_leads(session, [again.id])
    shown = read(chief, issue)
    assert (shown["proposal"], shown["proposed_because"]["candidate_id"]) == ("reopen", again.id)
    told = chief.get("/v1/issues/counts").json()
    assert (told["states"]["closed"], told["proposed"], told["total"]) == (1, 1, 1)


def test_reopening_has_later_patrols_assembled_again(person: Person, lead: Lead, settings: Settings) -> None:
    from streetsight.service.sightings.tables import Sighting

    chief = person(Role.STREET_CHIEF)
    issue = filed(chief, lead())
    act(chief, issue, "handle", text="现场处置", photos=[photo(chief, 8)])
    lead(first_seen_at=datetime.now(UTC))
    with open_database(settings) as database, database.write() as session:
        session.execute(update(Sighting).values(first_seen_at=datetime.now(UTC) + timedelta(hours=1)))
    act(chief, issue, "reopen", text="反弹")
    with open_database(settings) as database, database.read() as session:
        assert len(session.scalars(select(Job.id).where(Job.kind == "assemble")).all()) == 2


def test_a_confirmation_is_undone_unless_it_was_closed(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    candidate = lead()
    issue = filed(inspector, candidate)
    act(inspector, issue, "dispatch", unit="环卫所", due_at="2099-01-01T00:00:00Z")
    path = f"/v1/candidates/{candidate}/decisions"
    undone = inspector.post(path, json={"kind": "reopen"}, headers={"If-Match": '"2"'})
    assert undone.status_code == 201
    shown = read(inspector, issue)
    assert (shown["state"], shown["due_at"]) == ("withdrawn", None)
    again = inspector.post(path, json={"kind": "confirm"}, headers={"If-Match": '"3"'}).json()
    assert again["issue_id"] == issue
    act(inspector, issue, "close", text="现场已清")
    refused = inspector.post(path, json={"kind": "reopen"}, headers={"If-Match": '"4"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "issue_closed")


def test_of_two_at_once_one_is_told(person: Person, lead: Lead) -> None:
    one, two = person(Role.INSPECTOR), person(Role.INSPECTOR)
    path = f"/v1/issues/{filed(one, lead())}/acts"

    def dispatch(client: TestClient) -> int:
        body = {"kind": "dispatch", "unit": "环卫所", "due_at": "2099-01-01T00:00:00Z"}
        return client.post(path, json=body, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(dispatch, (one, two))) == [201, 412]


def test_the_worker_tells_of_deadlines(
    person: Person, lead: Lead, settings: Settings, work: Callable[[], Any]
) -> None:
    inspector = person(Role.INSPECTOR)
    issue = filed(inspector, lead())
    act(inspector, issue, "dispatch", unit="环卫所", due_at="2099-01-01T00:00:00Z")
    past = datetime.now(UTC) - timedelta(minutes=1)
    with open_database(settings) as database, database.write() as session:
        session.execute(update(Issue).values(due_at=past, attention_at=past))
    work()
    told = inspector.get(f"/v1/issues/{issue}/acts", headers={"Accept-Language": "zh"}).json()
    assert (told[-1]["label"], told[-1]["by"]) == ("超期", "streetsight")
    assert read(inspector, issue)["version"] == 2  # in nobody's way who acts


def test_acts_cannot_be_changed(person: Person, lead: Lead, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    act(inspector, filed(inspector, lead()), "comment", text="a")
    for change in (update(IssueAct).values(text="b"), delete(IssueAct)):
        with (
            open_database(settings) as database,
            pytest.raises(DBAPIError, match="never changed"),
            database.write() as session,
        ):
            session.execute(change)


def test_who_reported_is_told_of_the_end(person: Person, lead: Lead, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    closed, dropped = lead(source="citizen"), lead(source="citizen", lon=120.3)
    first = act(inspector, filed(inspector, closed), "close", text="已清")["issue"]
    act(inspector, filed(inspector, dropped), "drop", reason="permitted")
    with open_database(settings) as database, database.read() as session:
        became = states_of(session, [closed, dropped])
    assert (became[closed].state, became[dropped].state) == ("closed", "not_followed")
    assert became[closed].updated_at == datetime.fromisoformat(first["updated_at"])


def test_calendar_and_deadlines_over_http(person: Person) -> None:
    analyst, viewer = person(Role.ANALYST), person(Role.VIEWER)
    assert viewer.get("/v1/calendar").json() == {"version": None, "document": None}
    wanted: dict[str, Any] = {"clock": "working_hours", "amount": 60}
    none = viewer.get("/v1/calendar/due", params=wanted)
    assert (none.status_code, none.json()["code"]) == (409, "no_calendar")
    sent: dict[str, Any] = {"params": {"reason": "x"}, "headers": {"If-Match": '"0"'}}
    bad = analyst.put(
        "/v1/calendar", json={**CALENDAR, "years": {"2026": {"holidays": ["2025-01-01"]}}}, **sent
    )
    assert (bad.status_code, bad.json()["code"]) == (422, "malformed")
    assert viewer.put("/v1/calendar", json=CALENDAR, **sent).status_code == 403
    assert analyst.put("/v1/calendar", json=CALENDAR, **sent).json()["number"] == 1
    assert analyst.put("/v1/calendar", json=CALENDAR, **sent).status_code == 412
    at = viewer.get("/v1/calendar/due", params={**wanted, "start": f"{TODAY.year}-03-02T09:30:00+08:00"})
    assert at.json()["says"] == "1 h of working time"
    monday = date(TODAY.year, 3, 2) + timedelta(days=(7 - date(TODAY.year, 3, 2).weekday()) % 7)
    day = viewer.get(f"/v1/calendar/days/{monday}").json()
    assert (day["working"], len(day["shifts"])) == (True, 2)
    missing = viewer.get("/v1/calendar/days/2001-01-01")
    assert (missing.status_code, missing.json()["code"]) == (409, "calendar_lacks_year")
    assert analyst.put("/v1/deadlines", json=DEADLINES, **sent).status_code == 200
    limits = {"condition": "exposed_garbage", "code": "06010", "area_type": "主次干道"}
    found = viewer.get("/v1/deadlines/limits", params=limits).json()
    assert ([each["minutes"] for each in found["limits"]], found["says"]) == ([10, None], "10 min")
    assert {each["name"] for each in analyst.get("/v1/deadlines/examples").json()} >= {
        "yuncheng",
        "main-roads",
    }
    assert analyst.get("/v1/deadlines/examples/yuncheng").json()["example"] is True
    assert [each["number"] for each in analyst.get("/v1/deadlines/versions").json()["items"]] == [1]
