"""The job that gives every row its area anew after an import, in batches that hold nobody up."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, bindparam, select, update

from streetsight.service.areas.index import area_index
from streetsight.service.areas.service import KIND
from streetsight.service.areas.tables import AreaVersion
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, enqueue
from streetsight.service.store.base import Base
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession

BATCH_ROWS = 2000
COLUMNS = ("id", "lon", "lat", "area_path")


class AreaJob:
    """See `Handler`. Its payload says how far it has come: the table, and the last id done of it."""

    kind, calls, alone = KIND, 1, False

    def __init__(self, database: Database) -> None:
        self._database = database

    def work(self, claim: Claim) -> Effect:
        tables = _tables()
        number, after = claim.payload.get("table", 0), claim.payload.get("after", "")
        with self._database.read() as session:
            newest = session.scalar(select(AreaVersion.id).order_by(AreaVersion.number.desc()).limit(1))
            index = area_index(session)
            if newest != claim.key or index is None or number >= len(tables):
                return lambda session: None  # done, or a later import has a job of its own
            table = tables[number]
            found = select(*(table.c[name] for name in COLUMNS)).where(table.c.id > after)
            rows = session.execute(found.order_by(table.c.id).limit(BATCH_ROWS)).all()
        changed = [
            {"row": row.id, "there_lon": row.lon, "there_lat": row.lat, "path": path}
            for row in rows
            if row.lon is not None and (path := index.path_at(row.lon, row.lat)) != row.area_path
        ]
        rest = {"table": number + 1} if len(rows) < BATCH_ROWS else {"table": number, "after": rows[-1].id}
        return lambda session: _write(session, claim, table, changed, rest)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """Nothing to mark: `streetsight jobs` shows it, and rows keep the area that they had."""


def _write(
    session: WriteSession, claim: Claim, table: Table, changed: Sequence[dict[str, Any]], rest: dict[str, Any]
) -> None:
    if changed:  # only where it still stands: what has moved meanwhile got its area then
        same = (
            table.c.id == bindparam("row"),
            table.c.lon == bindparam("there_lon"),
            table.c.lat == bindparam("there_lat"),
        )
        statement = update(table).where(*same).values(area_path=bindparam("path"))
        session.connection().execute(statement, changed)
    enqueue(session, KIND, claim.key, rest)


def _tables() -> list[Table]:
    """Tables of things that have a place and an area."""
    return [table for table in Base.metadata.sorted_tables if {*COLUMNS} <= {*table.columns.keys()}]
