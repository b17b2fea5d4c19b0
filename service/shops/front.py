"""What lies in front of shops: issues on the ground of their frontage, and whether a patrol has seen it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from sqlalchemy import or_, select

from streetsight.inference.coverage.tiles import tile_of
from streetsight.inference.positions.local import LocalPlane
from streetsight.service.candidates.queries import in_bounds
from streetsight.service.candidates.tables import Candidate
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.issues.subsets import found_at
from streetsight.service.issues.tables import Issue
from streetsight.service.reach import reach
from streetsight.service.shops.rules import REACH_M, ShopRules
from streetsight.service.shops.tables import Shop
from streetsight.service.store.sessions import ReadSession

NOT_COUNTED = ("withdrawn", "not_pursued")
BLOCK = 500


class Fronts:
    """The ground in front of shops, in an index. Immutable, so that threads may share it."""

    def __init__(self, shops: Sequence[Shop], rules: ShopRules | None) -> None:
        default, self._nearest = (rules.reach_m, rules.shared == "nearest") if rules else (REACH_M, True)
        ordered = sorted(shops, key=lambda shop: shop.code)
        self._ids = [shop.id for shop in ordered]
        self._drawn = [shape(shop.geometry) for shop in ordered]
        self.grounds = {shop.id: reach(shop.geometry, shop.reach_m or default) for shop in ordered}
        self._tree = shapely.STRtree(list(self.grounds.values()))

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Around all of them, WGS-84 degrees; None without a shop."""
        return tuple(shapely.total_bounds(self._tree.geometries).tolist()) if self._ids else None

    def holding(self, lon_lat: NDArray[np.float64]) -> list[list[str]]:
        """For each of (n, 2) WGS-84 degrees the ids of the shops that it lies in front of.

        Of several the nearest, by code where they are as near; or all, as the rules say.
        """
        found: list[list[int]] = [[] for _ in lon_lat]
        points, grounds = self._tree.query(shapely.points(lon_lat), predicate="intersects")
        for point, ground in zip(points.tolist(), grounds.tolist(), strict=True):
            found[point].append(ground)
        return [
            [self._ids[number] for number in self._chosen(sorted(some), at)]
            for some, at in zip(found, lon_lat, strict=True)
        ]

    def _chosen(self, numbers: list[int], at: NDArray[np.float64]) -> list[int]:
        if len(numbers) < 2 or not self._nearest:
            return numbers
        plane, here = LocalPlane(float(at[0]), float(at[1])), shapely.Point(0, 0)
        return [
            min(
                numbers,
                key=lambda number: shapely.transform(self._drawn[number], plane.to_metres).distance(here),
            )
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """An issue in front of a shop, as far as a rating asks. Attributes: closed_at: when it was struck."""

    issue_id: str
    number: str
    condition: str
    class_name: str | None
    code: Mapping[str, Any] | None
    found_at: datetime
    closed_at: datetime | None


def found_in_front(
    session: ReadSession, fronts: Fronts, begin: datetime, end: datetime
) -> dict[str, list[Found]]:
    """Issues that were found in a stretch of time, by the shop that they lie in front of, in their order.

    Those that were none after all, or were taken back by an appeal, do not count.
    """
    around = fronts.bounds
    if around is None:
        return {}
    when = found_at().label("found_at")
    columns = (Issue.id, Issue.number, Issue.condition, Issue.class_name, Issue.code, Issue.closed_at)
    query = select(*columns, when, Issue.lon, Issue.lat).join(Candidate, Candidate.id == Issue.candidate_id)
    counted = (Issue.state.not_in(NOT_COUNTED), or_(Issue.appeal.is_(None), Issue.appeal != "upheld"))
    then = (found_at() >= begin, found_at() < end)
    rows = session.execute(
        query.where(in_bounds(around, Issue.lon, Issue.lat), *counted, *then).order_by(Issue.id)
    ).all()
    at = np.array([(row.lon, row.lat) for row in rows], np.float64).reshape(-1, 2)
    found: dict[str, list[Found]] = defaultdict(list)
    for row, shops in zip(rows, fronts.holding(at), strict=True):
        for shop_id in shops:
            found[shop_id].append(
                Found(
                    row.id, row.number, row.condition, row.class_name, row.code, row.found_at, row.closed_at
                )
            )
    return found


def seen_fronts(session: ReadSession, fronts: Fronts, first: date, last: date) -> set[str]:
    """Ids of the shops of whose front a patrol has seen something in some days, both included."""
    around = fronts.bounds
    if around is None:
        return set()
    by_tile: dict[tuple[int, int], list[str]] = defaultdict(list)
    for shop_id, ground in fronts.grounds.items():
        west, south, east, north = ground.bounds
        for corner in {tile_of(lon, lat) for lon in (west, east) for lat in (south, north)}:
            by_tile[corner].append(shop_id)
    (west, south), (east, north) = tile_of(*around[:2]), tile_of(*around[2:])
    tiles = select(CoveredTile.x, CoveredTile.y, CoveredTile.seen).where(
        CoveredTile.day.between(first, last), CoveredTile.seen.is_not(None),
        CoveredTile.x.between(west, east), CoveredTile.y.between(south, north),
    )  # fmt: skip
    seen: set[str] = set()
    for row in session.execute(tiles, execution_options={"yield_per": BLOCK}):
        here = [shop_id for shop_id in by_tile.get((row.x, row.y), ()) if shop_id not in seen]
        if here:
            ground = shapely.from_wkb(row.seen)
            seen.update(shop_id for shop_id in here if ground.intersects(fronts.grounds[shop_id]))
    return seen
