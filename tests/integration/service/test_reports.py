"""Citizens and hotlines report: leads with a source, never trusted, never lost, never too many."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.models.language import SpokenError
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.frames.tables import Frame
from streetsight.service.reports.categories import CategoriesError, load_categories
from streetsight.service.reports.limits import network_of
from streetsight.service.reports.service import erase_contacts
from streetsight.service.reports.tables import Report, ReportHour
from streetsight.service.reports.tickets import BadTickets, Declared, decode, read_lines, read_ticket
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

SHANGHAI = Declared(None, ZoneInfo("Asia/Shanghai"))
EVIL = "<script>alert(1)</script>{{7*7}}\"'; DROP TABLE reports; --"

Start = Callable[..., TestClient]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_reports": True})


@pytest.fixture
def public(client: TestClient) -> TestClient:
    """Somebody without an account."""
    client.headers.pop("Authorization")
    return client


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with open_database(settings) as opened:
        yield opened


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def report(client: TestClient, photos: list[bytes] = [], **fields: str) -> Any:  # noqa: B006
    files = [("photo", ("photo.jpg", photo)) for photo in photos]
    return client.post("/v1/reports", data={"category": "exposed_garbage"} | fields, files=files or None)


def test_a_report_becomes_a_lead_and_can_be_followed(
    public: TestClient, person: Callable[..., TestClient], photos: list[bytes], work: Callable[[], Any],
    database: Database,
) -> None:  # fmt: skip
    answer = report(
        public, photos[:2], text=EVIL, address="文三路 100 号", lon="120.15", lat="30.27", accuracy_m="12",
        contact_name="张三", contact_phone="13800000000",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){4}[2-9A-HJ-NP-Z]{4}", token)

    [candidate] = rows(database, Candidate)
    assert (candidate.state, candidate.source) == ("open", "citizen")
    assert (candidate.condition, candidate.class_name) == ("exposed_garbage", "garbage")
    assert (candidate.lon, candidate.lat) == (120.15, 30.27)
    assert EVIL in candidate.description
    work()
    assert [frame.state for frame in rows(database, Frame)] == ["detected"] * 2  # by the normal queue

    inspector = person(Role.INSPECTOR)
    shown = inspector.get(f"/v1/reports/{answer.json()['id']}").json()
    assert (shown["text"], shown["source"], shown["state"]) == (EVIL, "citizen", "reviewed")
    assert shown["position"]["source"] == "map_pin"
    assert shown["has_contact"]
    assert "13800000000" not in json.dumps(shown)
    assert len(shown["frames"]) == 2

    for typed in (token, token.lower().replace("-", " ")):
        progress = public.post("/v1/reports/state", json={"token": typed})
        assert progress.json()["state"] == "reviewed"
    with database.write() as session:
        session.execute(update(Candidate).values(state="rejected"))
    assert public.post("/v1/reports/state", json={"token": token}).json()["state"] == "not_followed"
    with database.write() as session:
        session.execute(update(Candidate).values(state="confirmed"))
    assert public.post("/v1/reports/state", json={"token": token}).json()["state"] == "confirmed"
    assert public.post("/v1/reports/state", json={"token": "nonsense"}).json()["code"] == "no_report"


def test_what_nobody_has_a_category_for_waits_for_a_person(
    public: TestClient, person: Callable[..., TestClient], database: Database
) -> None:
    place = f"/v1/reports/{report(public, text='something odd', category='flying saucers').json()['id']}"
    assert rows(database, Candidate) == []
    inspector = person(Role.INSPECTOR)
    waiting = inspector.get("/v1/reports?waiting=true").json()["items"]
    assert [(each["category"], each["state"]) for each in waiting] == [("other", "waiting")]
    shown = inspector.get(place)
    etag = {"If-Match": shown.headers["ETag"]}
    change = {
        "category": "road_damage",
        "place": {"lon": 120.16, "lat": 30.28, "source": "person", "crs": "gcj02"},
    }
    assert person(Role.VIEWER).patch(place, json=change, headers=etag).status_code == 403
    assert inspector.patch(place, json={"category": "x"}, headers=etag).json()["code"] == "no_category"
    sorted_ = inspector.patch(place, json=change, headers=etag)
    assert (sorted_.json()["state"], sorted_.json()["condition"]) == ("reviewed", "broken_facility")
    [candidate] = rows(database, Candidate)
    assert 100 < abs(candidate.lon - 120.16) * 96_000 < 700  # converted from GCJ-02
    assert inspector.patch(place, json=change, headers=etag).json()["code"] == "stale"
    again = {"If-Match": sorted_.headers["ETag"]}
    assert inspector.patch(place, json=change, headers=again).json()["code"] == "already_sorted"
    assert inspector.get("/v1/reports?waiting=true").json()["items"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_can_be_set_aside(public: TestClient, person: Callable[..., TestClient]) -> None:
    answer = report(public, text="you are all crooks", category="other").json()
    inspector, place = person(Role.INSPECTOR), f"/v1/reports/{answer['id']}"
    change = {"dismissed_reason": "no matter of the street"}
    inspector.patch(place, json=change, headers={"If-Match": '"1"'}).raise_for_status()
    assert public.post("/v1/reports/state", json={"token": answer["token"]}).json()["state"] == "not_followed"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_position_the_photos_exif_may_have_one(
    public: TestClient, photos: list[bytes], database: Database
) -> None:
    report(public, [photos[0]]).raise_for_status()
    [found] = rows(database, Report)
    assert found.position["source"] == "exif"
    assert (found.lon, found.lat) == (found.position["lon"], found.position["lat"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "photo", "code"),
    [
        ({}, None, "nothing_said"),
        ({"text": "a"}, b"<svg onload=alert(1)>", "invalid_image"),
        ({"text": "a"}, b"\xff\xd8\xff\xe0" + b"\0" * 100, "invalid_image"),
        ({"text": "a" * 4001}, None, "bad_report"),
        ({"text": "a", "lon": "200", "lat": "0"}, None, "bad_report"),
        ({"text": "a", "lon": "nan", "lat": "0"}, None, "bad_report"),
        ({"text": "a", "lon": "120"}, None, "bad_report"),
        ({"text": "a", "lon": "120", "lat": "30", "crs": "mars"}, None, "bad_report"),
        ({"text": "a\x00b"}, None, "bad_report"),
        ({"text": "a", "occurred_at": "2026-05-01T08:00:00"}, None, "bad_report"),
    ],
)
def test_what_cannot_be_used_is_refused_whole(
    public: TestClient, database: Database, fields: dict[str, str], photo: bytes | None, code: str
) -> None:
    answer = report(public, [photo] if photo else [], **fields)
    assert answer.json()["code"] == code, answer.text
    assert rows(database, Report) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_is_off_unless_the_settings_say_so(start: Start) -> None:
    client = start(public_reports=False)
    for method, path in (("GET", "/report"), ("POST", "/report"), ("POST", "/v1/reports")):
        answer = client.request(method, path, data={"text": "a"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_public")
    assert client.get("/report/script.js").status_code == 404


def test_a_flood_is_stopped_and_costs_nothing(start: Start, database: Database) -> None:
    client = start(reports_per_address=3, reports_per_hour=5)
    statuses = [report(client, text=f"report {number}").status_code for number in range(6)]
    assert statuses == [201] * 3 + [429] * 3
    answer = report(client, text="one more")
    assert answer.json()["code"] == "too_many_reports"
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    with database.read() as session:
        counted = {each.origin: each.reports for each in session.scalars(select(ReportHour))}
    assert counted.pop("all") == 3
    assert list(counted.values()) == [3]
    assert "testclient" not in str(counted)  # no address is kept
    with database.write() as session:  # everybody together have a limit too
        session.execute(update(ReportHour).where(ReportHour.origin != "all").values(reports=0))
    assert [report(client, text="again").status_code for _ in range(3)] == [201, 201, 429]
    with database.write() as session:
        session.execute(update(ReportHour).values(hour=now() - timedelta(days=3)))
    assert report(client, text="days later").status_code == 201
    with database.read() as session:  # and what was counted then is gone
        assert {each.reports for each in session.scalars(select(ReportHour))} == {1}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.2.3.4", "1.2.3.5", False),
        ("::ffff:1.2.3.4", "1.2.3.4", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # one household has all of a /64
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("testclient", "testclient", True),
    ],
)
def test_one_household_is_one_origin(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) == same


def test_contacts_are_encrypted_shown_to_few_and_erased(
    public: TestClient, person: Callable[..., TestClient], database: Database, settings: Settings
) -> None:
    answer = report(public, text="a", contact_phone="13812345678").json()
    place = f"/v1/reports/{answer['id']}/contact"
    with database.read() as session:
        assert "13812345678" not in (session.scalars(select(Report.contact_sealed)).one() or "")
    assert person(Role.THIRD_PARTY).get("/v1/reports").status_code == 403  # states tell of decisions
    for role in (Role.VIEWER, Role.ANALYST, Role.THIRD_PARTY, Role.HANDLER):
        assert person(role).post(place).status_code == 403
    assert person(Role.INSPECTOR).post(place).json() == {"phone": "13812345678"}
    with database.read() as session:
        looked = session.scalars(select(AuditEntry).where(AuditEntry.action == "report.contact_read")).all()
    assert [each.subject for each in looked] == [f"report/{answer['id']}"]
    with database.write() as session:
        assert erase_contacts(session, now() - timedelta(days=1)) == 0
        assert erase_contacts(session, now() + timedelta(days=1)) == 1
    assert person(Role.ADMIN).post(place).json() == {}
    assert rows(database, Report)[0].contact_erased_at is not None


class TestPage:
    """`/report`: a form for everybody."""

    pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

    def stamp(self, page: str) -> str:
        found = re.search(r'name="stamp" value="([^"]+)"', page)
        assert found
        return found[1]

    def test_it_is_strict_and_speaks_two_languages(self, public: TestClient) -> None:
        chinese = public.get("/report", headers={"Accept-Language": "zh-CN"})
        assert "街面问题上报" in chinese.text
        assert "暴露垃圾" in chinese.text
        assert "Report a problem" in public.get("/report?lang=en").text
        policy = chinese.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script src=" in chinese.text
        assert not re.search(r"<script(?! src=)|<style| style=| on\w+=|https?://", chinese.text)
        assert public.get("/report/script.js").headers["Content-Type"].startswith("text/javascript")
        assert public.get("/report/style.css").headers["Content-Type"].startswith("text/css")

    def test_a_person_can_send_it(
        self, public: TestClient, monkeypatch: pytest.MonkeyPatch, photos: list[bytes], database: Database
    ) -> None:
        fields = {
            "stamp": self.stamp(public.get("/report").text),
            "category": "sign",
            "text": EVIL,
            "lang": "en",
        }
        empty = {"photo": ("", b"")}  # what a browser sends when none was chosen
        hurried = public.post("/report", data=fields, files=empty)
        assert hurried.status_code == 422
        assert "quicker than a person" in hurried.text
        assert EVIL not in hurried.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in hurried.text  # still filled in, as text
        assert self.stamp(hurried.text) == fields["stamp"]  # and nobody waits twice
        later = time.time() + 10
        monkeypatch.setattr("time.time", lambda: later)
        trapped = public.post("/report", data=fields | {"website": "http://spam"}, files=empty)
        assert trapped.status_code == 422
        sent = public.post("/report", data=fields, files={"photo": ("p.jpg", photos[0])})
        assert sent.status_code == 201, sent.text
        token = re.search(r'class="token">([^<]+)<', sent.text)
        assert token
        asked = public.post("/report/state", data={"token": token[1], "lang": "en"})
        assert "It is being looked into." in asked.text
        assert (
            "no report has this code" in public.post("/report/state", data={"token": "x", "lang": "en"}).text
        )
        assert len(rows(database, Report)) == 1
        much_later = time.time() + 2 * 86400
        monkeypatch.setattr("time.time", lambda: much_later)
        assert "opened too long ago" in public.post("/report", data=fields, files=empty).text

    @pytest.mark.parametrize("stamp", ["", "nonsense", "gAAAAAB"])
    def test_a_form_that_was_never_opened_is_refused(self, public: TestClient, stamp: str) -> None:
        answer = public.post("/report", data={"stamp": stamp, "text": "a", "lang": "en"})
        assert "opened too long ago" in answer.text


TICKETS = """工单编号,来电时间,诉求内容,地址,经度,纬度,坐标系,分类,诉求人,联系电话
A-1,2026/5/1 8:05,"路口垃圾,
没人收",文三路,120.15,30.27,GCJ-02,市容环境-暴露垃圾,李四,057112345678
A-2,2026-05-01 09:00:00,井盖没了,,,,,井盖,,
A-3,昨天,坏时间,,,,,井盖,,
A-4,,没有坐标系,,120.15,30.27,,井盖,,
,,没有编号,,,,,井盖,,
A-5,,"引号没有关,,,,,井盖,,
A-6,,经度不是数,,东经,30,wgs84,井盖,,
A-7,,=HYPERLINK("http://evil"),,200,30,wgs84,井盖,,
A-8,,不知道是什么,,0,0,,奇怪的事,,
A-1,,又来了一次,,,,,井盖,,
"""


def test_each_ticket_has_an_outcome_and_costs_no_other(
    client: TestClient, person: Callable[..., TestClient], database: Database
) -> None:
    inspector = person(Role.INSPECTOR)
    sent = {"file": ("12345.csv", TICKETS.encode("gb18030"))}
    answer = inspector.post("/v1/reports/import", files=sent, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["encoding"] == "gb18030"
    outcomes = [(each["line"], each["ticket"], each["outcome"]) for each in receipt["outcomes"]]
    assert outcomes == [
        (2, "A-1", "accepted"), (4, "A-2", "accepted"), (5, "A-3", "bad_ticket"), (6, "A-4", "bad_ticket"),
        (7, None, "bad_ticket"), (8, None, "bad_ticket"), (9, "A-6", "bad_ticket"), (10, "A-7", "bad_ticket"),
        (11, "A-8", "accepted"), (12, "A-1", "duplicate"),
    ]  # fmt: skip
    reasons = {each["line"]: each["reason"] for each in receipt["outcomes"]}
    assert "坐标系" in reasons[6]
    first, second, third = rows(database, Report)
    assert first.text == "路口垃圾,\n没人收"
    assert first.occurred_at.isoformat() == "2026-05-01T00:05:00+00:00"
    assert first.position["said"] == {"lon": 120.15, "lat": 30.27, "crs": "gcj02"}
    assert first.lon != 120.15
    assert second.lon is None
    assert (third.category, third.details, third.candidate_id) == ("other", {"category": "奇怪的事"}, None)
    assert {each.source for each in rows(database, Candidate)} == {"hotline"}
    again = inspector.post("/v1/reports/import?crs=wgs84", files=sent).json()
    assert (again["accepted"], again["duplicate"]) == (1, 4)  # A-4, whose system is declared now
    assert person(Role.ANALYST).post("/v1/reports/import", files=sent).status_code == 403


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"a,b\n1,2\n", "names no column"), (b"\xff\xff\xff\x81", "neither UTF-8"),
     (b"PK\x03\x04\x00\x00", "neither UTF-8"),
     ("工单编号,诉求内容\n".encode() + b"1,x\n" * 50_001, "at most 50000")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_whole(
    person: Callable[..., TestClient], content: bytes, reason: str
) -> None:
    answer = person(Role.ADMIN).post("/v1/reports/import", files={"file": ("a.csv", content)})
    assert answer.json()["code"] == "bad_tickets", answer.text
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tickets_come_in_by_the_command_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    file = tmp_path / "tickets.csv"
    file.write_bytes(TICKETS.encode("utf-8-sig"))
    ran = CliRunner().invoke(app, ["reports", "import", str(file), "--crs", "百度", "--lang", "en"])
    assert ran.exit_code == 3
    assert "4 tickets taken in, 1 were here before, 5 refused (utf-8-sig)" in ran.output
    assert "tickets.csv:5: A-3: 昨天 is no time" in ran.output
    assert rows(database, Report)[2].position["said"]["crs"] == "bd09"
    assert CliRunner().invoke(app, ["reports", "import", str(file), "--crs", "mars"]).exit_code == 2


@given(st.text(alphabet=st.sampled_from('a,;\t"\n\r工\x00\x0b\u2028=@'), max_size=200))
def test_no_text_stops_the_lines_below_it(noise: str) -> None:
    """Whatever stands between two tickets, the last one is read."""
    text = f'工单编号,诉求内容\nB-1,"first"\n{noise}\nB-2,last\n'
    lines = list(read_lines(text))
    assert lines[0].cells["ticket"] == "B-1"
    assert lines[-1].cells["ticket"] == "B-2"
    for line in lines:
        with suppress(SpokenError):
            assert read_ticket(line, SHANGHAI).source == "hotline"


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    with suppress(BadTickets):
        list(read_lines(decode(content)[0]))


def test_the_citys_own_categories(tmp_path: Path) -> None:
    file = tmp_path / "categories.toml"
    noise = '[[categories]]\ncode = "{}"\nzh = "噪声"\nen = "noise"\n{}\n'
    own = noise + '[[categories]]\ncode = "other"\nzh = "其他"\nen = "x"\n'
    file.write_text(own.format("noise", ""))
    assert load_categories(file)["noise"] is not None
    for code, more, reason in (
        ("other", "", "twice"),
        ("noise", 'condition = "unheard_of"', "do not go together"),
        ("noise", 'condition = "exposed_garbage"\nclass = "pothole"', "do not go together"),
        ("noise", "colour = 3", "Extra inputs"),
    ):
        other = tmp_path / f"{code}-{len(more)}.toml"
        other.write_text(own.format(code, more))
        with pytest.raises(CategoriesError, match=reason):
            load_categories(other)
