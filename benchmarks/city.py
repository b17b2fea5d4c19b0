"""How long do lists, maps, coverage and scores take with 10,000,000 frames in PostgreSQL?

    python -m benchmarks.city --database URL [--frames N] [--candidates N] [--rounds N] [--plans]
        [--keep] [--upgrade] [--drop] [--out out/city.json]

The empty database of the URL is filled with 300 days of 60 vehicles: frames, results, detections and poses in
partitions of 30 days, ground, candidates, and areas with issues of another year whose first month is closed.
With --keep a database that was filled before is asked again; with --upgrade the tables are filled while they
are whole, and dividing them is timed: all rows are then in the first partition. Each query runs with many
different values. Target: p95 at most 200 ms. Beside it, bytes for each row, indexes included. With --drop,
the detections of the two oldest partitions go at the end: row by row, and as a partition.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from alembic import command
from benchmarks import scoring
from benchmarks.city_rows import DAYS, NIGHT, SIDE, SOUTH, WEST, divide, fill_frames
from benchmarks.queries import EVERYWHERE, QUERIES, Query, fill_leads, print_plans, timed_query
from pydantic import SecretStr
from shapely.geometry import box, mapping
from sqlalchemy import func, select, text

from streetsight.service.coverage import service as coverage
from streetsight.service.frames import service as frames
from streetsight.service.places.tables import Place
from streetsight.service.scoring import periods, views
from streetsight.service.scoring.exposure import exposure_of
from streetsight.service.scoring.spans import month_of
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.migrating import migrate, migration_config
from streetsight.service.store.partitions import SCHEMA
from streetsight.service.store.sessions import ReadSession

FRAMES, CANDIDATES, AREAS, ISSUES, ROUNDS = 10_000_000, 200_000, 400, 24_000, 40
WHOLE = "0016"
"""The last version whose tables are not divided."""
CLOSED = month_of(scoring.BEGIN.date())
SIZES = ("frames", "results", "detections", "frame_poses", "frame_digests", "covered_tiles")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True, help="URL of an empty PostgreSQL database")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--plans", action="store_true", help="how the database answers each query")
    parser.add_argument("--keep", action="store_true", help="ask a database that was filled before")
    parser.add_argument("--upgrade", action="store_true", help="fill whole tables, then divide them")
    parser.add_argument("--drop", action="store_true", help="delete rows of one month, drop those of another")
    parser.add_argument("--out", type=Path, help="file for the figures, for docs/scale.py")
    asked = parser.parse_args()
    database = Database(asked.database)
    filled = {} if asked.keep else fill(database, asked)
    found = {**measure(database, asked.database, asked.rounds), **filled}
    if asked.plans:
        print_plans(database, queries(asked.database))
    if asked.drop:
        found["dropping"] = drop(database)
    shown = json.dumps(found, indent=1)
    print(shown)  # noqa: T201  a command
    if asked.out:
        asked.out.parent.mkdir(exist_ok=True)
        asked.out.write_text(shown)
    database.close()


def fill(database: Database, asked: argparse.Namespace) -> dict[str, Any]:
    """Fill an empty database; gives what the upgrade took, if it was asked for."""
    took: dict[str, Any] = {}
    if asked.upgrade:
        migrate_to(database, WHOLE)
        outings = fill_frames(database, asked.frames, digests=False)
        began = time.perf_counter()
        migrate(database)
        took = {"upgrade": {"frames": asked.frames, "seconds": round(time.perf_counter() - began, 1)}}
    else:
        migrate(database)
        divide(database)
        outings = fill_frames(database, asked.frames)
    fill_rest(database, asked.database, outings, asked.candidates)
    return took


def migrate_to(database: Database, version: str) -> None:
    with database.engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def fill_rest(database: Database, url: str, outings: list[dict[str, Any]], candidate_count: int) -> None:
    """Candidates, and a city that scores: areas, issues, a closed month."""
    fill_leads(database, random.Random(7), outings, {"id": outings[0]["device_id"]}, candidate_count)
    scoring.fill(database, AREAS, ISSUES)
    scoring.adopt(database, CLOSED)
    scoring.close(database, _settings(url), CLOSED)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # what autovacuum does in its own time


def measure(database: Database, url: str, rounds: int) -> dict[str, Any]:
    """Milliseconds of each query, p50 and p95; bytes of each row."""
    timed = {name: timed_query(database, make, rounds) for name, make in queries(url).items()}
    with database.read() as session:
        count = session.scalar(select(func.count()).select_from(text("frames")))
        sizes = {table: _size(session, table) for table in SIZES if _exists(session, table)}
    return {
        "frames": count, "worst_p95_ms": max(each["p95_ms"] for each in timed.values()),
        "queries": timed, "tables": sizes, "load": [round(each, 1) for each in psutil.getloadavg()],
    }  # fmt: skip


def drop(database: Database) -> dict[str, Any]:
    """Seconds that the detections of a month take to go, row by row and as a partition."""
    first, second = (f"{SCHEMA}.detections_of_{number:02}" for number in (1, 2))
    with database.read() as session:
        rows = session.scalar(select(func.count()).select_from(text(first)))
    return {
        "rows": rows,
        "row_by_row_s": _took(database, f"DELETE FROM {first}", f"VACUUM {first}"),
        "partition_s": _took(
            database, f"ALTER TABLE detections DETACH PARTITION {second}", f"DROP TABLE {second}"
        ),
    }


def _took(database: Database, *statements: str) -> float:
    began = time.perf_counter()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for each in statements:
            connection.execute(text(each))
    return round(time.perf_counter() - began, 2)


def queries(url: str) -> dict[str, Callable[[random.Random], Query]]:
    """Those of `benchmarks.queries`, and those of ground and scores."""
    settings = _settings(url)
    return {
        **QUERIES,
        "frames, a class": lambda dice: _frames(class_name=dice.choice(("pothole", "garbage"))),
        "frames, rare class": lambda _: _frames(class_name="nothing"),
        "frames, a week in 1 km": lambda dice: _frames(
            taken_from=(day := _day(dice)), taken_before=day + timedelta(days=7), bounds=_box(dice, 0.01)
        ),
        "frames, a device": partial(_by, "device", 50),
        "frames, a patrol": partial(_by, "patrol", 40),
        "coverage, 1 km, a day": lambda dice: _ground(dice, 0.01, 1),
        "coverage, 1 km, 30 days": lambda dice: _ground(dice, 0.01, 30),
        "coverage, 5 km, a day": lambda dice: _ground(dice, 0.05, 1),
        "coverage, 5 km, 7 days": lambda dice: _ground(dice, 0.05, 7),
        "score, a closed month": lambda _: (
            lambda session: periods.result_of(session, settings, "sections", CLOSED)
        ),
        "score, a sheet of it": lambda dice: _sheet(settings, dice),
        "score, what was seen of a place in a month": _seen,
    }


def _settings(url: str) -> Settings:
    return Settings(database_url=SecretStr(url))


def _day(dice: random.Random) -> datetime:
    return NIGHT + timedelta(days=dice.randrange(DAYS - 30))


def _box(dice: random.Random, side: float) -> tuple[float, float, float, float]:
    west, south = WEST + (SIDE - side) * dice.random(), SOUTH + (SIDE - side) * dice.random()
    return west, south, west + side, south + side


def _frames(**filters: Any) -> Query:
    wanted = frames.Filters(**filters)
    return lambda session: frames.shown(
        session, frames.list_frames(session, EVERYWHERE, wanted, 50, None).items
    )


def _by(noun: str, most: int, dice: random.Random) -> Query:
    """Frames of one of the first devices or patrols."""

    def query(session: ReadSession) -> Any:
        wanted = text(f"SELECT id FROM {noun}s ORDER BY id OFFSET :n LIMIT 1")
        return _frames(**{f"{noun}_id": session.scalar(wanted, {"n": dice.randrange(most)})})(session)

    return query


def _ground(dice: random.Random, side: float, days: int) -> Query:
    first = _day(dice).date()
    wanted = coverage.Filters(None, first, first + timedelta(days=days - 1), _box(dice, side))
    return lambda session: coverage.ground_seen(session, EVERYWHERE, wanted)


def _sheet(settings: Settings, dice: random.Random) -> Query:
    code = f"A{dice.randrange(AREAS):04d}"
    return lambda session: views.sheet_for(session, settings, EVERYWHERE, "sections", CLOSED, code)


def _seen(dice: random.Random) -> Query:
    """Of a square kilometre."""
    place = Place(geometry=mapping(box(*_box(dice, 0.01))))
    month = month_of(date(2026, dice.randrange(1, 10), 1))
    return lambda session: exposure_of(session, place, month, month.moments(UTC), [])


def _exists(session: ReadSession, table: str) -> bool:
    return bool(session.scalar(text("SELECT to_regclass(:table) IS NOT NULL"), {"table": table}))


def _size(session: ReadSession, table: str) -> dict[str, Any]:
    """Rows, and bytes of each: of the row, of its indexes, and together."""
    parts = text(
        """SELECT sum(pg_total_relation_size(relid)), sum(pg_indexes_size(relid)), count(*) FROM (
        SELECT relid FROM pg_partition_tree(CAST(:table AS regclass)) WHERE isleaf
        UNION SELECT CAST(:table AS regclass)) AS parts"""
    )
    whole, indexes, count = session.execute(parts, {"table": table}).one()
    rows = session.scalar(select(func.count()).select_from(text(table))) or 1
    return {
        "rows": rows, "bytes_per_row": round(float(whole) / rows, 1),
        "index_bytes_per_row": round(float(indexes) / rows, 1), "parts": count - (count > 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
