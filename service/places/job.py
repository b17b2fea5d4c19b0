"""The job that gives issues their places anew when the register changed in the past, in short batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, delete, select, tuple_

from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.tables import Issue
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, enqueue
from streetsight.service.places.changing import KIND
from streetsight.service.places.index import PlaceIndex, place_index
from streetsight.service.places.membership import found_at_of, frozen_before, membership_rows
from streetsight.service.places.tables import IssuePlace, PlaceChange
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.upsert import upsert

BATCH_ISSUES = 5000
AT_ONCE = 500  # rows that one statement deletes

Found = Row[tuple[str, float | None, float | None, datetime, datetime | None, datetime]]
Positions = Mapping[str, tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class _Difference:
    """What has to be written. Attributes: positions: where the issues were when that was found out."""

    added: list[dict[str, Any]]
    removed: list[tuple[str, str]]
    positions: Positions


class PlacesJob:
    """See `Handler`. Its payload says how far it has come: the last issue done."""

    kind, calls, alone = KIND, 1, True

    def __init__(self, database: Database) -> None:
        self._database = database

    def work(self, claim: Claim) -> Effect:
        after = claim.payload["after"]
        with self._database.read() as session:
            change = session.get_one(PlaceChange, claim.key)
            index, rows = place_index(session), _issues_after(session, after)
            frozen = frozen_before(session)
            since = change.moment if frozen is None else max(change.moment, frozen)
            there = _written(session, after, rows[-1].id) if rows else {}
        difference = _compare(index, rows, there, since)
        rest = {"after": rows[-1].id} if len(rows) == BATCH_ISSUES else None
        return lambda session: _write(session, claim, difference, rest)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """Nothing to mark: `streetsight jobs` shows it, and issues keep the places that they had."""


def _issues_after(session: ReadSession, after: str) -> Sequence[Found]:
    columns = (
        Issue.id, Issue.lon, Issue.lat, Issue.confirmed_at, Candidate.first_seen_at, Candidate.created_at,
    )  # fmt: skip
    found = select(*columns).join(Candidate, Candidate.id == Issue.candidate_id).where(Issue.id > after)
    return session.execute(found.order_by(Issue.id).limit(BATCH_ISSUES)).all()  # type: ignore[return-value]


def _written(session: ReadSession, after: str, last: str) -> dict[str, set[str]]:
    """Places that issues have now, by issue."""
    rows = select(IssuePlace.issue_id, IssuePlace.place_id)
    found: dict[str, set[str]] = {}
    for issue_id, place_id in session.execute(
        rows.where(IssuePlace.issue_id > after, IssuePlace.issue_id <= last)
    ):
        found.setdefault(issue_id, set()).add(place_id)
    return found


def _compare(
    index: PlaceIndex, rows: Sequence[Found], there: Mapping[str, set[str]], since: datetime
) -> _Difference:
    """What issues found since a moment lie in, against what is written."""
    moments = [found_at_of(row.first_seen_at or row.created_at, row.confirmed_at) for row in rows]
    concerned = [number for number, moment in enumerate(moments) if moment >= since]
    placed = [number for number in concerned if rows[number].lon is not None and rows[number].lat is not None]
    lon_lat = np.array([(rows[each].lon, rows[each].lat) for each in placed], np.float64).reshape(-1, 2)
    lies_in = dict(zip(placed, index.many(lon_lat, [moments[each] for each in placed]), strict=True))
    difference = _Difference([], [], {rows[each].id: (rows[each].lon, rows[each].lat) for each in concerned})
    for number in concerned:
        issue_id, wanted = rows[number].id, lies_in.get(number, [])
        had = there.get(issue_id, set())
        new = [each for each in wanted if each.place_id not in had]
        difference.added.extend(membership_rows(issue_id, new, moments[number]))
        kept = {each.place_id for each in wanted}
        difference.removed.extend((issue_id, each) for each in sorted(had - kept))
    return difference


def _write(session: WriteSession, claim: Claim, difference: _Difference, rest: dict[str, Any] | None) -> None:
    """Only of issues that still are where they were: what was corrected meanwhile got its places then."""
    concerned = {row["issue_id"] for row in difference.added} | {
        issue_id for issue_id, _ in difference.removed
    }
    still = _still_there(session, sorted(concerned), difference.positions)
    removed = [pair for pair in difference.removed if pair[0] in still]
    for start in range(0, len(removed), AT_ONCE):
        those = tuple_(IssuePlace.issue_id, IssuePlace.place_id).in_(removed[start : start + AT_ONCE])
        session.execute(delete(IssuePlace).where(those))
    if added := [row for row in difference.added if row["issue_id"] in still]:
        session.connection().execute(upsert(session, IssuePlace).on_conflict_do_nothing(), added)
    if rest is not None:
        enqueue(session, KIND, claim.key, rest)


def _still_there(session: WriteSession, ids: Sequence[str], positions: Positions) -> set[str]:
    """Held until the transaction ends, so that nobody moves them meanwhile."""
    found = select(Issue.id, Issue.lon, Issue.lat).where(Issue.id.in_(ids)).order_by(Issue.id)
    rows = session.execute(found.with_for_update()) if ids else ()
    return {row.id for row in rows if (row.lon, row.lat) == positions[row.id]}
