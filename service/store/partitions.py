"""Tables that grow with every frame are divided by time on PostgreSQL; SQLite has them whole.

A partition holds a range of ids, and ids begin with their moment: so the primary key stays one key,
references stay whole, and whoever asks for an id looks into one partition. `..._before` has what was there
when the table was divided, `..._default` takes what fits nowhere: no row is refused for want of a partition.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from streetsight.service.store.database import Database
from streetsight.service.store.ids import first_id, moment_of
from streetsight.service.store.sessions import WriteSession

SCHEMA = "partitions"
TABLES = {"frames": "id", "results": "id", "detections": "result_id", "frame_poses": "frame_id"}
"""And the column whose range a partition holds."""
AHEAD = 3
"""Empty partitions that are always there."""
OTHERWISE = {
    "frame_digests", "uq_frames_sha256", "uq_results_frame_id_release", "ix_results_frame_id_release",
}  # fmt: skip
"""What PostgreSQL has otherwise than the models say: a divided table cannot keep a column unique that it is
not divided by. `frame_digests` keeps frames unique, a lock on the frame its results (`detections/job.py`)."""
LOCK_WAIT = "2s"
_LOCK = 0x57E79A27  # any number that nobody else uses for an advisory lock of PostgreSQL

_TURN = text("SELECT pg_try_advisory_xact_lock(:number)")
_ENDS = text(
    """SELECT whole.relname, max(substring(pg_get_expr(part.relpartbound, inhrelid) FROM $$TO \\('(.+)'\\)$$))
    FROM pg_inherits JOIN pg_class whole ON whole.oid = inhparent JOIN pg_class part ON part.oid = inhrelid
    WHERE whole.oid = ANY(CAST(:tables AS regclass[])) GROUP BY whole.relname"""
)

log = structlog.get_logger(__name__)


def keep_ahead(database: Database, days: int) -> None:
    """Make the partitions of the time to come, of `days` days each. Any number of workers may call this."""
    if database.is_sqlite:
        return
    try:
        with database.write() as session:
            made = _extend(session, days, datetime.now(UTC))
    except (OperationalError, IntegrityError) as error:
        # someone reads the table for long, and nobody shall wait behind us; or a row went to the default one
        log.warning("partitions_not_made", reason=str(error.orig))
        return
    for table in made:
        with database.write() as session:
            session.execute(
                text(f"ANALYZE {table}")
            )  # PostgreSQL does it for partitions, never for the whole
        log.info("partitions_made", table=table)


def as_modelled(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """For Alembic, which compares tables with models: leaves out what is otherwise on purpose.

    PostgreSQL shows a reference to a divided table once more for each partition.
    """
    to_partition = kind == "foreign_key_constraint" and thing.referred_table.schema == SCHEMA
    return name not in OTHERWISE and not to_partition


def _extend(session: WriteSession, days: int, moment: datetime) -> set[str]:
    """Add what is missing; gives the tables that have grown."""
    until = moment + timedelta(days=days * AHEAD)
    if not _short(session, until) or not session.scalar(_TURN, {"number": _LOCK}):
        return set()
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    short = _short(session, until)  # another may just have done it
    for table in short:
        begin = _after_strays(session, table, short[table], until)
        while (start := moment_of(begin)) < until:
            end = first_id(max(start, moment - timedelta(days=days)) + timedelta(days=days))
            session.execute(
                text(
                    f"CREATE TABLE {SCHEMA}.{table}_{start:%Y%m%d} PARTITION OF {table} "
                    f"FOR VALUES FROM ('{begin}') TO ('{end}')"
                )
            )
            begin = end
    return {*short}


def _short(session: WriteSession, until: datetime) -> dict[str, str]:
    """Tables whose partitions end too soon, always in the same order, and where they end."""
    ends: dict[str, str] = dict(session.execute(_ENDS, {"tables": [*TABLES]}).all())
    return {table: ends[table] for table in TABLES if ends[table] < first_id(until)}


def _after_strays(session: WriteSession, table: str, begin: str, until: datetime) -> str:
    """Where to begin, so that rows which came while they had no partition may stay where they are."""
    key = TABLES[table]
    last = session.scalar(
        text(f"SELECT max({key}) FROM {SCHEMA}.{table}_default WHERE {key} < :until"),
        {"until": first_id(until)},
    )
    return begin if last is None or last < begin else str(UUID(int=UUID(last).int + 1))
