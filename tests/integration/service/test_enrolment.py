"""Vehicles are let in by a code that is good once, and take only settings that their server signed."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from certificates import self_signed
from crossing import crossed
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from streetsight.service.agent.enrolling import enrol
from streetsight.service.agent.faults import LinkError, WrongServer
from streetsight.service.agent.identity import Identity, NotEnrolled, OtherServer, identity_of, read_identity
from streetsight.service.agent.link import Link
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.remote import NotOurs, SettingsInForce, Signed
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.devices.enrolling import make_code
from streetsight.service.devices.remote import put_settings
from streetsight.service.devices.service import revoke_tokens
from streetsight.service.devices.tables import Enrolment
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.sealing import open_sealer
from streetsight.service.store.types import now

SignIn = Callable[..., TestClient]
CLAIM = "c" * 43

# Two at once need two writers.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def admin(person: SignIn) -> TestClient:
    return person(Role.ADMIN)


@pytest.fixture
def device(admin: TestClient) -> str:
    """Path of a device."""
    return str(admin.post("/v1/devices", json={"name": "car-1"}).headers["Location"])


def code_of(admin: TestClient, device: str, **wanted: Any) -> str:
    made = admin.post(f"{device}/enrolments", json=wanted)
    assert made.status_code == 201, made.text
    return str(made.json()["code"])


def ask(client: TestClient, code: str, claim: str = CLAIM) -> Any:
    client.headers.pop("Authorization", None)
    return client.post("/v1/devices/enrolment", json={"code": code, "claim": claim})


def heartbeat(client: TestClient, token: str) -> Any:
    return client.post("/v1/devices/self/heartbeat", json={}, headers={"Authorization": f"Bearer {token}"})


def test_a_code_is_exchanged_once_however_it_is_typed(
    client: TestClient, admin: TestClient, device: str
) -> None:
    code = code_of(admin, device)
    answer = ask(client, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"))
    assert answer.status_code == 201, answer.text
    enrolled = answer.json()
    assert (enrolled["device"], enrolled["scopes"]) == ("car-1", ["upload"])
    assert heartbeat(client, enrolled["token"]).status_code == 200
    other = ask(client, code, "d" * 43)
    assert (other.status_code, other.json()["code"]) == (403, "code_over")
    actions = [each["action"] for each in admin.get("/v1/audit?action=device").json()["items"]]
    assert actions.count("device.enrolled") == actions.count("device.code_made") == 1


def test_who_lost_the_answer_asks_again_and_has_one_good_token(
    client: TestClient, admin: TestClient, device: str
) -> None:
    code = code_of(admin, device)
    first, second = ask(client, code).json(), ask(client, code).json()
    assert heartbeat(client, first["token"]).json()["code"] == "token_revoked"
    assert heartbeat(client, second["token"]).status_code == 200
    assert first["public_key"] == second["public_key"]


@pytest.mark.parametrize("how", ["one token", "all tokens", "before it was used"])
def test_a_vehicle_that_is_shut_out_does_not_come_back_by_its_code(
    client: TestClient, admin: TestClient, device: str, settings: Settings, how: str
) -> None:
    code = code_of(admin, device)
    if how != "before it was used":
        assert ask(client, code).status_code == 201
    if how == "one token":
        token = admin.get(f"{device}/tokens").json()["items"][0]["id"]
        assert admin.delete(f"{device}/tokens/{token}").status_code == 204
    else:
        with open_database(settings) as database, database.write() as session:
            revoke_tokens(session, "car-1")
    assert ask(client, code).json()["code"] == "code_over"
    assert ask(client, code_of(admin, device)).status_code == 201


def test_codes_that_are_over_or_never_were_are_refused_alike(
    client: TestClient, admin: TestClient, device: str, settings: Settings
) -> None:
    replaced, late = code_of(admin, device), code_of(admin, device)
    with open_database(settings) as database, database.write() as session:
        for row in session.query(Enrolment):
            row.expires_at = min(row.expires_at, now() - timedelta(seconds=1))
    said = {ask(client, code).text.replace(code, "") for code in (replaced, late, "0000-0000-0000", "?")}
    reasons = {json.loads(each)["detail"] for each in said}
    assert len(reasons) == 1


@ON_POSTGRESQL
def test_of_two_codes_made_at_once_one_is_good(
    client: TestClient, admin: TestClient, device: str, database: Database
) -> None:
    (_, first), second = crossed(
        database,
        lambda session: make_code(session, SYSTEM, device.rpartition("/")[2], ["upload"], 1),
        lambda: code_of(admin, device),
    )
    assert ask(client, first).json()["code"] == "code_over"
    assert ask(client, second.result()).status_code == 201


@ON_POSTGRESQL
def test_first_settings_put_twice_at_once_are_two_versions(
    admin: TestClient, device: str, database: Database, settings: Settings
) -> None:
    first, second = crossed(
        database,
        lambda session: put_settings(
            session, SYSTEM, device.rpartition("/")[2], {"every_m": 7}, open_sealer(settings)
        ),
        lambda: admin.put(f"{device}/settings", json={"every_m": 9}),
    )
    assert first.version == 1
    assert (second.result().status_code, second.result().json()["version"]) == (200, 2)


def test_settings_are_signed_versioned_and_told_by_the_heartbeat(
    client: TestClient, admin: TestClient, device: str, tmp_path: Path
) -> None:
    enrolled = ask(client, code_of(admin, device)).json()
    bearer = {"Authorization": f"Bearer {enrolled['token']}"}
    assert client.get("/v1/devices/self/settings", headers=bearer).json()["code"] == "no_settings"
    assert heartbeat(client, enrolled["token"]).json()["settings_version"] == 0
    bad = admin.put(f"{device}/settings", json={"every_m": -1, "fly": True})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_settings")
    assert "agent.fly" in bad.json()["detail"]
    signed = []
    for every_m in (7, 9):
        admin.put(f"{device}/settings", json={"every_m": every_m}).raise_for_status()
        signed.append(
            Signed(**_without_version(client.get("/v1/devices/self/settings", headers=bearer).json()))
        )
    assert heartbeat(client, enrolled["token"]).json()["settings_version"] == 2
    assert admin.get(f"{device}/settings").json()["version"] == 2

    identity = Identity("http://x", enrolled["token"], enrolled["device_id"], "car-1", enrolled["public_key"])
    local = {"every_s": 3, "look": {"redact": True}}
    in_force = SettingsInForce(tmp_path, identity, local)
    in_force.take(signed[0])
    in_force.take(signed[1])
    assert (in_force().every_m, in_force().every_s, in_force.version) == (9, 3, 2)
    with pytest.raises(NotOurs, match="have version 1"):
        in_force.take(signed[0])  # an old one, replayed
    again = SettingsInForce(tmp_path, identity, local)
    assert (again().every_m, again.version) == (9, 2)


def _without_version(said: dict[str, Any]) -> dict[str, str]:
    return {"payload": said["payload"], "signature": said["signature"]}


def test_settings_of_others_and_changed_ones_are_left(tmp_path: Path) -> None:
    key, strange = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    identity = Identity("http://x", "t", "me", "car", key.public_key().public_bytes_raw().hex())

    def signed(by: Ed25519PrivateKey, device: str = "me", version: object = 1, **settings: Any) -> Signed:
        text = json.dumps({"device_id": device, "version": version, "settings": settings})
        return Signed(text, by.sign(text.encode()).hex())

    good = signed(key, every_m=5)
    in_force = SettingsInForce(tmp_path, identity, {"look": {"redact": True}})
    for bad in (
        signed(strange, every_m=5),
        Signed(good.payload.replace("5", "6"), good.signature),
        Signed(good.payload, "not hex"),
        signed(key, device="another"),
        signed(key, version="1"),
        signed(key, version=0),
        signed(key, unknown=1),
    ):
        with pytest.raises(NotOurs):
            in_force.take(bad)
    assert (in_force.version, in_force().every_m) == (0, 4)
    in_force.take(good)
    in_force.take(signed(key, version=2, look={"redact": False}))
    assert in_force().look.redact, "what the vehicle demands for privacy, no server calls off"
    with pytest.raises(NotOurs, match="not enrolled"):
        SettingsInForce(tmp_path / "b", Identity("http://x", "t"), {}).take(good)


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Starts an HTTPS server with a certificate of its own; gives its address and the certificate's file."""
    servers: list[HTTPServer] = []

    def start(answer: bytes, kind: str, status: int = 200, port: int = 0) -> tuple[str, Path]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        files = self_signed(tmp_path / f"server-{len(servers)}")
        server = HTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}", files[0]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


ENROLLED = {"token": "ssd_x", "device_id": "1", "device": "car-1", "public_key": "00" * 32, "scopes": []}


def test_the_servers_certificate_is_pinned_at_enrolment(
    strangers: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    server, file = strangers(json.dumps(ENROLLED).encode(), "application/json", 201)
    fingerprint = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256()).hex()
    with pytest.raises(WrongServer, match="another certificate"):
        enrol(tmp_path / "state", server, "code", None, None)
    with pytest.raises(WrongServer, match="Nothing was sent"):
        enrol(tmp_path / "state", server, "code", None, "00" * 32)
    claim = (tmp_path / "state" / "claim").read_text()
    assert claim
    identity = enrol(tmp_path / "state", server, "code", None, fingerprint.upper())
    assert (identity.token, identity.pinned) == ("ssd_x", True)
    assert read_identity(tmp_path / "state") == identity
    assert (tmp_path / "state" / "agent.json").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "state" / "claim").exists()

    other, _ = strangers(b"{}", "application/json")
    moved = Link(
        Identity(other, "t", certificate=identity.certificate, pinned=True), Bucket(lambda: None), lambda: 5
    )
    with pytest.raises(WrongServer, match="another certificate"):
        moved.ask("POST", "/v1/devices/self/heartbeat", json_body={})
    moved.close()


@pytest.mark.parametrize(
    ("answer", "kind", "status", "error"),
    [
        (b"<html>Welcome to our network</html>", "text/html", 200, WrongServer),
        (b"", "text/html", 302, WrongServer),
        (b"[1, 2]", "application/json", 200, WrongServer),
        (b"{broken", "application/json", 200, WrongServer),
        (b"<html>502 Bad Gateway</html>", "text/html", 502, LinkError),
        (b"", "text/plain", 507, LinkError),
    ],
)
def test_what_is_not_our_server_says_so_and_counts_for_nothing(
    strangers: Callable[..., tuple[str, Path]], answer: bytes, kind: str, status: int, error: type[LinkError]
) -> None:
    server, file = strangers(answer, kind, status)
    link = Link(
        Identity(server, "t", certificate=file.read_text(), pinned=True), Bucket(lambda: None), lambda: 5
    )
    with pytest.raises(error) as caught:
        link.ask("POST", "/v1/frames/batch", b"x")
    assert isinstance(caught.value, WrongServer) == (error is WrongServer)
    link.close()


def test_who_is_not_enrolled_is_told_how(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled, match="agent enrol"):
        identity_of(tmp_path, None, None)
    with pytest.raises(OtherServer, match="expected an address"):
        enrol(tmp_path, "city.example", "code", None, None)
