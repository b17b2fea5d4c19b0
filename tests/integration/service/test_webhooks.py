"""Events reach other systems: signed, in order, until they have arrived, and never where they must not."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from crossing import crossed
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from waiting import wait_for

from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.events.service import publish
from streetsight.service.events.tables import Event
from streetsight.service.settings import Network, Settings, SettingsError, read_settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import Sealer, SealError, open_sealer
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.webhooks import sending
from streetsight.service.webhooks.addresses import AddressRefused, check
from streetsight.service.webhooks.courier import Courier
from streetsight.service.webhooks.outbox import forget
from streetsight.service.webhooks.schemas import WebhookSent
from streetsight.service.webhooks.service import WebhookExists, add_webhook, rotate_secret
from streetsight.service.webhooks.signing import signed_headers
from streetsight.service.webhooks.tables import Attempt, Delivery, Webhook

LOOPBACK = "127.0.0.0/8"


@dataclass
class Receiver:
    """Another system, on loopback: remembers what came, and answers what it is told to.

    Attributes:
        answers: status, or status and headers, of the next requests; 200 when none is left.
        before: called before it answers.
    """

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def subjects(self) -> list[str]:
        return [each["subject"] for each in self.events]


@contextmanager
def listening() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            receiver.before()
            answer = receiver.answers.pop(0) if receiver.answers else 200
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"x" * 2000)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"webhook_private_networks": LOOPBACK, "webhook_timeout_seconds": 2.0, "poll_seconds": 0.05}
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with open_database(settings) as opened:
        yield opened


@dataclass
class Office:
    """A server's database and a courier, without the web server."""

    database: Database
    settings: Settings

    def __post_init__(self) -> None:
        self.sealer = open_sealer(self.settings)
        self.courier = Courier(self.database, self.settings, self.sealer)

    def add(self, url: str, name: str = "platform", **more: Any) -> tuple[str, str]:
        sent = WebhookSent(name=name, url=url, **more)
        with self.database.write() as session:
            webhook, secret = add_webhook(session, SYSTEM, sent, self.settings, self.sealer)
        return webhook.id, secret

    def publish(self, number: int, kind: str = "candidate.created", area: str | None = None) -> str:
        with self.database.write() as session:
            return publish(session, kind, f"candidate/{number}", {"number": number}, area)

    def wake(self) -> None:
        """Let the time of all back-offs pass."""
        with self.database.write() as session:
            session.execute(update(Delivery).values(run_after=now()))
            session.execute(update(Webhook).values(rest_until=None))

    def states(self) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(select(Delivery.state).join(Event).order_by(Event.number)))

    def attempts(self) -> list[Attempt]:
        with self.database.read() as session:
            return list(session.scalars(select(Attempt).order_by(Attempt.id)))

    def webhook(self, webhook_id: str) -> Webhook:
        with self.database.read() as session:
            return session.get_one(Webhook, webhook_id)


@pytest.fixture
def office(database: Database, settings: Settings) -> Office:
    return Office(database, settings)


def networks_of(text: str) -> tuple[Network, ...]:
    return Settings(webhook_private_networks=text).private_networks


def snippet() -> dict[str, Any]:
    """What docs/webhooks.md tells receivers to run, run."""
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.+?)```", page, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102  it is ours
    return names


verify = snippet()["verify"]


def test_events_arrive_in_order_signed_and_as_cloudevents(office: Office, receiver: Receiver) -> None:
    _, secret = office.add(receiver.url, headers={"X-Key": "abc"})
    ids = [office.publish(number, area="/330106/") for number in range(5)]
    while office.courier.turn():  # on a busy machine a destination's time is up before its events are
        pass
    assert receiver.subjects == [f"candidate/{number}" for number in range(5)]
    assert office.courier.turn() == 0
    headers, body = receiver.got[0]
    verify(secret, headers, body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["x-key"] == "abc"
    assert headers["webhook-id"] == ids[0]
    event = json.loads(body)
    assert event | {"time": ""} == {
        "specversion": "1.0", "id": ids[0], "source": "urn:streetsight", "time": "",
        "type": "streetsight.candidate.created", "subject": "candidate/0",
        "datacontenttype": "application/json", "sequence": "0000000000000001", "areapath": "/330106/",
        "data": {"number": 0},
    }  # fmt: skip
    assert event["time"].endswith("Z")
    assert office.states() == ["delivered"] * 5
    log = office.attempts()
    assert [each.status for each in log] == [200] * 5
    assert log[0].answer == "x" * 500


def test_metrics_say_what_waits_for_each_destination(
    office: Office, receiver: Receiver, client: TestClient
) -> None:
    office.add(receiver.url)
    office.add(receiver.url, "archive", area_path="/330106/")
    office.publish(1)
    office.publish(2)
    lines = client.get("/metrics").text.splitlines()
    assert 'streetsight_outbox_pending{destination="platform"} 2.0' in lines
    assert 'streetsight_outbox_pending{destination="archive"} 0.0' in lines
    office.courier.turn()
    assert 'streetsight_outbox_pending{destination="platform"} 0.0' in client.get("/metrics").text


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, the vector of its libraries' tests."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_refuse_what_is_replayed_forged_or_changed(office: Office, receiver: Receiver) -> None:
    _, secret = office.add(receiver.url)
    office.publish(1)
    office.courier.turn()
    headers, body = receiver.got[0]
    verify(secret, headers, body)
    with pytest.raises(ValueError, match="too old"):
        verify(secret, headers | {"webhook-timestamp": str(int(time.time()) - 600)}, body)
    for changed in (
        (headers | {"webhook-timestamp": str(int(time.time()) + 1)}, body),
        (headers | {"webhook-id": "another"}, body),
        (headers, body + b" "),
    ):
        with pytest.raises(ValueError, match="not signed by"):
            verify(secret, *changed)
    receiver.answers = [500]
    office.publish(2)
    office.courier.turn()
    office.wake()
    office.courier.turn()
    seen = [each["webhook-id"] for each, _ in receiver.got]
    assert seen[1] == seen[2] != seen[0]  # by the id it can also tell our own repetition


def test_what_fails_is_tried_again_and_holds_up_nothing(office: Office, receiver: Receiver) -> None:
    webhook_id, _ = office.add(receiver.url)
    receiver.answers = [500]
    for number in range(3):
        office.publish(number)
    office.courier.turn()
    assert receiver.subjects == ["candidate/0"]  # the destination rests
    webhook = office.webhook(webhook_id)
    assert webhook.failures == 1
    assert webhook.rest_until is not None
    with office.database.write() as session:
        session.execute(update(Webhook).values(rest_until=None))
        session.execute(
            update(Delivery).where(Delivery.attempts == 1).values(run_after=now() + timedelta(minutes=1))
        )
    office.courier.turn()
    assert receiver.subjects == ["candidate/0", "candidate/1", "candidate/2"]
    office.wake()
    office.courier.turn()
    assert receiver.subjects[-1] == "candidate/0"
    assert office.states() == ["delivered"] * 3
    assert office.webhook(webhook_id).failing_since is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_retry_after_is_kept_to(office: Office, receiver: Receiver, status: int) -> None:
    webhook_id, _ = office.add(receiver.url)
    receiver.answers = [(status, {"Retry-After": "7200"})]
    office.publish(1)
    before = now()
    office.courier.turn()
    assert office.states() == ["pending"]
    with office.database.read() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert delivery.run_after >= before + timedelta(hours=2)
    rest_until = office.webhook(webhook_id).rest_until
    assert rest_until is not None
    assert rest_until >= before + timedelta(hours=2)


@pytest.mark.parametrize("answer", [400, 401, 404, 410, (302, {"Location": "http://127.0.0.1:1/"})])
def test_what_trying_again_would_not_help_is_given_up_at_once(
    office: Office, receiver: Receiver, answer: Any
) -> None:
    office.add(receiver.url)
    receiver.answers = [answer]
    office.publish(1)
    office.publish(2)
    office.courier.turn()
    assert office.states() == ["dead", "delivered"]
    assert len(receiver.got) == 2  # the redirect was not followed


def test_after_days_it_is_given_up_and_the_webhook_paused(office: Office, receiver: Receiver) -> None:
    webhook_id, _ = office.add(receiver.url)
    with listening() as watcher:
        office.add(watcher.url, "watcher", kinds=["webhook.paused"])
        receiver.answers = [500] * 2
        office.publish(1)
        office.courier.turn()
        with office.database.write() as session:
            session.execute(update(Delivery).values(queued_at=now() - timedelta(hours=73)))
            session.execute(update(Webhook).values(failing_since=now() - timedelta(days=6)))
        office.wake()
        office.courier.turn()
        assert office.webhook(webhook_id).paused_at is not None
        office.publish(2)  # nothing is queued for it meanwhile
        office.wake()
        office.courier.turn()
        assert len(receiver.got) == 2
        assert [each["type"] for each in watcher.events] == ["streetsight.webhook.paused"]
    assert office.states()[0] == "dead"


def test_waits_grow_with_full_jitter_and_end(office: Office) -> None:
    waits = []
    for attempts in range(1, 12):
        for _ in range(50):
            delivery = Delivery(queued_at=now(), attempts=attempts, state="pending")
            office.courier._put_off(delivery, sending.Answer(5, 500))
            waits.append((attempts, (delivery.run_after - now()).total_seconds() / 60))
            assert delivery.state == "pending"
    longest = (1, 5, 30, 120, 360, 720)
    for attempts, wait in waits:
        assert -1 < wait <= longest[min(attempts, len(longest)) - 1]
    assert {wait > 360 for attempts, wait in waits if attempts > 6} == {True, False}
    old = Delivery(queued_at=now() - timedelta(hours=72), attempts=30, state="pending")
    office.courier._put_off(old, sending.Answer(5, 500))
    assert old.state == "dead"


def test_during_a_rotation_both_secrets_are_good(office: Office, receiver: Receiver) -> None:
    webhook_id, old = office.add(receiver.url)
    with office.database.write() as session:
        _, new = rotate_secret(session, SYSTEM, webhook_id, office.settings, office.sealer)
    office.publish(1)
    office.courier.turn()
    for secret in (old, new):
        verify(secret, *receiver.got[0])
    with office.database.write() as session:
        session.execute(update(Webhook).values(old_secret_until=now()))
    office.publish(2)
    office.courier.turn()
    verify(new, *receiver.got[1])
    with pytest.raises(ValueError, match="not signed by"):
        verify(old, *receiver.got[1])


def test_each_gets_what_it_asked_for(office: Office, receiver: Receiver) -> None:
    office.add(receiver.url, kinds=["issue.created"], area_path="/330106/")
    office.publish(1, "issue.created", "/330106/330106003/")
    office.publish(2, "issue.created", "/330105/")
    office.publish(3, "issue.created", "/3301069/")
    office.publish(4, "issue.created", None)
    office.publish(5, "candidate.created", "/330106/")
    office.courier.turn()
    assert receiver.subjects == ["candidate/1"]


def test_a_slow_destination_delays_no_other(office: Office, receiver: Receiver) -> None:
    go_on = threading.Event()
    with listening() as slow:
        slow.before = lambda: go_on.wait(10)
        office.add(slow.url, "a slow one")
        office.add(receiver.url)
        with office.courier.running():
            for number in range(20):
                office.publish(number)
            wait_for(lambda: len(receiver.got) == 20)
            assert len(slow.got) <= 1
            go_on.set()
            wait_for(lambda: len(slow.got) == 20)
    assert receiver.subjects == slow.subjects == [f"candidate/{number}" for number in range(20)]


def test_who_sends_byte_by_byte_is_cut_off(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000:
                    time.sleep(0.1)
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answer = sending.send(url, {}, b"{}", networks_of(LOOPBACK), seconds=0.5)
    assert answer.status is None
    assert answer.error is not None
    assert not answer.final


def test_two_couriers_send_everything_once(office: Office, receiver: Receiver) -> None:
    office.add(receiver.url)
    other = Courier(office.database, office.settings, office.sealer)
    with ThreadPoolExecutor(4) as pool, office.courier.running(), other.running():
        list(pool.map(office.publish, range(40)))
        wait_for(lambda: office.states() == ["delivered"] * 40)
    numbers = [int(each["sequence"]) for each in receiver.events]
    assert sorted(numbers) == list(range(1, 41))
    assert numbers == sorted(numbers)


KILLED = """
from streetsight.service.settings import read_settings
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import open_sealer
from streetsight.service.webhooks.courier import Courier
settings = read_settings()
with open_database(settings) as database:
    Courier(database, settings, open_sealer(settings)).turn()
"""


def test_a_courier_killed_after_sending_sends_again_under_the_same_id(
    office: Office, receiver: Receiver, settings: Settings
) -> None:
    webhook_id, _ = office.add(receiver.url)
    event_id = office.publish(1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREETSIGHT_")}
    environment |= {
        "STREETSIGHT_DATA_FOLDER": str(settings.data_folder), "STREETSIGHT_DATABASE_URL": settings.database,
        "STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS": LOOPBACK,
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", KILLED], env=environment)
    receiver.before = process.kill  # the request is there, the answer is not
    assert process.wait(60) == -signal.SIGKILL
    receiver.before = lambda: None
    assert office.webhook(webhook_id).lease is not None
    assert office.courier.turn() == 0  # the dead one's lease still holds
    office.courier._watch._seconds = 0.0
    assert office.courier.turn() == 1
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [event_id] * 2
    assert office.states() == ["delivered"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.0.192", "198.18.0.1",
        "::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "2001:0:7f00:1::1", "64:ff9b:1::a9fe:a9fe",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check(ip_address(address), ())


def test_public_and_named_addresses_are_allowed() -> None:
    for public in ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "114.114.114.114"):
        check(ip_address(public), ())
    networks = networks_of("10.1.0.0/16, ::1")
    check(ip_address("10.1.2.3"), networks)
    check(ip_address("::ffff:10.1.2.3"), networks)
    check(ip_address("::1"), networks)
    with pytest.raises(AddressRefused):
        check(ip_address("10.2.0.1"), networks)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_name_that_leads_inside_is_refused_when_it_is_sent_to(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was public when it was checked: what was resolved last is what is connected to."""
    asked, connected = [], []
    true_connect, true_resolve = socket.create_connection, socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        if not host.endswith(".example"):
            return list(true_resolve(host, port, *args, **more))
        asked.append(host)
        addresses = {"public.example": ["127.0.0.1"], "mixed.example": ["127.0.0.1", "10.0.0.1"]}
        found = addresses.get(host, ["169.254.169.254"])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    def connect(address: Any, *args: Any, **more: Any) -> socket.socket:
        connected.append(address[0])
        return true_connect(address, *args, **more)

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr("socket.create_connection", connect)
    port = receiver.url.split(":")[2].split("/")[0]
    networks = networks_of(LOOPBACK)
    for name in ("metadata.example", "mixed.example"):
        answer = sending.send(f"https://{name}:{port}/", {}, b"{}", networks, 2)
        assert answer.final
        assert answer.error is not None
        assert "is not a public address" in answer.error
    assert connected == []
    answer = sending.send(f"http://public.example:{port}/", {}, b"{}", networks, 2)
    assert answer.status == 200
    assert connected == ["127.0.0.1"]  # the address, not the name: nobody is asked a second time
    assert asked.count("public.example") == 1
    assert receiver.got[0][0]["host"] == f"public.example:{port}"


def test_networks_that_are_none_are_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS", "10.0.0.1/8")
    with pytest.raises(SettingsError, match="has host bits set"):
        read_settings()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_old_events_are_forgotten_but_not_what_waits(office: Office, receiver: Receiver) -> None:
    office.add(receiver.url)
    office.publish(1)
    office.courier.turn()
    office.publish(2)
    with office.database.write() as session:
        assert forget(session, now() + timedelta(seconds=1)) == 1
    office.courier.turn()
    assert receiver.subjects == ["candidate/1", "candidate/2"]
    with office.database.write() as session:
        assert forget(session, now() + timedelta(seconds=1)) == 0, "numbers go on from the newest one"
    office.publish(3)
    with office.database.read() as session:
        assert session.scalars(select(Event.number).order_by(Event.number)).all() == [2, 3]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys_are_made_once_kept_close_and_can_be_changed(settings: Settings) -> None:
    settings.data_folder.mkdir(parents=True)
    with ThreadPoolExecutor(8) as pool:
        sealers = list(pool.map(lambda _: open_sealer(settings), range(8)))
    sealed = sealers[0].seal("secret")
    assert all(each.open(sealed) == "secret" for each in sealers)
    path = settings.data_folder / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in settings.data_folder.iterdir()] == ["secret.key"]
    first, second = path.read_text().strip(), "A" * 43 + "="
    assert Sealer([second, first]).open(sealed) == "secret"
    with pytest.raises(SealError, match="another key"):
        Sealer([second]).open(sealed)
    with pytest.raises(SealError, match="openssl rand"):
        Sealer(["short"])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_of_two_that_take_a_name_at_once_one_has_it(office: Office) -> None:
    def add(session: WriteSession) -> None:
        sent = WebhookSent(name="platform", url="https://example.com/")
        add_webhook(session, SYSTEM, sent, office.settings, office.sealer)

    _, late = crossed(office.database, add, lambda: office.add("https://example.com/"))
    with pytest.raises(WebhookExists):
        late.result()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestApi:
    """Administrators manage webhooks; others read events."""

    @pytest.fixture
    def admin(self, person: Callable[..., TestClient]) -> TestClient:
        return person(Role.ADMIN)

    def made(self, admin: TestClient, receiver: Receiver, **more: Any) -> tuple[str, dict[str, Any]]:
        answer = admin.post("/v1/webhooks", json={"name": "platform", "url": receiver.url} | more)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"], answer.json()

    def test_a_webhooks_life(self, admin: TestClient, receiver: Receiver, office: Office) -> None:
        place, made = self.made(admin, receiver, headers={"X-Key": "s3cret"})
        assert made["secret"].startswith("whsec_")
        shown = admin.get(place)
        assert (shown.json()["state"], shown.json()["headers"]) == ("active", ["X-Key"])
        assert "s3cret" not in shown.text
        assert made["secret"] not in shown.text
        raw = (office.settings.data_folder.parent / "streetsight.sqlite").read_bytes()
        assert b"s3cret" not in raw
        assert made["secret"].encode() not in raw

        tried = admin.post(f"{place}/test").json()
        assert (tried["delivered"], tried["status"]) == (True, 200)
        verify(made["secret"], *receiver.got[0])

        assert admin.patch(place, json={"enabled": False}).status_code == 428
        stale = admin.patch(place, json={"enabled": False}, headers={"If-Match": '"9"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")
        changed = admin.patch(place, json={"enabled": False}, headers={"If-Match": shown.headers["ETag"]})
        assert changed.json()["state"] == "disabled"
        office.publish(1)
        assert office.states() == []
        changed = admin.patch(place, json={"enabled": True}, headers={"If-Match": changed.headers["ETag"]})
        receiver.answers = [404]
        office.publish(2)
        office.courier.turn()
        log = admin.get(f"{place}/deliveries?state=dead").json()["items"]
        assert log[0]["attempts"][0]["status"] == 404
        assert log[0]["attempts"][0]["answer"] == "x" * 500
        assert admin.get(place).json()["dead"] == 1
        retried = admin.post(f"{place}/deliveries/{log[0]['id']}/retry")
        assert retried.json() == {"count": 1}
        office.courier.turn()
        assert office.states() == ["delivered"]
        assert admin.post(f"{place}/deliveries/{log[0]['id']}/retry").json()["code"] == "not_dead"
        assert admin.post(f"{place}/retry").json() == {"count": 0}

        rotated = admin.post(f"{place}/secret")
        assert rotated.json()["secret"] != made["secret"]
        removed = admin.delete(place, headers={"If-Match": rotated.headers["ETag"]})
        assert removed.status_code == 204
        assert admin.get(place).json()["code"] == "no_webhook"
        assert admin.get("/v1/webhooks").json() == {"items": []}

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"url": "https://169.254.169.254/latest"}, "address_refused"),
            ({"url": "https://[::1]/"}, "address_refused"),
            ({"url": "ftp://example.com/"}, "bad_url"),
            ({"url": "https://user:password@example.com/"}, "bad_url"),
            ({"url": "https:///path"}, "bad_url"),
            ({"url": "javascript:alert(1)"}, "bad_url"),
            ({"kinds": ["candidate.nonsense"]}, "malformed"),
            ({"headers": {"Host": "other"}}, "malformed"),
            ({"headers": {"webhook-id": "1"}}, "malformed"),
            ({"headers": {"X": "a\r\nY: b"}}, "malformed"),
            ({"area_path": "330106"}, "malformed"),
            ({"name": "platform"}, "webhook_exists"),
        ],
    )
    def test_what_cannot_be_used_is_refused(
        self, admin: TestClient, receiver: Receiver, change: dict[str, Any], code: str
    ) -> None:
        self.made(admin, receiver)
        answer = admin.post("/v1/webhooks", json={"name": "other", "url": "https://example.com/"} | change)
        assert answer.json()["code"] == code, answer.text

    def test_http_takes_a_network_that_the_operator_has_named(self, start: Callable[..., TestClient]) -> None:
        from streetsight.service.webhooks.service import BadUrl, check_url

        with pytest.raises(BadUrl):
            check_url("http://127.0.0.1/", Settings())
        with pytest.raises(AddressRefused):
            check_url("http://10.0.0.1/", Settings(webhook_private_networks=LOOPBACK))

    @pytest.mark.parametrize("role", [Role.ANALYST, Role.INSPECTOR, Role.VIEWER, Role.HANDLER])
    def test_only_administrators_manage_them(self, person: Callable[..., TestClient], role: Role) -> None:
        assert person(role).get("/v1/webhooks").status_code == 403

    def test_events_can_be_followed(self, person: Callable[..., TestClient], office: Office) -> None:
        for number in range(5):
            office.publish(number, area="/330106/330106003/" if number % 2 else "/330105/")
        office.publish(5, "release.promoted")
        reader, followed, last = person(Role.VIEWER), [], 0
        while items := (answer := reader.get(f"/v1/events?after={last}&limit=2").json())["items"]:
            followed += [each["subject"] for each in items]
            last = answer["last"]
        assert followed == [f"candidate/{number}" for number in range(6)]
        newest = reader.get("/v1/events?limit=4").json()
        assert newest["items"][0]["kind"] == "release.promoted"
        assert len(reader.get(f"/v1/events?cursor={newest['next_cursor']}").json()["items"]) == 2
        assert len(reader.get("/v1/events?kinds=release.promoted&kinds=issue.created").json()["items"]) == 1
        scoped = person(Role.VIEWER, ["/330106/"]).get("/v1/events?after=0").json()["items"]
        assert [each["subject"] for each in scoped] == ["candidate/1", "candidate/3"]
        assert person(Role.THIRD_PARTY).get("/v1/events").status_code == 403  # it would tell of decisions


def test_whoever_has_seen_a_number_has_seen_all_below_it(database: Database) -> None:
    """Publishers on many threads, some of which fail; a reader that follows them misses none."""
    seen: list[int] = []
    stop = threading.Event()

    def follow() -> None:
        while True:
            last = stop.is_set()
            with database.read() as session:
                found = select(Event.number).where(Event.number > (seen[-1] if seen else 0))
                fresh = list(session.scalars(found.order_by(Event.number)))
            seen.extend(number for number in fresh if number is not None)
            if last and not fresh:
                return

    def publish_some(thread: int) -> None:
        for number in range(10):
            try:
                with database.write() as session:
                    publish(session, "candidate.created", f"candidate/{thread}-{number}", {}, None)
                    if number % 3 == 2:
                        raise RuntimeError
                    publish(session, "candidate.updated", f"candidate/{thread}-{number}", {}, None)
            except RuntimeError:
                continue

    follower = threading.Thread(target=follow)
    follower.start()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(publish_some, range(6)))
    stop.set()
    follower.join()
    assert seen == list(range(1, 6 * 7 * 2 + 1))
