"""Footprints of many frames: which ground was seen on which day, by which frame, how well.

A frame costs the cutting of its footprint into the one to four tiles it touches, whatever was there before;
unions are made when asked for, and only in tiles that changed since.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from itertools import pairwise
from typing import Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.coverage.footprint import (
    Footprint,
    SightRules,
    dim_footprint_of,
    footprint_of,
    position_of,
    sight_of,
)
from streetsight.inference.coverage.tiles import Tile, area_m2, length_m, pieces, tile_box, tile_of
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.language import SpokenError

MAX_STEP_M = 60.0  # positions farther apart than this are not joined to a driven path
NOTHING = shapely.Polygon()


class AreaError(SpokenError):
    """A polygon or a line to measure cannot be used."""


@dataclass(frozen=True, slots=True)
class SeenBy:
    """A frame that shows a point of the ground.

    Attributes:
        distance_m: from below the lens.
        px_per_m: size of a metre across the line of sight at this point.
        brightness: mean luma 0-255 by the quality gate, or None.
        position_sigma_m: of the frame, or None when unknown.
    """

    frame_id: str
    patrol_id: str
    taken_at: datetime | None
    distance_m: float
    px_per_m: float
    brightness: float | None
    position_sigma_m: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A frame that covers less than it could, and why.

    Attributes:
        sight: what is left of it: "passed" or "nothing".
    """

    frame_id: str
    day: date | None
    sight: Literal["passed", "nothing"]
    reasons: tuple[str, ...]
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """Coverage of an area, or of all there is, on one day.

    Attributes:
        area_m2: of the area; None when none was given.
        seen_m2, passed_m2: ground seen; ground only passed. Neither says that it was clean.
        street_m, street_seen_m: metres of the given street lines within the area, and those in view.
        driven_m, driven_seen_m: metres driven, and those that lie in view of a frame; a street driven twice
            counts twice, so street lines are the better measure.
        frames: that show some of the ground.
        refused: reason -> frames taken here that cover nothing or count as passed only.
    """

    day: date | None
    area_m2: float | None
    seen_m2: float
    passed_m2: float
    street_m: float | None
    street_seen_m: float | None
    driven_m: float
    driven_seen_m: float
    frames: int
    refused: Mapping[str, int]

    @property
    def not_seen_m2(self) -> float | None:
        """Ground of the area that no frame shows; None when no area was given."""
        return None if self.area_m2 is None else max(0.0, self.area_m2 - self.seen_m2)


@dataclass(slots=True, eq=False)
class _Ground:
    """One tile on one day."""

    footprints: list[Footprint] = field(default_factory=list)
    parts: list[BaseGeometry] = field(default_factory=list)  # of the footprints, within the tile
    merged: dict[str, tuple[int, BaseGeometry]] = field(default_factory=dict)  # sight -> parts in it, union
    tree: tuple[int, shapely.STRtree] | None = None

    def union(self, sight: str) -> BaseGeometry:
        count, before = self.merged.get(sight, (0, NOTHING))
        if count < len(self.parts):
            fresh = [
                part
                for one, part in zip(self.footprints[count:], self.parts[count:], strict=True)
                if one.sight == sight
            ]
            if fresh:
                before = shapely.union_all([before, *fresh])
            self.merged[sight] = (len(self.parts), before)
        return before

    def at(self, point: BaseGeometry) -> list[Footprint]:
        if self.tree is None or self.tree[0] < len(self.parts):
            self.tree = len(self.parts), shapely.STRtree(self.parts)
        return [self.footprints[index] for index in self.tree[1].query(point, predicate="intersects")]


class Coverage:
    """Ground seen by the frames of any number of patrols; frames come in any order, and repeats are ignored.

    Args:
        rules: what counts as seen.
        zone: whose midnight parts the days; None takes each frame's own offset from UTC.
    """

    def __init__(self, rules: SightRules = SightRules(), zone: tzinfo | None = None) -> None:
        self.rules, self.zone = rules, zone
        self.refusals: list[Refusal] = []
        self._known: set[str] = set()
        self._days: dict[date | None, dict[Tile, _Ground]] = defaultdict(dict)
        self._boxes: dict[date | None, tuple[list[Tile], shapely.STRtree]] = {}
        self._driven: dict[tuple[date | None, str], list[tuple[datetime, float, float]]] = defaultdict(list)

    def add(self, frame: PatrolFrame, patrol_id: str, brightness: float | None = None) -> Footprint | None:
        """Take in a frame. Returns what it covers; None for nothing, and for a frame known already."""
        if frame.id in self._known:
            return None
        self._known.add(frame.id)
        day, position = self.day_of(frame), position_of(frame)
        sight, reasons = sight_of(frame, self.rules)
        if position and frame.pose.taken_at:
            self._driven[day, patrol_id].append((frame.pose.taken_at, position.lon, position.lat))
        footprint = footprint_of(frame, patrol_id, self.rules, brightness)
        if footprint is None and sight == "seen":
            sight, reasons = "nothing", ("no_ground_in_view",)
        if sight != "seen":
            where = (position.lon, position.lat) if position else (None, None)
            self.refusals.append(Refusal(frame.id, day, sight, reasons, *where))
        if laid := footprint or dim_footprint_of(frame, patrol_id, self.rules, brightness):
            self._lay(laid, day)
        return footprint

    def day_of(self, frame: PatrolFrame) -> date | None:
        """The local day of a frame; None when its time is unknown."""
        taken_at = frame.pose.taken_at
        if taken_at is None:
            return None
        return (taken_at.astimezone(self.zone) if self.zone else taken_at).date()

    @property
    def days(self) -> list[date | None]:
        """In order; None, last, holds frames without a time."""
        return sorted(self._days, key=lambda day: (day is None, day or date.min))

    def seen(self, lon: float, lat: float, day: date | None = None) -> list[SeenBy]:
        """The frames that show a point of the ground, nearest first.

        Args:
            day: only frames of this day; None takes all.
        """
        tile, point = tile_of(lon, lat), shapely.Point(lon, lat)
        found = [
            _seen_by(footprint, lon, lat)
            for on, tiles in self._days.items()
            if day in (None, on) and tile in tiles
            for footprint in tiles[tile].at(point)
            if footprint.sight == "seen"
        ]
        return sorted(found, key=lambda each: (each.distance_m, each.frame_id))

    def ground(
        self, day: date | None, area: BaseGeometry | None = None
    ) -> Iterator[tuple[BaseGeometry, BaseGeometry, Sequence[Footprint]]]:
        """Tile by tile of a day: what was seen, what was only passed, and by which frames.

        Args:
            area: only what lies in it; WGS-84 degrees.
        """
        for _, seen, passed, footprints in self.tiles(day, area):
            yield seen, passed, footprints

    def tiles(
        self, day: date | None, area: BaseGeometry | None = None
    ) -> Iterator[tuple[Tile, BaseGeometry, BaseGeometry, Sequence[Footprint]]]:
        """As `ground`, with the names of the tiles."""
        tiles = self._days.get(day, {})
        for tile in tiles if area is None else self._tiles_in(day, area):
            laid = tiles[tile]
            seen = laid.union("seen")
            passed = laid.union("passed")
            passed = shapely.difference(passed, seen) if not passed.is_empty else passed
            if area is not None:
                here = shapely.intersection(area, tile_box(tile))
                seen, passed = (shapely.intersection(here, each) for each in (seen, passed))
            if not seen.is_empty or not passed.is_empty:
                yield tile, seen, passed, laid.footprints

    def dim(self, day: date | None) -> Iterator[tuple[Tile, BaseGeometry]]:
        """Tile by tile of a day: ground that was in view in bad light only."""
        for tile, laid in self._days.get(day, {}).items():
            dim = laid.union("dim")
            if not dim.is_empty and not (dim := shapely.difference(dim, laid.union("seen"))).is_empty:
                yield tile, dim

    def driven(self, day: date | None) -> Iterator[BaseGeometry]:
        """The ways driven on a day, step by step: lines in WGS-84 degrees."""
        for (on, _), rows in self._driven.items():
            if on == day:
                yield from _paths(rows)

    def measure(
        self,
        day: date | None,
        area: BaseGeometry | None = None,
        streets: Sequence[BaseGeometry] | None = None,
    ) -> Measure:
        """Square metres and metres seen on a day.

        Args:
            area: polygon, WGS-84 degrees; None takes everything.
            streets: lines, WGS-84 degrees; without them only the driven path is measured.

        Raises:
            AreaError: a geometry that is not valid, such as a polygon that crosses itself.
        """
        for given in (*([area] if area is not None else []), *(streets or ())):
            if not given.is_valid:
                raise AreaError(
                    "this polygon or line cannot be measured ({reason}); draw it without crossing itself",
                    reason=shapely.is_valid_reason(given),
                )
        grounds = list(self.ground(day, area))
        paths = list(self.driven(day))
        street = None if streets is None else self._lengths(day, streets, area)
        driven, driven_seen = self._lengths(day, paths, area)
        return Measure(
            day,
            None if area is None else sum(area_m2(piece) for _, piece in pieces(area)),
            sum(area_m2(seen) for seen, _, _ in grounds),
            sum(area_m2(passed) for _, passed, _ in grounds),
            street[0] if street else None,
            street[1] if street else None,
            driven,
            driven_seen,
            len({each.frame_id for *_, footprints in grounds for each in footprints if each.sight == "seen"}),
            self._refused(day, area),
        )

    def _lay(self, footprint: Footprint, day: date | None) -> None:
        tiles = self._days[day]
        for tile, part in pieces(footprint.ground):
            if tile not in tiles:
                tiles[tile] = _Ground()
                self._boxes.pop(day, None)
            tiles[tile].footprints.append(footprint)
            tiles[tile].parts.append(part)

    def _tiles_in(self, day: date | None, geometry: BaseGeometry) -> list[Tile]:
        if day not in self._boxes:
            names = list(self._days.get(day, {}))
            self._boxes[day] = names, shapely.STRtree([tile_box(name) for name in names])
        names, tree = self._boxes[day]
        return [names[index] for index in tree.query(geometry, predicate="intersects")]

    def _lengths(
        self, day: date | None, lines: Sequence[BaseGeometry], area: BaseGeometry | None
    ) -> tuple[float, float]:
        """Metres of lines, and those on ground that was seen."""
        whole = covered = 0.0
        for line in lines:
            inside = line if area is None else shapely.intersection(line, area)
            for tile, piece in pieces(inside):
                whole += length_m(piece)
                if laid := self._days.get(day, {}).get(tile):
                    covered += length_m(shapely.intersection(piece, laid.union("seen")))
        return whole, covered

    def _refused(self, day: date | None, area: BaseGeometry | None) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for each in self.refusals:
            here = area is None or (
                each.lon is not None and bool(shapely.intersects_xy(area, each.lon, each.lat))
            )
            if each.day == day and here:
                counts.update(each.reasons)
        return dict(sorted(counts.items()))


def _seen_by(footprint: Footprint, lon: float, lat: float) -> SeenBy:
    away = LocalPlane(footprint.lon, footprint.lat).to_metres(np.array([lon, lat]))
    view = footprint.view
    assert view is not None
    depth = float(view.rotation[2] @ [*away, -view.camera.height_m])
    return SeenBy(
        footprint.frame_id,
        footprint.patrol_id,
        footprint.taken_at,
        float(np.hypot(*away)),
        view.focal_px / max(depth, 1e-6),
        footprint.brightness,
        footprint.position_sigma_m,
    )


def _paths(rows: Sequence[tuple[datetime, float, float]]) -> Iterator[BaseGeometry]:
    """What was driven, as lines between neighbouring positions in order of time."""
    for (_, lon, lat), (_, next_lon, next_lat) in pairwise(sorted(rows)):
        plane = LocalPlane(lon, lat)
        step = plane.to_metres(np.array([next_lon, next_lat]))
        if 0 < float(np.hypot(*step)) <= MAX_STEP_M:
            yield shapely.LineString([(lon, lat), step / plane.metres_per_degree + [lon, lat]])
