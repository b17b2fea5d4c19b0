"""The end of a place: its issue was closed, and what is seen there later is another thing."""

import math
from datetime import datetime

from sqlalchemy import delete, select

from streetsight.inference.positions.local import LocalPlane
from streetsight.service.assembling.arming import AT_ONCE, KIND
from streetsight.service.candidates.tables import Candidate, CandidateSighting, PlaceEnding
from streetsight.service.jobs.queue import arm
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

RADIUS_M = 15.0  # how far sightings of one thing may lie apart, beside how unsure the place is


def end_place(session: WriteSession, candidate: Candidate, at: datetime) -> None:
    """Let nothing seen after `at` belong to this candidate; what was attached as late makes another lead.

    Called in the transaction that closes the issue. A candidate without a position has no place to end.
    """
    if candidate.lon is None or candidate.lat is None:
        return
    spread = max(candidate.covariance_m2[0], candidate.covariance_m2[2]) if candidate.covariance_m2 else 0.0
    radius_m = RADIUS_M + 2 * math.sqrt(spread)
    rested = select(CandidateSighting.sighting_id).where(CandidateSighting.candidate_id == candidate.id)
    classes = select(Sighting.class_name).where(Sighting.id.in_(rested)).distinct()
    for name in sorted({*session.scalars(classes), *filter(None, [candidate.class_name])}):
        session.add(
            PlaceEnding(
                candidate_id=candidate.id, class_name=name, lon=candidate.lon, lat=candidate.lat,
                radius_m=radius_m, at=at,
            )
        )  # fmt: skip
    later = select(Sighting).where(Sighting.id.in_(rested), Sighting.first_seen_at > at)
    for sighting in session.scalars(later).all():
        session.execute(
            delete(CandidateSighting).where(
                CandidateSighting.candidate_id == candidate.id,
                CandidateSighting.sighting_id == sighting.id,
                CandidateSighting.late,
            )
        )
        arm(session, KIND, sighting.patrol_id, AT_ONCE)
    session.flush()


def restore_place(session: WriteSession, candidate_id: str) -> None:
    """The end of `end_place`: what was seen there since may belong to the candidate again.

    The patrols that saw something there are assembled anew, which finds out whether it is the same thing.
    What a person has decided meanwhile stays.
    """
    in_force = PlaceEnding.candidate_id == candidate_id, PlaceEnding.undone_at.is_(None)
    for ending in session.scalars(select(PlaceEnding).where(*in_force)).all():
        plane = LocalPlane(ending.lon, ending.lat)
        east, north = (ending.radius_m / each for each in plane.metres_per_degree)
        since = select(Sighting.patrol_id).where(
            Sighting.class_name == ending.class_name, Sighting.retired_at.is_(None),
            Sighting.first_seen_at > ending.at,
            Sighting.lat.between(ending.lat - north, ending.lat + north),
            Sighting.lon.between(ending.lon - east, ending.lon + east),
        )  # fmt: skip
        for patrol_id in session.scalars(since.distinct()).all():
            arm(session, KIND, patrol_id, AT_ONCE)
        ending.undone_at = now()
    session.flush()
