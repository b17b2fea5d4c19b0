"""Versions of the database: set up when empty, refused when other, the same as the tables say."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from streetsight.service.issues.tables import Issue
from streetsight.service.store.database import Database, DatabaseError
from streetsight.service.store.migrating import (
    found_version,
    migrate,
    migration_config,
    needed_version,
    prepare,
)
from streetsight.service.store.partitions import as_modelled
from streetsight.service.store.tables import Base


@pytest.fixture
def empty(database_url: str) -> Database:
    """A database without tables."""
    opened = Database(database_url)
    if not opened.is_sqlite:
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    return opened


def test_an_empty_database_is_set_up_without_being_asked(empty: Database) -> None:
    assert found_version(empty) is None
    prepare(empty)
    assert found_version(empty) == needed_version()
    prepare(empty)
    assert migrate(empty) == (needed_version(), needed_version())
    empty.close()


def test_migrations_and_tables_say_the_same(empty: Database) -> None:
    migrate(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": as_modelled}
        )
        assert compare_metadata(context, Base.metadata) == []
    empty.close()


def test_issues_of_before_go_on(empty: Database) -> None:
    """Rows of version 0007 have the life of version 0008."""
    with empty.engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for number, state in enumerate(("filed", "withdrawn")):
            connection.execute(text(_CANDIDATE), {"id": f"c{number}"})
            connection.execute(text(_ISSUE), {"id": f"i{number}", "candidate": f"c{number}", "state": state})
    migrate(empty)
    with empty.read() as session:
        first, second = session.scalars(select(Issue).order_by(Issue.id))
    assert [(each.state, each.source, each.reworks) for each in (first, second)] == [
        ("filed", "hotline", 0), ("withdrawn", "hotline", 0),
    ]  # fmt: skip
    assert first.updated_at == first.confirmed_at
    assert first.best_box == [1.0, 2.0, 3.0, 4.0]
    empty.close()


_CANDIDATE = """INSERT INTO candidates (id, created_at, source, condition, state, sightings, frames, patrols,
    findings, alternatives, evidence, needs_second_look, best_box, version, updated_at, pinned)
    VALUES (:id, '2026-11-01', 'hotline', 'exposed_garbage', 'confirmed', 0, 0, 0, '[]', '[]', '{}', false,
    '[1.0, 2.0, 3.0, 4.0]', 1, '2026-11-01', false)"""
_ISSUE = """INSERT INTO issues (id, created_at, number, district, candidate_id, state, condition,
    confirmed_at, confirmed_by_id, confirmed_by, version)
    VALUES (:id, '2026-11-01', :id, '', :candidate, :state, 'exposed_garbage',
    '2026-11-01', 'p', 'li.ming', 1)"""


def test_there_is_one_way_up() -> None:
    assert len(ScriptDirectory.from_config(migration_config()).get_heads()) == 1


@pytest.mark.parametrize(
    ("version", "message"),
    [("9999", "newer than this program"), (None, "tables that are not ours")],
)
def test_another_version_is_refused(empty: Database, version: str | None, message: str) -> None:
    migrate(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if version:
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
    for use in (prepare, migrate):
        with pytest.raises(DatabaseError, match=message):
            use(empty)
    empty.close()


def test_an_older_version_names_the_command(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(empty)
    monkeypatch.setattr("streetsight.service.store.migrating.needed_version", lambda: "9998")
    with pytest.raises(DatabaseError, match="run `streetsight migrate`"):
        prepare(empty)
    empty.close()


@pytest.mark.parametrize("url", ["mysql://a/b", "nonsense", ""])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match="expected sqlite"):
        Database(url)


def test_a_database_that_cannot_hold_every_text_is_refused(postgres: Any) -> None:
    options = "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    for encoding in ("SQL_ASCII", "LATIN1"):
        name = f"test_{encoding.lower()}"
        postgres.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' {options}")
        database = Database(postgres.url(name))
        with pytest.raises(DatabaseError, match=f"keeps texts as {encoding}, and needs UTF8"):
            prepare(database)
        database.close()
