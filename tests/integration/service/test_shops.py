"""Shops: their register, what is in front of them, months, cards and points, boards."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from crossing import crossed
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from streets import STREET, act_on_issue, filed, import_city, registered

from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.devices.tables import Device
from streetsight.service.documents.reading import read_file
from streetsight.service.patrols.tables import Patrol
from streetsight.service.settings import Settings
from streetsight.service.shops.front import Found
from streetsight.service.shops.months import close_month, read_month
from streetsight.service.shops.rating import rate
from streetsight.service.shops.rules import ShopRules, example_files
from streetsight.service.shops.tables import Shop, ShopMonth, ShopPoint
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.sessions import WriteSession

Lead = Callable[..., str]
Person = Callable[..., TestClient]
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(ZONE)
MONTH = f"{NOW:%Y-%m}"
LAST_DAY_BEFORE = NOW.replace(day=1, hour=12) - timedelta(days=1)
BEFORE = f"{LAST_DAY_BEFORE:%Y-%m}"
DEGREE_M = 111_320.0
EXAMPLE = read_file(example_files()["example"], ShopRules)


def shop(code: str = "D-1", lon: float = 120.001, **more: Any) -> dict[str, Any]:
    usual = {
        "code": code, "name": f"店 {code}", "lon": lon, "lat": 30.001, "unit": "城管科", "street": "S1",
        "manager": "王芳", "telephone": "027-8888 0001", "agreement_number": "责-1",
        "agreement_signed": "2026-03-01",
    }  # fmt: skip
    return {**usual, **more}


def added(keeper: TestClient, **sent: Any) -> str:
    answer = keeper.post("/v1/shops", json=shop(**sent))
    assert answer.status_code == 201, answer.text
    return f"/v1/shops/{answer.json()['id']}"


def read(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def seen(lead: Lead, east_m: float, north_m: float = 0, moment: datetime = NOW, **more: Any) -> str:
    """A lead so many metres from the first shop."""
    lon, lat = 120.001 + east_m / (DEGREE_M * 0.866), 30.001 + north_m / DEGREE_M
    return lead(lon=lon, lat=lat, first_seen_at=moment, last_seen_at=moment, **more)


@pytest.fixture
def city(person: Person, settings: Settings) -> None:
    """Areas, and a street with its chiefs."""
    import_city(person(Role.ANALYST))
    street = registered(
        "S1", "road", STREET, STREET.buffer(0.0001), name="东风路", chief_1="李", chief_2="张", policy="严管"
    )
    with open_database(settings) as database, database.write() as session:
        session.add(street)


@pytest.fixture
def rules(city: None, person: Person) -> TestClient:
    """The example is in force; gives who brought it in."""
    analyst = person(Role.ANALYST)
    example = read(analyst, "/v1/shops/rules/examples/example")
    assert example["example"] is True
    parameters, headers = {"reason": "试行"}, {"If-Match": '"0"'}
    answer = analyst.put("/v1/shops/rules", json=example, params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    return analyst


@pytest.mark.usefixtures("city")
def test_a_shop_is_written_down_changed_and_closed(person: Person, settings: Settings) -> None:
    keeper, viewer = person(Role.INSPECTOR), person(Role.VIEWER)
    path = added(keeper)
    shown = read(keeper, path)
    assert (shown["area_path"], shown["manager"], shown["has_telephone"]) == (
        "/330106/330106003/g1/", "王芳", True,
    )  # fmt: skip
    assert shown["geometry"] == {"type": "Point", "coordinates": [120.001, 30.001]}
    assert read(viewer, path)["manager"] is None
    assert viewer.post(f"{path}/contact").status_code == 403
    assert keeper.post(f"{path}/contact").json() == {"manager": "王芳", "telephone": "027-8888 0001"}
    assert keeper.post("/v1/shops", json=shop()).json()["code"] == "shop_code_taken"
    assert viewer.post("/v1/shops", json=shop("D-2")).status_code == 403
    line = {"type": "LineString", "coordinates": [[120.001, 30.001], [120.0012, 30.001]]}
    changed = {**shop(demonstration=True, geometry=line), "lon": None, "lat": None}
    answer = keeper.put(path, json=changed, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["demonstration"], answer.headers["etag"]) == (200, True, '"2"')
    assert keeper.put(path, json=changed, headers={"If-Match": '"1"'}).status_code == 412
    closed = keeper.delete(path, params={"reason": "搬迁"}, headers={"If-Match": '"2"'}).json()
    assert (closed["manager"], closed["has_telephone"]) == (None, False)
    assert keeper.put(path, json=changed, headers={"If-Match": '"3"'}).json()["code"] == "shop_closed"
    assert read(keeper, "/v1/shops")["items"] == []
    assert len(read(keeper, "/v1/shops", closed=True)["items"]) == 1
    with open_database(settings) as database, database.read() as session:
        said = [(row.action, row.details) for row in session.query(AuditEntry).order_by(AuditEntry.number)]
        sealed = session.execute(text("SELECT telephone_sealed FROM shops")).scalar()
    ours = [(action, details) for action, details in said if action.startswith("shop.")]
    assert [action for action, _ in ours] == [
        "shop.added", "shop.contact_read", "shop.changed", "shop.closed",
    ]  # fmt: skip
    assert not any("王芳" in details or "8888" in details for _, details in ours)
    assert sealed is None


@pytest.mark.usefixtures("city")
def test_a_telephone_that_nobody_looked_at_is_kept(person: Person) -> None:
    keeper = person(Role.INSPECTOR)
    path = added(keeper)
    without = {**shop(name="早点王"), "telephone": None}
    for version, keep, there in ((1, True, "027-8888 0001"), (2, False, None)):
        sent = {**without, "keep_telephone": keep}
        assert keeper.put(path, json=sent, headers={"If-Match": f'"{version}"'}).status_code == 200
        assert keeper.post(f"{path}/contact").json()["telephone"] == there
    found = [len(read(keeper, "/v1/shops", search=each, unit="")["items"]) for each in ("王", "d-1", "%")]
    assert found == [1, 1, 0]


@pytest.mark.usefixtures("city")
def test_who_sees_which_shops(person: Person) -> None:
    added(person(Role.INSPECTOR))
    assert person(Role.THIRD_PARTY).get("/v1/shops").status_code == 403
    assert read(person(Role.VIEWER, ["/330106/330106004/"]), "/v1/shops")["items"] == []
    assert len(read(person(Role.VIEWER, ["/330106/330106003/"]), "/v1/shops")["items"]) == 1
    assert len(read(person(Role.HANDLER, unit="城管科"), "/v1/shops")["items"]) == 1
    assert read(person(Role.HANDLER, unit="环卫所"), "/v1/shops")["items"] == []
    next_door = person(Role.STREET_CHIEF, ["/330106/330106004/"])
    assert next_door.post("/v1/shops", json=shop("D-9")).json()["code"] == "outside_areas"


def imported(client: TestClient, content: str, *, status: int = 200, **parameters: Any) -> Any:
    answer = client.post(
        "/v1/shops/import", content=content.encode(), params={"reason": "台账", "crs": "wgs84", **parameters},
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    return answer.json()


HEAD = "店铺编号,店铺名称,经度,纬度,店长,电话,责任书签订日期,文明示范店,备注"


@pytest.mark.usefixtures("city")
def test_a_file_of_shops_names_its_wrong_lines_and_takes_all_or_what_is_asked(person: Person) -> None:
    keeper = person(Role.INSPECTOR)
    lines = (
        HEAD, "D-1,早点,120.001,30.001,王芳,02788880001,2026/3/1,是,", "D-2,面馆,?,30,,,,,",
        "D-3,,120.001,30.001,,,,,", "D-1,又一个,120.001,30.001,,,,,", "D-4,远,121.5,31,,,三月,,",
    )  # fmt: skip
    wrong = "\n".join(lines)
    refused = imported(keeper, wrong, status=422)
    assert refused["code"] == "shops_refused"
    for words in (
        "3: D-2: ?, 30 is no longitude",
        "4: D-3: name",
        "5: D-1: the code D-1",
        "6: D-4: agreement",
    ):
        assert words in refused["detail"]
    assert read(keeper, "/v1/shops")["items"] == []
    tried = imported(keeper, wrong, check=True)
    assert (tried["written"], tried["added"], tried["refused"], tried["ignored"]) == (False, 1, 4, ["备注"])
    assert read(keeper, "/v1/shops")["items"] == []
    taken = imported(keeper, wrong, partial=True)
    assert (taken["written"], taken["added"]) == (True, 1)
    (one,) = read(keeper, "/v1/shops")["items"]
    assert (one["manager"], one["agreement_signed"], one["demonstration"]) == ("王芳", "2026-03-01", True)

    again = imported(keeper, f"{HEAD}\nD-1,早点,120.001,30.001,王芳,02788880001,2026-03-01,是,")
    assert (again["unchanged"], again["changed"]) == (1, 0)
    some = imported(keeper, "code,name,unit\nD-1,早点王,环卫所\n")
    assert some["changed"] == 1
    (one,) = read(keeper, "/v1/shops", unit="环卫所")["items"]
    assert (one["name"], one["lon"], one["has_telephone"], one["version"]) == ("早点王", 120.001, True, 2)
    assert imported(keeper, "name\n甲\n", status=422)["code"] == "bad_shops"
    declared = keeper.post(
        "/v1/shops/import",
        content=HEAD.encode(),
        params={"reason": "x"},
        headers={"Content-Type": "text/csv"},
    )
    assert declared.json()["code"] == "unknown_crs"


@pytest.mark.usefixtures("city")
def test_shops_come_as_geojson_too(person: Person) -> None:
    keeper = person(Role.INSPECTOR)
    line = {"type": "LineString", "coordinates": [[120.001, 30.001], [120.0012, 30.001]]}
    bow = {
        "type": "Polygon",
        "coordinates": [[[120, 30], [120.1, 30.1], [120.1, 30], [120, 30.1], [120, 30]]],
    }
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": "店", "示范店": True, "x1": 1},
            "geometry": drawn,
        }
        for code, drawn in (("L-1", line), ("L-2", bow), ("L-3", None))
    ]
    document = {"type": "FeatureCollection", "coordinates": "gcj02", "features": features}
    answer = keeper.post(
        "/v1/shops/import", content=json.dumps(document), params={"reason": "测绘", "partial": True},
        headers={"Content-Type": "application/geo+json"},
    ).json()  # fmt: skip
    assert [each["outcome"] for each in answer["outcomes"]] == ["added", "refused", "refused"]
    assert "crosses" in answer["outcomes"][1]["reason"]
    assert answer["ignored"] == ["x1"]
    (one,) = read(keeper, "/v1/shops", demonstration=True)["items"]
    assert one["geometry"]["type"] == "LineString"
    assert one["lon"] < 120.0  # moved from GCJ-02


@pytest.mark.usefixtures("rules")
def test_a_month_is_rated_by_what_is_in_front_and_set_by_a_person(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    first, second = added(inspector), added(inspector, code="D-2", lon=120.00105)  # 4.8 m further east
    far = added(inspector, code="D-3", lon=120.01)
    near = filed(inspector, seen(lead, 1))
    filed(inspector, seen(lead, 4))  # nearer to the second one
    filed(inspector, seen(lead, -9))  # too far away
    filed(inspector, seen(lead, 0, moment=LAST_DAY_BEFORE))
    gone = filed(inspector, seen(lead, 0))
    act_on_issue(inspector, gone, "drop", reason="other", text="不是")
    act_on_issue(inspector, near, "close", text="清理")
    assert [each["id"] for each in read(inspector, f"{first}/issues")] == [near]
    page = read(inspector, f"/v1/shops/months/{MONTH}")
    assert {each["code"]: (each["score"], each["band"], each["inspected"]) for each in page["items"]} == {
        "D-1": (95.0, "model", True), "D-2": (92.0, "good", True), "D-3": (None, None, False),
    }  # fmt: skip
    (fact,) = next(each["facts"] for each in page["items"] if each["code"] == "D-2")
    assert (fact["points"], fact["unhandled"], fact["note"]) == (8.0, 3.0, "包卫生")
    part = read(inspector, f"/v1/shops/months/{MONTH}", limit=2)
    rest = read(inspector, f"/v1/shops/months/{MONTH}", limit=2, cursor=part["next_cursor"])
    assert [each["code"] for each in part["items"] + rest["items"]] == ["D-3", "D-2", "D-1"]

    said = {"band": "poor", "reason": "屡教不改"}
    rated = inspector.put(f"{far}/ratings/{MONTH}", json=said).json()
    assert (rated["band"], rated["decided"], rated["reason"]) == ("poor", "person", "屡教不改")
    assert (
        inspector.put(f"{far}/ratings/{MONTH}", json={**said, "band": "top"}).json()["code"] == "unknown_band"
    )
    counted = read(inspector, "/v1/shops/counts")
    assert (counted["shops"], counted["agreements_signed"], counted["not_inspected"]) == (3, 3, 0)
    assert counted["rated"] == {"good": 1, "model": 1, "poor": 1}
    back = inspector.put(f"{far}/ratings/{MONTH}", json={**said, "band": None}).json()
    assert (back["decided"], back["band"]) == ("rule", None)
    assert inspector.post(f"/v1/shops/months/{MONTH}/closing").json()["code"] == "month_not_over"
    assert inspector.put(f"{second}/ratings/2999-01", json=said).json()["code"] == "month_not_over"


@pytest.mark.usefixtures("rules")
def test_a_closed_month_stays_as_it_was(
    person: Person, lead: Lead, settings: Settings, rules: TestClient
) -> None:
    inspector = person(Role.INSPECTOR)
    first, second = added(inspector), added(inspector, code="D-2", lon=120.01)
    third = added(inspector, code="D-3", lon=120.02)
    with open_database(settings) as database, database.write() as session:
        session.execute(update(Shop).values(created_at=LAST_DAY_BEFORE))
        session.add(device := Device(name="car"))
        session.flush()
        session.add(patrol := Patrol(device_id=device.id, key="a"))
        session.flush()
        ground = box(120.0099, 30.0009, 120.0101, 30.0011)
        session.add(
            CoveredTile(
                patrol_id=patrol.id, day=LAST_DAY_BEFORE.date(), x=120010, y=30001, seen=ground.wkb, frames=1
            )
        )
    filed(inspector, seen(lead, 0, moment=LAST_DAY_BEFORE))
    said = {"band": "model", "score": 96, "reason": "复查"}
    assert inspector.put(f"{third}/ratings/{BEFORE}", json=said).status_code == 200
    street = person(Role.STREET_CHIEF, ["/330106/330106003/"])
    assert street.post(f"/v1/shops/months/{BEFORE}/closing").json()["code"] == "whole_city_only"
    closed = inspector.post(f"/v1/shops/months/{BEFORE}/closing")
    assert closed.status_code == 201, closed.text
    assert closed.json()["sums"] == {"good": 1, "model": 2}
    before = read(inspector, f"/v1/shops/months/{BEFORE}")
    assert {each["code"]: (each["score"], each["decided"]) for each in before["items"]} == {
        "D-1": (92.0, "rule"), "D-2": (100.0, "rule"), "D-3": (96.0, "person"),
    }  # fmt: skip
    filed(inspector, seen(lead, 0, moment=LAST_DAY_BEFORE))  # confirmed too late
    stricter = EXAMPLE.model_dump(mode="json") | {"name": "更严", "reach_m": 50}
    parameters, headers = {"reason": "收紧"}, {"If-Match": '"1"'}
    assert rules.put("/v1/shops/rules", json=stricter, params=parameters, headers=headers).status_code == 200
    assert read(inspector, f"/v1/shops/months/{BEFORE}") == before
    assert [each["sha256"] for each in read(inspector, "/v1/shops/months")] == [closed.json()["sha256"]]
    assert inspector.post(f"/v1/shops/months/{BEFORE}/closing").json()["code"] == "month_closed"
    assert inspector.put(f"{third}/ratings/{BEFORE}", json=said).json()["code"] == "month_closed"
    points = read(inspector, f"{second}/points")
    assert [(each["kind"], each["amount"], each["balance"]) for each in points] == [
        ("rating", 5, 25), ("start", 20, 20),
    ]  # fmt: skip
    assert read(inspector, f"{first}/points")[0]["amount"] == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # two at once need two writers
@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("shops", [0, 2])
def test_of_two_who_close_a_month_at_once_one_is_told(person: Person, database: Database, shops: int) -> None:
    inspector = person(Role.INSPECTOR)
    for number in range(shops):
        added(inspector, code=f"D-{number}")
    with database.write() as session:
        session.execute(update(Shop).values(created_at=LAST_DAY_BEFORE))

    def close(session: WriteSession) -> ShopMonth:
        return close_month(session, SYSTEM, read_month(session, BEFORE, ZONE), ZONE)

    first, second = crossed(database, close, lambda: inspector.post(f"/v1/shops/months/{BEFORE}/closing"))
    assert sum(first.sums.values()) == shops
    assert (second.result().status_code, second.result().json()["code"]) == (409, "month_closed")


@pytest.mark.usefixtures("rules")
def test_a_rating_taken_back_while_its_month_is_closed_is_the_rules(
    person: Person, database: Database
) -> None:
    inspector = person(Role.INSPECTOR)
    path = added(inspector)
    with database.write() as session:
        session.execute(update(Shop).values(created_at=LAST_DAY_BEFORE))
    rating = f"{path}/ratings/{BEFORE}"
    said = {"band": "model", "score": 96, "reason": "复查"}
    assert inspector.put(rating, json=said).status_code == 200
    with database.read() as session:
        month = read_month(session, BEFORE, ZONE)
    assert inspector.put(rating, json={"band": None, "reason": "看错了"}).status_code == 200
    with database.write() as session:
        assert close_month(session, SYSTEM, month, ZONE).sums == {"not_inspected": 1}
    shown = read(inspector, f"/v1/shops/months/{BEFORE}")["items"][0]
    assert (shown["decided"], shown["band"]) == ("rule", None)


@pytest.mark.usefixtures("rules")
def test_cards_and_points(person: Person, lead: Lead, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    path = added(inspector)
    issue = filed(inspector, seen(lead, 0))
    yellow = {"colour": "yellow", "issue": issue, "reason": "店外经营"}
    given = [inspector.post(f"{path}/cards", json=yellow).json() for _ in range(3)]
    assert [(len(each["cards"]), each["balance"]) for each in given] == [(1, 15), (1, 10), (2, -15)]
    red = given[2]["cards"][1]
    assert (red["colour"], red["issue_id"], red["in_force"]) == ("red", None, True)
    cards = {each["id"]: each for each in read(inspector, f"{path}/cards")}
    assert [each["colour"] for each in cards.values() if each["in_force"]] == ["red"]
    first = given[0]["cards"][0]["id"]
    revoke = partial_revoke(inspector, path)
    assert revoke(first).json()["code"] == "card_settled"
    assert revoke(red["id"]).json()["revoked_reason"] == "申诉成立"
    assert read(inspector, f"{path}/points")[0]["balance"] == 5
    assert revoke(first).status_code == 200
    assert revoke(first).json()["code"] == "card_settled"
    counted = read(inspector, "/v1/shops/counts")
    assert (counted["yellow_cards"], counted["red_cards"]) == (2, 0)

    costly = {"exchange": "bins", "text": "领取"}
    refused = inspector.post(f"{path}/points", json=costly).json()
    assert (refused["code"], "takes 30 points" in refused["detail"]) == ("not_enough_points", True)
    assert inspector.post(f"{path}/points", json={"amount": 25, "text": "志愿活动"}).json()["balance"] == 35
    assert inspector.post(f"{path}/points", json=costly).json()["balance"] == 5
    assert (
        inspector.post(f"{path}/points", json={**costly, "exchange": "x"}).json()["code"]
        == "unknown_exchange"
    )
    assert inspector.post(f"{path}/points", json={"text": "?"}).status_code == 422
    lines = read(inspector, f"{path}/points")
    assert [each["ordinal"] for each in lines] == list(range(len(lines), 0, -1))
    assert sum(each["amount"] for each in lines) == lines[0]["balance"]
    for statement in (delete(ShopPoint), update(ShopPoint).values(amount=1)):
        with (
            open_database(settings) as database,
            pytest.raises(DBAPIError, match="never changed or deleted"),
            database.write() as session,
        ):
            session.execute(statement)


def partial_revoke(client: TestClient, path: str) -> Callable[[str], Any]:
    return lambda card: client.post(f"{path}/cards/{card}/revocation", params={"reason": "申诉成立"})


@pytest.mark.usefixtures("city")
def test_without_rules_there_is_a_register_and_no_rating(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    path = added(inspector)
    issue = filed(inspector, seen(lead, 4))
    assert [each["id"] for each in read(inspector, f"{path}/issues")] == [issue]
    assert inspector.get(f"/v1/shops/months/{MONTH}").json()["code"] == "no_shop_rules"
    card = {"colour": "red", "issue": issue, "reason": "?"}
    assert inspector.post(f"{path}/cards", json=card).json()["code"] == "no_shop_rules"
    assert read(inspector, "/v1/shops/counts")["rated"] == {}


@pytest.mark.usefixtures("rules")
def test_boards_for_a_page_or_a_printer(person: Person, lead: Lead) -> None:
    inspector = person(Role.INSPECTOR)
    path = added(inspector)
    issue = filed(inspector, seen(lead, 0))
    inspector.post(f"{path}/cards", json={"colour": "yellow", "issue": issue, "reason": "乱堆"})
    board = read(inspector, f"{path}/board")
    assert (board["manager"], board["street"], board["chiefs"]) == ("王芳", "东风路", ["李", "张"])
    assert ([each["colour"] for each in board["cards"]], board["closed_month"]) == (["yellow"], None)
    assert person(Role.VIEWER).get(f"{path}/board").status_code == 403
    street = read(person(Role.VIEWER), "/v1/shops/streets/S1/board")
    assert (street["street"], street["shops"], street["not_rated"], street["policy"]) == (
        "东风路",
        1,
        1,
        "严管",
    )
    assert inspector.get("/v1/shops/streets/S7/board").json()["code"] == "no_street"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bands": []}, "at least 1 item"),
        ({"bands": [{"code": "a", "zh": "甲", "en": "a", "at_least": 10}]}, "begins at 0"),
        (
            {"bands": [{"code": code, "zh": "甲", "en": "a", "at_least": 0} for code in "ab"]},
            "b is never given",
        ),
        ({"full": 90}, "full marks are 90"),
        ({"deductions": [{"issues": {"conditions": ["x"]}, "points": 1}]}, "expected some of"),
    ],
)
def test_rules_that_cannot_work_are_refused(change: dict[str, Any], words: str) -> None:
    document = EXAMPLE.model_dump(mode="json")
    document["rating"] |= change
    with pytest.raises(ValueError, match=words):
        ShopRules.model_validate(document)


ISSUES = st.builds(
    Found, issue_id=st.integers(0, 20).map(str), number=st.just("n"), class_name=st.none(), code=st.none(),
    condition=st.sampled_from(["exposed_garbage", "street_vending", "other"]), found_at=st.just(NOW),
    closed_at=st.sampled_from([None, NOW, NOW + timedelta(days=90)]),
)  # fmt: skip


@given(st.lists(ISSUES, unique_by=lambda each: each.issue_id), st.booleans(), st.randoms())
def test_a_rating_is_a_function_of_what_was_found(found: list[Found], looked: bool, chance: Any) -> None:
    deductions = [
        (each, lambda row, each=each: row.condition in each.issues.conditions)
        for each in EXAMPLE.rating.deductions
    ]
    end = NOW + timedelta(days=30)
    rated = rate(EXAMPLE.rating, deductions, found, looked, end)
    shuffled = [*found, *found]
    chance.shuffle(shuffled)
    assert rate(EXAMPLE.rating, deductions, shuffled, looked, end) == rated
    if not found and not looked:
        assert rated.score is None
        return
    assert rated.score is not None
    assert 0 <= rated.score <= EXAMPLE.rating.full
    taken = sum(fact["points"] for fact in rated.facts)
    assert rated.score == round(max(0.0, EXAMPLE.rating.full - taken), 2)
    fewer = rate(EXAMPLE.rating, deductions, found[1:], True, end)
    assert fewer.score is not None
    assert fewer.score >= rated.score
