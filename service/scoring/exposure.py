"""How much of a subject was looked at in a period: patrols, photos, ground, metres; and leads that wait."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select

from streetsight.service.candidates.tables import Candidate
from streetsight.service.coverage.service import ground_within
from streetsight.service.frames.tables import Frame
from streetsight.service.places.tables import Place
from streetsight.service.scoring.facts import Case, Exposure
from streetsight.service.scoring.spans import Span
from streetsight.service.store.sessions import ReadSession

BY_PEOPLE = frozenset({"inspector", "third_party"})


def exposure_of(
    session: ReadSession, place: Place, span: Span, moments: tuple[datetime, datetime], cases: Sequence[Case]
) -> Exposure:
    """What was seen of a place.

    Args:
        moments: the span's first moment and the first one after it, by the city's clock.
        cases: of the place in the span; those that people entered are visits, one a day of that clock.
    """
    ground = shape(place.ground or place.geometry)
    measure = ground_within(session, ground, [(span.starts, span.ends - timedelta(days=1))]).measure
    zone, found = moments[0].tzinfo, (case for case in cases if case.tags.get("channel") in BY_PEOPLE)
    visits = {datetime.fromtimestamp(case.found_at, zone).date() for case in found}
    return Exposure(
        patrols=measure.patrols, days=measure.days, photos=_photos(session, ground, moments),
        visits=len(visits), driven_m=_rounded(measure.driven_m), seen_m2=_rounded(measure.seen_m2),
        dim_m2=_rounded(measure.dim_m2), ground_m2=_rounded(measure.area_m2 or 0.0),
        unreviewed=_unreviewed(session, ground, moments[1]),
    )  # fmt: skip


def _rounded(metres: float) -> float:
    return round(float(metres), 1)  # a sum of nothing is an int, which would be written otherwise


def _photos(session: ReadSession, ground: BaseGeometry, moments: tuple[datetime, datetime]) -> int:
    """Frames that were taken on the ground."""
    west, south, east, north = ground.bounds
    rows = session.execute(
        select(Frame.lon, Frame.lat).where(
            Frame.lat.between(south, north), Frame.lon.between(west, east),
            Frame.taken_at >= moments[0], Frame.taken_at < moments[1],
        )
    ).all()  # fmt: skip
    return _inside(ground, rows)


def _unreviewed(session: ReadSession, ground: BaseGeometry, before: datetime) -> int:
    """Open leads on the ground: each may be an issue that is missing in the score."""
    west, south, east, north = ground.bounds
    rows = session.execute(
        select(Candidate.lon, Candidate.lat).where(
            Candidate.state == "open", Candidate.lat.between(south, north),
            Candidate.lon.between(west, east),
            func.coalesce(Candidate.first_seen_at, Candidate.created_at) < before,
        )
    ).all()  # fmt: skip
    return _inside(ground, rows)


def _inside(ground: BaseGeometry, rows: Sequence[tuple[float, float]] | Sequence[object]) -> int:
    if not rows:
        return 0
    places = np.array([tuple(row) for row in rows], np.float64)  # type: ignore[arg-type]
    return int(shapely.intersects_xy(ground, places[:, 0], places[:, 1]).sum())
