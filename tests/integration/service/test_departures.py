"""Every door writes down who takes what, and how much; admins read it as pages, as a file, by a command."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.departures.service import Leaving, count_on
from streetsight.service.departures.tables import Departure
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

NATIONAL = "scheme=GB/T%2047678.5-2026&division=330106"
CODE = {
    "scheme": "GB/T 47678.5-2026", "kind": "事项", "code": "06010", "name": "暴露垃圾", "verified": False,
}  # fmt: skip
SignIn = Callable[..., TestClient]


def confirmed(analyst: TestClient, lead_id: str) -> None:
    version = analyst.get(f"/v1/candidates/{lead_id}").headers["ETag"]
    answer = analyst.post(
        f"/v1/candidates/{lead_id}/decisions", json={"kind": "confirm"}, headers={"If-Match": version}
    )
    assert answer.status_code == 201, answer.text


def test_every_door_is_in_the_log(
    client: TestClient, person: SignIn, lead: Callable[..., str], photos: list[bytes]
) -> None:
    admin = person(Role.ADMIN)
    leads = [lead(code=CODE, lon=120.15, lat=30.25), lead()]
    confirmed(admin, leads[0])
    frame = client.post("/v1/frames", files={"photo": photos[0]}).json()["id"]
    doors: list[tuple[str, str, str, int]] = [
        ("/v1/candidates?format=csv&condition=exposed_garbage", "export", "candidates.csv", 2),
        ("/v1/issues?format=geojson", "export", "issues.geojson", 1),
        (f"/v1/issues/national?format=json&{NATIONAL}", "national", "matters-330106.json", 1),
        ("/v1/labels/export", "labels", "labels.json", 2),
        (f"/v1/frames/{frame}/original?reason=appeal", "original", f"frame/{frame}", 1),
        ("/v1/outside/issues", "pull", "issues", 1),
        ("/v1/outside/issues", "pull", "issues", 2),
    ]
    for path, channel, what, items in doors:
        answer = admin.get(path)
        assert answer.status_code == 200, (path, answer.text)
        latest = admin.get("/v1/departures", params={"channel": channel}).json()["items"][0]
        assert (latest["channel"], latest["what"]) == (channel, what)
        if channel != "labels":
            assert latest["items"] == items
        assert latest["actor_name"] == admin.get("/v1/session").json()["person"]["name"]
    everything = admin.get("/v1/departures").json()["items"]
    assert len(everything) == len(doors) - 1  # a machine that comes again is counted on
    assert everything[0]["times"] == 2
    assert "condition=exposed_garbage" in everything[-1]["wanted"]
    rows = list(csv.DictReader(io.StringIO(admin.get("/v1/departures?format=csv").text.lstrip("\ufeff"))))
    assert [row["id"] for row in rows] == [each["id"] for each in reversed(everything)]


def test_only_admins_who_see_everywhere_read_it(client: TestClient, person: SignIn) -> None:
    assert person(Role.ANALYST).get("/v1/departures").status_code == 403
    assert person(Role.ADMIN, areas=["/330106/"]).get("/v1/departures").status_code == 403
    assert person(Role.ADMIN).get("/v1/departures").json() == {"items": [], "next_cursor": None}


def test_a_file_of_departures_goes_by_the_city_s_clock(
    person: SignIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    with open_database(settings) as database, database.write() as session:
        row = Departure(
            channel="export", actor_kind="person", actor_id="x", actor_name="王", what="issues.csv",
            wanted="", items=3, times=1, created_at=then, last_at=then,
        )  # fmt: skip
        session.add(row)
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    file = person(Role.ADMIN).get("/v1/departures?format=csv").text
    printed = CliRunner().invoke(app, ["audit", "departures", "--csv"]).stdout
    for text in (file, printed):
        (shown,) = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
        assert (shown["created_at"], shown["last_at"]) == ("2026-11-23T07:30:00+08:00",) * 2
        assert (shown["actor_name"], shown["items"], shown["wanted"]) == ("王", "3", "")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_webhooks_are_counted_by_the_hour_and_a_command_prints_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_database(settings) as database, database.write() as session:
        for _ in range(3):
            count_on(session, SYSTEM, Leaving("webhook", "desk: issue.filed", 1, address="desk.example"))
        count_on(session, SYSTEM, Leaving("webhook", "desk: issue.filed", 1, address="other.example"))
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    said = CliRunner().invoke(app, ["audit", "departures", "--channel", "webhook"]).stdout
    rows: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert [(row["address"], row["times"], row["items"]) for row in rows] == [
        ("desk.example", 3, 3), ("other.example", 1, 1),
    ]  # fmt: skip
    refused = CliRunner().invoke(app, ["audit", "departures", "--channel", "nope", "--lang", "en"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "nothing leaves by nope; expected one of export, national, labels" in refused.stderr
