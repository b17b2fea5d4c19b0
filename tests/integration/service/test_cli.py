"""The verbs that look after a server: device, jobs, migrate. What goes wrong says what to do."""

import json
import logging
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.devices.service import recognise
from streetsight.service.jobs.queue import Backoff, claim, enqueue, fail
from streetsight.service.people.recognising import TokenEnded, by_token
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.opening import open_database

Run = Callable[..., tuple[int, str, str]]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both


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
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:1/nothing")
    for verb in (("device", "list"), ("jobs", "list"), ("serve",), ("migrate",)):
        status, _, complaint = run(*verb)
        assert status == 3
        assert "the database postgresql://nobody:***@127.0.0.1:1/nothing does not answer (" in complaint
        assert "refused" in complaint
        assert "hunter2" not in complaint


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"password": "hunter2"}, "password authentication failed"),
        ({"database": "nothing"}, 'database "nothing" does not exist'),
    ],
)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_why_a_database_refuses_is_said(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], reason: str
) -> None:
    url = make_url(settings.database).set(**wrong)  # type: ignore[arg-type]
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", url.render_as_string(hide_password=False))
    status, _, complaint = run("device", "list")
    assert (status, reason in complaint) == (3, True), complaint
    assert str(url.password) not in complaint


@ON_SQLITE
def test_a_database_that_is_set_up_anew_is_told(run: Run, settings: Settings) -> None:
    status, said, log = run("migrate")
    assert (status, said.startswith("database version: - -> ")) == (0, True)
    assert f"database_set_up {settings.database}" in log
    assert "database_set_up" not in run("migrate")[2]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A disk that was mounted read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@ON_SQLITE
@pytest.mark.parametrize("below", ["", "data"])
def test_a_data_folder_that_cannot_be_written_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, read_only: Path, below: str
) -> None:
    monkeypatch.delenv("STREETSIGHT_DATABASE_URL")
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(read_only / below))
    status, _, complaint = run("serve")
    user = f"user {os.geteuid()} (Read-only file system)"
    assert (status, f"{read_only / below} cannot be written by {user}" in complaint) == (3, True), complaint
    status, _, complaint = run("jobs", "list")
    assert (status, f"by user {os.geteuid()} (" in complaint) == (3, True), complaint


@ON_SQLITE
def test_what_would_end_in_a_traceback_is_said_before_anything_runs(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREETSIGHT_PROVIDER", "steam")
    status, _, complaint = run("serve")
    assert (status, "provider steam is not available here; available: cpu" in complaint) == (3, True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("STREETSIGHT_WORKER_METRICS_PORT", str(other.getsockname()[1]))
        status, _, complaint = run("work")
    assert (status, "each worker of a machine needs a port of its own" in complaint) == (2, True), complaint


@ON_SQLITE
@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (("--class", "dragon"), "there is no class dragon; known are "),
        (("--area", "/330106/"), "there is no area /330106/; expected a path of codes"),
        (("--area", "330106"), "there is no area 330106; expected a path of codes"),
        (("--patrol", "nope"), "there is no patrol nope"),
        (("--from", "2026-06-01", "--before", "2026-05-01"), "expected the earlier time first"),
    ],
)
def test_filters_of_an_archive_that_mean_nothing_are_refused(
    run: Run, filters: tuple[str, ...], message: str
) -> None:
    for verb in ((), ("compare",), ("switch", "--reason", "better")):
        status, said, complaint = run("reprocess", *verb, "--release", "street-n-2", *filters)
        assert (status, said, message in complaint) == (2, "", True), complaint
    assert run("reprocess", "compare", "--release", "street-n-2", "--class", "pothole")[0] == 0


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
