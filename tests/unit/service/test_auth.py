"""Roles, permissions, scopes, passwords, cross-site checks: what needs no server."""

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from streetsight.service.auth import passwords
from streetsight.service.auth.actor import PERSON_ROLES, SYSTEM, Actor, Role
from streetsight.service.auth.csrf import CrossSite, check_csrf, csrf_token
from streetsight.service.auth.passwords import WeakPassword, check_strength, hash_password, is_password
from streetsight.service.auth.permissions import GRANTS, Permission, may
from streetsight.service.auth.scope import BadArea, checked_area, in_scope

CODES = st.sampled_from(["33", "330106", "330106003", "3301061", "a", "a-b", "ä", "江干"])
PATHS = st.lists(CODES, min_size=1, max_size=3).map(lambda codes: "/" + "/".join(codes) + "/")

things = Table(
    "things", MetaData(), Column("id", Integer, primary_key=True), Column("area_path", String(200))
)


def actor(*areas: str, role: Role = Role.VIEWER) -> Actor:
    return Actor("person", "1", "a", role, areas)


@pytest.mark.parametrize(
    ("areas", "path", "seen"),
    [
        (("/330106/",), "/330106/", True),
        (("/330106/",), "/330106/330106003/", True),
        (("/330106/",), "/3301061/", False),
        (("/330106/330106003/",), "/330106/", False),  # the part does not see the whole
        (("/1/", "/2/"), "/2/3/", True),
        (("/1/",), None, False),  # nobody knows where it lies
        ((), "/1/", False),
    ],
)
def test_who_sees_what(areas: tuple[str, ...], path: str | None, seen: bool) -> None:
    assert actor(*areas).sees(path) is seen
    assert SYSTEM.sees(path)


@given(st.lists(PATHS, max_size=3), st.lists(st.none() | PATHS, max_size=8))
def test_the_database_sees_what_the_actor_sees(areas: list[str], paths: list[str | None]) -> None:
    engine = create_engine("sqlite://")
    who = actor(*areas)
    with engine.begin() as connection:
        things.create(connection)
        for path in paths:
            connection.execute(insert(things).values(area_path=path))
        found = connection.scalars(select(things.c.area_path).where(in_scope(who, things.c.area_path)))
        assert sorted(found) == sorted(path for path in paths if path is not None and who.sees(path))
    engine.dispose()


def test_paths_are_compared_by_bytes_on_postgresql() -> None:
    condition = in_scope(actor("/1/"), things.c.area_path)
    assert 'COLLATE "C"' in str(condition.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "COLLATE" not in str(condition.compile(dialect=sqlite.dialect()))


@pytest.mark.parametrize(
    "path", ["", "/", "330106", "/330106", "//", "/a b/", "/a/;/", "/" + "1" * 200 + "/"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadArea, match="no path of areas"):
        checked_area(path)


def test_every_role_has_its_row_and_every_permission_its_holder() -> None:
    assert set(GRANTS) == set(Role)
    assert set(Permission) == GRANTS[Role.ADMIN]
    assert GRANTS[Role.DEVICE] == frozenset()
    assert all(Permission.OWN_ACCOUNT in GRANTS[role] for role in PERSON_ROLES)


@pytest.mark.parametrize(
    ("role", "permission", "granted"),
    [
        (Role.THIRD_PARTY, Permission.READ_STREET_ENTRIES, False),  # judges without knowing
        (Role.THIRD_PARTY, Permission.DECIDE, True),
        (Role.HANDLER, Permission.READ, False),  # its own unit's tasks alone
        (Role.HANDLER, Permission.ANSWER_TASKS, True),
        (Role.HANDLER, Permission.DECIDE, False),  # nobody marks their own work as done
        (Role.VIEWER, Permission.DECIDE, False),
        (Role.VIEWER, Permission.SEE_ORIGINALS, False),
        (Role.ANALYST, Permission.DECIDE, False),
        (Role.ANALYST, Permission.ADMINISTER, False),
        (Role.INSPECTOR, Permission.ADMINISTER, False),
    ],
)
def test_what_roles_may(role: Role, permission: Permission, granted: bool) -> None:
    assert may(actor(role=role), permission) is granted


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "has 5 characters; expected 10 to 200"),
        ("x" * 201, "expected 10 to 200"),
        ("Password123", "first that anybody tries"),
        ("WOAINI1314520", "first that anybody tries"),
        ("ｐａｓｓｗｏｒｄ１２３", "first that anybody tries"),  # full width
        ("aaaaaaaaaaab", "first that anybody tries"),
        ("zhang.san.2026", "made of the login"),
        ("2026ZHANG.SAN", "made of the login"),
    ],
)
def test_weak_passwords_are_refused(password: str, message: str) -> None:
    with pytest.raises(WeakPassword, match=message):
        check_strength(password, "zhang.san")


@pytest.mark.parametrize("password", ["nine-lamps-on-wet-asphalt", "九盏路灯照着湿漉漉的马路", "x7!kQ2@mZ9"])
def test_other_passwords_will_do(password: str) -> None:
    check_strength(password, "zhang.san")
    kept = hash_password(password)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password(kept, password)
    assert not is_password(kept, password + " ")
    assert not is_password(None, password)
    assert not is_password("nonsense", password)


def test_the_list_of_common_passwords_holds_no_word_that_length_refuses_anyway() -> None:
    assert len(passwords._common()) > 500
    assert all(len(word) >= passwords.LENGTHS[0] and word == word.casefold() for word in passwords._common())


OURS = {"streets.example"}
GOOD = csrf_token("sss_a")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": csrf_token("sss_b")},
        {"X-CSRF-Token": "堆"},
        {"X-CSRF-Token": GOOD, "Origin": "https://evil.example"},
        {"X-CSRF-Token": GOOD, "Origin": "https://streets.example.evil.example"},
        {"X-CSRF-Token": GOOD, "Origin": "https://streets.example:8443"},
        {"X-CSRF-Token": GOOD, "Origin": "null"},
        {"X-CSRF-Token": GOOD, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": GOOD, "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_a_foreign_page_sends_is_refused(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(CrossSite):
        check_csrf(method, headers, "sss_a", OURS)
    check_csrf("GET", headers, "sss_a", OURS)


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://streets.example"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_what_our_own_page_sends_is_taken(headers: dict[str, str]) -> None:
    check_csrf("POST", {"X-CSRF-Token": GOOD, **headers}, "sss_a", OURS)


def test_the_page_shows_the_table_of_the_code(docs_script: Callable[[str], ModuleType]) -> None:
    script = docs_script("permissions")
    assert script.PAGE.read_text(encoding="utf-8") == script.with_table(), "run docs/permissions.py"
