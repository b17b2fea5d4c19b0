"""Signing in with an OpenID provider: a real one on loopback, and what a false one may try."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.people.oidc_routes import STATE_COOKIE
from streetsight.service.people.service import NewPerson, add_person, change_person, named_person
from streetsight.service.settings import Settings, SettingsError, read_settings
from streetsight.service.store.opening import open_database

Start = Callable[..., TestClient]
CLIENT, SECRET = "streetsight", "client-secret"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "1"}) for _ in range(2))


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    """One kind of database will do here."""
    return f"sqlite:///{tmp_path / 'streetsight.sqlite'}"


Sign = Callable[[dict[str, Any]], str]


def by(key: RSAKey) -> Sign:
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)


def by_secret(secret: bytes, algorithm: str) -> Sign:
    """As somebody who knows what everybody can know: the public key, used as a secret, or nothing."""

    def sign(claims: dict[str, Any]) -> str:
        header = {"alg": algorithm, "kid": "1"}
        said = ".".join(encoded(json.dumps(each).encode()) for each in (header, claims))
        mac = hmac.digest(secret, said.encode(), "sha256") if algorithm == "HS256" else b""
        return f"{said}.{encoded(mac)}"

    return sign


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass(slots=True)
class Provider:
    """A small OpenID provider.

    Attributes:
        key: the one that it publishes.
        sign: header and claims -> token; by another key, or none, when it is not the provider who signs.
        claims, metadata: what it says otherwise than an honest one.
        codes: code -> what the browser was sent with.
    """

    issuer: str
    key: RSAKey
    sign: Sign | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def agree(self, url: str) -> str:
        """A person says yes at the provider's page; gives the code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return code

    def id_token(self, asked: dict[str, str]) -> str:
        moment = int(time.time())
        said = {
            "iss": self.issuer, "sub": "u-1", "aud": CLIENT, "iat": moment, "exp": moment + 300,
            "nonce": asked["nonce"], "preferred_username": "Wang.Wu", "name": "王五",
            "email": "wang.wu@city.example", "email_verified": True,
            "realm_access": {"roles": ["staff", "cg-inspector"]},
        }  # fmt: skip
        claims = {name: value for name, value in (said | self.claims).items() if value is not None}
        return (self.sign or by(self.key))(claims)

    def app(self) -> Flask:
        app = Flask("provider")

        @app.get("/.well-known/openid-configuration")
        def configuration() -> Any:
            said = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            }  # fmt: skip
            return jsonify(said | self.metadata)

        @app.get("/keys")
        def keys() -> Any:
            return jsonify({"keys": [self.key.as_dict(private=False)]})

        @app.post("/token")
        def token() -> Any:
            asked = self.codes.pop(request.form["code"], None)
            authorization = request.authorization
            if authorization is None or (authorization.username, authorization.password) != (CLIENT, SECRET):
                return jsonify({"error": "invalid_client"}), 401
            verifier = hashlib.sha256(request.form["code_verifier"].encode()).digest()
            if asked is None or asked["code_challenge"] != encoded(verifier):
                return jsonify({"error": "invalid_grant"}), 400
            if asked["redirect_uri"] != request.form["redirect_uri"]:
                return jsonify({"error": "invalid_grant"}), 400
            return jsonify({"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked)})

        return app


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = make_server("127.0.0.1", 0, Flask("nothing yet"), threaded=True)
    found = Provider(f"http://127.0.0.1:{server.server_port}", KEY)
    server.app = found.app()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser(start: Start, provider: Provider) -> TestClient:
    return begin(start, provider)


def begin(start: Start, provider: Provider, **changes: object) -> TestClient:
    from pydantic import SecretStr

    client = start(
        **{
            "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET),
            "oidc_role_claim": "realm_access.roles",
            "oidc_role_map": {"cg-admin": "admin", "cg-inspector": "inspector"},
        } | changes
    )  # fmt: skip
    client.headers.pop("Authorization")
    client.follow_redirects = False
    return client


def go(browser: TestClient, provider: Provider) -> tuple[str, str]:
    """To the provider; gives the state and the code that it sends the browser back with."""
    answer = browser.get("/v1/session/oidc")
    assert answer.status_code == 303, answer.text
    url = answer.headers["Location"]
    assert url.startswith(f"{provider.issuer}/authorize?")
    return parse_qs(urlsplit(url).query)["state"][0], provider.agree(url)


def come_back(browser: TestClient, state: str, code: str) -> Any:
    return browser.get("/v1/session/oidc/callback", params={"state": state, "code": code})


def sign_in(browser: TestClient, provider: Provider) -> Any:
    return come_back(browser, *go(browser, provider))


def is_refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert COOKIE not in answer.headers.get("Set-Cookie", "")


def test_somebody_signs_in_and_has_an_account(browser: TestClient, provider: Provider) -> None:
    answer = sign_in(browser, provider)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/"), answer.text
    shown = browser.get("/v1/session").json()["person"]
    assert (shown["login"], shown["name"], shown["role"]) == ("wang.wu", "王五", "inspector")
    assert (shown["external"], shown["has_password"], shown["areas"]) == (True, False, None)
    browser.cookies.clear()
    assert sign_in(browser, provider).status_code == 303
    assert browser.get("/v1/session").json()["person"]["id"] == shown["id"], "the same account again"


def test_the_role_is_the_providers_at_each_sign_in(
    browser: TestClient, provider: Provider, settings: Settings
) -> None:
    sign_in(browser, provider)
    provider.claims = {"realm_access": {"roles": ["cg-admin", "cg-inspector"]}}
    sign_in(browser, provider)
    assert browser.get("/v1/session").json()["person"]["role"] == "admin"
    with open_database(settings) as database, database.read() as session:
        changes = [each for each in session.query(AuditEntry) if each.action == "person.changed"]
    assert [each.details for each in changes] == ['{"from":{"role":"inspector"},"to":{"role":"admin"}}']


@pytest.mark.parametrize(
    ("claims", "status", "code"),
    [
        ({"nonce": "of-another"}, 401, "oidc_refused"),
        ({"nonce": None}, 401, "oidc_refused"),
        ({"aud": "another-client"}, 401, "oidc_refused"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, 401, "oidc_refused"),
        ({"aud": None}, 401, "oidc_refused"),
        ({"iss": "https://evil.example"}, 401, "oidc_refused"),
        ({"exp": 1_700_000_000}, 401, "oidc_refused"),
        ({"exp": None}, 401, "oidc_refused"),
        ({"sub": None}, 401, "oidc_refused"),
        ({"at_hash": "nonsense"}, 401, "oidc_refused"),
        ({"realm_access": {"roles": ["staff"]}}, 403, "oidc_not_let_in"),
        ({"realm_access": None}, 403, "oidc_not_let_in"),
        ({"realm_access": {"roles": [{"cg-admin": 1}]}}, 403, "oidc_not_let_in"),
        ({"preferred_username": "a b; --"}, 422, "bad_login"),
    ],
)
def test_what_proves_nothing_lets_nobody_in(
    browser: TestClient, provider: Provider, claims: dict[str, Any], status: int, code: str
) -> None:
    provider.claims = claims
    is_refused(sign_in(browser, provider), status, code)
    assert browser.get("/v1/session").status_code == 401


def test_a_foreign_key_or_a_shared_secret_signs_nothing(browser: TestClient, provider: Provider) -> None:
    public = provider.key.as_pem(private=False)
    for sign in (by(OTHER_KEY), by_secret(public, "HS256"), by_secret(b"", "none")):
        provider.sign = sign
        is_refused(sign_in(browser, provider), 401, "oidc_refused")


def test_keys_that_the_provider_changed_are_known_at_once(browser: TestClient, provider: Provider) -> None:
    sign_in(browser, provider)
    provider.key = OTHER_KEY
    assert sign_in(browser, provider).status_code == 303


def test_a_sign_in_ends_where_it_began_and_once(browser: TestClient, provider: Provider) -> None:
    state, code = go(browser, provider)
    is_refused(come_back(browser, "another", code), 401, "oidc_refused")
    held = browser.cookies[STATE_COOKIE]
    browser.cookies.clear()  # another browser follows the link
    is_refused(come_back(browser, state, code), 401, "oidc_refused")
    browser.cookies.set(STATE_COOKIE, held, path="/v1/session/oidc")
    assert come_back(browser, state, code).status_code == 303
    browser.cookies.set(STATE_COOKIE, held, path="/v1/session/oidc")
    is_refused(come_back(browser, state, code), 401, "oidc_refused")  # replayed


def test_a_code_of_another_sign_in_is_refused_by_the_verifier(
    browser: TestClient, provider: Provider
) -> None:
    _, stolen = go(browser, provider)
    state, _ = go(browser, provider)
    is_refused(come_back(browser, state, stolen), 401, "oidc_refused")


def test_what_the_provider_refuses_is_said(browser: TestClient) -> None:
    answer = browser.get("/v1/session/oidc/callback", params={"error": "access_denied", "state": "a"})
    is_refused(answer, 401, "oidc_refused")
    assert "access_denied" in answer.json()["detail"]


def test_only_verified_addresses_of_our_domains(start: Start, provider: Provider) -> None:
    browser = begin(start, provider, oidc_allowed_domains="city.example, office.example")
    for claims in (
        {"email": "a@evil.example"}, {"email": "a@city.example.evil.example"}, {"email_verified": False},
        {"email_verified": "true"}, {"email": None},
    ):  # fmt: skip
        provider.claims = claims
        is_refused(sign_in(browser, provider), 403, "oidc_not_let_in")
    provider.claims = {}
    assert sign_in(browser, provider).status_code == 303


@pytest.mark.parametrize(
    ("given", "areas"),
    [(["/330106/", "nonsense", 7], ["/330106/"]), ([], []), (None, []), ("/330106/", [])],
)
def test_areas_come_from_their_claim_and_nothing_gives_nothing(
    start: Start, provider: Provider, given: object, areas: list[str]
) -> None:
    browser = begin(start, provider, oidc_areas_claim="areas")
    provider.claims = {"areas": given}
    sign_in(browser, provider)
    assert browser.get("/v1/session").json()["person"]["areas"] == areas


def test_an_account_with_a_password_is_never_taken_over(
    browser: TestClient, provider: Provider, settings: Settings
) -> None:
    with open_database(settings) as database, database.write() as session:
        add_person(session, SYSTEM, NewPerson("wang.wu", "another", Role.ADMIN))
    is_refused(sign_in(browser, provider), 409, "person_exists")


def test_who_is_disabled_here_stays_out(browser: TestClient, provider: Provider, settings: Settings) -> None:
    sign_in(browser, provider)
    with open_database(settings) as database, database.write() as session:
        change_person(session, SYSTEM, named_person(session, "wang.wu").id, {"state": "disabled"})
    assert browser.get("/v1/session").status_code == 401
    is_refused(sign_in(browser, provider), 403, "oidc_not_let_in")


def test_a_provider_that_is_gone_or_false(start: Start, provider: Provider) -> None:
    browser = begin(start, provider)
    for metadata in (
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
    ):  # fmt: skip
        provider.metadata = metadata
        is_refused(browser.get("/v1/session/oidc"), 503, "oidc_gone")
    gone = begin(start, provider, oidc_issuer="http://127.0.0.1:1")
    is_refused(gone.get("/v1/session/oidc"), 503, "oidc_gone")
    none = begin(start, provider, oidc_issuer=None)
    is_refused(none.get("/v1/session/oidc"), 404, "no_oidc")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"OIDC_ISSUER": "http://id.example"}, "expected https://"),
        ({"OIDC_ROLE_MAP": '{"a": "boss"}'}, "no such roles: boss"),
        ({"OIDC_ROLE_MAP": "{}"}, "OIDC_ROLE_MAP beside it"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
    ],
)
def test_settings_that_would_not_be_safe_are_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str
) -> None:
    good = {
        "OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "a", "OIDC_ROLE_MAP": '{"a": "viewer"}',
    }  # fmt: skip
    for name, value in (good | changes).items():
        monkeypatch.setenv(f"STREETSIGHT_{name}", value)
    with pytest.raises(SettingsError, match=message):
        read_settings()
