"""The audit log: one unbroken chain, whoever writes to it, and nobody changes it unseen."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.audit.chain import START, canonical
from streetsight.service.audit.service import head, record
from streetsight.service.audit.verifying import Noted, verify
from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database
from streetsight.service.store.types import now

ZHANG = Actor("person", "p-1", "张三", Role.INSPECTOR)
SignIn = Callable[..., TestClient]


def act(database: Database, count: int, actor: Actor = ZHANG) -> None:
    for number in range(count):
        with database.write() as session:
            record(session, actor, "candidate.confirmed", f"candidate/{number}", {"reason": "堆放"})


def tamper(database: Database, statement: str) -> None:
    """As somebody who owns the database: past the triggers."""
    with database.engine.begin() as connection:
        if database.is_sqlite:
            for act in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_entries_refuse_{act}"))
        else:
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_refuse"))
        connection.execute(text(statement))


def test_entries_follow_on_each_other(database: Database) -> None:
    act(database, 3)
    with database.read() as session:
        verdict, last = verify(session), head(session)
    assert last is not None
    assert (verdict.count, verdict.broken, verdict.head) == (3, None, last.hash)


def test_what_is_rolled_back_was_never_recorded(database: Database) -> None:
    act(database, 1)

    def fail() -> None:
        with database.write() as session:
            record(session, ZHANG, "candidate.confirmed", "candidate/x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write() as session:
        savepoint = session.begin_nested()
        record(session, ZHANG, "candidate.rejected", "candidate/y")
        savepoint.rollback()
    act(database, 1)
    with database.read() as reading:
        assert (verify(reading).count, verify(reading).broken) == (2, None)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entries SET subject = 'x'", "DELETE FROM audit_entries WHERE number = 2"]
)
def test_the_database_refuses_changes(database: Database, statement: str) -> None:
    act(database, 2)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text(statement))
    with database.read() as session:
        assert verify(session).count == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no TRUNCATE
def test_postgresql_refuses_to_empty_the_log(database: Database) -> None:
    act(database, 1)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit_entries"))


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_entries SET details = '{}' WHERE number = 3", 3),
        ("UPDATE audit_entries SET actor_name = '李四' WHERE number = 1", 1),
        ("UPDATE audit_entries SET at = '2020-01-01 00:00:00.000000' WHERE number = 4", 4),
        ("DELETE FROM audit_entries WHERE number = 2", 2),
        ("UPDATE audit_entries SET number = 9 WHERE number = 5", 5),
    ],
)
def test_what_was_changed_all_the_same_is_found(database: Database, statement: str, broken: int) -> None:
    act(database, 5)
    tamper(database, statement)
    with database.read() as session:
        assert verify(session).broken == broken


def test_a_noted_head_tells_of_a_cut_end_and_of_a_log_written_anew(database: Database) -> None:
    act(database, 3)
    with database.read() as session:
        last = head(session)
        assert last is not None
        noted = Noted(last.number, last.hash)
    act(database, 2)
    with database.read() as session:
        assert verify(session, noted).broken is None
    tamper(database, "DELETE FROM audit_entries WHERE number > 2")
    with database.read() as session:
        assert verify(session).broken is None, "the chain itself cannot tell"
        assert verify(session, noted).broken == 3
    act(database, 3, SYSTEM)
    with database.read() as session:
        assert verify(session).broken is None
        assert verify(session, noted).broken == 3


def test_many_threads_of_many_programs_write_one_chain(database: Database, database_url: str) -> None:
    programs = [Database(database_url) for _ in range(4)]  # they share no lock, as processes do not
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: act(programs[number % 4], 12), range(8)))
    for program in programs:
        program.close()
    with database.read() as session:
        assert (verify(session).count, verify(session).broken) == (96, None)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FLOATS
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), Json, max_size=5))
def test_canonical_json_is_json_and_stays_as_it_is(details: dict[str, Any]) -> None:
    said = canonical(details)
    assert canonical(json.loads(said)) == said
    assert canonical(dict(reversed(details.items()))) == said
    assert "\x00" not in said


def test_details_come_back_as_they_were_hashed(database: Database) -> None:
    strange = {"text": "\x00 ' \" \\ 堆 \u2028 🛵", "number": 0.1, "none": None, "moment": now()}
    with database.write() as session:
        record(session, ZHANG, "candidate.corrected", "candidate/1", strange)
    with database.read() as session:
        assert verify(session).broken is None


def test_the_log_is_read_by_pages_and_filters(person: SignIn, settings: Settings) -> None:
    admin = person(Role.ADMIN)
    with open_database(settings) as database:
        act(database, 5)
        act(database, 1, SYSTEM)
    page = admin.get("/v1/audit", params={"actor": "p-1", "limit": 2}).json()
    assert [each["subject"] for each in page["items"]] == ["candidate/4", "candidate/3"]
    page = admin.get("/v1/audit", params={"actor": "p-1", "limit": 3, "cursor": page["next_cursor"]}).json()
    assert ([each["subject"] for each in page["items"]], page["next_cursor"]) == (
        ["candidate/2", "candidate/1", "candidate/0"],
        None,
    )
    assert page["items"][0]["actor"] == {"kind": "person", "id": "p-1", "name": "张三"}
    assert page["items"][0]["details"] == {"reason": "堆放"}
    assert page["head"]["number"] == admin.get("/v1/audit?limit=1").json()["items"][0]["number"]
    for query, count in (
        ("action=candidate.confirmed", 6), ("action=candidate", 6), ("action=cand", 0),
        ("subject=candidate/0", 2),
    ):  # fmt: skip
        assert len(admin.get(f"/v1/audit?{query}").json()["items"]) == count, query
    later = (now() + timedelta(hours=1)).isoformat()
    assert admin.get("/v1/audit", params={"since": later}).json()["items"] == []
    assert len(admin.get("/v1/audit", params={"before": later, "actor": "p-1"}).json()["items"]) == 5
    assert admin.get("/v1/audit?action=%27;--").status_code == 422
    assert person(Role.INSPECTOR).get("/v1/audit").status_code == 403
    assert person(Role.ADMIN, ["/330106/"]).get("/v1/audit").status_code == 403


def test_commands_verify_and_export(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["audit", *arguments, "--lang", "en"])

    assert run("verify").stdout == f"0:{START}\n"
    with open_database(settings) as database:
        act(database, 3)
        exported = [json.loads(line) for line in run("export").stdout.splitlines()]
        assert [each["number"] for each in exported] == [1, 2, 3]
        answer = run("verify")
        assert (answer.exit_code, answer.stdout) == (0, f"3:{exported[2]['hash']}\n")
        assert run("verify", "--noted", answer.stdout.strip()).exit_code == 0
        assert run("verify", "--noted", "3:abc").exit_code == 2
        tamper(database, "UPDATE audit_entries SET subject = 'x' WHERE number = 2")
    broken = run("verify")
    assert (broken.exit_code, "entry 2: it was changed" in broken.stderr) == (1, True)
