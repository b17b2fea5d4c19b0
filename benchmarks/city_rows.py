"""Months of a city's frames for `benchmarks.city`, and what hangs on each of them, made in PostgreSQL itself.

The server makes the rows from `generate_series`, several times faster than they could be sent. Every value
follows from the frame's number, so that two fills are alike. Indexes are made after the rows.
"""

import random
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, text

from streetsight.inference.coverage.tiles import PER_DEGREE
from streetsight.service.devices.tables import Device
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.database import Database
from streetsight.service.store.ids import first_id, new_id
from streetsight.service.store.partitions import SCHEMA, TABLES

NIGHT, DAYS, PARTITION_DAYS = datetime(2026, 1, 1, tzinfo=UTC), 300, 30
WEST, SOUTH, SIDE, STREETS = 120.0, 30.1, 0.4, 40  # a city, degrees
DEVICES, PER_PATROL, SECONDS_APART, BLOCK = 60, 2_000, 3, 500_000
DETECTIONS = 2  # on a frame
CORNERS, PER_TILE = 60, 20  # of the ground seen in a tile; frames that show it

MADE = f"""
WITH driven AS (
    SELECT n, p.id AS patrol, p.device_id AS device,
        p.created_at + make_interval(secs => (n % {PER_PATROL}) * {SECONDS_APART}) AS at,
        {WEST} + {SIDE} * (0.1 + 0.8 * p.east + 0.03 * sin((n % {PER_PATROL}) * p.turn)) AS lon,
        {SOUTH} + {SIDE} * (0.1 + 0.8 * p.north + 0.02 * cos((n % {PER_PATROL}) * 1.3 * p.turn)) AS lat
    FROM generate_series(:start, :stop - 1) AS n JOIN city_patrols p ON p.number = n / {PER_PATROL}
), timed AS (
    SELECT *, lpad(to_hex(n), 12, '0') AS tail,
        lpad(to_hex((extract(epoch FROM at) * 1000)::bigint + 40000), 12, '0') AS come,
        lpad(to_hex((extract(epoch FROM at) * 1000)::bigint + 70000), 12, '0') AS seen
    FROM driven
), made AS (
    SELECT n, at, patrol, device, lon, lat, 'n' || n || '.jpg' AS name,
        encode(sha256(n::text::bytea), 'hex') AS digest,
        left(come, 8) || '-' || right(come, 4) || '-7000-8000-' || tail AS id,
        left(seen, 8) || '-' || right(seen, 4) || '-7000-8000-' || tail AS result,
        '/330106/330106' || lpad(floor((lon - {WEST}) / {SIDE} * {STREETS})::int::text, 3, '0') || '/' AS area
    FROM timed
) """

ROWS = {
    "frames": """
        INSERT INTO frames (id, created_at, sha256, size_bytes, media_type, name, device_id, patrol_id, state,
            late, taken_at, taken_offset_minutes, lon, lat, area_path, position, metadata_sent, result_id)
        SELECT id, at + interval '40 seconds', digest, 300000 + n % 200000, 'image/jpeg', name, device,
            patrol, 'detected', false, at, 480, lon, lat, area,
            jsonb_build_object('lon', lon, 'lat', lat, 'source', 'device', 'accuracy_m', 4.5,
                'heading_deg', n % 360, 'altitude_m', 12.5),
            jsonb_build_object('name', name, 'sha256', digest, 'patrol_id', patrol, 'taken_at', at,
                'clock_offset_s', 0.25, 'position', jsonb_build_object('lon', lon, 'lat', lat,
                'accuracy_m', 4.5, 'heading_deg', n % 360)),
            result FROM made""",
    "results": """
        INSERT INTO results (id, created_at, frame_id, release, outcome, width, height, quality,
            file_metadata)
        SELECT result, at + interval '70 seconds', id, 'street-n-3@075fe061f818', 'accepted', 1920, 1080,
            jsonb_build_object('scorable', true, 'brightness', 100 + n % 90, 'dark_share', 0.021,
                'bright_share', 0.218, 'sharpness', 9.49, 'detail', 0.953, 'faults', '[]'\\:\\:jsonb), '{}'
        FROM made""",
    "detections": f"""
        INSERT INTO detections (result_id, number, frame_id, class_name, condition, score, x1, y1, x2, y2)
        SELECT result, k, id, (array['car', 'garbage', 'person', 'pothole', 'street_vendor', 'car', 'van'])[
                1 + (n + k) % 7],
            CASE WHEN (n + k) % 7 IN (1, 3, 4) THEN 'exposed_garbage' END, 0.3 + 0.0001 * (n % 7000),
            n % 900, k * 100, n % 900 + 120.5, k * 100 + 90.25
        FROM made, generate_series(0, {DETECTIONS} - 1) AS k""",
    "frame_poses": """
        INSERT INTO frame_poses (frame_id, patrol_id, pass_id, outcome, taken_at, taken_offset_minutes, lon,
            lat, accuracy_m, heading_deg, heading_sigma_deg, heading_source, position_source, problems)
        SELECT id, patrol, patrol || '/1', 'accepted', at, 480, lon, lat, 4.5, n % 360, 6.0, 'track',
            'device', '[]' FROM made""",
    "frame_digests": "INSERT INTO frame_digests SELECT decode(digest, 'hex'), id FROM made",
}
WAYS = """CREATE TABLE city_patrols (number bigint PRIMARY KEY, id text, device_id text,
    created_at timestamptz, east float8, north float8, turn float8)"""
GROUPS = (("frames",), ("frame_digests", "results", "detections", "frame_poses", "covered_tiles"))


def fill_frames(database: Database, frames: int, digests: bool = True) -> list[dict[str, Any]]:
    """Frames over `DAYS` days with results, detections, poses and ground, on two connections.

    Gives their patrols. digests: whether there is a table of them yet.
    """
    with database.engine.begin() as connection:
        outings = _outings(connection, frames)

    def fill(tables: tuple[str, ...]) -> None:
        with database.engine.begin() as connection:
            # indexes and checks of references wait: what is made here is whole
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            hidden = _hide_indexes(connection, tables)
            for table in [each for each in tables if digests or each != "frame_digests"]:
                if table == "covered_tiles":
                    _told(table, partial(_cover, connection, outings))
                else:
                    _told(table, partial(_in_blocks, connection, ROWS[table], frames))
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
            for name, definition in hidden:
                _told(name, partial(connection.execute, text(definition)))

    with ThreadPoolExecutor() as pool:
        deque(pool.map(fill, GROUPS), maxlen=0)
    return outings


def divide(database: Database) -> None:
    """Partitions for the time of the fill, as they would have been made while it went by."""
    with database.engine.begin() as connection:
        for table in TABLES:
            begin = "MINVALUE"
            connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {SCHEMA}.{table}_before"))
            connection.execute(text(f"DROP TABLE {SCHEMA}.{table}_before"))
            last = DAYS // PARTITION_DAYS
            for number in range(1, last + 1):
                moment = NIGHT + timedelta(days=PARTITION_DAYS * number + (number == last))
                end = f"'{first_id(moment)}'"
                connection.execute(
                    text(
                        f"CREATE TABLE {SCHEMA}.{table}_of_{number:02} PARTITION OF {table} "
                        f"FOR VALUES FROM ({begin}) TO ({end})"
                    )
                )
                begin = end


def _told(name: str, work: Callable[[], Any]) -> None:
    began = time.perf_counter()
    work()
    print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201


def _in_blocks(connection: Connection, statement: str, frames: int) -> None:
    for start in range(0, frames, BLOCK):
        stop = min(frames, start + BLOCK)
        connection.execute(text(MADE + statement), {"start": start, "stop": stop})


def _outings(connection: Connection, frames: int) -> list[dict[str, Any]]:
    """Devices and patrols, and beside them where each patrol drives."""
    dice, count = random.Random(5), -(-frames // PER_PATROL)
    devices = [{"id": new_id(), "name": f"car-{number}", "created_at": NIGHT} for number in range(DEVICES)]
    connection.execute(insert(Device), devices)
    outings, ways = [], []
    for number in range(count):
        begin = NIGHT + timedelta(days=DAYS) * (number / count)
        patrol_id = first_id(begin)[:-12] + f"{number:012x}"
        outing = {
            "id": patrol_id, "key": str(number), "device_id": devices[number % DEVICES]["id"],
            "created_at": begin, "last_frame_at": begin,
            "closed_at": begin + timedelta(seconds=PER_PATROL * SECONDS_APART),
        }  # fmt: skip
        outings.append(outing)
        ways.append(
            {
                **{name: outing[name] for name in ("id", "device_id", "created_at")}, "number": number,
                "east": dice.betavariate(2, 2), "north": dice.betavariate(2, 2),
                "turn": 0.002 + 0.002 * dice.random(),
            }
        )  # fmt: skip
    connection.execute(insert(Patrol), outings)
    connection.execute(text(WAYS))
    columns = "(:number, :id, :device_id, :created_at, :east, :north, :turn)"
    connection.execute(text(f"INSERT INTO city_patrols VALUES {columns}"), ways)
    return [{**outing, **way} for outing, way in zip(outings, ways, strict=True)]


def _hide_indexes(connection: Connection, tables: tuple[str, ...]) -> list[tuple[str, str]]:
    """Drop what is no constraint; gives how each is made again."""
    found = connection.execute(
        text("""SELECT i.indexname, replace(i.indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes i
            WHERE schemaname = 'public' AND tablename = ANY(:tables)
            AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"""),
        {"tables": [*tables]},
    ).all()
    for name, _ in found:
        connection.execute(text(f"DROP INDEX {name}"))
    return [(name, definition) for name, definition in found]


def _cover(connection: Connection, outings: list[dict[str, Any]]) -> None:
    """A tile for about every `PER_TILE` frames, with ground of as many corners as a street leaves."""
    columns = "id, created_at, patrol_id, day, x, y, seen, driven, frames"
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY covered_tiles ({columns}) FROM STDIN") as copy:
        for outing in outings:
            for number, (x, y) in enumerate(_tiles(outing)):
                tile_id = outing["id"][:-12] + f"{int(outing['number']) * 1000 + number:012x}"
                moment = outing["created_at"]
                copy.write_row(
                    (tile_id, moment, outing["id"], moment.date(), x, y, _ground(x, y), _line(x, y), PER_TILE)
                )


def _tiles(outing: dict[str, Any]) -> Iterator[tuple[int, int]]:
    frame = np.arange(0, PER_PATROL)
    lon = WEST + SIDE * (0.1 + 0.8 * outing["east"] + 0.03 * np.sin(frame * outing["turn"]))
    lat = SOUTH + SIDE * (0.1 + 0.8 * outing["north"] + 0.02 * np.cos(frame * 1.3 * outing["turn"]))
    tiles = np.unique(np.floor(np.stack([lon, lat], 1) * PER_DEGREE).astype(int), axis=0)
    yield from ((int(x), int(y)) for x, y in tiles)


def _ground(x: int, y: int) -> bytes:
    """A polygon inside the tile, WKB."""
    angle = np.linspace(0, 2 * np.pi, CORNERS + 1)
    reach = np.where(np.arange(CORNERS + 1) % 2, 0.45, 0.3)
    reach[-1] = reach[0]
    ring = np.stack([x + 0.5 + reach * np.cos(angle), y + 0.5 + reach * np.sin(angle)], 1) / PER_DEGREE
    ring[-1] = ring[0]
    return struct.pack("<BIII", 1, 3, 1, CORNERS + 1) + ring.astype("<f8").tobytes()


def _line(x: int, y: int) -> bytes:
    way = np.stack([x + np.linspace(0.1, 0.9, 10), np.full(10, y + 0.5)], 1) / PER_DEGREE
    return struct.pack("<BII", 1, 2, 10) + way.astype("<f8").tobytes()
