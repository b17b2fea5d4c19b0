"""Patrol duties: what counts as an outing, who is behind, and that a missed period is told once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from streets import STREET, filed, import_city, registered

from streetsight.service.auth.actor import Role
from streetsight.service.calendar.working import Uncalendared, WorkingCalendar, Year
from streetsight.service.devices.tables import Device
from streetsight.service.documents.reading import read_file
from streetsight.service.events.tables import Event
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.people.tables import Person as PersonRow
from streetsight.service.quotas import standing as counted
from streetsight.service.quotas.counting import Evidence, Period, needed_in, outings_of, period_of, periods_in
from streetsight.service.quotas.rules import Quota, QuotaRules, example_files
from streetsight.service.quotas.tables import QuotaRulesVersion
from streetsight.service.quotas.telling import tell_of_missed
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

Person = Callable[..., TestClient]
Lead = Callable[..., str]
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(ZONE)
THERE = {"lon": 120.02, "lat": 30.002}
RULES = {
    "name": "街长巡查", "grace_hours": 0, "counting": {"apart_minutes": 0},
    "quotas": [
        {"code": "second", "zh": "二级", "en": "2nd", "chiefs": 2, "count": 2, "per": "week", "days": "all"},
        {"code": "third", "zh": "三级", "en": "3rd", "chiefs": 3, "count": 1, "per": "day", "days": "all"},
    ],
}  # fmt: skip


def read(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bring_in(analyst: TestClient, version: int = 0, **changes: Any) -> None:
    answer = analyst.put(
        "/v1/quotas/rules", json=RULES | changes, params={"reason": "街长制"},
        headers={"If-Match": f'"{version}"'},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text


@pytest.fixture
def chief(person: Person, settings: Settings) -> TestClient:
    """A chief of the second level; one of the third is known by name alone."""
    import_city(person(Role.ANALYST))
    chief = person(Role.STREET_CHIEF, ["/330106/330106003/"])
    ground = STREET.buffer(0.0001)
    with open_database(settings) as database, database.write() as session:
        row = session.scalars(select(PersonRow).where(PersonRow.role == Role.STREET_CHIEF)).one()
        session.add(
            registered(
                "S1", "road", STREET, ground, chief_2=row.name, chief_2_id=row.id, chief_3="赵", chief_1="李"
            )
        )
    return chief


def standing(client: TestClient, code: str = "second") -> dict[str, Any]:
    (quota,) = read(client, "/v1/quotas", quota=code)
    found: dict[str, Any] = quota["people"][0]
    return found


def test_what_counts_as_an_outing(chief: TestClient, person: Person, lead: Lead, settings: Settings) -> None:
    analyst = person(Role.ANALYST)
    assert read(analyst, "/v1/quotas") == []
    bring_in(analyst)
    assert (standing(chief)["done"], standing(chief)["needed"]) == (0, 2)
    entered = {"code": {"scheme": "GB/T 47678.5-2026", "code": "06010"}, "position": THERE}
    assert chief.post("/v1/issues", json=entered).status_code == 201
    hand = {"position": THERE, "text": "东风路"}
    assert chief.post("/v1/quotas/outings", json=hand).status_code == 201
    shown = standing(chief)
    assert [[each["kind"] for each in outing["evidence"]] for outing in shown["outings"]] == [
        ["enter"], ["by_hand"],
    ]  # fmt: skip
    assert [outing["counts"] for outing in shown["outings"]] == [True, False]  # of one day
    assert shown["done"] == 1
    filed(chief, lead(area_path="/330106/330106003/"))  # at a desk: no outing
    assert len(standing(chief)["outings"]) == 2

    login = _login_of(settings)
    with open_database(settings) as database, database.write() as session:
        session.add(device := Device(name="记录仪7"))
        session.flush()
        session.add(Patrol(device_id=device.id, key="a", last_frame_at=NOW))
        session.add(Patrol(device_id=device.id, key="without photos"))
    bring_in(analyst, 1, devices={"记录仪7": login}, counting={"apart_minutes": 60})
    (outing,) = standing(chief)["outings"]
    assert {each["kind"] for each in outing["evidence"]} == {"enter", "by_hand", "patrol"}


@pytest.mark.parametrize(
    ("photos", "counted"),
    [
        ([3, 1], 3),
        ([], 0),  # without a time: when the server heard of it
        ([20_000, 2], 0),  # a clock that stands at 1970
    ],
)
def test_a_patrol_is_an_outing_of_the_day_it_was_driven(
    chief: TestClient, person: Person, settings: Settings, photos: list[int], counted: int
) -> None:
    """Photos: so many days ago each was taken."""
    login, day = _login_of(settings), timedelta(days=1)
    with open_database(settings) as database, database.write() as session:
        session.add(device := Device(name="记录仪7"))
        session.flush()
        session.add(patrol := Patrol(device_id=device.id, key="a", last_frame_at=datetime.now(ZONE)))
        session.flush()
        for number, ago in enumerate(photos):
            session.add(_photo(patrol, number, datetime.now(ZONE) - ago * day))
    daily = {
        "code": "second", "zh": "二级", "en": "2nd", "chiefs": 2, "count": 1, "per": "day", "days": "all",
    }  # fmt: skip
    bring_in(person(Role.ANALYST), quotas=[daily], devices={"记录仪7": login})
    today = datetime.now(ZONE).date()
    done = {ago: read(chief, "/v1/quotas", day=str(today - ago * day))[0]["people"][0]["done"]
            for ago in range(4)}  # fmt: skip
    assert done == {ago: int(ago == counted) for ago in range(4)}


def _photo(patrol: Patrol, number: int, taken_at: datetime) -> Frame:
    return Frame(
        sha256=f"{number:064}", size_bytes=1, media_type="image/jpeg", device_id=patrol.device_id,
        patrol_id=patrol.id, taken_at=taken_at, metadata_sent={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("today", "outings", "state"),
    [
        (2, [], "behind"),  # Tuesday: six days are left for seven
        (1, [1], "open"),
        (2, [1], "open"),  # six are left, today is one of them
        (2, [1, 2], "open"),
        (3, [1, 3], "behind"),  # five are wanted; today is used up, four days are left
        (3, [1, 2], "open"),
        (7, [1, 2, 3, 4, 5, 6], "open"),
        (7, [1, 2, 3, 4, 5, 7], "behind"),
        (7, [1, 2, 3, 4, 5, 7, 7], "behind"),  # the second one of a day counts nowhere
    ],
)
def test_a_day_that_is_used_up_is_not_left(
    monkeypatch: pytest.MonkeyPatch, today: int, outings: list[int], state: str
) -> None:
    """Seven a week, one a day."""

    def noon(day: int) -> datetime:
        return datetime(2026, 11, 15 + day, 12, tzinfo=ZONE)  # the 16th is a Monday

    monkeypatch.setattr(counted, "now", lambda: noon(today) + timedelta(hours=6))
    quota = Quota(code="a", zh="甲", en="a", chiefs=2, count=7, per="week", days="all")
    rules = QuotaRules.model_validate({**RULES, "quotas": [quota.model_dump()]})
    chief = PersonRow(id="p")
    evidence = [Evidence(noon(day) + timedelta(hours=number), "check", str(number))
                for number, day in enumerate(outings)]  # fmt: skip
    (standing,) = counted.standing_in(
        rules,
        quota,
        period_of("week", noon(today).date()),
        [chief],
        {"p": evidence},
        Uncalendared(ZONE),
        ZONE,
    )
    assert standing.state == state


def test_periods_at_the_ends_of_the_calendar_are_refused(chief: TestClient, person: Person) -> None:
    bring_in(person(Role.ANALYST))
    for path in ("?day=9999-12-31", "?day=0001-01-01", "/months/9999-12", "/months/0000-01"):
        assert chief.get(f"/v1/quotas{path}").status_code == 422, path
    assert chief.get("/duties?month=9999-12").status_code < 500


def _login_of(settings: Settings) -> str:
    with open_database(settings) as database, database.read() as session:
        return session.scalars(select(PersonRow.login).where(PersonRow.role == Role.STREET_CHIEF)).one()


def test_outings_by_hand_have_happened_not_long_ago(chief: TestClient) -> None:
    for late in (timedelta(hours=1), timedelta(days=-40)):
        sent = {"position": THERE, "text": "?", "at": (NOW + late).isoformat()}
        assert chief.post("/v1/quotas/outings", json=sent).json()["code"] == "not_then"
    baidu = {
        "position": {"lon": 120.02, "lat": 30.02, "crs": "bd09"},
        "text": "东风路",
        "at": NOW.isoformat(),
    }
    made = chief.post("/v1/quotas/outings", json=baidu).json()
    assert made["lon"] < 120.015
    assert made["area_path"] is not None


def test_who_sees_how_people_stand(chief: TestClient, person: Person) -> None:
    bring_in(person(Role.ANALYST))
    third = read(person(Role.INSPECTOR), "/v1/quotas", quota="third")[0]
    assert (third["people"], third["without_account"]) == ([], ["赵"])
    second = read(person(Role.VIEWER), "/v1/quotas", quota="second")[0]
    assert (second["people"], second["without_account"]) == ([], None)
    assert len(read(person(Role.INSPECTOR, ["/330106/"]), "/v1/quotas", quota="second")[0]["people"]) == 1
    assert read(person(Role.INSPECTOR, ["/330107/"]), "/v1/quotas", quota="second")[0]["people"] == []
    assert person(Role.THIRD_PARTY).get("/v1/quotas").status_code == 403
    assert person(Role.INSPECTOR).put("/v1/quotas/rules", json=RULES).status_code == 403


def test_a_month_has_each_of_its_periods(chief: TestClient, person: Person) -> None:
    bring_in(person(Role.ANALYST))
    sent = chief.post(
        "/v1/quotas/outings", json={"position": {**THERE, "source": "map_pin"}, "text": "东风路"}
    )
    assert sent.status_code == 201, sent.text
    month = f"{NOW:%Y-%m}"
    second, third = read(chief, f"/v1/quotas/months/{month}")
    (mine,) = second["people"]
    begins = [date.fromisoformat(each["first"]) for each in mine["periods"]]
    assert {(day.isoweekday(), f"{day:%Y-%m}") for day in begins} == {(1, month)}
    assert (mine["needed"], third["people"]) == (2 * len(begins), [])
    assert mine["done"] == sum(each["done"] for each in mine["periods"]) == len(mine["outings"])
    assert mine["missed"] == sum(each["state"] in ("missed", "behind") for each in mine["periods"])
    assert chief.get("/v1/quotas/months/2026-13").status_code == 422


def test_a_missed_period_is_told_once(chief: TestClient, person: Person, settings: Settings) -> None:
    bring_in(person(Role.ANALYST))
    weekly = person(Role.INSPECTOR)

    def tell() -> int:
        with open_database(settings) as database, database.write() as session:
            return tell_of_missed(session, settings)

    assert tell() == 0  # the duty has only just begun
    with open_database(settings) as database, database.write() as session:
        session.execute(update(QuotaRulesVersion).values(created_at=NOW - timedelta(days=30)))
    assert tell() == 2
    assert tell() == 0
    with open_database(settings) as database, database.read() as reading:
        (told,) = reading.scalars(select(Event).where(Event.kind == "quota.missed"))  # nobody has the other
    monday = NOW.date() - timedelta(days=NOW.weekday() + 7)
    assert (told.data["quota"], told.data["first"], told.data["missed"]) == ("second", str(monday), 1)
    assert "name" not in told.data
    (miss,) = read(weekly, "/v1/quotas/misses")["items"]
    assert (miss["needed"], miss["done"], miss["first"]) == (2, 0, str(monday))
    assert read(chief, "/v1/quotas/misses")["items"] == [miss]
    assert read(person(Role.VIEWER), "/v1/quotas/misses")["items"] == []
    past = read(weekly, "/v1/quotas", quota="second", day=str(monday))[0]["people"][0]
    assert past["state"] == "missed"


def test_working_days_need_a_calendar(chief: TestClient, person: Person, settings: Settings) -> None:
    analyst = person(Role.ANALYST)
    example = read(analyst, "/v1/quotas/rules/examples/street-chiefs")
    bring_in(analyst, **example)
    assert chief.get("/v1/quotas").json()["code"] == "no_calendar"
    with open_database(settings) as database, database.write() as session:
        session.execute(update(QuotaRulesVersion).values(created_at=NOW - timedelta(days=70)))
        assert tell_of_missed(session, settings) == 1  # that of all days


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": 8, "per": "week"}, "cannot be met"),
        ({"people": ["a"]}, "not both"),
    ],
)
def test_duties_that_cannot_be_are_refused(change: dict[str, Any], words: str) -> None:
    quota = {"code": "a", "zh": "甲", "en": "a", "chiefs": 2, "count": 1, "per": "day", **change}
    with pytest.raises(ValueError, match=words):
        Quota.model_validate(quota)


def test_the_example_says_what_the_documents_say() -> None:
    rules = read_file(example_files()["street-chiefs"], QuotaRules)
    assert [(each.chiefs, each.count, each.per) for each in rules.quotas] == [
        (2, 2, "week"), (3, 1, "day"), (None, 4, "month"),
    ]  # fmt: skip


def test_a_period_belongs_to_the_month_that_it_begins_in() -> None:
    first, last = date(2026, 11, 1), date(2026, 11, 30)  # a Sunday and a Monday
    weeks = periods_in("week", first, last)
    assert [each.first.day for each in weeks] == [2, 9, 16, 23, 30]
    assert len(periods_in("day", first, last)) == 30
    assert periods_in("month", first, last) == [Period(first, last)]


def test_a_week_of_holidays_needs_less() -> None:
    week = period_of("week", date(2026, 10, 7))
    assert week == Period(date(2026, 10, 5), date(2026, 10, 11))
    off = frozenset(date(2026, 10, day) for day in range(1, 9))
    calendar = WorkingCalendar("a", ZONE, frozenset({6, 7}), (), {2026: Year(off, frozenset())})
    quota = Quota(code="a", zh="甲", en="a", chiefs=2, count=2, per="week")
    assert needed_in(quota, week, calendar) == 1  # the Friday alone is worked
    assert needed_in(quota, period_of("week", date(2026, 10, 14)), calendar) == 2
    every_day = quota.model_copy(update={"days": "all"})
    assert needed_in(every_day, week, Uncalendared(ZONE)) == 2
    assert period_of("month", date(2028, 2, 3)) == Period(date(2028, 2, 1), date(2028, 2, 29))


MINUTES = st.lists(st.integers(0, 5000), max_size=30)


@given(MINUTES, st.integers(0, 300), st.one_of(st.none(), st.integers(1, 3)), st.randoms())
def test_outings_are_a_function_of_what_happened(
    minutes: list[int], apart: int, most: int | None, chance: Any
) -> None:
    begin = datetime(2026, 11, 2, tzinfo=UTC)
    evidence = [Evidence(begin + timedelta(minutes=each), "enter", str(each)) for each in minutes]
    found = outings_of(evidence, apart, most, ZONE)
    shuffled = [*evidence, *evidence]
    chance.shuffle(shuffled)
    assert outings_of(shuffled, apart, most, ZONE) == found
    assert sorted(each for outing in found for each in outing.evidence) == sorted(set(evidence))
    for one, two in pairwise(found):
        assert two.began - one.ended > timedelta(minutes=apart)
    days = [outing.began.astimezone(ZONE).date() for outing in found if outing.counts]
    assert most is None or all(days.count(day) <= most for day in days)
    if most is None:
        assert all(outing.counts for outing in found)
