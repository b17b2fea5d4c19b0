"""Open311 GeoReport v2: other systems report, and read what became of it, in JSON and XML."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from streetsight.service.auth.actor import Role
from streetsight.service.candidates.reports import add_report
from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.tables import Issue
from streetsight.service.open311.rendering import Answer, rendered
from streetsight.service.reports.tables import Report
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

API = "/open311/v2"
CITY = "city.example.cn"
REQUEST_FIELDS = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
    "address", "address_id", "zipcode", "lat", "long", "media_url",
)  # fmt: skip
EVIL = "]]></description><script>&\"'<!ENTITY x SYSTEM 'file:///etc/passwd'>"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"open311": True, "open311_jurisdiction": CITY})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with open_database(settings) as opened:
        yield opened


@pytest.fixture
def public(client: TestClient) -> TestClient:
    client.headers.pop("Authorization")
    return client


@pytest.fixture
def key(person: Callable[..., TestClient]) -> str:
    made = person(Role.ADMIN).post("/v1/open311/keys", json={"name": "the city's app"})
    assert made.status_code == 201, made.text
    return str(made.json()["api_key"])


def post(client: TestClient, key: str, form: str = "json", **fields: str) -> Any:
    sent = {"api_key": key, "service_code": "road_damage", "lat": "30.27", "long": "120.15"} | fields
    return client.post(f"{API}/requests.{form}", data={name: value for name, value in sent.items() if value})


def structure(element: Element) -> Any:
    """Names of elements and of what they hold; lists once."""
    children = list(element)
    return (element.tag, [structure(each) for each in children]) if children else element.tag


def test_a_request_is_made_read_and_closed(public: TestClient, key: str, database: Database) -> None:
    answer = post(
        public, key, description=EVIL, address_string="文三路", email="a@example.com", first_name="San",
        last_name="Zhang", deviceid="phone-1", media_url="http://169.254.169.254/photo.jpg",
        jurisdiction_id=CITY, **{"attribute[SIZE]": "large"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    [made] = answer.json()
    assert set(made) == {"service_request_id", "service_notice", "account_id"}

    [shown] = public.get(f"{API}/requests/{made['service_request_id']}.json").json()
    assert tuple(shown) == REQUEST_FIELDS
    assert (shown["status"], shown["service_code"], shown["description"]) == ("open", "road_damage", EVIL)
    assert (shown["lat"], shown["long"], shown["address"]) == (30.27, 120.15, "文三路")
    assert datetime.fromisoformat(shown["requested_datetime"]).tzinfo == UTC
    with database.read() as session:
        report = session.scalars(select(Report)).one()
        candidate = session.scalars(select(Candidate)).one()
    assert report.details == {
        "media_url": "http://169.254.169.254/photo.jpg", "attribute[SIZE]": "large", "device_id": "phone-1",
        "system": "the city's app",
    }  # fmt: skip
    assert (report.frames, report.source) == ([], "open311")  # the URL is text: nobody fetches it
    assert "example.com" not in (report.contact_sealed or "")
    assert (candidate.source, candidate.state) == ("citizen", "open")

    for state, status in (("confirmed", "open"), ("rejected", "closed"), ("gone", "closed")):
        with database.write() as session:
            session.execute(update(Candidate).values(state=state))
        [shown] = public.get(f"{API}/requests.json?status={status}").json()
        assert shown["status"] == status
        other = {"open": "closed", "closed": "open"}[status]
        assert public.get(f"{API}/requests.json?status={other}").json() == []
    [token] = public.get(f"{API}/tokens/{made['service_request_id']}.json").json()
    assert token["service_request_id"] == made["service_request_id"]


def test_merged_requests_follow_what_they_were_merged_into(
    public: TestClient, key: str, database: Database
) -> None:
    post(public, key, description="a hole").raise_for_status()
    with database.write() as session:
        first = session.scalars(select(Candidate)).one()
        other = add_report(
            session, source="citizen", condition="broken_facility", class_name="pothole", lon=121.0, lat=31.0,
            description=None, frame_ids=[], reported_at=now(), reporter=None,
        )  # fmt: skip
        first.state, first.merged_into_id, other.state = "merged", other.id, "gone"
    assert public.get(f"{API}/requests.json").json()[0]["status"] == "closed"


def test_photos_go_the_way_of_all_frames(
    public: TestClient, key: str, photos: list[bytes], database: Database
) -> None:
    sent = {"api_key": key, "service_code": "road_damage", "address_string": "somewhere"}
    answer = public.post(f"{API}/requests.json", data=sent, files={"photo": ("a.jpg", photos[0])})
    assert answer.status_code == 201, answer.text
    with database.read() as session:
        assert len(session.scalars(select(Report)).one().frames) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_xml_has_the_structure_of_the_specification(public: TestClient, key: str) -> None:
    posted = post(public, key, "xml", description=EVIL)
    assert posted.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert posted.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    assert structure(fromstring(posted.content)) == (
        "service_requests", [("request", ["service_request_id", "service_notice", "account_id"])],
    )  # fmt: skip
    requests = fromstring(public.get(f"{API}/requests.xml").content)
    assert structure(requests) == ("service_requests", [("request", list(REQUEST_FIELDS))])
    assert requests.findtext("request/description") == EVIL
    services = fromstring(public.get(f"{API}/services.xml").content)
    assert structure(services[0]) == (
        "service",
        ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"],
    )
    assert services.findtext("service/metadata") == "false"
    assert services.findtext("service/type") == "realtime"
    definition = fromstring(public.get(f"{API}/services/manhole.xml").content)
    assert structure(definition) == ("service_definition", ["service_code", "attributes"])
    discovery = fromstring(public.get(f"{API}/discovery.xml").content)
    endpoint = ("endpoint", ["specification", "url", "changeset", "type", ("formats", ["format"] * 2)])
    assert structure(discovery) == (
        "discovery", ["changeset", "contact", "key_service", ("endpoints", [endpoint])],
    )  # fmt: skip
    updates = fromstring(public.get(f"{API}/servicerequestupdates.xml").content)
    assert structure(updates) == (
        "service_request_updates",
        [
            (
                "request_update",
                ["update_id", "service_request_id", "status", "updated_datetime", "description", "media_url"],
            )
        ],
    )
    error = public.get(f"{API}/requests/nothing.xml")
    assert error.status_code == 404
    assert structure(fromstring(error.content)) == ("errors", [("error", ["code", "description"])])


@given(st.text(max_size=50))
def test_any_text_is_whole_xml(text: str) -> None:
    answer = rendered(Answer("requests", "request", [{"description": text}]), "xml")
    found = fromstring(bytes(answer.body)).findtext("request/description") or ""
    kept = "".join(each for each in text if each.isprintable() and not "\ud800" <= each <= "\udfff")
    assert "".join(each for each in found if each.isprintable() and each != "\ufffd") == kept.replace(
        "\ufffd", ""
    )
    assert rendered(Answer("requests", "request", [{"description": text}]), "json").body


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"api_key": ""}, 403),
        ({"api_key": "sso_nonsense"}, 403),
        ({"jurisdiction_id": "elsewhere"}, 404),
        ({"service_code": ""}, 400),
        ({"service_code": "flying_saucers"}, 400),
        ({"lat": "", "long": ""}, 400),
        ({"lat": ""}, 400),
        ({"lat": "300"}, 400),
        ({"lat": "north"}, 400),
        ({"description": ""}, 400),
        ({"description": "a" * 4001}, 400),
    ],
)
def test_errors_have_the_shape_of_the_specification(
    public: TestClient, key: str, fields: dict[str, str], status: int
) -> None:
    answer = post(public, fields.pop("api_key", key), **({"description": "a hole"} | fields))
    assert answer.status_code == status, answer.text
    assert [set(each) for each in answer.json()] == [{"code", "description"}]
    assert answer.json()[0]["code"] == status
    assert public.get(f"{API}/requests.json").json() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "query",
    ["start_date=yesterday", "start_date=2026-05-01T08:00:00", "page=0", "page_size=9999",
     "start_date=2026-01-01T00:00:00Z&end_date=2026-12-31T00:00:00Z",
     "start_date=2026-05-02T00:00:00Z&end_date=2026-05-01T00:00:00Z"],
)  # fmt: skip
def test_filters_that_cannot_be_used_are_refused(public: TestClient, query: str) -> None:
    answer = public.get(f"{API}/requests.json?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()[0]["code"] == 400


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_are_filtered_and_paged(public: TestClient, key: str, database: Database) -> None:
    ids = [
        post(public, key, description=f"{number}", long=f"{120 + number / 10}").json()[0][
            "service_request_id"
        ]
        for number in range(5)
    ]
    bags = post(public, key, description="bags", service_code="exposed_garbage")
    garbage = bags.json()[0]["service_request_id"]

    def found(query: str) -> list[str]:
        answer = public.get(f"{API}/requests.json?{query}")
        return [each["service_request_id"] for each in answer.json()]

    assert found("") == [garbage, *reversed(ids)]
    assert found("service_code=exposed_garbage,sign") == [garbage]
    assert found(f"service_request_id={ids[0]},{ids[1]}") == [ids[1], ids[0]]
    assert found("page=2&page_size=4") == [ids[1], ids[0]]
    old = datetime(2026, 1, 15, tzinfo=UTC)
    with database.write() as session:
        session.execute(update(Report).where(Report.id == ids[0]).values(created_at=old))
    assert ids[0] not in found("")
    assert found("start_date=2026-01-01T00:00:00%2B08:00&end_date=2026-02-01T00:00:00Z") == [ids[0]]


def test_what_people_have_confirmed_is_public_and_nothing_else(
    public: TestClient, database: Database, start: Callable[..., TestClient]
) -> None:
    with database.write() as session:
        lead, confirmed = (
            add_report(
                session, source="hotline", condition="exposed_garbage", class_name="garbage", lon=lon,
                lat=30.0, description="李四 057112345678", frame_ids=[], reported_at=now(), reporter=None,
            )
            for lon in (120.0, 121.0)
        )  # fmt: skip
        confirmed.state = "confirmed"
        session.add(
            Issue(
                number="20261122-000001", district="", candidate_id=confirmed.id, condition="exposed_garbage",
                class_name="garbage", lon=121.0, lat=30.0, confirmed_at=now() - timedelta(days=1),
                confirmed_by_id="01a20233-5f67-77ae-9e8a-8156a002b49c", confirmed_by="inspector",
            )
        )  # fmt: skip
    assert lead.state == "open"
    answer = public.get(f"{API}/requests.json")
    [shown] = answer.json()
    assert (shown["status"], shown["service_code"], shown["description"]) == ("open", "exposed_garbage", None)
    assert "057112345678" not in answer.text
    with database.write() as session:
        session.execute(update(Issue).values(state="closed"))
    assert public.get(f"{API}/requests.json").json()[0]["status"] == "closed"
    update_ = public.get(f"{API}/servicerequestupdates.json").json()[0]
    assert (update_["status"], update_["service_request_id"]) == ("closed", shown["service_request_id"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys_are_hashed_limited_and_can_be_taken_back(
    start: Callable[..., TestClient], person: Callable[..., TestClient], settings: Settings
) -> None:
    admin = person(Role.ADMIN)
    made = admin.post("/v1/open311/keys", json={"name": "app"}).json()
    elsewhere = admin.post("/v1/open311/keys", json={"name": "b", "jurisdiction": "other"}).json()["api_key"]
    assert made["api_key"] not in admin.get("/v1/open311/keys").text
    client = start(open311_per_key=2)
    assert post(client, elsewhere, description="a").status_code == 403
    statuses = [post(client, made["api_key"], description="a hole").status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
    shown = admin.get("/v1/open311/keys").json()["items"]
    assert {each["name"]: each["last_used_at"] is not None for each in shown} == {"app": True, "b": False}
    revoked = admin.delete(f"/v1/open311/keys/{made['key']['id']}").json()
    assert revoked["revoked_at"] is not None
    assert post(client, made["api_key"], description="a").status_code == 403
    assert person(Role.ANALYST).get("/v1/open311/keys").status_code == 403


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_is_off_unless_the_settings_say_so(start: Callable[..., TestClient]) -> None:
    client = start(open311=False)
    for path in ("services.json", "requests.xml", "discovery"):
        assert client.get(f"{API}/{path}").status_code == 404
    assert client.post(f"{API}/requests.json", data={"api_key": "x"}).status_code == 404
