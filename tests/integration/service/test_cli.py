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

    def run(*arguments: str) -> tuple[int, str, str]:
        answer = CliRunner().invoke(app, [*arguments, "--lang", "en"])
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
