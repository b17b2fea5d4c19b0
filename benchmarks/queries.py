"""How long do lists, maps and filters take with 1,000,000 frames and 100,000 candidates?

    python -m benchmarks.queries [--frames N] [--candidates N] [--database URL] [--plans]

A scratch database is filled in bulk (SQLite in a temporary folder, or the empty one of the URL), then each
query runs with many different values. Target: p95 at most 100 ms, on SQLite and on PostgreSQL.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, text

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.candidates import queries
from streetsight.service.candidates.map import map_of
from streetsight.service.candidates.queries import Circle, Filters
from streetsight.service.candidates.schemas import CandidateShown
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.candidates.trace import trace
from streetsight.service.devices.tables import Device
from streetsight.service.frames import service as frames
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols import service as patrols
from streetsight.service.patrols.tables import Patrol
from streetsight.service.sightings import service as sightings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.migrating import migrate
from streetsight.service.store.sessions import ReadSession

FRAMES, CANDIDATES, ROUNDS = 1_000_000, 100_000, 40
BLOCK = 5_000
WEST, SOUTH, SIDE = 120.0, 30.1, 0.4  # a city, degrees
STREETS = 40
CLASSES = {
    "garbage": "exposed_garbage", "overflowing_bin": "exposed_garbage", "street_vendor": "street_vending",
    "car": "illegal_parking", "pothole": "broken_facility", "damaged_sign": "broken_facility",
}  # fmt: skip
STATES = ("open",) * 8 + ("confirmed",) * 6 + ("rejected",) * 5 + ("gone",)
NIGHT = datetime(2026, 1, 1, tzinfo=UTC)
EVERYWHERE = Actor("person", "p", "p", Role.ADMIN)
ONE_STREET = Actor("person", "p", "p", Role.INSPECTOR, ("/330106/330106007/",))
OUTSIDER = Actor("person", "p", "p", Role.THIRD_PARTY)
NOTE = {"rule": "gates", "state": "met", "reason": "enough_frames", "values": {"frames": 4, "score": 0.81}}

Query = Callable[[ReadSession], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--database", help="URL of an empty database; SQLite without it")
    parser.add_argument("--plans", action="store_true", help="how the database answers each query")
    chosen = parser.parse_args()
    found = measure(chosen.frames, chosen.candidates, chosen.rounds, chosen.database, chosen.plans)
    print(json.dumps(found, indent=1))  # noqa: T201  a command


def measure(
    frame_count: int = FRAMES, candidate_count: int = CANDIDATES, rounds: int = ROUNDS,
    url: str | None = None, plans: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Milliseconds of each query, p50 and p95."""
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(url or f"sqlite:///{Path(scratch) / 'queries.sqlite'}")
        try:
            started = time.perf_counter()
            migrate(database)
            fill(database, frame_count, candidate_count)
            filled = time.perf_counter() - started
            timed = {name: timed_query(database, make, rounds) for name, make in QUERIES.items()}
            if plans:
                print_plans(database, QUERIES)
            worst = max(each["p95_ms"] for each in timed.values())
            return {
                "frames": frame_count, "candidates": candidate_count, "fill_seconds": round(filled, 1),
                "worst_p95_ms": worst, "queries": timed,
            }  # fmt: skip
        finally:
            database.close()


def fill(database: Database, frame_count: int, candidate_count: int) -> None:
    """A city's months: frames on patrols, candidates with a sighting each."""
    dice = random.Random(7)
    with database.engine.begin() as connection:
        device = {"id": new_id(), "name": "car-1", "created_at": NIGHT}
        connection.execute(insert(Device), device)
        outings = [
            {"id": new_id(), "key": str(number), "device_id": device["id"], "created_at": NIGHT}
            for number in range(max(1, frame_count // 2000))
        ]
        connection.execute(insert(Patrol), outings)
    made = (_frame(dice, number, frame_count, outings, device) for number in range(frame_count))
    _insert(database, Frame, made)
    fill_leads(database, dice, outings, device, candidate_count)


def fill_leads(
    database: Database, dice: random.Random, outings: list[Any], device: Any, candidate_count: int
) -> None:
    """Candidates on these patrols, with a sighting each."""
    seen = [_sighting(dice, outings, device) for _ in range(candidate_count)]
    _insert(database, Sighting, iter(seen))
    leads = [_candidate(dice, number, candidate_count, each) for number, each in enumerate(seen)]
    _insert(database, Candidate, iter(leads))
    links = (
        {"candidate_id": lead["id"], "sighting_id": each["id"]}
        for lead, each in zip(leads, seen, strict=True)
    )
    _insert(database, CandidateSighting, links)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # what autovacuum does in its own time; an index alone answers only what it has marked
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def _insert(database: Database, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    block: list[dict[str, Any]] = []
    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            _write(database, table, block)
            block = []
    _write(database, table, block)


def _write(database: Database, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        with database.engine.begin() as connection:
            connection.execute(insert(table), rows)


def _id_of(moment: datetime, number: int) -> str:
    """A UUIDv7 of that moment."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | number))


def _place(dice: random.Random) -> tuple[float, float, str]:
    """Somewhere in the city, more often in some streets than in others."""
    lon, lat = WEST + SIDE * dice.betavariate(2, 2), SOUTH + SIDE * dice.betavariate(2, 2)
    return lon, lat, f"/330106/330106{int((lon - WEST) / SIDE * STREETS):03d}/"


def _frame(dice: random.Random, number: int, count: int, outings: list[Any], device: Any) -> dict[str, Any]:
    lon, lat, path = _place(dice)
    taken = NIGHT + timedelta(days=300) * (number / count)
    return {
        "id": _id_of(taken, number), "created_at": taken, "sha256": f"{number:064x}", "size_bytes": 400_000,
        "media_type": "image/jpeg", "name": f"{number}.jpg", "device_id": device["id"],
        "patrol_id": outings[number * len(outings) // count]["id"], "state": "detected", "late": False,
        "taken_at": taken, "taken_offset_minutes": 480, "lon": lon, "lat": lat, "area_path": path,
        "position": {"lon": lon, "lat": lat, "source": "device", "accuracy_m": 5.0}, "metadata_sent": {},
    }  # fmt: skip


def _sighting(dice: random.Random, outings: list[Any], device: Any) -> dict[str, Any]:
    lon, lat, path = _place(dice)
    name, patrol = dice.choice([*CLASSES]), dice.choice(outings)["id"]
    seen = NIGHT + timedelta(days=300 * dice.random())
    glimpse = {
        "frame": patrol, "frame_id": "0" * 64, "taken_at": seen.isoformat(), "score": 0.8, "release": "r",
        "box_xyxy_px": [1.0, 2.0, 3.0, 4.0], "size_wh": [1920, 1080], "distance_m": 8.0, "scorable": True,
    }  # fmt: skip
    return {
        "id": new_id(), "created_at": seen, "patrol_id": patrol, "pass_id": patrol, "device_id": device["id"],
        "class_name": name, "release": "r", "score": dice.random(), "frames": 4, "first_seen_at": seen,
        "last_seen_at": seen, "lon": lon, "lat": lat, "area_path": path, "own_m2": [1, 0, 1],
        "shared_m2": [4, 0, 4], "located_by": "ground", "glimpses": [glimpse] * 4, "place_id": patrol,
    }  # fmt: skip


def _candidate(dice: random.Random, number: int, count: int, seen: dict[str, Any]) -> dict[str, Any]:
    created = NIGHT + timedelta(days=300) * (number / count)
    return {
        "id": _id_of(created, number), "created_at": created, "updated_at": created, "source": "patrol",
        "condition": CLASSES[seen["class_name"]], "state": dice.choice(STATES),
        "severity": dice.choice(("low", "medium", "high")), "last_seen_at": created,
        "first_seen_at": created - timedelta(hours=dice.random()), "sightings": 1, "frames": 4, "patrols": 1,
        "findings": [NOTE] * 6, "proposal": {"code": "06010", "why": NOTE}, "alternatives": [],
        "evidence": {"close_up": NOTE, "panorama": NOTE}, "covariance_m2": [4, 0, 4], "version": 1,
        **{name: seen[name] for name in ("class_name", "score", "lon", "lat", "area_path", "release")},
        "place_id": seen["id"], "needs_second_look": False, "pinned": False,
    }  # fmt: skip


def _listed(actor: Actor, make: Callable[[random.Random], Filters]) -> Callable[[random.Random], Query]:
    def query(dice: random.Random) -> Query:
        filters = make(dice)
        return lambda session: [
            CandidateShown.of(row) for row in queries.list_candidates(session, actor, filters, 50, None).items
        ]

    return query


def _mapped(actor: Actor, zoom: int, **filters: Any) -> Callable[[random.Random], Query]:
    """As a browser's window of 1024 pixels asks at this zoom."""

    def query(dice: random.Random) -> Query:
        side = min(SIDE, 360 / 2**zoom * 4)
        west, south = WEST + (SIDE - side) * dice.random(), SOUTH + (SIDE - side) * dice.random()
        wanted = Filters(bounds=(west, south, west + side, south + side), **filters)
        return lambda session: map_of(session, actor, wanted, zoom, 500)

    return query


def _week(dice: random.Random) -> dict[str, Any]:
    begin = NIGHT + timedelta(days=dice.randrange(290))
    return {"seen_from": begin, "seen_before": begin + timedelta(days=7)}


def _bounds(dice: random.Random, side: float) -> tuple[float, float, float, float]:
    west, south = WEST + (SIDE - side) * dice.random(), SOUTH + (SIDE - side) * dice.random()
    return west, south, west + side, south + side


def _frames(
    actor: Actor, make: Callable[[random.Random], frames.Filters]
) -> Callable[[random.Random], Query]:
    def query(dice: random.Random) -> Query:
        filters = make(dice)
        return lambda session: frames.list_frames(session, actor, filters, 50, None)

    return query


def _traced(_dice: random.Random) -> Query:
    def query(session: ReadSession) -> Any:
        [found] = queries.list_candidates(session, EVERYWHERE, Filters(), 1, None).items
        return trace(session, EVERYWHERE, found, "zh")

    return query


QUERIES: dict[str, Callable[[random.Random], Query]] = {
    "list": _listed(EVERYWHERE, lambda _: Filters()),
    "list, one street": _listed(ONE_STREET, lambda _: Filters()),
    "list, outsider": _listed(OUTSIDER, lambda _: Filters()),
    "state": _listed(EVERYWHERE, lambda dice: Filters(states=(dice.choice(STATES),))),
    "state, one street": _listed(ONE_STREET, lambda _: Filters(states=("open",))),
    "rare state, one street": _listed(ONE_STREET, lambda _: Filters(states=("gone",))),
    "class and state": _listed(
        EVERYWHERE, lambda dice: Filters(class_names=(dice.choice([*CLASSES]),), states=("open", "gone"))
    ),
    "area": _listed(EVERYWHERE, lambda dice: Filters(area=f"/330106/330106{dice.randrange(STREETS):03d}/")),
    "area and condition": _listed(
        EVERYWHERE,
        lambda dice: Filters(
            area=f"/330106/330106{dice.randrange(STREETS):03d}/", conditions=("street_vending",)
        ),
    ),
    "high score": _listed(EVERYWHERE, lambda dice: Filters(min_score=0.9 + dice.random() / 10)),
    "nothing found": _listed(EVERYWHERE, lambda _: Filters(states=("merged",), severities=("high",))),
    "nothing found, no index": _listed(EVERYWHERE, lambda _: Filters(sources=("hotline",))),
    "seen in a week": _listed(EVERYWHERE, lambda dice: Filters(**_week(dice))),
    "created in a week": _listed(
        EVERYWHERE,
        lambda dice: Filters(
            created_from=_week(dice)["seen_from"], created_before=_week(dice)["seen_before"]
        ),
    ),
    "box of 1 km": _listed(EVERYWHERE, lambda dice: Filters(bounds=_bounds(dice, 0.01))),
    "box of 10 km, class": _listed(
        EVERYWHERE, lambda dice: Filters(bounds=_bounds(dice, 0.1), class_names=("pothole",))
    ),
    "near": _listed(
        EVERYWHERE,
        lambda dice: Filters(near=Circle(*_bounds(dice, 0.0)[:2], radius_m=dice.uniform(50, 2000))),
    ),
    "map, city": _mapped(EVERYWHERE, 10),
    "map, city, open": _mapped(EVERYWHERE, 10, states=("open",)),
    "map, city, one street": _mapped(ONE_STREET, 10),
    "map, district": _mapped(EVERYWHERE, 13),
    "map, street": _mapped(EVERYWHERE, 16),
    "trace": _traced,
    "frames": _frames(EVERYWHERE, lambda _: frames.Filters()),
    "frames, one street": _frames(ONE_STREET, lambda _: frames.Filters()),
    "frames, box of 1 km": _frames(EVERYWHERE, lambda dice: frames.Filters(bounds=_bounds(dice, 0.01))),
    "frames, a day": _frames(
        EVERYWHERE,
        lambda dice: frames.Filters(
            taken_from=(day := NIGHT + timedelta(days=dice.randrange(290))),
            taken_before=day + timedelta(days=1),
        ),
    ),
    "patrols, one street": lambda _: (
        lambda session: patrols.list_patrols(session, ONE_STREET, None, 50, None)
    ),
    "sightings, one street": lambda _: (
        lambda session: sightings.list_sightings(session, ONE_STREET, sightings.Filters(), 50, None)
    ),
}


def timed_query(database: Database, make: Callable[[random.Random], Query], rounds: int) -> dict[str, float]:
    dice, taken = random.Random(11), []
    for _ in range(rounds + 1):
        query = make(dice)
        with database.read() as session:
            started = time.perf_counter()
            query(session)
            taken.append((time.perf_counter() - started) * 1000)
    del taken[0]  # a server is asked more than once: statements are put together the first time
    return {"p50_ms": round(median(taken), 1), "p95_ms": round(quantiles(taken, n=20)[-1], 1)}


def print_plans(database: Database, queries: dict[str, Callable[[random.Random], Query]]) -> None:
    """How the database answers; what PostgreSQL really did, rows and buffers and all."""
    said: list[tuple[str, Any]] = []
    engine = database.engine

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    for name, make in queries.items():
        said.clear()
        reader = database._reader  # the engine that reads
        event.listen(reader, "before_cursor_execute", listen)
        with database.read() as session:
            make(random.Random(11))(session)
        event.remove(reader, "before_cursor_execute", listen)
        print(f"-- {name}")  # noqa: T201
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) "
        with engine.connect() as connection:
            for statement, values in said.copy():
                rows = connection.exec_driver_sql(explain + statement, values).all()
                for row in rows:
                    print("   ", row[-1])  # noqa: T201


if __name__ == "__main__":
    main()
