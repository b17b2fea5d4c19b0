"""People: signing in and out, being locked out, sessions, tokens, links; and who looks after whom."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from crossing import crossed
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from waiting import wait_for

from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth import passwords
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.auth.csrf import HEADER, csrf_token
from streetsight.service.auth.tokens import token_hash
from streetsight.service.people.links import Choice, LinkOver, add_link, find_link, use_link
from streetsight.service.people.service import (
    NewPerson,
    add_person,
    change_person,
    checked_hash,
    find_person,
    set_password,
)
from streetsight.service.people.sessions import Begun, Visit
from streetsight.service.people.tables import (
    Person,
    PersonSession,
    PersonToken,
    SetupLink,
    SignInFailures,
)
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings
from streetsight.service.store.base import Base
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

PASSWORD = "nine-lamps-on-wet-asphalt"
OTHER = "eleven bins behind the market"
SOME_ID = "01a20233-5f67-77ae-9e8a-8156a002b49c"

# What does not hang on the kind of database is tried on one.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Two at once need two writers.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

SignIn = Callable[..., TestClient]
Start = Callable[..., TestClient]


@pytest.fixture
def visitor(client: TestClient) -> TestClient:
    """A browser of nobody."""
    client.headers.pop("Authorization")
    return client


@pytest.fixture
def zhang(settings: Settings) -> str:
    """Id of an inspector with a password."""
    return add(settings, NewPerson("Zhang.San", "张三", Role.INSPECTOR, ("/330106/",)))


def add(settings: Settings, new: NewPerson, password: str = PASSWORD) -> str:
    with open_database(settings) as database, database.write() as session:
        return add_person(session, SYSTEM, new, checked_hash(password, new.login)).id


def sign_in(client: TestClient, login: str = "zhang.san", password: str = PASSWORD, **headers: str) -> Any:
    answer = client.post("/v1/session", json={"login": login, "password": password}, headers=headers)
    if answer.status_code == 201:
        client.headers[HEADER] = answer.json()["csrf_token"]
    return answer


def let_pass(settings: Settings, table: type[Base], **values: object) -> None:
    """Time goes by: moments in the database are moved."""
    with open_database(settings) as database, database.write() as session:
        session.execute(update(table).values(**values))


def audited(settings: Settings) -> list[str]:
    with open_database(settings) as database, database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))


def is_refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_somebody_signs_in_and_out(visitor: TestClient, zhang: str, settings: Settings) -> None:
    answer = sign_in(visitor, "  ZHANG.san ")
    assert answer.status_code == 201, answer.text
    assert answer.json()["person"]["name"] == "张三"
    assert "decide" in answer.json()["person"]["permissions"]
    cookie = answer.headers["Set-Cookie"]
    assert all(sign in cookie for sign in (f"{COOKIE}=sss_", "HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie  # plain HTTP
    held = visitor.cookies[COOKIE]
    assert visitor.get("/v1/session").json()["csrf_token"] == answer.json()["csrf_token"]
    assert visitor.get("/v1/people/self").json()["id"] == zhang
    with open_database(settings) as database, database.read() as session:  # what is kept lets nobody in
        assert held not in str(session.execute(select(PersonSession.__table__)).all())
        assert PASSWORD not in str(session.execute(select(Person.__table__)).all())
    assert visitor.delete("/v1/session").status_code == 204
    assert COOKIE not in visitor.cookies
    visitor.cookies.set(COOKIE, held)  # stolen before
    is_refused(visitor.get("/v1/session"), 401, "session_ended")
    assert audited(settings)[-2:] == ["person.signed_in", "person.signed_out"]


@ON_SQLITE
def test_over_https_the_cookie_goes_nowhere_else(start: Start, zhang: str) -> None:
    visitor = start(public_url="https://streets.example")
    assert "Secure" in sign_in(visitor).headers["Set-Cookie"]


@ON_SQLITE
def test_a_session_is_never_taken_over_from_who_came_before(visitor: TestClient, zhang: str) -> None:
    planted = "sss_planted-by-somebody-else"
    visitor.cookies.set(COOKIE, planted)
    assert sign_in(visitor).status_code == 201
    first = next(each.value for each in visitor.cookies.jar if each.value != planted)
    visitor.cookies.clear()
    visitor.cookies.set(COOKIE, str(first))
    assert sign_in(visitor).status_code == 201
    second = next(each.value for each in visitor.cookies.jar if each.value != first)
    for over in (planted, first):
        visitor.cookies.clear()
        visitor.cookies.set(COOKIE, str(over))
        is_refused(visitor.get("/v1/session"), 401, "session_ended")
    visitor.cookies.clear()
    visitor.cookies.set(COOKIE, str(second))
    assert visitor.get("/v1/session").status_code == 200


@ON_SQLITE
@pytest.mark.parametrize(
    "gone", [{"expires_at": now()}, {"seen_at": now() - timedelta(minutes=121)}, {"ended_at": now()}]
)
def test_a_session_ends(visitor: TestClient, zhang: str, settings: Settings, gone: dict[str, Any]) -> None:
    sign_in(visitor)
    let_pass(settings, PersonSession, **gone)
    is_refused(visitor.get("/v1/people/self"), 401, "session_ended")


@ON_SQLITE
def test_a_session_in_use_goes_on(visitor: TestClient, zhang: str, settings: Settings) -> None:
    sign_in(visitor)
    for _ in range(3):
        let_pass(settings, PersonSession, seen_at=now() - timedelta(minutes=100))
        assert visitor.get("/v1/people/self").status_code == 200
        wait_for(partial(seen_lately, settings))  # no answer waits for that it is written


def seen_lately(settings: Settings) -> bool:
    with open_database(settings) as database, database.read() as session:
        return session.scalars(select(PersonSession.seen_at)).one() > now() - timedelta(minutes=2)


@ON_SQLITE
def test_nobody_and_a_wrong_password_are_told_the_same(
    visitor: TestClient, zhang: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(settings, NewPerson("gone", "gone", Role.VIEWER))
    with open_database(settings) as database, database.write() as session:
        add_person(session, SYSTEM, NewPerson("keyless", "keyless", Role.VIEWER))
        gone = session.scalars(select(Person).where(Person.login == "gone")).one()
        change_person(session, SYSTEM, gone.id, {"state": "disabled"})
    hasher, verified = passwords._hasher, list[str]()

    class Watched:
        def verify(self, kept: str, password: str) -> bool:
            verified.append(kept.rpartition("$")[0].rpartition("$")[0])  # algorithm and parameters
            return hasher.verify(kept, password)

        def __getattr__(self, name: str) -> Any:
            return getattr(hasher, name)

    monkeypatch.setattr(passwords, "_hasher", Watched())
    answers = [
        sign_in(visitor, "zhang.san", OTHER),
        sign_in(visitor, "nobody", OTHER),
        sign_in(visitor, "gone", PASSWORD),
        sign_in(visitor, "keyless", PASSWORD),
    ]
    for answer in answers:
        is_refused(answer, 401, "wrong_password")
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert len(verified) == 4, "one hash is computed for each, whoever it is"
    assert len(set(verified)) == 1, "with the same parameters"


def test_guessing_is_locked_out_for_longer_and_longer(start: Start, zhang: str, settings: Settings) -> None:
    visitor = start(sign_in_tries=3, sign_in_lock_seconds=40, sign_in_lock_max_seconds=100)
    waits = []
    for _ in range(3):
        is_refused(sign_in(visitor, password=OTHER), 401, "wrong_password")
    for _ in range(3):
        locked = sign_in(visitor)  # the right one does not help now
        is_refused(locked, 429, "locked_out")
        waits.append(int(locked.headers["Retry-After"]))
        let_pass(settings, SignInFailures, blocked_until=now())
        is_refused(sign_in(visitor, password=OTHER), 401, "wrong_password")
    assert [round(wait, -1) for wait in waits] == [40, 80, 100]
    let_pass(settings, SignInFailures, blocked_until=now())
    assert sign_in(visitor).status_code == 201
    is_refused(sign_in(visitor, password=OTHER), 401, "wrong_password")
    assert sign_in(visitor).status_code == 201, "success cleared the count"
    assert audited(settings).count("person.locked") == 4


@ON_SQLITE
def test_being_locked_out_tells_nothing_of_who_is_there(start: Start, zhang: str) -> None:
    visitor = start(sign_in_tries=2)
    said = {}
    for login in ("zhang.san", "nobody"):
        answers = [sign_in(visitor, login, OTHER) for _ in range(3)]
        said[login] = [(each.status_code, each.json()["code"]) for each in answers]
    assert said["zhang.san"] == said["nobody"] == [(401, "wrong_password")] * 2 + [(429, "locked_out")]


@ON_SQLITE
def test_a_day_later_old_failures_are_forgotten(start: Start, zhang: str, settings: Settings) -> None:
    visitor = start(sign_in_tries=2)
    sign_in(visitor, password=OTHER)
    let_pass(settings, SignInFailures, failed_at=now() - timedelta(days=2))
    sign_in(visitor, password=OTHER)
    assert sign_in(visitor).status_code == 201


@ON_SQLITE
def test_an_address_that_tries_many_logins_has_to_wait(start: Start, zhang: str, settings: Settings) -> None:
    visitor = start(sign_in_address_tries=4)
    for number in range(4):
        is_refused(sign_in(visitor, f"guess-{number}"), 401, "wrong_password")
    is_refused(sign_in(visitor), 429, "locked_out")
    let_pass(settings, SignInFailures, blocked_until=now() - timedelta(hours=1))
    assert sign_in(visitor).status_code == 201


def test_tries_at_the_same_moment_are_all_counted(start: Start, zhang: str) -> None:
    visitor = start(sign_in_tries=3, sign_in_address_tries=1000)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: sign_in(visitor, password=OTHER).status_code, range(18)))
    assert answers.count(401) <= 3
    assert set(answers) <= {401, 429, 503}


def test_a_password_changes_and_every_session_ends(
    visitor: TestClient, zhang: str, settings: Settings
) -> None:
    sign_in(visitor)
    elsewhere = visitor.cookies[COOKIE]
    visitor.cookies.clear()
    sign_in(visitor)
    here = visitor.cookies[COOKIE]
    is_refused(change(visitor, OTHER, OTHER), 403, "wrong_password")
    is_refused(change(visitor, PASSWORD, "short"), 422, "weak_password")
    is_refused(change(visitor, PASSWORD, "zhang.san.2026"), 422, "weak_password")
    answer = change(visitor, PASSWORD, OTHER)
    assert answer.status_code == 200, answer.text
    assert visitor.cookies[COOKIE] not in (here, elsewhere)
    assert visitor.get("/v1/session").json()["csrf_token"] == answer.json()["csrf_token"]
    for over in (here, elsewhere):
        visitor.cookies.clear()
        visitor.cookies.set(COOKIE, over)
        is_refused(visitor.get("/v1/session"), 401, "session_ended")
    is_refused(sign_in(visitor), 401, "wrong_password")
    assert sign_in(visitor, password=OTHER).status_code == 201
    assert "person.password_changed" in audited(settings)


@ON_POSTGRESQL
@pytest.mark.parametrize("how", ["sign in", "change"])
def test_a_password_that_is_being_changed_is_good_no_more(
    visitor: TestClient, zhang: str, database: Database, how: str
) -> None:
    if how == "change":
        sign_in(visitor)
    hashed = checked_hash(OTHER, "zhang.san")
    _, late = crossed(
        database,
        lambda session: set_password(session, SYSTEM, find_person(session, zhang), hashed),
        lambda: sign_in(visitor) if how == "sign in" else change(visitor, PASSWORD, "by the old canal 7"),
    )
    assert late.result().status_code == (401 if how == "sign in" else 403), late.result().text
    assert late.result().json()["code"] == "wrong_password"
    visitor.cookies.clear()
    assert sign_in(visitor, password=OTHER).status_code == 201


def change(client: TestClient, current: str, new: str) -> Any:
    return client.put("/v1/people/self/password", json={"current": current, "new": new})


@ON_SQLITE
def test_a_hash_of_other_parameters_is_renewed(visitor: TestClient, zhang: str, settings: Settings) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    let_pass(settings, Person, password_hash=weak)
    assert sign_in(visitor).status_code == 201
    with open_database(settings) as database, database.read() as session:
        assert "m=19456,t=2,p=1" in str(session.scalars(select(Person.password_hash)).one())
    assert sign_in(visitor).status_code == 201


@ON_SQLITE
def test_sessions_are_listed_and_ended(visitor: TestClient, zhang: str, person: SignIn) -> None:
    sign_in(visitor, **{"User-Agent": "phone"})
    visitor.cookies.clear()
    sign_in(visitor, **{"User-Agent": "desk"})
    items = visitor.get("/v1/people/self/sessions").json()["items"]
    assert [(each["browser"], each["current"]) for each in items] == [("desk", True), ("phone", False)]
    stranger = person(Role.ADMIN)
    path = f"/v1/people/self/sessions/{items[1]['id']}"
    is_refused(stranger.delete(path), 404, "no_session")
    assert visitor.delete(path).status_code == 204
    is_refused(visitor.delete(path), 404, "no_session")
    assert len(visitor.get("/v1/people/self/sessions").json()["items"]) == 1
    assert visitor.delete("/v1/people/self/sessions").status_code == 204
    assert visitor.get("/v1/session").status_code == 200


def test_a_token_acts_for_its_person_until_it_ends(person: SignIn, settings: Settings) -> None:
    inspector = person(Role.INSPECTOR)
    made = inspector.post("/v1/people/self/tokens", json={"name": "monthly export", "days": 7})
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    assert re.fullmatch(r"ssp_[\w-]{43}", token)
    program = {"Authorization": f"Bearer {token}"}
    inspector.cookies.clear()
    inspector.headers.pop(HEADER)
    assert inspector.get("/v1/people/self", headers=program).status_code == 200
    shown = inspector.get("/v1/people/self/tokens", headers=program).json()["items"]
    assert (shown[0]["name"], "token" in shown[0]) == ("monthly export", False)
    inspector.get("/v1/people/self", headers=program)
    is_refused(
        inspector.post("/v1/people/self/tokens", json={"name": "more"}, headers=program), 403, "not_allowed"
    )
    is_refused(inspector.get("/v1/session", headers=program), 403, "not_allowed")
    is_refused(
        inspector.get("/v1/people/self", headers={"Authorization": f"Bearer {token[:-1]}"}),
        401, "unauthenticated",
    )  # fmt: skip
    let_pass(settings, PersonToken, expires_at=now())
    is_refused(inspector.get("/v1/people/self", headers=program), 401, "token_revoked")
    let_pass(settings, PersonToken, expires_at=now() + timedelta(days=1))
    assert inspector.delete(f"/v1/people/self/tokens/{shown[0]['id']}", headers=program).status_code == 204
    is_refused(inspector.get("/v1/people/self", headers=program), 401, "token_revoked")
    with open_database(settings) as database, database.read() as session:
        kept = session.scalars(select(PersonToken)).one()
        assert kept.token_sha256 == token_hash(token)
        assert kept.last_used_at is not None
    assert {"person_token.added", "person_token.revoked"} <= set(audited(settings))


@ON_SQLITE
def test_a_token_of_somebody_else_cannot_be_taken_back(person: SignIn) -> None:
    inspector, admin = person(Role.INSPECTOR), person(Role.ADMIN)
    made = inspector.post("/v1/people/self/tokens", json={"name": "mine"}).json()
    is_refused(admin.delete(f"/v1/people/self/tokens/{made['id']}"), 404, "no_token")


def test_an_admin_adds_and_changes_people(person: SignIn, visitor: TestClient, settings: Settings) -> None:
    admin = person(Role.ADMIN)
    sent = {"login": "Li.Si", "name": "李四", "role": "handler", "unit": "环卫所", "password": PASSWORD}
    made = admin.post("/v1/people", json=sent)
    assert made.status_code == 201, made.text
    assert (made.json()["login"], made.headers["ETag"]) == ("li.si", '"1"')
    is_refused(admin.post("/v1/people", json=sent), 409, "person_exists")
    for wrong in ({"role": "device"}, {"areas": ["330106"]}, {"login": "a b"}, {"boss": True}, {"name": ""}):
        is_refused(admin.post("/v1/people", json={**sent, "login": "x", **wrong}), 422, "malformed")
    path = made.headers["Location"]
    is_refused(admin.patch(path, json={"role": "viewer"}), 428, "precondition_required")
    changed = admin.patch(path, json={"role": "viewer", "unit": None}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"'), changed.text
    assert (changed.json()["role"], changed.json()["unit"], changed.json()["name"]) == (
        "viewer",
        None,
        "李四",
    )
    is_refused(admin.patch(path, json={"role": "admin"}, headers={"If-Match": '"1"'}), 412, "stale")
    assert sign_in(visitor, "li.si").status_code == 201
    people = admin.get("/v1/people?role=viewer").json()["items"]
    assert [each["login"] for each in people] == ["li.si"]
    is_refused(admin.get(f"/v1/people/{SOME_ID}"), 404, "no_person")
    assert {"person.added", "person.changed"} <= set(audited(settings))


def test_who_is_disabled_is_out_at_once(
    person: SignIn, visitor: TestClient, zhang: str, settings: Settings
) -> None:
    admin = person(Role.ADMIN)
    sign_in(visitor)
    token = visitor.post("/v1/people/self/tokens", json={"name": "a"}).json()["token"]
    answer = admin.patch(f"/v1/people/{zhang}", json={"state": "disabled"}, headers={"If-Match": '"1"'})
    assert answer.json()["state"] == "disabled", answer.text
    is_refused(visitor.get("/v1/session"), 401, "session_ended")
    program = {"Authorization": f"Bearer {token}"}
    is_refused(visitor.get("/v1/people/self", headers=program), 401, "token_revoked")
    visitor.cookies.clear()
    is_refused(sign_in(visitor), 401, "wrong_password")
    admin.patch(f"/v1/people/{zhang}", json={"state": "active"}, headers={"If-Match": '"2"'})
    is_refused(visitor.get("/v1/people/self", headers=program), 401, "token_revoked")  # stays dead
    assert sign_in(visitor).status_code == 201


@ON_SQLITE
def test_an_admin_ends_sessions_of_others(person: SignIn, visitor: TestClient, zhang: str) -> None:
    sign_in(visitor)
    assert person(Role.ADMIN).delete(f"/v1/people/{zhang}/sessions").status_code == 204
    is_refused(visitor.get("/v1/session"), 401, "session_ended")


@ON_SQLITE
def test_nobody_gives_themselves_more_or_locks_everybody_out(person: SignIn, settings: Settings) -> None:
    admin = person(Role.ADMIN)
    me = admin.get("/v1/people/self").json()["id"]
    for change in ({"role": "viewer"}, {"areas": ["/1/"]}, {"state": "disabled"}):
        answer = admin.patch(f"/v1/people/{me}", json=change, headers={"If-Match": '"1"'})
        is_refused(answer, 403, "own_powers")
    assert admin.patch(f"/v1/people/{me}", json={"name": "王五"}, headers={"If-Match": '"1"'}).is_success
    with (
        open_database(settings) as database,
        pytest.raises(ValueError, match="last admin"),
        database.write() as session,
    ):
        change_person(session, SYSTEM, me, {"role": "viewer"})


@ON_POSTGRESQL
def test_of_two_who_change_a_person_at_once_one_is_told(
    person: SignIn, zhang: str, database: Database
) -> None:
    admin = person(Role.ADMIN)
    _, late = crossed(
        database,
        lambda session: change_person(session, SYSTEM, zhang, {"name": "张三丰"}, 1),
        lambda: admin.patch(f"/v1/people/{zhang}", json={"unit": "环卫所"}, headers={"If-Match": '"1"'}),
    )
    is_refused(late.result(), 412, "stale")
    shown = admin.get(f"/v1/people/{zhang}").json()
    assert (shown["name"], shown["unit"], shown["version"]) == ("张三丰", None, 2)


@ON_POSTGRESQL
@pytest.mark.parametrize("change", [{"role": "viewer"}, {"state": "disabled"}])
def test_two_admins_who_put_each_other_out_leave_one(
    person: SignIn, database: Database, change: dict[str, str]
) -> None:
    one, other = person(Role.ADMIN), person(Role.ADMIN)
    mine, theirs = (each.get("/v1/people/self").json()["id"] for each in (one, other))
    _, late = crossed(
        database,
        lambda session: change_person(session, SYSTEM, theirs, change),
        lambda: other.patch(f"/v1/people/{mine}", json=change, headers={"If-Match": '"1"'}),
    )
    is_refused(late.result(), 409, "last_admin")
    assert one.get(f"/v1/people/{mine}").json()["role"] == "admin"


def test_an_admin_of_some_areas_looks_after_these_alone(person: SignIn) -> None:
    everywhere, district = person(Role.ADMIN), person(Role.ADMIN, ["/330106/"])
    inside = {"login": "in", "name": "in", "role": "viewer", "areas": ["/330106/330106003/"]}
    made = district.post("/v1/people", json=inside)
    assert made.status_code == 201, made.text
    for areas in (None, ["/330107/"], ["/330106/", "/330107/"], ["/33/"], ["/3301061/"]):
        sent = {"login": "out", "name": "out", "role": "viewer", "areas": areas}
        is_refused(district.post("/v1/people", json=sent), 403, "beyond_scope")
    outside = everywhere.post("/v1/people", json={"login": "out", "name": "out", "role": "viewer"}).json()[
        "id"
    ]
    path = f"/v1/people/{outside}"
    for answer in (
        district.get(path), district.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'}),
        district.post(f"{path}/link"), district.delete(f"{path}/sessions"),
    ):  # fmt: skip
        is_refused(answer, 404, "no_person")
    found = {each["login"] for each in district.get("/v1/people").json()["items"]}
    assert ("in" in found, "out" in found) == (True, False)
    mine = f"/v1/people/{made.json()['id']}"
    answer = district.patch(mine, json={"areas": None}, headers={"If-Match": '"1"'})
    is_refused(answer, 403, "beyond_scope")
    assert everywhere.get(mine).json()["areas"] == ["/330106/330106003/"], "nothing was changed"


@ON_SQLITE
def test_the_first_admin_comes_in_by_the_link_once(visitor: TestClient, settings: Settings) -> None:
    token = new_link(settings)
    page = visitor.get(f"/setup?token={token}", headers={"Accept-Language": "zh-CN"})
    assert (page.status_code, "您将成为本服务器的首位管理员" in page.text) == (200, True)
    policy = page.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "unsafe" in policy) == (True, False)
    assert page.headers["Referrer-Policy"] == "same-origin"
    form = {
        "token": token,
        "login": "boss",
        "name": "王局",
        "password": "password123",
        "again": "password123",
    }
    browser = {"Accept": "text/html"}
    weak = visitor.post("/v1/setup", data=form, headers=browser)
    assert (weak.status_code, 'value="王局"' in weak.text, "password123" in weak.text) == (422, True, False)
    unlike = visitor.post("/v1/setup", data={**form, "password": PASSWORD, "again": OTHER}, headers=browser)
    assert unlike.status_code == 422
    done = visitor.post("/v1/setup", data={**form, "password": PASSWORD, "again": PASSWORD}, headers=browser)
    assert (done.status_code, "王局, you are signed in" in done.text) == (201, True), done.text
    assert visitor.get("/v1/session").json()["person"]["role"] == "admin"
    assert visitor.get(f"/setup?token={token}").status_code == 403
    again = visitor.post("/v1/setup", data={"token": token, "login": "second", "password": PASSWORD})
    is_refused(again, 403, "link_over")
    assert "person.link_used" in audited(settings)


def test_a_link_is_over_after_a_day_or_when_there_is_a_newer_one(
    visitor: TestClient, settings: Settings
) -> None:
    first, second = new_link(settings), new_link(settings)
    sent = {"login": "boss", "password": PASSWORD}
    is_refused(visitor.post("/v1/setup", data={**sent, "token": first}), 403, "link_over")
    let_pass(settings, SetupLink, expires_at=now())
    is_refused(visitor.post("/v1/setup", data={**sent, "token": second}), 403, "link_over")
    third = new_link(settings)
    add(settings, NewPerson("admin", "admin", Role.ADMIN))  # who has come in by another way
    is_refused(visitor.post("/v1/setup", data={**sent, "token": third}), 403, "link_over")
    is_refused(visitor.post("/v1/setup", data={**sent, "token": "nonsense"}), 403, "link_over")


def test_a_link_used_twice_at_the_same_moment_makes_one_admin(
    visitor: TestClient, settings: Settings
) -> None:
    token = new_link(settings)
    forms = [{"token": token, "login": f"boss-{number}", "password": PASSWORD} for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda form: visitor.post("/v1/setup", data=form).status_code, forms))
    assert sorted(answers) == [201, 403, 403, 403]


@ON_POSTGRESQL
@pytest.mark.parametrize("invited", [False, True])
def test_a_link_used_at_two_servers_at_once_lets_one_in(
    visitor: TestClient, settings: Settings, database: Database, invited: bool
) -> None:
    zhang = add(settings, NewPerson("zhang.san", "张三", Role.ADMIN)) if invited else None
    token = new_link(settings, zhang)

    def use(session: WriteSession) -> Begun:
        writer = SimpleNamespace(run=lambda unit: unit(session))
        server = cast(Resources, SimpleNamespace(database=database, writer=writer))
        return use_link(server, token, Choice(PASSWORD, "boss"), Visit("setup", timedelta(hours=1)), None)

    form = {"token": token, "login": "second", "password": OTHER}
    _, late = crossed(database, use, lambda: visitor.post("/v1/setup", data=form))
    is_refused(late.result(), 403, "link_over")
    with database.read() as session:
        admins = select(func.count()).where(Person.role == Role.ADMIN.value)
        assert session.scalar(admins) == 1


@ON_POSTGRESQL
@pytest.mark.parametrize("invited", [False, True])
def test_of_two_links_made_at_once_one_is_good(
    zhang: str, settings: Settings, database: Database, invited: bool
) -> None:
    whose = zhang if invited else None

    def make(session: WriteSession) -> str:
        return add_link(session, SYSTEM, find_person(session, whose) if whose else None)

    first, second = crossed(database, make, lambda: new_link(settings, whose))
    with database.read() as session:
        find_link(session, second.result())
        with pytest.raises(LinkOver):
            find_link(session, first)


@ON_SQLITE
def test_whom_an_admin_invites_chooses_the_password(person: SignIn, visitor: TestClient, zhang: str) -> None:
    sign_in(visitor)
    made = person(Role.ADMIN).post(f"/v1/people/{zhang}/link").json()
    token = made["url"].rpartition("token=")[2]
    assert "zhang.san" in visitor.get(made["url"]).text
    chosen = visitor.post("/v1/setup", data={"token": token, "login": "ignored", "password": OTHER})
    assert (chosen.status_code, chosen.json()["person"]["login"]) == (201, "zhang.san")
    assert chosen.json()["csrf_token"] == csrf_token(visitor.cookies[COOKIE])
    visitor.cookies.clear()
    is_refused(sign_in(visitor), 401, "wrong_password")
    assert sign_in(visitor, password=OTHER).status_code == 201


@ON_SQLITE
def test_a_link_is_over_for_whom_was_disabled_since(
    visitor: TestClient, settings: Settings, zhang: str
) -> None:
    token = new_link(settings, zhang)
    with open_database(settings) as database, database.write() as session:
        change_person(session, SYSTEM, zhang, {"state": "disabled"})
    is_refused(visitor.post("/v1/setup", data={"token": token, "password": OTHER}), 403, "link_over")
    assert visitor.get(f"/setup?token={token}").status_code == 403


def new_link(settings: Settings, whose: str | None = None) -> str:
    with open_database(settings) as database, database.write() as session:
        return add_link(session, SYSTEM, find_person(session, whose) if whose else None)
