"""Outside systems: the contract asked of our own server, a receiver put to the test, the national export."""

import csv
import io
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from places import write_places
from sqlalchemy import delete, select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.events.envelope import envelope
from streetsight.service.events.tables import Event
from streetsight.service.issues.tables import Issue
from streetsight.service.outside.authorities import (
    SIGNS,
    AuthoritiesRefused,
    is_credit_code,
    read_authorities,
)
from streetsight.service.outside.conformance import check_receiver, check_server
from streetsight.service.outside.contract import SHAPES, TOLD
from streetsight.service.outside.schemas import FOLDER, written
from streetsight.service.places.membership import assign_places
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.webhooks.signing import new_secret, signed_headers

Person = Callable[..., TestClient]
Lead = Callable[..., str]
SCHEME, DIVISION = "GB/T 47678.5-2026", "330106"
CODE = {"scheme": SCHEME, "kind": "事项", "code": "06010", "name": "暴露垃圾", "verified": False}
CREDIT_CODE, GRID = "11420100MB1A23456W", "330106003000001"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Of a city that has said who is in charge of one unit."""
    path = tmp_path / "authorities.csv"
    path.write_text(f"unit,ZGBMDM,ZGBMMC\n环卫所,{CREDIT_CODE},城市管理执法局\n", encoding="utf-8")
    return settings.model_copy(update={"authorities_file": path})


@pytest.fixture
def inspector(person: Person) -> TestClient:
    return person(Role.INSPECTOR)


@pytest.fixture
def filed(inspector: TestClient, lead: Lead, settings: Settings) -> Callable[..., str]:
    """Confirms a lead, and gives its issue's id."""

    def filed(place: str | None = None, unit: str | None = None, **fields: Any) -> str:
        candidate = lead(**fields)
        answer = inspector.post(
            f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm"}, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 201, answer.text
        with open_database(settings) as database, database.write() as session:
            issue = session.get_one(Issue, answer.json()["issue_id"])
            assign_places(session, issue, session.get_one(Candidate, candidate))
            issue.place, issue.unit = place, unit
        return str(answer.json()["issue_id"])

    return filed


def act(client: TestClient, issue: str, kind: str, **asked: Any) -> None:
    tag = client.get(f"/v1/issues/{issue}").headers["etag"]
    answer = client.post(f"/v1/issues/{issue}/acts", json={"kind": kind, **asked}, headers={"If-Match": tag})
    assert answer.status_code == 201, answer.text


def pulled(client: TestClient, noun: str, cursor: str | None = None, limit: int = 2) -> tuple[list[Any], str]:
    """All pages from a cursor on, and the cursor behind them."""
    items: list[Any] = []
    while True:
        asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = client.get(f"/v1/outside/{noun}", params=asked)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
        if not answer.json()["more"]:
            return items, str(cursor)


def validator(name: str) -> Any:
    schema = json.loads((FOLDER / f"{name}.v1.json").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def national(client: TestClient, **asked: str) -> Any:
    return client.get("/v1/issues/national", params=asked)


def test_the_shipped_schemas_are_those_of_the_contract() -> None:
    for name in SHAPES:
        assert (FOLDER / f"{name}.v1.json").read_text(encoding="utf-8") == written(name), (
            "run python -m streetsight.service.outside.schemas"
        )


def test_our_server_keeps_the_contract(
    person: Person, inspector: TestClient, filed: Callable[..., str], lead: Lead, settings: Settings
) -> None:
    with open_database(settings) as database, database.write() as session:
        write_places(session, ("section", "S", "南片区", (120.1, 30.2, 120.2, 30.3)))
    issues = [filed(lon=120.15, lat=30.25 + number / 1000, code=CODE) for number in range(5)]
    lead()
    act(inspector, issues[0], "dispatch", unit="环卫所")
    act(inspector, issues[0], "supervise", colour="red", text="限期整改")
    act(inspector, issues[1], "drop", reason="duplicate")
    viewer = person(Role.VIEWER)

    checks = check_server(lambda path, asked: viewer.get(path, params=dict(asked)))
    assert {check.name: check.problems for check in checks} == {check.name: [] for check in checks}
    assert all(check.count for check in checks)

    page = viewer.get("/v1/outside/issues").json()
    validator("issues").validate(page)
    validator("candidates").validate(viewer.get("/v1/outside/candidates").json())
    shown = {each["id"]: each for each in page["items"]}
    assert set(shown) == set(issues)
    assert (shown[issues[0]]["state"], shown[issues[0]]["supervision"]) == ("dispatched", "red")
    assert (shown[issues[1]]["counts"], shown[issues[2]]["counts"]) == (False, True)
    assert shown[issues[2]]["places"] == [{"kind": "section", "code": "S"}]
    assert shown[issues[2]]["decision_id"]
    assert [each["when"] for each in shown[issues[2]]["photos"]] == ["before"]
    with open_database(settings) as database, database.read() as session:
        events = session.scalars(select(Event).order_by(Event.number)).all()
    check = validator("event")
    for event in events:
        check.validate(json.loads(json.dumps(envelope(event, "urn:streetsight"))))
    assert {event.kind for event in events} & set(TOLD) >= {"issue.created", "issue.supervised"}


def test_a_schema_finds_what_is_wrong(person: Person, filed: Callable[..., str]) -> None:
    filed()
    page = person(Role.VIEWER).get("/v1/outside/issues").json()
    for name, value in (("state", "lost"), ("lon", 400), ("photos", None), ("found_at", "yesterday")):
        wrong = {**page, "items": [{**page["items"][0], name: value}]}
        assert not validator("issues").is_valid(wrong), name
    event = {
        "specversion": "1.0", "id": "1", "source": "urn:x", "type": "streetsight.score.closed",
        "subject": "score/a/2026-10", "time": "2026-11-01T00:00:00Z", "datacontenttype": "application/json",
        "data": {"scheme": "a", "period": "2026-10"},
    }  # fmt: skip
    assert validator("event").is_valid(event)
    assert not validator("event").is_valid({**event, "data": {"scheme": "a", "period": "October"}})
    assert validator("event").is_valid({**event, "type": "streetsight.something.new", "data": {}})


def test_a_change_is_pulled_once_and_none_is_missed(
    person: Person, inspector: TestClient, filed: Callable[..., str]
) -> None:
    viewer = person(Role.VIEWER)
    first = [filed(lat=30.25 + number / 1000) for number in range(3)]
    first_page = viewer.get("/v1/outside/issues", params={"limit": 2}).json()
    assert first_page["more"] is True
    late = filed(lat=30.29)  # while we are walking
    act(inspector, first[0], "dispatch", unit="环卫所")
    rest, cursor = pulled(viewer, "issues", first_page["next"])
    changed, cursor = pulled(viewer, "issues", cursor)
    known = {each["id"]: each for each in [*first_page["items"], *rest, *changed]}
    assert set(known) == {*first, late}
    assert known[first[0]]["state"] == "dispatched"
    assert pulled(viewer, "issues", cursor)[0] == []


def test_a_cursor_that_is_too_old_says_so(
    person: Person, filed: Callable[..., str], settings: Settings
) -> None:
    viewer = person(Role.VIEWER)
    _, early = pulled(viewer, "issues")
    filed()
    filed(lat=30.28)
    with open_database(settings) as database, database.write() as session:
        session.execute(delete(Event).where(Event.number < 3))
    answer = viewer.get("/v1/outside/issues", params={"cursor": early})
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")
    for cursor in ("nonsense", "s.1", "e.-1", "e.1.2"):
        answer = viewer.get("/v1/outside/issues", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), cursor
    assert viewer.get("/v1/outside/issues", params={"cursor": "e.999999"}).status_code == 410


def test_who_may_pull_what(person: Person, filed: Callable[..., str]) -> None:
    issue = filed()
    assert [each["id"] for each in pulled(person(Role.VIEWER, ["/330106/"]), "issues")[0]] == [issue]
    assert pulled(person(Role.VIEWER, ["/330105/"]), "issues")[0] == []
    for role in (Role.THIRD_PARTY, Role.HANDLER):
        assert person(role).get("/v1/outside/issues").status_code == 403
    assert person(Role.HANDLER).get("/v1/outside/schemas").json()["contract"] == "1.0"
    assert person(Role.VIEWER).get("/v1/outside/schemas/nothing.v1.json").status_code == 404
    schema = person(Role.VIEWER).get("/v1/outside/schemas/issue.v1.json")
    assert schema.headers["Content-Type"] == "application/schema+json"


def receiver(secret: str, careful: bool) -> Callable[[bytes, Mapping[str, str]], int]:
    """One that checks signatures and ages, or takes everything."""

    def post(body: bytes, headers: Mapping[str, str]) -> int:
        if not careful:
            return 204
        if "webhook-id" not in headers or abs(time.time() - int(headers["webhook-timestamp"])) > 300:
            return 401
        expected = signed_headers(headers["webhook-id"], int(headers["webhook-timestamp"]), body, [secret])
        return 204 if expected["webhook-signature"] == headers["webhook-signature"] else 401

    return post


def test_a_receiver_that_checks_nothing_is_found_out() -> None:
    secret = new_secret()
    assert not any(check.problems for check in check_receiver(receiver(secret, careful=True), secret))
    careless = check_receiver(receiver(secret, careful=False), secret)
    assert [check.name for check in careless if check.problems] == [
        "a changed event is refused", "an old event is refused", "an event without a signature is refused",
    ]  # fmt: skip
    wrong_secret = check_receiver(receiver(new_secret(), careful=True), secret)
    assert [bool(check.problems) for check in wrong_secret[:2]] == [True, True]


def test_issues_leave_in_the_fields_of_the_standard(person: Person, filed: Callable[..., str]) -> None:
    analyst = person(Role.ANALYST)
    corners = [[120.1, 30.2], [120.2, 30.2], [120.2, 30.3], [120.1, 30.3], [120.1, 30.2]]
    grid = {"type": "Feature", "properties": {"code": GRID, "name": "一号网格", "kind": "grid"},
            "geometry": {"type": "Polygon", "coordinates": [corners]}}  # fmt: skip
    areas = {"type": "FeatureCollection", "features": [grid]}
    kept = analyst.put("/v1/areas?reason=test&crs=wgs84", json=areas, headers={"If-Match": '"0"'})
    assert kept.status_code in (200, 201), kept.text
    complete = filed(lat=30.249, place="文三路 88 号", unit="环卫所", code=CODE,
                     area_path=f"/330106/330106003/{GRID}/")  # fmt: skip
    whole = filed(place="文三路 90 号门前", code=CODE)
    mapped = filed(
        lat=30.251,
        place="文三路 91 号",
        code={"scheme": "GB/T 30428.2-2013", "kind": "事件", "code": "0113", "name": "道路破损"},
    )
    part = filed(lat=30.252, code={"scheme": SCHEME, "kind": "部件", "code": "01023", "name": "不明井盖"})
    filed(lat=30.253, code=None)
    filed(lat=30.254, code={"scheme": "CJ/T 214-2007", "kind": "事件", "code": "0110", "name": "道路破损"})
    filed(lat=30.255, code=CODE, area_path="/330105/330105001/")

    told = national(analyst, scheme=SCHEME, division=DIVISION, format="json").json()

    items = {each["id"]: each for each in told["items"]}
    assert items[complete]["fields"] == {
        "SXDM": "33010606010", "SXMC": "暴露垃圾", "ZGBMDM": CREDIT_CODE, "ZGBMMC": "城市管理执法局",
        "SFWZ": "文三路 88 号", "SZDYWGBSM": GRID,
    }  # fmt: skip
    assert items[complete]["problems"] == []
    assert items[whole]["fields"] == {
        "SXDM": "33010606010", "SXMC": "暴露垃圾", "ZGBMDM": None, "ZGBMMC": None, "SFWZ": "文三路 90 号门前",
        "SZDYWGBSM": None,
    }  # fmt: skip
    assert [each.split(" ")[0] for each in items[whole]["problems"]] == ["ZGBMDM", "ZGBMMC", "SZDYWGBSM"]
    assert (items[mapped]["fields"]["SXDM"], items[mapped]["mapped_from"]) == (
        "33010606013", "GB/T 30428.2-2013 0113",
    )  # fmt: skip
    assert items[part]["fields"]["SXMC"] == "不明井盖异常"
    assert "SFWZ" in " ".join(items[part]["problems"])
    assert len(told["left_out"]) == 3
    why = " ".join(each["why"] for each in told["left_out"])
    assert "no national code" in why
    assert "CJ/T 214-2007" in why
    assert "330105" in why
    assert told["verified"] is False

    text = national(analyst, scheme=SCHEME, division=DIVISION).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 7
    assert list(rows[0])[:6] == ["SXDM", "SXMC", "ZGBMDM", "ZGBMMC", "SFWZ", "SZDYWGBSM"]
    assert sum(row["SXDM"] == "" for row in rows) == 3
    now = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m}"
    this_month = national(analyst, scheme=SCHEME, division=DIVISION, period=now, format="json").json()
    assert len(this_month["items"]) == 4
    long_ago = national(analyst, scheme=SCHEME, division=DIVISION, period="2025-01", format="json").json()
    assert long_ago["items"] == []


def test_scheme_and_division_are_chosen_by_who_asks(person: Person) -> None:
    analyst = person(Role.ANALYST)
    for asked in ({}, {"scheme": SCHEME}, {"scheme": "GB/T 30428.2-2013", "division": DIVISION},
                  {"scheme": SCHEME, "division": "33010"}, {"division": DIVISION}):  # fmt: skip
        answer = national(analyst, **asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "choose_scheme"), asked
    assert SCHEME in national(analyst).json()["detail"]
    assert national(person(Role.VIEWER), scheme=SCHEME, division=DIVISION).status_code == 403


def test_authorities_come_from_the_citys_own_table(tmp_path: Path) -> None:
    path = tmp_path / "authorities.csv"
    path.write_text(f"\ufeffunit,ZGBMDM,ZGBMMC\n环卫所,{CREDIT_CODE},城市管理执法局\n", encoding="utf-8")
    assert read_authorities(path)["环卫所"].code == CREDIT_CODE
    assert read_authorities(None) == {}
    for wrong in (f"环卫所,{CREDIT_CODE[:-1]}X,局\n", f",{CREDIT_CODE},局\n", f"环卫所,{CREDIT_CODE},\n"):
        path.write_text(f"unit,ZGBMDM,ZGBMMC\n{wrong}", encoding="utf-8")
        with pytest.raises(AuthoritiesRefused, match="line 2"):
            read_authorities(path)
    path.write_text("name,code\n", encoding="utf-8")
    with pytest.raises(AuthoritiesRefused, match="ZGBMDM"):
        read_authorities(path)


def test_the_standards_own_example_is_a_credit_code() -> None:
    assert is_credit_code("91350100M000100Y43")  # GB 32100-2015, annex


@given(st.text(SIGNS, min_size=18, max_size=18), st.integers(0, 17), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_found(code: str, place: int, sign: str) -> None:
    right = next(code[:-1] + each for each in SIGNS if is_credit_code(code[:-1] + each))
    wrong = right[:place] + sign + right[place + 1 :]
    assert is_credit_code(wrong) is (wrong == right)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_open311_tells_that_an_issue_was_closed(
    settings: Settings, inspector: TestClient, filed: Callable[..., str], start: Callable[..., TestClient]
) -> None:
    issue = filed()
    public = start(open311=True)
    public.headers.pop("Authorization")
    [shown] = public.get("/open311/v2/requests.json?status=open").json()
    assert (shown["service_request_id"], shown["status"]) == (issue, "open")
    act(inspector, issue, "close", text="已清理")
    [shown] = public.get("/open311/v2/requests.json?status=closed").json()
    assert (shown["service_request_id"], shown["status_notes"]) == (issue, "closed")
    assert public.get("/open311/v2/requests.json?status=open").json() == []
    [update] = public.get("/open311/v2/servicerequestupdates.json").json()
    assert (update["service_request_id"], update["status"]) == (issue, "closed")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_commands_export_and_ask(
    person: Person,
    filed: Callable[..., str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    filed(place="文三路 88 号", unit="环卫所", code=CODE)
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    monkeypatch.setenv("STREETSIGHT_AUTHORITIES_FILE", str(settings.authorities_file))

    def run(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["score", *arguments, "--lang", "en"])
        return answer.exit_code, answer.stdout + answer.stderr

    path, asked = tmp_path / "matters.csv", ("--scheme", SCHEME, "--division", DIVISION)
    assert run("national", *asked, "-o", str(path))[0] == 0
    assert path.read_bytes() == national(person(Role.ANALYST), scheme=SCHEME, division=DIVISION).content
    status, said = run("national", "-o", str(path))
    assert (status, SCHEME in said) == (3, True)
    status, said = run("conformance", "http://127.0.0.1:9")
    assert (status, "--token" in said) == (3, True)
    status, said = run("conformance", "http://127.0.0.1:9", "--token", "ssp_x")
    assert (status, "does not answer" in said) == (3, True)
    status, said = run("conformance", "http://127.0.0.1:9", "--receiver")
    assert (status, "whsec_" in said) == (3, True)
