"""The verbs that look after a server: device, jobs, migrate. What goes wrong says what to do."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from sqlalchemy import text
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.devices.service import recognise
from streetsight.service.jobs.queue import Backoff, claim, enqueue, fail
from streetsight.service.people.recognising import TokenEnded, by_token
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Commands set up the logs of their process, which here is that of all tests."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the server of the settings; gives status, output, complaints."""
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)

    def run(*arguments: str, input: str | None = None) -> tuple[int, str, str]:
        answer = CliRunner().invoke(app, [*arguments, "--lang", "en"], input=input)
        return answer.exit_code, answer.stdout, answer.stderr

    return run


def test_a_device_is_added_listed_and_revoked(run: Run, settings: Settings) -> None:
    status, token, hint = run("device", "add", "patrol-07", "--scopes", "upload,read")
    assert (status, "not shown again" in hint) == (0, True)
    with open_database(settings) as database, database.read() as session:
        assert recognise(session, token.strip()).scopes == ("upload", "read")
    assert run("device", "token", "patrol-07")[0] == 0
    shown = json.loads(run("device", "list", "--json")[1])
    assert (shown["name"], shown["tokens"], shown["last_seen_at"]) == ("patrol-07", 2, None)
    assert run("device", "revoke", "patrol-07")[1] == "patrol-07: 2 tokens were revoked\n"
    assert json.loads(run("device", "list", "--json")[1])["tokens"] == 0
    status, _, complaint = run("device", "add", "patrol-07")
    assert (status, "choose another name, or `streetsight device token patrol-07`" in complaint) == (2, True)
    assert run("device", "revoke", "nobody")[0] == 2
    assert "expected some of upload,read,detect" in run("device", "add", "x", "--scopes", "all")[2]


def test_jobs_that_were_given_up_are_listed_and_tried_again(run: Run, settings: Settings) -> None:
    backoff = Backoff(attempts=1)
    with open_database(settings) as database, database.write() as session:
        enqueue(session, "detect", "frame 1")
        (held,) = claim(session, "detect", 1, backoff)
        fail(session, held, "it broke", backoff)
    assert json.loads(run("jobs", "list")[1]) == {
        "kind": "detect", "key": "frame 1", "attempts": 1, "error": "it broke",
    }  # fmt: skip
    assert run("jobs", "retry")[1] == "1 jobs are queued again\n"
    assert run("jobs", "list")[1] == ""


def test_migrate_says_from_where_to_where(run: Run, settings: Settings) -> None:
    status, said, _ = run("migrate")
    assert (status, said.startswith("database version: ")) == (0, True)
    database = Database(settings.database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    for verb in (("serve",), ("work",), ("device", "list")):
        status, _, complaint = run(*verb)
        assert (status, "install the newer program" in " ".join(complaint.split())) == (3, True), complaint


def test_a_database_that_is_not_there_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    for verb in (("device", "list"), ("jobs", "list"), ("serve",)):
        status, _, complaint = run(*verb)
        assert (status, "does not answer" in complaint) == (3, True), complaint


def test_people_are_added_changed_and_disabled(run: Run, settings: Settings) -> None:
    added = run(
        "person", "add", "Zhang.San", "--role", "inspector", "--area", "/330106/", input="nine lamps 9\n"
    )
    assert (added[0], added[1]) == (0, "zhang.san was added as inspector\n"), added
    assert (
        run("person", "change", "zhang.san", "--role", "handler", "--unit", "环卫所", "--everywhere")[0] == 0
    )
    shown = json.loads(run("person", "list", "--json")[1])
    assert (shown["role"], shown["unit"], shown["areas"], shown["state"]) == (
        "handler",
        "环卫所",
        None,
        "active",
    )
    assert "all sessions are over" in run("person", "password", "zhang.san", input="ten lamps on 10\n")[1]
    status, token, hint = run("person", "token", "zhang.san", "monthly export")
    assert (status, token[:4], "not shown again" in hint) == (0, "ssp_", True)
    with open_database(settings) as database, database.read() as session:
        assert by_token(session, token.strip()).actor.unit == "环卫所"
    assert "\tdisabled\t" in run("person", "disable", "zhang.san")[1]
    with open_database(settings) as database, database.read() as session, pytest.raises(TokenEnded):
        by_token(session, token.strip())
    assert "\tactive\t" in run("person", "enable", "zhang.san")[1]
    for command in ("setup-link", "link zhang.san"):
        status, link, _ = run("person", *command.split())
        assert (status, link.startswith("http://localhost:8000/setup?token=ssi_")) == (0, True)
    exported = [json.loads(line) for line in run("audit", "export")[1].splitlines()]
    assert {each["actor"]["id"] for each in exported} == {"command"}
    assert [each["action"] for each in exported][:3] == [
        "person.added", "person.changed", "person.password_changed",
    ]  # fmt: skip
    assert "lamps" not in str(exported)


def test_what_will_not_do_for_a_person_says_why(run: Run) -> None:
    for arguments, said, message in (
        (("add", "a", "--role", "boss"), "nine lamps 9", "boss is no role; expected one of admin, analyst"),
        (("add", "a b", "--role", "viewer"), "nine lamps 9", "'a b' is no login"),
        (("add", "a", "--role", "viewer", "--area", "1"), "nine lamps 9", "'1' is no path of areas"),
        (("add", "a", "--role", "viewer"), "short", "has 5 characters; expected 10 to 200"),
        (("add", "a", "--role", "viewer"), "password123", "first that anybody tries"),
        (("disable", "nobody"), "", "`streetsight person list` shows all"),
    ):
        status, _, complaint = run("person", *arguments, input=f"{said}\n")
        assert (status, message in " ".join(complaint.split())) == (2, True), complaint
    assert run("person", "list")[1] == ""
