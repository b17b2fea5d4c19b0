"""How long do 1,000 areas with 1,000,000 issues over 12 months take to close, and to reckon once more?

    python -m benchmarks.scoring [--areas N] [--issues N] [--folder DIR] [--database URL]

A database is filled in bulk (SQLite, or the one of the URL; one that was filled before is taken as it is):
areas side by side, issues of a year in them, a fifth with an event that shows they were not put right. Then
each month is closed by the shipped example scheme, as `streetsight score close` does it, but for the coverage
of streets, and all of them are reckoned once more from their frozen facts and compared byte by byte, as
`streetsight score recompute` does.

Target: the recomputation within 60 s on two cores, on SQLite and on PostgreSQL. Beside it the time for
reading the same frozen rows alone (`read_s`), because these machines are noisy.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shapely.geometry import box, mapping
from sqlalchemy import insert, select

from streetsight.service.auth.actor import SYSTEM
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions.tables import Decision
from streetsight.service.issues.tables import Issue, IssueAct
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.scoring import periods, versions
from streetsight.service.scoring.gathering import Wanted, city_of, gather_month
from streetsight.service.scoring.reading import example_schemes, read_scheme_file
from streetsight.service.scoring.spans import Span, month_of
from streetsight.service.scoring.tables import ClosedSheet
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.ids import new_id
from streetsight.service.store.migrating import migrate
from streetsight.service.store.sessions import WriteSession

AREAS, ISSUES, MONTHS, BLOCK = 1_000, 1_000_000, 12, 5_000
WEST, SOUTH, SIDE, ROW = 120.0, 30.0, 0.01, 40
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
CLASSES = (
    ("exposed_garbage", "garbage"), ("exposed_garbage", "overflowing_bin"),
    ("street_vending", "street_vendor"),
    ("illegal_parking", "car"), ("broken_facility", "pothole"), ("broken_facility", "damaged_sign"),
)  # fmt: skip


def measure(
    areas: int = AREAS, issues: int = ISSUES, url: str | None = None, folder: Path | None = None
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="scoring-") as scratch:
        kept = folder or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        settings = Settings(data_folder=kept, database_url=url)  # type: ignore[arg-type]
        database = Database(settings.database)
        found = _measure(database, settings, areas, issues)
        database.close()
    return found


def _measure(database: Database, settings: Settings, areas: int, issues: int) -> dict[str, Any]:
    """Fill and close where that was not done before; reckon once more."""
    migrate(database)
    months = [month_of(date(2025, number, 1)) for number in range(1, MONTHS + 1)]
    found: dict[str, Any] = {"areas": areas, "issues": issues, "months": MONTHS}
    with database.read() as session:
        closed = len(list(periods.closed_periods(session, "sections", None)))
    if closed < MONTHS:
        found["fill_s"] = _timed(lambda: fill(database, areas, issues))
        adopt(database, months[0])
        found["close_s"] = _timed(lambda: _close_all(database, settings, months))
    found["recompute_s"] = _timed(lambda: _recompute(database, months))
    found["read_s"] = _timed(lambda: _read(database))
    return {**found, "as_targets": {"recompute_of_60_s": round(found["recompute_s"] / 60, 3)}}


def adopt(database: Database, month: Span) -> None:
    """Score by the shipped example from a month on."""
    with database.read() as session:
        groupings = versions.known_groupings(session)
    scheme = read_scheme_file(example_schemes()["sections-by-scene"], groupings)
    with database.write() as session:
        version = versions.bring_in(session, SYSTEM, scheme, "benchmark")
        versions.adopt(session, SYSTEM, version, month, "benchmark")


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 1)


def _close_all(database: Database, settings: Settings, months: list[Span]) -> None:
    for month in months:
        close(database, settings, month)


def close(database: Database, settings: Settings, month: Span) -> None:
    """As `periods.close`, without the ground that was seen: there are no tiles here."""
    with database.read() as session:
        in_force = versions.scheme_for(session, "sections", month.last_month)
        wanted = Wanted(in_force.scheme, month, city_of(session, settings), datetime.now(UTC), looked=False)
        result = periods.result_from(session, in_force, month, gather_month(session, wanted))
    ends_at = month.moments(settings.zone)[1]
    with database.write() as session:
        periods.freeze(session, SYSTEM, result, datetime.now(UTC), ends_at, None)


def _recompute(database: Database, months: list[Span]) -> None:
    with database.read() as session:
        for closed, month in zip(periods.closed_periods(session, "sections", None), months, strict=True):
            different = periods.recompute(session, closed, month)
            if different:
                raise SystemExit(f"{month.name}: {len(different)} sheets came out otherwise")


def _read(database: Database) -> None:
    with database.read() as session:
        for row in session.execute(select(ClosedSheet), execution_options={"yield_per": 500}):
            assert row


def fill(database: Database, areas: int, issues: int) -> None:
    with database.write() as session:
        _add(session, Place, _places(areas))
    dice = random.Random(7)
    for start in range(0, issues, BLOCK):
        with database.write() as session:
            _add_issues(session, dice, range(start, min(issues, start + BLOCK)), areas)


def _add(session: WriteSession, table: Any, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    session.execute(insert(table), list(rows))


def _places(areas: int) -> Iterator[dict[str, Any]]:
    for number in range(areas):
        west, south = WEST + number % ROW * SIDE, SOUTH + number // ROW * SIDE
        yield {
            "id": f"place-{number:06d}", "kind": "section", "code": f"A{number:04d}", "name": f"A{number}",
            "valid_from": BEGIN - timedelta(days=400), "co_units": [], "five_fixed": {}, "number": 1,
            "peer_group": "city" if number % 2 else "county", "scene": None, "lon": west, "lat": south,
            "geometry": mapping(box(west, south, west + SIDE, south + SIDE)),
        }  # fmt: skip


def _add_issues(session: WriteSession, dice: random.Random, numbers: range, areas: int) -> None:
    tables: dict[Any, list[dict[str, Any]]] = {
        each: [] for each in (Candidate, Issue, Decision, IssuePlace, IssueAct)
    }
    for number in numbers:
        _one(tables, dice, number, areas)
    for table, rows in tables.items():
        if rows:
            _add(session, table, rows)


def _one(tables: dict[Any, list[dict[str, Any]]], dice: random.Random, number: int, areas: int) -> None:
    found_at = BEGIN + timedelta(seconds=dice.randrange(364 * 86_400))
    area, (condition, class_name) = dice.randrange(areas), dice.choice(CLASSES)
    candidate, issue = _id_at(found_at), _id_at(found_at + timedelta(hours=2))
    lon = WEST + area % ROW * SIDE + dice.random() * SIDE
    lat = SOUTH + area // ROW * SIDE + dice.random() * SIDE
    thing = {"condition": condition, "class_name": class_name, "lon": lon, "lat": lat, "source": "patrol"}
    tables[Candidate].append(
        {"id": candidate, **thing, "state": "confirmed", "first_seen_at": found_at, "created_at": found_at}
    )
    confirmed = found_at + timedelta(hours=2)
    tables[Issue].append(
        {
            "id": issue, **thing, "number": f"{found_at:%Y%m%d}-{number:07d}", "district": "d",
            "candidate_id": candidate, "state": "closed", "confirmed_at": confirmed, "confirmed_by_id": "p",
            "confirmed_by": "p", "dispatched_at": confirmed, "due_at": confirmed + timedelta(hours=4),
            "closed_at": confirmed + timedelta(hours=dice.randrange(1, 9)), "closed_how": "checked",
        }
    )  # fmt: skip
    tables[Decision].append(
        {
            "id": _id_at(confirmed), "candidate_id": candidate, "actor_kind": "person", "actor_id": "p",
            "actor_name": "p", "actor_role": "inspector", "kind": "confirm", "before": {}, "after": {},
        }
    )  # fmt: skip
    tables[IssuePlace].append(
        {"issue_id": issue, "place_id": f"place-{area:06d}", "kind": "section", "code": f"A{area:04d}",
         "found_at": found_at}
    )  # fmt: skip
    if dice.random() < 0.2:
        moment = confirmed + timedelta(hours=4)
        tables[IssueAct].append(
            {
                "id": _id_at(moment), "created_at": moment, "issue_id": issue, "actor_kind": "system",
                "actor_id": "s", "actor_name": "s", "actor_role": "admin", "kind": "overdue", "details": {},
                "before": {}, "after": {},
            }
        )  # fmt: skip


def _id_at(moment: datetime) -> str:
    """An id as it would have been given at a moment."""
    now = UUID(new_id()).int
    return str(UUID(int=int(moment.timestamp() * 1000) << 80 | now & ((1 << 80) - 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=int, default=AREAS)
    parser.add_argument("--issues", type=int, default=ISSUES)
    parser.add_argument("--database", help="URL of an empty database, or of one that this filled before")
    parser.add_argument("--folder", type=Path, help="keep the SQLite database here, to reckon again later")
    asked = parser.parse_args()
    found = measure(asked.areas, asked.issues, asked.database, asked.folder)
    print(json.dumps(found, indent=1))  # noqa: T201  a command


if __name__ == "__main__":
    main()
