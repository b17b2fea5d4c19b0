"""Who may call what: every route of the application, every role, with and without a session."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from streetsight.service.app import ROUTERS, create_app
from streetsight.service.auth.access import COOKIE, allowed, signed_in
from streetsight.service.auth.actor import PERSON_ROLES, Role
from streetsight.service.auth.csrf import HEADER
from streetsight.service.auth.permissions import Permission
from streetsight.service.devices.access import authenticated_device
from streetsight.service.devices.service import add_device
from streetsight.service.labelstudio.access import labelling_device
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

SignIn = Callable[..., TestClient]

SOME_ID = "01a20233-5f67-77ae-9e8a-8156a002b49c"
OPEN = {
    "/healthz": "for supervisors", "/readyz": "for balancers", "/metrics": "for Prometheus",
    "/v1/session": "signing in", "/v1/session/oidc": "signing in", "/v1/session/oidc/callback": "signing in",
    "/v1/devices/enrolment": "whoever has the code",
    "/setup": "whoever has the link", "/v1/setup": "whoever has the link",
    "/sign-in": "signing in", "/language": "of the page for signing in, too",
    "/static/{digest}/{name:path}": "scripts and styles, the same for everybody",
}  # fmt: skip
# What citizens may do, where the operator lets them: a dependency of reports, and all of GeoReport v2.
BY_THE_PUBLIC, GEOREPORT = "open_to_all", "/open311/v2/"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do here."""
    return f"sqlite:///{tmp_path / 'streetsight.sqlite'}"


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Method and route, of all that there are."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods or ()):
                yield method, route


def dependencies(of: Dependant) -> Iterator[Any]:
    for each in of.dependencies:
        yield each.call
        yield from dependencies(each)


def is_gate(call: Any) -> bool:
    return isinstance(call, allowed) or call in (signed_in, authenticated_device, labelling_device)


def is_open(route: APIRoute) -> bool:
    names = {getattr(call, "__name__", "") for call in dependencies(route.dependant)}
    return route.path in OPEN or BY_THE_PUBLIC in names or route.path.startswith(GEOREPORT)


ROUTES = [pytest.param(*each, id=f"{each[0]} {each[1].path}") for each in routes()]
GATED = [(method, route) for method, route in routes() if any(map(is_gate, dependencies(route.dependant)))]


def answer_of(client: TestClient, method: str, route: APIRoute) -> tuple[int, str]:
    """Status and code; a HEAD has no code."""
    path = re.sub(r"{\w+}", SOME_ID, route.path)
    answer = client.request(method, path, headers={"Tus-Resumable": "1.0.0"})
    return answer.status_code, answer.json()["code"] if answer.content and not answer.is_success else ""


def test_these_are_all_routes_that_the_application_has(settings: Settings) -> None:
    described = create_app(settings).openapi()["paths"]
    walked = {route.path for _, route in routes() if route.include_in_schema}
    assert {re.sub(r"{(\w+):\w+}", r"{\1}", path) for path in walked} == set(described)
    assert len(GATED) > 30


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_every_route_names_who_may_use_it(method: str, route: APIRoute) -> None:
    gates = [call for call in dependencies(route.dependant) if is_gate(call)]
    assert gates or is_open(route), "no `allowed(...)`, no device's scope, and no reason why it is open"
    for gate in gates:
        if isinstance(gate, allowed):
            assert gate.who, "no permission is named"
            assert all(isinstance(each, Permission) for each in gate.who)


def test_without_a_session_or_a_token_there_is_401(client: TestClient) -> None:
    client.headers.pop("Authorization")
    for method, route in GATED:
        expected = (401, "" if method == "HEAD" else "unauthenticated")
        assert answer_of(client, method, route) == expected, (method, route.path)


@pytest.mark.parametrize("role", PERSON_ROLES)
def test_what_a_role_may_not_do_is_403(role: Role, person: SignIn) -> None:
    somebody, refused = person(role), 0
    for method, route in GATED:
        gates = [each for each in dependencies(route.dependant) if isinstance(each, allowed)]
        if all(gate.includes(role) for gate in gates):
            continue
        assert answer_of(somebody, method, route) == (403, "not_allowed"), (method, route.path)
        refused += 1
    assert (refused == 0) is (role is Role.ADMIN)


def test_people_are_no_devices_and_devices_no_people(person: SignIn, client: TestClient) -> None:
    admin = person(Role.ADMIN)
    token = admin.post("/v1/people/self/tokens", json={"name": "a"}).json()["token"]
    as_person = {"Authorization": f"Bearer {token}"}
    assert admin.post("/v1/patrols", json={"key": "a"}).status_code == 401
    assert admin.post("/v1/patrols", json={"key": "a"}, headers=as_person).status_code == 401
    for method, path in (("GET", "/v1/people"), ("GET", "/v1/audit"), ("GET", "/v1/people/self")):
        answer = client.request(method, path)  # shows a device's token
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 201),
        ({HEADER: ""}, 403),
        ({HEADER: "0" * 64}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_a_foreign_page_cannot_act_with_somebodys_session(
    person: SignIn, headers: dict[str, str], status: int
) -> None:
    answer = person(Role.VIEWER).post("/v1/people/self/tokens", json={"name": "a"}, headers=headers)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json()["code"] == "csrf"


def test_the_csrf_token_of_one_session_is_no_good_in_another(person: SignIn) -> None:
    one, other = person(Role.VIEWER), person(Role.VIEWER)
    answer = one.post(
        "/v1/people/self/tokens", json={"name": "a"}, headers={HEADER: str(other.headers[HEADER])}
    )
    assert answer.json()["code"] == "csrf"


def test_a_foreign_page_cannot_sign_somebody_in(client: TestClient) -> None:
    client.headers.pop("Authorization")
    sent = {"login": "a", "password": "b"}
    answer = client.post("/v1/session", json=sent, headers={"Origin": "https://evil.example"})
    assert answer.json()["code"] == "csrf"
    plain = client.post(
        "/v1/session", content='{"login": "a", "password": "b"}', headers={"Content-Type": "text/plain"}
    )
    assert plain.status_code == 422, "what a form can send without asking is not read as JSON"


def test_a_token_beside_a_cookie_is_what_counts(person: SignIn) -> None:
    viewer = person(Role.VIEWER)
    answer = viewer.get("/v1/people/self", headers={"Authorization": "Bearer ssp_nonsense"})
    assert answer.status_code == 401
    viewer.cookies.clear()
    viewer.cookies.set(COOKIE, "堆".encode().hex())
    assert viewer.get("/v1/people/self").json()["code"] == "session_ended"


def test_a_device_asks_about_its_own_area(client: TestClient, settings: Settings) -> None:
    with open_database(settings) as database, database.write() as session:
        token = add_device(session, f"camera-{os.urandom(4).hex()}", area_path="/330106/")
    from streetsight.service.devices.service import recognise

    with open_database(settings) as database, database.read() as session:
        actor = recognise(session, token).actor
    assert (actor.role, actor.areas) == (Role.DEVICE, ("/330106/",))
    assert (actor.sees("/330106/1/"), actor.sees("/330107/")) == (True, False)
