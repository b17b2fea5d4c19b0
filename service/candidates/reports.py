"""What citizens and hotlines report: candidates of their own, or support for one that is there.

Nobody is believed: a report opens a lead or stands beside one, and changes nothing that patrols or people
have found.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import and_, exists, or_, select, update

from streetsight.inference.positions.local import LocalPlane
from streetsight.service.areas.service import area_path_at
from streetsight.service.candidates.tables import Candidate, CandidateReport, CandidateSighting, PlaceEnding
from streetsight.service.candidates.values import event_of
from streetsight.service.events.service import publish
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.types import now

RADIUS_M = 30.0
MOST_UNSURE_M = 100.0  # a report that may be farther off than this supports nothing


def add_report(
    session: WriteSession,
    *,
    source: str,
    condition: str,
    class_name: str | None,
    lon: float | None,
    lat: float | None,
    description: str | None,
    frame_ids: Sequence[str],
    reported_at: datetime | None,
    reporter: Mapping[str, Any] | None,
    uncertainty_m: float | None = None,
    radius_m: float = RADIUS_M,
) -> Candidate:
    """Take a report in: the candidate that it opens, or the one nearby that it supports.

    Args:
        source: citizen, hotline or inspector.
        lon, lat: WGS-84, or None where it was not said.
        uncertainty_m: one sigma of the position, where it is known.
        radius_m: an open candidate of the condition within this, or the uncertainty up to 100 m, is taken
            for the same.
    """
    near = _nearest(session, condition, lon, lat, _reach_m(radius_m, uncertainty_m))
    candidate = near[0] if near else Candidate(
        source=source, condition=condition, class_name=class_name, state="open", lon=lon, lat=lat,
        area_path=area_path_at(session, lon, lat), description=description, first_seen_at=reported_at,
        last_seen_at=reported_at, best_frame_id=frame_ids[0] if frame_ids else None,
        covariance_m2=[uncertainty_m**2, 0.0, uncertainty_m**2] if uncertainty_m else None,
    )  # fmt: skip
    if near is None:
        session.add(candidate)
        session.flush()
        said = event_of(candidate)
        publish(session, "candidate.created", f"candidate/{candidate.id}", said, candidate.area_path)
    session.add(
        CandidateReport(
            candidate_id=candidate.id, source=source, condition=condition, class_name=class_name, lon=lon,
            lat=lat, uncertainty_m=uncertainty_m, distance_m=near[1] if near else None,
            description=description, frame_ids=list(frame_ids), reported_at=reported_at,
            reporter=dict(reporter) if reporter else None,
        )
    )  # fmt: skip
    session.flush()
    return candidate


def absorb_reports(session: WriteSession, candidate: Candidate, radius_m: float) -> None:
    """What was reported where a patrol has now seen something: one lead, supported by the reports."""
    opened = _around(session, candidate.condition, candidate.lon, candidate.lat, radius_m, lock=True)
    for other, away in opened:
        if other.source == "patrol" or other.place_id is not None or other.decided_at is not None:
            continue
        other.state, other.merged_into_id, other.version = "merged", candidate.id, other.version + 1
        other.updated_at = now()
        moved = update(CandidateReport).where(CandidateReport.candidate_id == other.id)
        session.execute(moved.values(candidate_id=candidate.id, distance_m=away))
        publish(session, "candidate.updated", f"candidate/{other.id}", event_of(other), other.area_path)
    session.flush()


def confirmed_by_word(
    session: ReadSession, condition: str, lon: float | None, lat: float | None, radius_m: float
) -> Candidate | None:
    """The nearest candidate that people have confirmed and no patrol has seen, and that has not ended."""
    told = [
        (away, each) for each, away in _around(session, condition, lon, lat, radius_m)
        if each.state == "confirmed" and each.source != "patrol"
    ]  # fmt: skip
    seen = select(CandidateSighting.candidate_id).where(
        CandidateSighting.candidate_id.in_([each.id for _, each in told])
    )
    rested = set(session.scalars(seen)) if told else set()
    found = [(away, each) for away, each in told if each.id not in rested]
    return min(found, key=lambda pair: (pair[0], pair[1].id), default=(0.0, None))[1]


def _reach_m(radius_m: float, uncertainty_m: float | None) -> float:
    return max(radius_m, min(uncertainty_m or 0.0, MOST_UNSURE_M))


def _nearest(
    session: ReadSession, condition: str, lon: float | None, lat: float | None, radius_m: float
) -> tuple[Candidate, float] | None:
    around = _around(session, condition, lon, lat, radius_m)
    return min(around, key=lambda pair: (pair[1], pair[0].id), default=None)


def _around(
    session: ReadSession, condition: str, lon: float | None, lat: float | None, radius_m: float,
    *, lock: bool = False,
) -> list[tuple[Candidate, float]]:  # fmt: skip
    """Candidates around a position that are open, or confirmed and not ended, with their distance."""
    if lon is None or lat is None:
        return []
    plane = LocalPlane(lon, lat)
    east, north = (radius_m / each for each in plane.metres_per_degree)
    ended = exists().where(PlaceEnding.candidate_id == Candidate.id, PlaceEnding.undone_at.is_(None))
    wanted = select(Candidate).where(
        Candidate.condition == condition,
        or_(Candidate.state == "open", and_(Candidate.state == "confirmed", ~ended)),
        Candidate.lat.between(lat - north, lat + north), Candidate.lon.between(lon - east, lon + east),
    )  # fmt: skip
    found: Iterable[Candidate] = session.scalars(locked(wanted.order_by(Candidate.id)) if lock else wanted)
    measured = [
        (each, float(np.hypot(*plane.to_metres(np.array([each.lon, each.lat], np.float64)))))
        for each in found
    ]
    return [(each, away) for each, away in measured if away <= radius_m]
