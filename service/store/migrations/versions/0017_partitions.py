"""Partitions: on PostgreSQL, tables with rows for every frame are divided by time; SQLite stays as it is.

Nothing is copied. A table becomes the first partition of one of its name, up to the day after tomorrow; the
partitions after it are empty. What takes time is reading: bounds and references are checked, and the digests
of all frames are written into the table that keeps them unique. Measured: see docs/scale.md.
"""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KEYS = {"frames": "id", "results": "id", "detections": "result_id", "frame_poses": "frame_id"}
"""Table, and the column whose range a partition holds: an id, which begins with its moment."""
PRIMARY = {"frames": "id", "results": "id", "detections": "result_id, number", "frame_poses": "frame_id"}
DAYS, AHEAD = 30, 3

DIGESTS = """
CREATE TABLE frame_digests (sha256 bytea NOT NULL, frame_id varchar(36) NOT NULL);
INSERT INTO frame_digests SELECT decode(sha256, 'hex'), id FROM frames;
ALTER TABLE frame_digests ADD CONSTRAINT pk_frame_digests PRIMARY KEY (sha256);
CREATE FUNCTION keep_frame_digests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM frame_digests WHERE sha256 = decode(OLD.sha256, 'hex');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO frame_digests VALUES (decode(NEW.sha256, 'hex'), NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_frame_digests AFTER INSERT OR DELETE OR UPDATE OF sha256 ON frames
    FOR EACH ROW EXECUTE FUNCTION keep_frame_digests();
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    op.execute("CREATE SCHEMA IF NOT EXISTS partitions")
    references = _drop_references(connection)
    # a partitioned table cannot hold what is unique without the column that it is divided by
    op.execute("ALTER TABLE frames DROP CONSTRAINT uq_frames_sha256")
    op.execute("ALTER TABLE results DROP CONSTRAINT uq_results_frame_id_release")
    op.execute("CREATE INDEX ix_results_frame_id_release ON results (frame_id, release)")
    for table in KEYS:
        _divide(connection, table)
    for table, name, definition in references:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    op.execute(DIGESTS)
    for table in (*KEYS, "frame_digests"):
        op.execute(f"ANALYZE {table}")  # nobody else gathers what a divided table is like as a whole


def _drop_references(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """Drop the foreign keys that point to the tables; gives table, name and definition of each."""
    found = connection.execute(
        sa.text("""SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'f' AND confrelid = ANY(CAST(:tables AS regclass[])) ORDER BY 1, 2"""),
        {"tables": [*KEYS]},
    ).all()
    for table, name, _ in found:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return [(table, name, definition) for table, name, definition in found]


def _divide(connection: sa.Connection, table: str) -> None:
    old, key = f"partitions.{table}_before", KEYS[table]
    op.execute(f"ALTER TABLE {table} SET SCHEMA partitions")
    op.execute(f"ALTER TABLE partitions.{table} RENAME TO {table}_before")
    op.execute(
        f"CREATE TABLE {table} (LIKE {old} INCLUDING DEFAULTS, CONSTRAINT pk_{table} PRIMARY KEY "
        f"({PRIMARY[table]})) PARTITION BY RANGE ({key})"
    )
    for definition in _indexes(connection, table):
        op.execute(definition)
    bound, moment = _end_of_before(connection, old, key)
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ('{bound}')")
    for name, definition in _references(connection, old):
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _ in range(1 + AHEAD):  # the present one, and those ahead
        begin, moment = bound, moment + timedelta(days=DAYS)
        bound, name = _id_at(moment), f"{table}_{moment - timedelta(days=DAYS):%Y%m%d}"
        op.execute(
            f"CREATE TABLE partitions.{name} PARTITION OF {table} FOR VALUES FROM ('{begin}') TO ('{bound}')"
        )
    op.execute(f"CREATE TABLE partitions.{table}_default PARTITION OF {table} DEFAULT")


def _indexes(connection: sa.Connection, table: str) -> list[str]:
    """How the old table's indexes are made on the new one; the old ones then become parts of them."""
    found = connection.scalars(
        sa.text("""SELECT pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = CAST(:old AS regclass) AND NOT indisprimary ORDER BY 1"""),
        {"old": f"partitions.{table}_before"},
    )
    return [re.sub(rf" ON partitions\.{table}_before ", f" ON {table} ", each) for each in found]


def _references(connection: sa.Connection, old: str) -> list[tuple[str, str]]:
    found = connection.execute(
        sa.text("""SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'f' AND conrelid = CAST(:old AS regclass) ORDER BY 1"""),
        {"old": old},
    )
    return [(name, definition) for name, definition in found]


def _end_of_before(connection: sa.Connection, old: str, key: str) -> tuple[str, datetime]:
    """The first id that belongs to a new partition: after all that are there, at a midnight."""
    last = connection.scalar(sa.text(f"SELECT max({key}) FROM {old}"))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # one day more than tomorrow: requests that are under way, and clocks of other machines
    moment = midnight + timedelta(days=2) if last else midnight
    bound = _id_at(moment)
    if last is not None and last >= bound:  # by a clock that was wrong
        bound = str(UUID(int=UUID(last).int + 1))
        moment = datetime.fromtimestamp((UUID(bound).int >> 80) / 1000, UTC)
    return bound, moment


def _id_at(moment: datetime) -> str:
    hexadecimal = f"{round(moment.timestamp() * 1000):012x}"
    return f"{hexadecimal[:8]}-{hexadecimal[8:]}-0000-0000-000000000000"
