"""What rests on a frame: the candidates and reports that it is evidence of."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import InstrumentedAttribute

from streetsight.service.campaigns.tables import CampaignCheck
from streetsight.service.candidates.tables import (
    Candidate,
    CandidateRecheck,
    CandidateReport,
    CandidateSighting,
)
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue, IssuePhoto
from streetsight.service.quotas.tables import Outing
from streetsight.service.reports.tables import Report
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.sessions import ReadSession

CHAIN = 50
"""Candidates merged into candidates merged into candidates: more than this is a mistake, and protects."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Something that a frame is evidence of.

    Attributes:
        candidate_id: None for a report that no candidate was made of yet.
        state: of the candidate that it ended in: open, confirmed, rejected, gone; unknown when it cannot be
            told. A report that waits for sorting is open, one set aside is rejected.
        settled_at: since when it is so.
    """

    candidate_id: str | None
    state: str
    settled_at: datetime | None
    area_path: str | None


def leads_of(session: ReadSession, frames: Sequence[Frame]) -> dict[str, set[Lead]]:
    """For each frame all that it is evidence of; empty where it is of nothing."""
    ids = [frame.id for frame in frames]
    found: dict[str, set[Lead]] = {frame_id: set() for frame_id in ids}
    pairs = {*_by_sightings(session, frames), *_by_pictures(session, ids), *_by_lists(session, frames)}
    ends = _ends(session, {candidate_id for _, candidate_id in pairs})
    for frame_id, candidate_id in pairs:
        found[frame_id].add(ends[candidate_id])
    for frame_id, lead in (*_unsorted(session, ids), *_checks(session, ids)):
        found[frame_id].add(lead)
    return found


def _by_sightings(session: ReadSession, frames: Sequence[Frame]) -> set[tuple[str, str]]:
    """Frame and candidate: by sightings, also retired ones, which decided candidates still rest on."""
    wanted = {frame.id for frame in frames}
    patrols = {frame.patrol_id for frame in frames if frame.patrol_id}
    seen: dict[str, set[str]] = defaultdict(set)
    rows = select(Sighting.id, Sighting.glimpses).where(Sighting.patrol_id.in_(patrols))
    for sighting_id, glimpses in session.execute(rows) if patrols else ():
        for frame_id in wanted.intersection(each["frame"] for each in glimpses):
            seen[sighting_id].add(frame_id)
    rests = select(CandidateSighting.candidate_id, CandidateSighting.sighting_id)
    found = session.execute(rests.where(CandidateSighting.sighting_id.in_(seen))) if seen else ()
    return {(frame_id, candidate_id) for candidate_id, sighting in found for frame_id in seen[sighting]}


def _by_pictures(session: ReadSession, ids: Sequence[str]) -> set[tuple[str, str]]:
    """By what shows a candidate best, and by what came with acts on its issue."""
    best = select(Candidate.best_frame_id, Candidate.id).where(Candidate.best_frame_id.in_(ids))
    of_acts = select(IssuePhoto.frame_id, Issue.candidate_id).join(Issue, Issue.id == IssuePhoto.issue_id)
    rows = [*session.execute(best), *session.execute(of_acts.where(IssuePhoto.frame_id.in_(ids)))]
    return {(frame_id, candidate_id) for frame_id, candidate_id in rows if frame_id is not None}


def _by_lists(session: ReadSession, frames: Sequence[Frame]) -> set[tuple[str, str]]:
    """By the photos of reports and of re-checks, which are lists of frame ids."""
    ids = [frame.id for frame in frames]
    of_their_patrols = CandidateRecheck.patrol_id.in_({each.patrol_id for each in frames if each.patrol_id})
    queries = (
        _naming(session, CandidateReport.frame_ids, ids, CandidateReport.candidate_id),
        _naming(session, Report.frames, ids, Report.candidate_id),
        _naming(session, CandidateRecheck.frames, ids, CandidateRecheck.candidate_id).where(of_their_patrols),
    )
    found = (row for query in queries for row in session.execute(query))
    return {(frame_id, candidate_id) for frame_id, candidate_id in found if candidate_id is not None}


def _unsorted(session: ReadSession, ids: Sequence[str]) -> list[tuple[str, Lead]]:
    rows = _naming(session, Report.frames, ids, Report.dismissed_at, Report.area_path)
    waiting = rows.where(Report.candidate_id.is_(None))
    return [
        (frame_id, Lead(None, "rejected" if dismissed_at else "open", dismissed_at, area_path))
        for frame_id, dismissed_at, area_path in session.execute(waiting)
    ]


def _checks(session: ReadSession, ids: Sequence[str]) -> list[tuple[str, Lead]]:
    """What campaigns have looked at, and outings of people: evidence like that of an issue."""
    looks = _naming(session, CampaignCheck.frame_ids, ids, CampaignCheck.at)
    outings = _naming(session, Outing.frame_ids, ids, Outing.at)
    rows = [*session.execute(looks), *session.execute(outings)]
    return [(frame_id, Lead(None, "confirmed", at, None)) for frame_id, at in rows]


def _naming(
    session: ReadSession, column: InstrumentedAttribute[list[str]], ids: Sequence[str], *others: Any
) -> Select[Any]:
    """Each of the ids that a list of ids names, with other columns of its row."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    spread = func.json_each(column) if is_sqlite else func.jsonb_array_elements_text(column)
    each = spread.table_valued("value", name="named")
    rows = select(each.c.value, *others).select_from(column.class_).join(each, true())
    return rows.where(each.c.value.in_(ids))


def _ends(session: ReadSession, ids: set[str]) -> dict[str, Lead]:
    """What became of each candidate, or of the one that it was merged into."""
    known: dict[str, Candidate] = {}
    wanted = set(ids)
    for _ in range(CHAIN):
        rows = session.scalars(select(Candidate).where(Candidate.id.in_(wanted))) if wanted else ()
        known |= {row.id: row for row in rows}
        targets = {row.merged_into_id for row in known.values() if row.state == "merged"}
        wanted = {each for each in targets if each is not None} - known.keys()
    return {candidate_id: _end(candidate_id, known) for candidate_id in ids}


def _end(candidate_id: str, known: dict[str, Candidate]) -> Lead:
    first = row = known.get(candidate_id)
    for _ in range(CHAIN):
        if row is None or row.state != "merged" or row.merged_into_id is None:
            break
        row = known.get(row.merged_into_id)
    if first is None or row is None or row.state == "merged":
        return Lead(candidate_id, "unknown", None, first.area_path if first else None)
    return Lead(candidate_id, row.state, row.decided_at or row.updated_at, first.area_path)
