"""What is open near a place and may be the same, so that nobody files it twice."""

import numpy as np
from sqlalchemy import select

from streetsight.inference.positions.local import LocalPlane
from streetsight.service.auth.actor import Actor
from streetsight.service.candidates import queries as candidates
from streetsight.service.candidates.queries import Circle, in_circle
from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.schemas import SimilarShown
from streetsight.service.issues.service import visible
from streetsight.service.issues.states import OPEN
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession

MOST = 20
MOST_LOOKED_AT = 500
Found = Issue | Candidate


def similar(
    session: ReadSession, actor: Actor, around: Circle, code: str | None, condition: str | None
) -> list[SimilarShown]:
    """Open issues and leads that the actor may see; those of the same code first, then the nearest.

    Args:
        code, condition: of what would be filed; others are shown too, for people name things differently.
    """
    issues = session.scalars(
        select(Issue)
        .where(visible(actor), in_circle(around, Issue.lon, Issue.lat), Issue.state.in_(OPEN))
        .limit(MOST_LOOKED_AT)
    )
    leads = session.scalars(
        select(Candidate)
        .where(
            candidates.visible(actor), in_circle(around, Candidate.lon, Candidate.lat),
            Candidate.state == "open",
        )
        .limit(MOST_LOOKED_AT)
    )  # fmt: skip
    found = [_shown(each, around, code) for each in (*issues, *leads)]
    found.sort(key=lambda each: (not each.same_code, each.condition != condition, each.distance_m))
    return found[:MOST]


def _shown(row: Found, around: Circle, code: str | None) -> SimilarShown:
    plane = LocalPlane(around.lon, around.lat)
    away = float(np.hypot(*plane.to_metres(np.array([row.lon, row.lat], np.float64))))
    own = {"what": "candidate", "number": None, "since": row.created_at}
    if isinstance(row, Issue):
        own = {"what": "issue", "number": row.number, "since": row.confirmed_at}
    return SimilarShown.model_validate(
        {
            **own, "id": row.id, "state": row.state, "distance_m": round(away, 1), "condition": row.condition,
            "class": row.class_name, "code": row.code, "description": row.description,
            "same_code": code is not None and (row.code or {}).get("code") == code,
            "best_frame_id": row.best_frame_id,
        }
    )  # fmt: skip
