"""Tables of the spool, in SQLite: frames, their patrols, and what was evicted when and why."""

import sqlite3

VERSION = 1

# Who goes first when room is needed, least first; within a rank the oldest first (docs/agent.md).
RANK = """CASE
    WHEN state = 'sent' THEN 0
    WHEN detections = 0 AND state = 'refused' THEN 1
    WHEN detections = 0 AND thinned THEN 2
    WHEN detections = 0 THEN 3
    WHEN state = 'refused' THEN 4
    ELSE 5 END"""

TABLES = (
    """CREATE TABLE patrols (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        server_id TEXT,
        opened_at REAL NOT NULL,
        last_frame_at REAL NOT NULL,
        closed_at REAL,
        told_closed INTEGER NOT NULL DEFAULT 0
    )""",
    # taken_sha256: of the photo as it came; sha256: of what is to be sent, another one once it was redacted.
    f"""CREATE TABLE frames (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        taken_sha256 TEXT NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        file TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        name TEXT NOT NULL,
        metadata TEXT NOT NULL,
        patrol_id INTEGER NOT NULL REFERENCES patrols (id),
        kept_at REAL NOT NULL,
        present INTEGER NOT NULL DEFAULT 1,
        state TEXT NOT NULL CHECK (state IN ('new', 'waiting', 'uploaded', 'sent', 'refused', 'evicted')),
        detections INTEGER NOT NULL DEFAULT 0,
        thinned INTEGER NOT NULL DEFAULT 0,
        sent_at REAL,
        frame_id TEXT,
        upload_url TEXT,
        reason TEXT,
        rank INTEGER AS ({RANK}) VIRTUAL
    )""",
    "CREATE INDEX frames_by_rank ON frames (rank, id) WHERE present",
    "CREATE INDEX frames_to_do ON frames (state, thinned, detections > 0, id) WHERE state != 'sent'",
    "CREATE INDEX frames_of_patrol ON frames (patrol_id, state)",
    """CREATE TABLE evictions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        frame INTEGER NOT NULL,
        taken_sha256 TEXT NOT NULL,
        name TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        kept_at REAL NOT NULL,
        state TEXT NOT NULL,
        detections INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        reason TEXT NOT NULL
    )""",
    # What was done with the files of a camera's folder, so that it is not done again.
    """CREATE TABLE sources (
        path TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        done INTEGER NOT NULL,
        finished INTEGER NOT NULL,
        reason TEXT
    ) WITHOUT ROWID""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


def create(database: sqlite3.Connection) -> None:
    """All tables and the version, in one transaction: a power cut leaves all of it or nothing."""
    database.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute("COMMIT")
