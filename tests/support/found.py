"""What a server has found, in words that have no ids: to compare servers by."""

import json
from typing import Any

from sqlalchemy import select

from streetsight.service.candidates.tables import Candidate
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.opening import open_database

DIGITS = 7  # of a degree: 1 cm, so that no difference of micrometres falls on two sides of a rounding


def found(settings: Settings) -> dict[str, list[str]]:
    """All that was found, sorted; what is said of two servers that were sent the same is the same.

    Not when things were seen: a patrol's clock is known better with each frame, by parts of a millisecond,
    and a sighting that is known keeps the moments, and the place to parts of a micrometre, that it was
    first written with. Nor candidates that came before all frames had, and were merged or withdrawn.
    """
    with open_database(settings) as database, database.read() as session:
        sha256 = {each.id: each.sha256 for each in session.scalars(select(Frame))}
        detections = session.scalars(select(Detection)).all()
        results = session.scalars(select(Result)).all()
        sightings = session.scalars(select(Sighting)).all()
        candidates = session.scalars(select(Candidate).where(Candidate.state == "open")).all()
        patrols = session.scalars(select(Patrol)).all()
    told: dict[str, list[Any]] = {
        "detections": [
            (sha256[each.frame_id], each.number, each.class_name, each.condition, each.score,
             each.x1, each.y1, each.x2, each.y2)
            for each in detections
        ],
        "results": [
            (sha256[each.frame_id], each.release, each.outcome, each.width, each.height, each.quality,
             each.file_metadata)
            for each in results
        ],
        "sightings": [
            (each.class_name, each.score, each.frames, *_place(each), each.own_m2,
             [glimpse["frame_id"] for glimpse in each.glimpses])
            for each in sightings
        ],
        "candidates": [
            (each.condition, each.class_name, each.score, each.severity, *_place(each), each.sightings,
             each.frames, each.patrols, sha256.get(each.best_frame_id or ""), each.best_box)
            for each in candidates
        ],
        "patrols": [(each.closed_at is not None,) for each in patrols],
    }  # fmt: skip
    assert all(told.values()), "there must be something to compare"
    return {
        name: sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
        for name, rows in told.items()
    }


def _place(row: Sighting | Candidate) -> list[float | None]:
    return [each if each is None else round(each, DIGITS) for each in (row.lon, row.lat)]
