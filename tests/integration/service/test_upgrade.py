"""From the version before with data: refused as it is, migrated by the command, and all of it is served."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Connection, MetaData, Table, insert, make_url, select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.audit.verifying import verify
from streetsight.service.auth.actor import Role
from streetsight.service.backups.contents import rows_of
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database, DatabaseError
from streetsight.service.store.migrating import MIGRATIONS, VERSION_TABLE, migration_config, needed_version
from streetsight.service.store.opening import open_database

VERSIONS = sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


@pytest.fixture
def elder(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a server on a database of the version before, without data yet; photos are the same."""
    if settings.database.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'elder.sqlite'}"
    else:
        name = f"elder_{make_url(settings.database).database}"
        server = request.getfixturevalue("postgres")
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    database, config = Database(url), migration_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, VERSIONS[-2])
    database.close()
    yield settings.model_copy(update={"database_url": SecretStr(url)})
    if settings.database.startswith("postgresql"):
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def pour(source: Connection, target: Connection) -> dict[str, int]:
    """Rows of a database of today into one of before, as far as that has their columns; how many of each."""
    today, before = MetaData(), MetaData()
    today.reflect(source)
    before.reflect(target)
    counts = {}
    for table in before.sorted_tables:
        if table.name != VERSION_TABLE and table.name in today.tables:
            counts[table.name] = _pour(source, target, today.tables[table.name], table)
    return counts


def _pour(source: Connection, target: Connection, one: Table, other: Table) -> int:
    both = [name for name in one.columns.keys() if name in other.columns and one.c[name].computed is None]  # noqa: SIM118
    rows = [dict(row._mapping) for row in source.execute(select(*(one.c[name] for name in both)))]
    if rows:
        target.execute(insert(other), rows)
    return len(rows)


def told(client: TestClient, frames: list[str]) -> list[Any]:
    """What a server says of its data; the device's view."""
    return [client.get(each).json() for each in frames] + [client.get("/v1/patrols").json()["items"]]


def test_the_version_before_is_refused_then_migrated_and_serves_what_it_held(
    client: TestClient, settings: Settings, elder: Settings, start: Callable[..., TestClient],
    person: Callable[..., TestClient], photos: list[bytes], work: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    admin = person(Role.ADMIN)
    token = admin.post("/v1/people/self/tokens", json={"name": "reader"}).json()["token"]
    patrol = client.post("/v1/patrols", json={"key": "morning"}).json()["id"]
    frames = [
        client.post(
            "/v1/frames", files={"photo": photo}, data={"metadata": f'{{"patrol_id": "{patrol}"}}'}
        ).headers["Location"]
        for photo in photos[:4]
    ]
    client.post(f"/v1/patrols/{patrol}/close")
    work()
    leads = admin.get("/v1/candidates").json()["items"]
    decided = admin.post(
        f"/v1/candidates/{leads[0]['id']}/decisions", json={"kind": "confirm"},
        headers={"If-Match": f'"{leads[0]["version"]}"'},
    )  # fmt: skip
    assert decided.status_code == 201, decided.text
    leads, said = admin.get("/v1/candidates").json()["items"], told(client, frames)
    today, before = Database(settings.database), Database(elder.database)
    with today.engine.connect() as source, before.engine.begin() as target:
        counts = pour(source, target)
    today.close()
    assert counts["frames"] == 4
    assert counts["candidates"] == len(leads)

    with pytest.raises(DatabaseError, match=f"has version {VERSIONS[-2]}.*streetsight migrate"):
        open_database(elder).__enter__()
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(elder.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", elder.database)
    done = CliRunner().invoke(app, ["migrate", "--lang", "en"])
    assert done.stdout == f"database version: {VERSIONS[-2]} -> {needed_version()}\n", done.output

    with before.engine.connect() as connection:
        rows = rows_of(connection)
    before.close()
    assert {name: rows[name] for name in counts} == counts
    again = start(database_url=elder.database_url)
    again.headers["Authorization"] = client.headers["Authorization"]
    assert told(again, frames) == said
    assert again.get(f"{frames[0]}/photo").content == photos[0]
    reader = {"Authorization": f"Bearer {token}"}
    assert again.get("/v1/candidates", headers=reader).json()["items"] == leads
    issue = again.get(f"/v1/issues/{decided.json()['issue_number']}", headers=reader)
    assert issue.json()["id"] == decided.json()["issue_id"]
    with open_database(elder) as database, database.read() as session:
        assert verify(session).broken is None
