"""What candidates rest on: sightings that go from one to another by a person's word."""

from collections.abc import Collection

from sqlalchemy import Select, delete, select, update

from streetsight.inference.places.fusion import fuse
from streetsight.service.candidates.tables import Candidate, CandidateReport, CandidateSighting
from streetsight.service.detections.tables import Result
from streetsight.service.frames.tables import Frame
from streetsight.service.sightings.rows import sighting_of
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

COPIED = (
    "source", "condition", "class_name", "code", "severity", "area_path", "findings", "proposal",
    "alternatives", "release", "needs_second_look", "description",
)  # fmt: skip
"""What a candidate that is split off has of the one that it came from."""


def held_by(session: ReadSession, candidate_id: str) -> set[str]:
    """Ids of the sightings that a candidate rests on."""
    links = select(CandidateSighting.sighting_id).where(CandidateSighting.candidate_id == candidate_id)
    return set(session.scalars(links))


def frames_of(session: ReadSession, candidate_id: str) -> set[str]:
    """Ids of the frames that show a candidate, reported ones included."""
    glimpses = session.scalars(_sightings_of(candidate_id).with_only_columns(Sighting.glimpses))
    reported = session.scalars(
        select(CandidateReport.frame_ids).where(CandidateReport.candidate_id == candidate_id)
    )
    return {each["frame"] for many in glimpses for each in many} | {
        each for many in reported for each in many
    }


def size_of(session: ReadSession, frame_id: str) -> tuple[int, int] | None:
    """Width and height of the upright picture, pixels; None while nobody has looked."""
    sizes = select(Result.width, Result.height).join(Frame, Frame.result_id == Result.id)
    row = session.execute(sizes.where(Frame.id == frame_id)).first()
    return (row.width, row.height) if row and row.width and row.height else None


def share(session: WriteSession, candidate: Candidate, target: Candidate) -> list[str]:
    """Let the target rest on the candidate's sightings as well; gives those that were new to it."""
    new = sorted(held_by(session, candidate.id) - held_by(session, target.id))
    late = target.decided_at is not None
    session.add_all(
        CandidateSighting(candidate_id=target.id, sighting_id=each, late=late, pinned=True) for each in new
    )
    target.pinned = True
    _changed(session, target)
    return new


def take_back(session: WriteSession, target: Candidate, shared: Collection[str]) -> None:
    """The end of `share`: the target rests on these no more."""
    session.execute(
        delete(CandidateSighting).where(
            CandidateSighting.candidate_id == target.id, CandidateSighting.sighting_id.in_(shared)
        )
    )
    _changed(session, target)


def take_away(session: WriteSession, candidate: Candidate, sightings: Collection[str]) -> Candidate:
    """A new, open candidate that rests on these sightings; the old one keeps the others."""
    fresh = Candidate(**{name: getattr(candidate, name) for name in COPIED}, pinned=True)
    session.add(fresh)
    session.flush()
    links = update(CandidateSighting).where(CandidateSighting.candidate_id == candidate.id)
    session.execute(
        links.where(CandidateSighting.sighting_id.in_(sightings)).values(
            candidate_id=fresh.id, pinned=True, late=False
        )
    )
    session.execute(links.values(pinned=True))
    candidate.pinned = True
    recount(session, candidate)
    recount(session, fresh)
    return fresh


def recount(session: WriteSession, candidate: Candidate) -> None:
    """Counts and times by what it rests on now; also where and how, unless a person has decided that."""
    session.flush()
    rows = session.scalars(_sightings_of(candidate.id)).all()
    frames = {each["frame"] for row in rows for each in row.glimpses}
    candidate.sightings, candidate.frames = len(rows), len(frames)
    candidate.patrols = len({row.patrol_id for row in rows})
    firsts = [row.first_seen_at for row in rows if row.first_seen_at]
    lasts = [row.last_seen_at for row in rows if row.last_seen_at]
    candidate.first_seen_at = min(firsts, default=candidate.first_seen_at)
    candidate.last_seen_at = max(lasts, default=candidate.last_seen_at)
    if rows and candidate.decided_at is None:
        place = fuse([sighting_of(row, row.device_id) for row in rows])
        candidate.lon, candidate.lat = place.lon, place.lat
        candidate.covariance_m2 = list(place.covariance_m2)
        best = max(
            (each for row in rows for each in row.glimpses),
            key=lambda each: (each["scorable"], each["score"]),
        )
        candidate.best_frame_id, candidate.best_box = best["frame"], best["box_xyxy_px"]
        if candidate.score is None:  # the rules have not weighed it yet
            candidate.score = max(row.score for row in rows)


def _changed(session: WriteSession, candidate: Candidate) -> None:
    recount(session, candidate)
    candidate.version += 1
    candidate.updated_at = now()


def _sightings_of(candidate_id: str) -> Select[Sighting]:
    links = select(CandidateSighting.sighting_id).where(CandidateSighting.candidate_id == candidate_id)
    return select(Sighting).where(Sighting.id.in_(links)).order_by(Sighting.id)
