"""Campaigns and sweeps: places fixed at the start, a ledger that fills, looks that find nothing, an end."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import box
from streets import MARKETS, STREET, act_on_issue, filed, import_city, photo, registered
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import Role
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.devices.tables import Device
from streetsight.service.events.tables import Event
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.retention.evidence import leads_of
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Lead = Callable[..., str]
Person = Callable[..., TestClient]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def city(person: Person, settings: Settings) -> None:
    """Areas, two markets, one that is gone, and a street."""
    import_city(person(Role.ANALYST))
    gone = registered("M9", "market", MARKETS["M1"], valid_to=datetime(2021, 1, 1, tzinfo=UTC))
    street = registered("S1", "road", STREET, STREET.buffer(0.0001), unit="环卫所")
    markets = [registered(code, "market", ground) for code, ground in MARKETS.items()]
    with open_database(settings) as database, database.write() as session:
        session.add_all([gone, street, *markets])


def days(first: int, last: int, name: str = "整治", **more: Any) -> dict[str, Any]:
    """A phase from so many days after today to so many."""
    begin, end = (str(TODAY + timedelta(days=each)) for each in (first, last))
    return {"name": name, "first": begin, "last": end, **more}


def written(**changes: Any) -> dict[str, Any]:
    usual = {
        "name": "集贸市场拉网式排查", "kind": "sweep", "area": "330106", "lead": "城管科",
        "phases": [days(-40, -31, "部署", counts=False), days(-30, 30)],
        "subset": {"conditions": ["exposed_garbage"]}, "places": {"kinds": ["market"], "codes": ["S1"]},
        "co_units": ["环卫所"],
    }  # fmt: skip
    return {**usual, **changes}


def created(client: TestClient, **changes: Any) -> str:
    answer = client.post("/v1/campaigns", json=written(**changes))
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "draft"
    return f"/v1/campaigns/{answer.json()['id']}"


def act(client: TestClient, campaign: str, kind: str, *, status: int = 200, **asked: Any) -> dict[str, Any]:
    """Acts on the version there is now."""
    tag = client.get(campaign).headers["etag"]
    answer = client.post(f"{campaign}/acts", json={"kind": kind, **asked}, headers={"If-Match": tag})
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def seen(lead: Lead, lon: float, **more: Any) -> str:
    """A lead that was seen today."""
    moment = datetime.now(UTC)
    return lead(lon=lon, lat=30.0015, **{"first_seen_at": moment, "last_seen_at": moment, **more})


def places_by_code(client: TestClient, campaign: str) -> dict[str, dict[str, Any]]:
    return {each["code"]: each for each in read(client, f"{campaign}/places")["items"]}


@pytest.mark.usefixtures("city")
def test_a_sweep_from_its_draft_to_its_end(person: Person, lead: Lead, settings: Settings) -> None:
    inspector, checker = person(Role.INSPECTOR), person(Role.INSPECTOR)
    campaign = created(inspector)
    would_be = read(inspector, f"{campaign}/places")["items"]
    assert [(each["kind"], each["code"], each["id"]) for each in would_be] == [
        ("market", "M1", None), ("market", "M2", None), ("road", "S1", None),
    ]  # fmt: skip
    started = act(inspector, campaign, "start")
    assert (started["state"], started["version"], started["phase"]) == ("active", 2, "整治")
    places = places_by_code(inspector, campaign)

    there = filed(inspector, seen(lead, 120.0015), unit="环卫所")
    filed(inspector, seen(lead, 120.005))  # in no place
    filed(inspector, seen(lead, 120.0015, condition="illegal_parking", class_name=None))  # not looked for
    filed(
        inspector, lead(lon=120.0015, lat=30.0015, first_seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    )  # before
    on_street = filed(inspector, seen(lead, 120.02))
    with_photo = {"outcome": "in_order", "place_id": places["M2"]["id"], "photos": [photo(inspector, 1)]}
    looked = inspector.post(f"{campaign}/checks", json=with_photo, headers={"Idempotency-Key": "a"})
    assert (looked.status_code, looked.json()["counts"]) == (201, True)
    again = inspector.post(f"{campaign}/checks", json=with_photo, headers={"Idempotency-Key": "a"})
    assert (again.status_code, again.json()["id"]) == (200, looked.json()["id"])

    lines = read(inspector, f"{campaign}/ledger")["items"]
    assert [(line["what"], line["status"], line["place"]["code"]) for line in lines] == [
        ("check", "in_order", "M2"), ("issue", "open", "S1"), ("issue", "open", "M1"),
    ]  # fmt: skip
    first = read(inspector, f"{campaign}/ledger", limit=2)
    rest = read(inspector, f"{campaign}/ledger", limit=2, cursor=first["next_cursor"])
    assert [line["id"] for line in first["items"] + rest["items"]] == [line["id"] for line in lines]
    assert rest["next_cursor"] is None
    assert len(read(inspector, f"{campaign}/ledger", what="issue", unit="环卫所")["items"]) == 1
    shown = read(inspector, f"{campaign}/progress")
    assert shown["places"] == {
        "total": 3, "looked_at": 3, "with_issues": 2, "in_order": 1, "not_looked_at": 0,
    }  # fmt: skip
    assert (shown["issues"]["found"], shown["issues"]["open"]) == (2, 2)
    assert [(each["key"], each["issues"]["found"]) for each in shown["by_unit"]] == [(None, 1), ("环卫所", 1)]

    act_on_issue(inspector, there, "dispatch", unit="环卫所")
    handler = person(Role.HANDLER, unit="环卫所")
    after = photo(handler, 2)
    act_on_issue(handler, there, "answer", text="清理完毕", photos=[after])
    act_on_issue(checker, there, "close")
    pairs = read(inspector, f"{campaign}/comparison")["items"]
    assert [(each["place"]["code"], each["status"], each["after"]) for each in pairs] == [
        ("M1", "struck", after)
    ]

    refused = act(inspector, campaign, "end", text="结束", status=409)
    assert refused["code"] == "lines_open"
    assert read(inspector, campaign)["state"] == "active"
    wrong = [{"issue": there, "reason": "?"}]
    assert act(inspector, campaign, "end", text="结束", left_over=wrong, status=404)["code"] == "no_line"
    ended = act(inspector, campaign, "end", text="结束", left_over=[{"issue": on_street, "reason": "待拆迁"}])
    assert ended["state"] == "ended"
    assert ended["closing"]["struck"] == ended["closing"]["left_over"] == 1
    assert ended["possible"] == []
    statuses = {line["status"] for line in read(inspector, f"{campaign}/ledger")["items"]}
    assert statuses == {"struck", "left_over", "in_order"}
    filed(inspector, seen(lead, 120.0016))  # too late
    assert read(inspector, f"{campaign}/progress")["issues"]["found"] == 2
    assert act(inspector, campaign, "end", text="再", status=409)["code"] == "not_possible"
    _tells_and_writes_down(settings)


def _tells_and_writes_down(settings: Settings) -> None:
    with open_database(settings) as database, database.read() as session:
        told = [(row.kind, row.data["places"]) for row in session.query(Event) if "campaign" in row.kind]
        actions = [row.action for row in session.query(AuditEntry).order_by(AuditEntry.number)]
    assert told == [("campaign.started", 3), ("campaign.ended", 3)]
    assert [action for action in actions if action.startswith("campaign.")] == [
        "campaign.created", "campaign.start", "campaign.check", "campaign.end",
    ]  # fmt: skip


@pytest.mark.usefixtures("city")
def test_lines_and_places_are_changed_by_hand_with_a_reason(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector, kind="campaign", places={"codes": ["market:M1"], "areas": ["g1"]})
    act(inspector, campaign, "start")
    inside, elsewhere = filed(inspector, seen(lead, 120.0015)), filed(inspector, seen(lead, 120.15))
    assert read(inspector, f"{campaign}/ledger")["items"][0]["place"]["code"] == "M1"  # the smaller one

    act(inspector, campaign, "add_issue", issue=elsewhere, reason="同一商户")
    act(inspector, campaign, "remove_issue", issue=inside, reason="属于施工")
    assert act(inspector, campaign, "remove_issue", issue=inside, reason="?", status=404)["code"] == "no_line"
    lines = read(inspector, f"{campaign}/ledger")["items"]
    assert [(line["id"], line["how"], line["reason"], line["place"]) for line in lines] == [
        (elsewhere, "added", "同一商户", None)
    ]
    act(inspector, campaign, "add_issue", issue=inside, reason="还是算")
    assert len(read(inspector, f"{campaign}/ledger")["items"]) == 2

    told: dict[str, Any] = {
        "department": "住建局",
        "reference": "移〔2026〕3号",
        "witness": "社区",
        "text": "施工占道",
    }
    act(inspector, campaign, "transfer", issue=inside, **told)
    line = read(inspector, f"{campaign}/ledger")["items"][1]
    assert (line["status"], line["transfer"]["department"]) == ("transferred", "住建局")

    act(inspector, campaign, "add_places", places={"codes": ["M2"]}, reason="新开业")
    places = places_by_code(inspector, campaign)
    assert (places["M2"]["reason"], places["g1"]["reason"]) == ("新开业", None)
    act(inspector, campaign, "remove_place", place_id=places["M2"]["id"], reason="关闭")
    assert places_by_code(inspector, campaign)["M2"]["removed_reason"] == "关闭"
    sent = {"outcome": "in_order", "place_id": places["M2"]["id"], "text": "看过"}
    assert inspector.post(f"{campaign}/checks", json=sent).json()["code"] == "no_place"
    assert read(inspector, f"{campaign}/progress")["places"]["total"] == 2
    act(inspector, campaign, "add_places", places={"codes": ["M2"]}, reason="重新开业")
    assert places_by_code(inspector, campaign)["M2"]["removed_at"] is None
    left = [{"issue": elsewhere, "reason": "长期"}]
    ended = act(inspector, campaign, "end", text="完", left_over=left)["closing"]
    assert (ended["transferred"], ended["left_over"], ended["struck"]) == (1, 1, 0)
    assert len(read(inspector, f"{campaign}/ledger", open=True)["items"]) == 1


def number_of(client: TestClient, issue: str) -> str:
    return str(read(client, f"/v1/issues/{issue}")["number"])


@pytest.mark.usefixtures("city")
def test_lines_are_named_by_numbers_that_another_district_gave_too(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    district, city = created(inspector, kind="campaign"), created(inspector, kind="campaign", area=None)
    for campaign in (district, city):
        act(inspector, campaign, "start")
    foreign = filed(inspector, seen(lead, 121.0, area_path="/330108/"))
    issue = filed(inspector, seen(lead, 120.0015))
    number = number_of(inspector, issue)
    assert number_of(inspector, foreign) == number

    told: dict[str, Any] = {"department": "住建局", "text": "施工占道"}
    act(inspector, district, "transfer", issue=number, **told)
    act(inspector, district, "remove_issue", issue=number, reason="属于施工")
    act(inspector, district, "add_issue", issue=number, reason="还是算")
    assert [line["id"] for line in read(inspector, f"{district}/ledger")["items"]] == [issue]

    refused = act(inspector, city, "add_issue", issue=number, reason="同一商户", status=409)
    assert refused["code"] == "many_issues"
    act(inspector, city, "add_issue", issue=foreign, reason="同一商户")
    left = [{"issue": number, "reason": "长期"}]
    assert act(inspector, city, "end", text="完", left_over=left, status=409)["code"] == "many_issues"
    left = [{"issue": each, "reason": "长期"} for each in (issue, foreign)]
    assert act(inspector, city, "end", text="完", left_over=left)["closing"]["left_over"] == 2


@pytest.mark.usefixtures("city")
def test_a_sweep_does_not_end_before_every_place_was_looked_at(person: Person) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector, places={"kinds": ["market"]})
    act(inspector, campaign, "start")
    places = places_by_code(inspector, campaign)
    early = (datetime.now(UTC) - timedelta(days=35)).isoformat()
    looks: tuple[tuple[str, dict[str, str]], ...] = (("M1", {}), ("M2", {"at": early}))
    for code, more in looks:
        sent = {"outcome": "in_order", "place_id": places[code]["id"], "text": "无问题", **more}
        counts = inspector.post(f"{campaign}/checks", json=sent).json()["counts"]
        assert counts is (code == "M1")
    later = {"outcome": "found", "place_id": places["M1"]["id"]}
    late = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert inspector.post(f"{campaign}/checks", json={**later, "at": late}).json()["code"] == "in_the_future"
    assert inspector.post(f"{campaign}/checks", json=later).status_code == 201
    assert inspector.post(f"{campaign}/checks", json={**later, "outcome": "in_order"}).status_code == 422
    refused = act(inspector, campaign, "end", text="完", status=409)
    assert refused["code"] == "places_unseen"
    assert "market M2" in refused["detail"]
    ended = act(inspector, campaign, "end", text="完", unseen_reason="停业")
    assert ended["closing"]["unseen_places"] == 1


@pytest.mark.usefixtures("city")
def test_who_sees_and_who_runs_a_campaign(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)
    act(inspector, campaign, "start")
    filed(inspector, seen(lead, 120.0015), unit="环卫所")
    assert person(Role.THIRD_PARTY).get(campaign).status_code == 403
    assert person(Role.HANDLER, unit="园林所").get(campaign).status_code == 404
    helper = person(Role.HANDLER, unit="环卫所")
    assert len(read(helper, f"{campaign}/ledger")["items"]) == 1
    assert helper.post(f"{campaign}/acts", json={"kind": "start"}).status_code == 403
    street = person(Role.STREET_CHIEF, ["/330106/330106003/"])
    assert read(street, f"{campaign}/progress")["places"]["total"] == 3
    assert act(street, campaign, "end", text="完", status=403)["code"] == "outside_areas"
    place = places_by_code(street, campaign)["M2"]["id"]
    sent = {"outcome": "in_order", "place_id": place, "text": "看过"}
    assert street.post(f"{campaign}/checks", json=sent).status_code == 201
    next_door = person(Role.STREET_CHIEF, ["/330106/330106004/"])
    assert read(next_door, f"{campaign}/progress")["places"]["total"] == 0
    assert next_door.post(f"{campaign}/checks", json=sent).status_code == 404
    assert person(Role.STREET_CHIEF, ["/330199/"]).get(campaign).status_code == 404
    wide = {**written(area=None), "name": "全市"}
    assert street.post("/v1/campaigns", json=wide).json()["code"] == "outside_areas"
    assert [each["name"] for each in read(street, "/v1/campaigns", state="active")["items"]] == [
        "集贸市场拉网式排查"
    ]
    assert read(inspector, "/v1/campaigns", unit="园林所")["items"] == []


@pytest.mark.usefixtures("city")
def test_drafts_are_changed_freely_and_active_ones_with_a_reason(person: Person) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)

    def put_it(version: int, reason: str | None = None, **changes: Any) -> Any:
        parameters = {"reason": reason} if reason else {}
        headers = {"If-Match": f'"{version}"'}
        return inspector.put(campaign, json=written(**changes), params=parameters, headers=headers)

    assert put_it(1, places={"kinds": ["market"]}, name="市场").json()["version"] == 2
    assert put_it(1).status_code == 412
    assert inspector.put(campaign, json=written()).status_code == 428
    act(inspector, campaign, "start")
    same: dict[str, Any] = {"places": {"kinds": ["market"]}}
    assert put_it(3, name="新名", **same).json()["code"] == "reason_needed"
    assert put_it(3, "换址").json()["code"] == "places_fixed"
    changed = put_it(3, "延长", phases=[days(-30, 60)], **same)
    assert (changed.status_code, changed.json()["last"]) == (200, str(TODAY + timedelta(days=60)))
    assert inspector.delete(campaign, headers={"If-Match": '"4"'}).json()["code"] == "not_possible"
    draft = created(inspector)
    assert inspector.delete(draft, headers={"If-Match": '"1"'}).status_code == 204
    assert inspector.get(draft).status_code == 404


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phases": [days(1, 5), days(5, 9, "二")]}, "goes on until"),
        ({"phases": [days(1, 5, counts=False)]}, "no phase counts"),
        ({"phases": [days(5, 1)]}, "before it begins"),
        ({"places": {}}, "expected some of codes"),
        ({"subset": {"conditions": ["nonsense"]}}, "expected some of"),
        ({"subset": {"codes": [{"scheme": "GB/T 47678.5-2026", "code": "99999"}]}}, "has no 99999"),
        ({"subset": {"groups": ["乱贴"]}}, "of which grouping"),
        ({"subset": {"grouping": "nonsense", "groups": ["a"]}}, "expected one of"),
        ({"co_units": ["城管科"]}, "leads already"),
        ({"area": "nowhere"}, "there is no area nowhere"),
    ],
)
def test_what_cannot_be_a_campaign_is_refused_with_what_to_mend(
    person: Person, changes: dict[str, Any], words: str
) -> None:
    answer = person(Role.INSPECTOR).post("/v1/campaigns", json=written(**changes))
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"codes": ["M1", "X7"]}, "1 of 2 codes are not in force in the campaign's area: X7"),
        ({"codes": ["M9"]}, "M9"),
        ({"areas": ["330199"]}, "330199"),
        ({"kinds": ["compound"]}, "found 0"),
    ],
)
def test_a_start_names_places_that_there_are_not(person: Person, places: dict[str, Any], words: str) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector, places=places)
    refused = act(inspector, campaign, "start", status=422)
    assert refused["code"] == "no_such_places"
    assert words in refused["detail"]
    assert read(inspector, campaign)["state"] == "draft"


@pytest.mark.usefixtures("city")
def test_the_ledger_as_a_file(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)
    act(inspector, campaign, "start")
    issue = filed(inspector, seen(lead, 120.0015), unit="环卫所")
    shown = act_on_issue(inspector, issue, "handle", text="清理", photos=[photo(inspector, 3)])
    place = places_by_code(inspector, campaign)["M2"]["id"]
    sent = {"outcome": "in_order", "place_id": place, "text": "看过", "photos": [photo(inspector, 4)]}
    assert inspector.post(f"{campaign}/checks", json=sent).status_code == 201
    answer = inspector.get(
        f"{campaign}/ledger", params={"format": "csv"}, headers={"Accept-Language": "zh-CN"}
    )
    assert answer.status_code == 200, answer.text
    check, line = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert (check["台账状态"], check["点位编号"], check["说明"]) == ("检查无问题", "M2", "看过")
    assert check["整改后照片"] == sent["photos"][0]
    assert (line["台账状态"], line["问题编号"], line["责任单位"]) == (
        "已销号", shown["issue"]["number"], "环卫所",
    )  # fmt: skip
    assert line["整改后照片"]
    assert line["问题类型"] == "暴露垃圾"
    assert (line["坐标系"], float(line["经度 (WGS-84)"])) == ("WGS-84", 120.0015)
    assert person(Role.VIEWER).get(f"{campaign}/ledger", params={"format": "csv"}).status_code == 403


@pytest.mark.usefixtures("city")
def test_ground_and_road_length_that_patrols_have_seen(person: Person, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)
    act(inspector, campaign, "start")
    half = box(120.001, 30.001, 120.0015, 30.002)
    tiles = [(TODAY, 120001, 30001, half), (TODAY, 120020, 30001, box(120.02, 30.001, 120.021, 30.002))]
    tiles.append((TODAY - timedelta(days=35), 120011, 30001, MARKETS["M2"]))  # of no phase that counts
    with open_database(settings) as database, database.write() as session:
        session.add(device := Device(name="car"))
        session.flush()
        session.add(patrol := Patrol(device_id=device.id, key="a"))
        session.flush()
        session.add_all(
            CoveredTile(patrol_id=patrol.id, day=day, x=x, y=y, seen=ground.wkb, frames=1)
            for day, x, y, ground in tiles
        )
    shown = read(inspector, f"{campaign}/coverage")
    shares = {each["place"]["code"]: each["share"] for each in shown["items"]}
    assert shares == {"M1": pytest.approx(0.5, abs=0.001), "M2": 0.0, "S1": pytest.approx(0.5, abs=0.001)}
    assert shown["share_of_length"] == pytest.approx(0.5, abs=0.001)
    assert len(read(inspector, f"{campaign}/coverage", kind="market")["items"]) == 2


@pytest.mark.usefixtures("city")
def test_an_issue_without_a_position_lies_in_its_area(person: Person) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector, places={"area_kinds": ["subdistrict"]}, subset={})
    act(inspector, campaign, "start")
    entered = {
        "code": {"scheme": "GB/T 47678.5-2026", "code": "06010"}, "area": "330106003", "place": "三楼平台",
    }  # fmt: skip
    assert inspector.post("/v1/issues", json=entered).status_code == 201
    (line,) = read(inspector, f"{campaign}/ledger")["items"]
    assert line["place"]["code"] == "330106003"


@pytest.mark.usefixtures("city")
def test_groups_and_codes_and_classes_choose_what_is_looked_for(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    code = {"scheme": "GB/T 47678.5-2026", "code": "06010"}
    subsets = (
        {"grouping": "aspect", "groups": ["sanitation"]}, {"codes": [code]}, {"classes": ["garbage"]},
        {"classes": ["street_vendor"]},
    )  # fmt: skip
    campaigns = [created(inspector, kind="campaign", subset=subset) for subset in subsets]
    for campaign in campaigns:
        act(inspector, campaign, "start")
    filed(inspector, seen(lead, 120.0015, code={**code, "kind": "事项", "name": "暴露垃圾"}))
    found = [len(read(inspector, f"{campaign}/ledger")["items"]) for campaign in campaigns]
    assert found == [1, 1, 1, 0]


def test_templates_propose_phases_with_days(person: Person) -> None:
    found = {each["name"]: each for each in read(person(Role.VIEWER), "/v1/campaigns/templates", year=2027)}
    steps = found["three-steps"]["phases"]
    assert [(each["first"], each["last"], each["counts"]) for each in steps] == [
        ("2027-03-01", "2027-03-31", False), ("2027-04-01", "2027-11-30", True),
        ("2027-12-01", "2027-12-31", False),
    ]  # fmt: skip
    assert {each["first"] for each in found["four-stages"]["phases"]} == {None}


@pytest.mark.usefixtures("city")
def test_who_runs_the_server_sees_campaigns(
    person: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)
    act(inspector, campaign, "start")
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    listed = CliRunner().invoke(app, ["campaign", "list", "--state", "active"])
    assert (listed.exit_code, json.loads(listed.stdout)["name"]) == (0, "集贸市场拉网式排查")
    shown = CliRunner().invoke(app, ["campaign", "show", campaign.rpartition("/")[2]])
    assert json.loads(shown.stdout)["progress"]["places"]["total"] == 3
    missing = CliRunner().invoke(app, ["campaign", "show", "none", "--lang", "zh"])
    assert (missing.exit_code, "没有专项行动 none" in missing.stderr) == (3, True)


@pytest.mark.usefixtures("city")
def test_photos_of_looks_are_kept_as_evidence(person: Person, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    campaign = created(inspector)
    act(inspector, campaign, "start")
    shown, other = photo(inspector, 5), photo(inspector, 6)
    place = places_by_code(inspector, campaign)["M2"]["id"]
    sent = {"outcome": "in_order", "place_id": place, "photos": [shown]}
    assert inspector.post(f"{campaign}/checks", json=sent).status_code == 201
    with open_database(settings) as database, database.read() as session:
        leads = leads_of(session, [session.get_one(Frame, each) for each in (shown, other)])
    assert {lead.state for lead in leads[shown]} == {"confirmed"}
    assert leads[other] == set()
