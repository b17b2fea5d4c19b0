"""Where confirmed issues lie so densely that a problem point (点位) may be due; a person decides.

Issues with enough others within reach are linked, and what is linked is one cluster (DBSCAN: Ester et al.,
KDD 1996, with the link distance as eps). Issues at the edge of a cluster belong to its nearest neighbour's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Row, select

from streetsight.inference.positions.local import LocalPlane
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.auth.actor import Actor
from streetsight.service.groupings.grouping import group_of
from streetsight.service.groupings.reading import GroupingDocument
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.service import visible
from streetsight.service.issues.states import OPEN
from streetsight.service.issues.tables import Issue
from streetsight.service.places.index import IndexAt
from streetsight.service.places.schemas import SuggestionShown
from streetsight.service.places.service import index_at
from streetsight.service.reach import reach
from streetsight.service.store.ids import first_id
from streetsight.service.store.sessions import ReadSession

NO_ISSUE = ("withdrawn", "not_pursued")
COMPLAINED = ("citizen", "hotline")
MOST_ISSUES = 200_000  # the newest; a city files fewer in a quarter
IDS_SHOWN = 50

Found = Row[Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What counts as dense.

    Attributes:
        days: issues filed in so many last days.
        within_m: how far apart two may be that are linked.
        least: issues within that distance, itself among them, that make a cluster.
        aspect: member of that grouping; None takes all issues.
        unregistered: leave out what a registered point holds already.
        most: clusters that are shown, the biggest ones.
    """

    days: int = 90
    within_m: float = 50.0
    least: int = 5
    aspect: str | None = None
    unregistered: bool = False
    most: int = 50


def suggest(
    session: ReadSession, actor: Actor, wanted: Wanted, moment: datetime, language: Language
) -> list[SuggestionShown]:
    """Clusters of issues that the actor may see, the biggest first."""
    document = groupings_in_force(session)
    rows = [
        row
        for row in _issues(session, actor, moment - timedelta(days=wanted.days))
        if wanted.aspect is None or _aspect(document, row) == wanted.aspect
    ]
    if not rows:
        return []
    lon_lat = np.array([(row.lon, row.lat) for row in rows], np.float64)
    clusters = clusters_of(lon_lat, wanted.within_m, wanted.least)
    index, shown = index_at(session, moment), list[SuggestionShown]()
    for cluster in sorted(clusters, key=len, reverse=True):
        found = _shown([rows[each] for each in cluster], lon_lat[cluster], index, document, wanted, language)
        if not (wanted.unregistered and found.within):
            shown.append(found)
        if len(shown) == wanted.most:
            break
    return shown


def clusters_of(lon_lat: NDArray[np.float64], within_m: float, least: int) -> list[NDArray[np.intp]]:
    """Numbers of the points of each cluster, ascending; points in none are left out.

    Args:
        lon_lat: (n, 2) WGS-84 degrees, of one city.
    """
    from scipy.sparse import coo_array  # a tenth of a second to import
    from scipy.sparse.csgraph import connected_components

    plane = LocalPlane(*np.median(lon_lat, axis=0).tolist())
    points = shapely.points(plane.to_metres(lon_lat))
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=within_m)
    core = np.bincount(one, minlength=len(points)) >= least
    both = core[one] & core[other]
    links = coo_array((np.ones(both.sum()), (one[both], other[both])), shape=(len(points),) * 2)
    label = connected_components(links, directed=False)[1]
    label[~core] = -1
    edge = ~core[one] & core[other]
    near = shapely.distance(points[one[edge]], points[other[edge]])
    for number in np.argsort(-near, kind="stable"):  # the nearest one is written last
        label[one[edge][number]] = label[other[edge][number]]
    order = np.argsort(label, kind="stable")
    begins = np.flatnonzero(np.diff(label[order], prepend=-1))
    return [part for part in np.split(order, begins) if len(part) and label[part[0]] >= 0]


def _issues(session: ReadSession, actor: Actor, since: datetime) -> Sequence[Found]:
    columns = (
        Issue.id, Issue.lon, Issue.lat, Issue.condition, Issue.class_name, Issue.code, Issue.source,
        Issue.state, Issue.confirmed_at,
    )  # fmt: skip
    found = select(*columns).where(
        Issue.id >= first_id(since), Issue.state.not_in(NO_ISSUE), Issue.lon.is_not(None), visible(actor)
    )
    return session.execute(found.order_by(Issue.id.desc()).limit(MOST_ISSUES)).all()


def _aspect(document: GroupingDocument, row: Found) -> str | None:
    return group_of(document, "aspect", row.condition, row.class_name, row.code)


def _shown(
    rows: Sequence[Found], lon_lat: NDArray[np.float64], index: IndexAt, document: GroupingDocument,
    wanted: Wanted, language: Language,
) -> SuggestionShown:  # fmt: skip
    centre = lon_lat.mean(axis=0)
    away = np.hypot(*LocalPlane(*centre.tolist()).to_metres(lon_lat).T)
    lon, lat, radius_m = float(centre[0]), float(centre[1]), max(float(away.max()), wanted.within_m / 2)
    conditions = Counter(row.condition for row in rows)
    aspects = Counter(each for row in rows if (each := _aspect(document, row)) is not None)
    complaints = sum(row.source in COMPLAINED for row in rows) / len(rows)
    circle = reach({"type": "Point", "coordinates": [lon, lat]}, radius_m)
    within = [f"{each.kind}/{each.code}" for each in index.touching(circle) if each.kind == "point"]
    moments = [row.confirmed_at for row in rows]
    return SuggestionShown(
        lon=lon, lat=lat, radius_m=round(radius_m, 1), issues=len(rows),
        open=sum(row.state in OPEN for row in rows), conditions=dict(conditions.most_common()),
        aspects=dict(aspects.most_common()), complaints=round(complaints, 3),
        first_found_at=min(moments), last_found_at=max(moments), within=within,
        because=_because(rows, radius_m, conditions, complaints, wanted, language),
        issue_ids=[row.id for row in rows[:IDS_SHOWN]],
    )  # fmt: skip


def _because(
    rows: Sequence[Found], radius_m: float, conditions: Counter[str], complaints: float, wanted: Wanted,
    language: Language,
) -> str:  # fmt: skip
    known = default_taxonomy().conditions
    named = (
        f"{known[name].label(language) if name in known else name} {count}"
        for name, count in conditions.most_common(3)
    )
    return translate(
        "{count} issues of the last {days} days within {radius} m: {conditions}; {share} % by citizens",
        language, count=len(rows), days=wanted.days, radius=round(radius_m), conditions=", ".join(named),
        share=round(complaints * 100),
    )  # fmt: skip
