"""Which ground was seen: square metres and metres, of an area, on a day. Not seen is not clean."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, select

from streetsight.inference.coverage.tiles import PER_DEGREE, Tile, area_m2, length_m, pieces, tile_box
from streetsight.service.areas.service import all_areas, find_area
from streetsight.service.auth.actor import Actor
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.devices.tables import Device
from streetsight.service.faults import Invalid
from streetsight.service.frames.service import Bounds
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.sessions import ReadSession

MOST_TILES = 20_000
NOTHING = shapely.Polygon()
GROUND, LINES = 2, 1  # dimensions


class TooMuchGround(Invalid):
    """More ground than one answer holds."""

    code = "too_much_ground"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which ground is wanted; None takes all.

    Attributes:
        area: code or path of an area.
        first, last: days, both included.
    """

    area: str | None = None
    first: date | None = None
    last: date | None = None
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Coverage of what was asked for.

    Attributes:
        day: None for all days together, and for frames without a time.
        area_m2: of the area; None when none was named.
        seen_m2, passed_m2: ground seen; ground where a vehicle was, but what it saw is unknown.
        dim_m2: ground in view in bad light only, which is not seen.
        not_seen_m2: ground of the area that no frame shows; None when none was named.
        driven_m, driven_seen_m: metres of street driven, and those in view of a frame.
        patrols: that came by.
        days: on which some of it was seen.
    """

    day: date | None
    area_m2: float | None
    seen_m2: float
    passed_m2: float
    dim_m2: float
    not_seen_m2: float | None
    driven_m: float
    driven_seen_m: float
    patrols: int
    days: int


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Ground, WGS-84 degrees, and its measure."""

    seen: BaseGeometry
    passed: BaseGeometry
    dim: BaseGeometry
    measure: Measure


def ground_seen(session: ReadSession, actor: Actor, wanted: Filters) -> Ground:
    """All days together. Raises NoArea, TooMuchGround."""
    clip, named = _clip(session, actor, wanted)
    return _ground(_tiles(session, wanted, clip), clip, named, None)


def ground_within(
    session: ReadSession, outline: BaseGeometry, windows: Iterable[tuple[date, date]]
) -> Ground:
    """What was seen of a polygon (WGS-84 degrees) in stretches of days, both ends included.

    Raises:
        TooMuchGround
    """
    shapely.prepare(outline)
    tiles = [tile for first, last in windows for tile in _tiles(session, Filters(None, first, last), outline)]
    return _ground(tiles, outline, True, None)


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What one patrol drove on one day: lines, WGS-84 degrees. day: None for frames without a time."""

    patrol_id: str
    device: str
    day: date | None
    lines: BaseGeometry


def driven_ways(session: ReadSession, actor: Actor, wanted: Filters) -> list[Driven]:
    """The ways of patrols, newest first. Raises NoArea, TooMuchGround."""
    clip, _ = _clip(session, actor, wanted)
    packed: dict[tuple[str, date | None], list[bytes | None]] = defaultdict(list)
    for tile in _tiles(session, wanted, clip):
        packed[tile.patrol_id, tile.day].append(tile.driven)
    names = select(Patrol.id, Device.name).join(Device, Device.id == Patrol.device_id)
    rows = session.execute(names.where(Patrol.id.in_({patrol for patrol, _ in packed})))
    devices = dict(rows.all())
    found = [
        Driven(patrol, devices[patrol], day, _joined(lines, clip, LINES))
        for (patrol, day), lines in packed.items()
    ]
    newest = sorted(found, key=lambda each: (each.day or date.min, each.patrol_id), reverse=True)
    return [each for each in newest if not each.lines.is_empty]


def measures_by_day(session: ReadSession, actor: Actor, wanted: Filters) -> list[Measure]:
    """One measure a day, in order; frames without a time last. Raises NoArea, TooMuchGround."""
    clip, named = _clip(session, actor, wanted)
    by_day: dict[date | None, list[CoveredTile]] = defaultdict(list)
    for tile in _tiles(session, wanted, clip):
        by_day[tile.day].append(tile)
    days = sorted(by_day, key=lambda day: (day is None, day or date.min))
    measures = (_ground(by_day[day], clip, named, day).measure for day in days)
    return [each for each in measures if each.patrols]  # the tiles of the others lie beside the ground


def _clip(session: ReadSession, actor: Actor, wanted: Filters) -> tuple[BaseGeometry | None, bool]:
    """What the answer is cut to, and whether an area was named: its measure is then of all of it."""
    clips = []
    if wanted.area is not None:
        area = find_area(session, actor, wanted.area.strip("/").rpartition("/")[2])
        clips.append(shape(area.geometry))
    elif actor.areas is not None:
        clips.append(shapely.union_all([shape(each.geometry) for each in all_areas(session, actor)]))
    if wanted.bounds is not None:
        clips.append(shapely.box(*wanted.bounds))
    clip = shapely.intersection_all(clips) if clips else None
    if clip is not None:
        shapely.prepare(clip)
    return clip, wanted.area is not None


def _tiles(session: ReadSession, wanted: Filters, clip: BaseGeometry | None) -> Sequence[CoveredTile]:
    conditions: list[ColumnElement[bool]] = []
    if clip is not None:
        if clip.is_empty:
            return []
        west, south, east, north = (int(edge * PER_DEGREE // 1) for edge in clip.bounds)
        conditions += [CoveredTile.x.between(west, east), CoveredTile.y.between(south, north)]
    if wanted.first is not None:
        conditions.append(CoveredTile.day >= wanted.first)
    if wanted.last is not None:
        conditions.append(CoveredTile.day <= wanted.last)
    found = session.scalars(select(CoveredTile).where(*conditions).limit(MOST_TILES + 1)).all()
    if len(found) > MOST_TILES:
        raise TooMuchGround(
            "this is more than {most} tiles of ground; name an area, a smaller box or fewer days",
            most=MOST_TILES,
        )
    return found


def _ground(tiles: Iterable[CoveredTile], clip: BaseGeometry | None, named: bool, day: date | None) -> Ground:
    """The union, made tile by tile: neighbours never have to be joined."""
    by_tile: dict[Tile, list[CoveredTile]] = defaultdict(list)
    patrols: set[str] = set()
    days: set[date | None] = set()
    for tile in tiles:
        by_tile[tile.x, tile.y].append(tile)
    seen, passed, dim, lines = [], [], [], []
    for place, rows in by_tile.items():
        part = None if clip is None or clip.contains(tile_box(place)) else clip
        here = [row for row in rows if _reaches(part, row.seen, row.passed, row.dim, row.driven)]
        patrols.update(row.patrol_id for row in here)
        days.update(row.day for row in here if _reaches(part, row.seen))
        laid = _joined([each.seen for each in here], part, GROUND)
        seen.append(laid)
        passed.append(_without(_joined([each.passed for each in here], part, GROUND), laid))
        dim.append(_without(_joined([each.dim for each in here], part, GROUND), laid))
        driven = _joined([each.driven for each in here], part, LINES)
        lines.append((length_m(driven), length_m(shapely.intersection(driven, laid))))
    whole = sum(area_m2(piece) for _, piece in pieces(clip)) if named and clip is not None else None
    seen_m2 = sum(map(area_m2, seen))
    measure = Measure(
        day, whole, seen_m2, sum(map(area_m2, passed)), sum(map(area_m2, dim)),
        None if whole is None else max(0.0, whole - seen_m2),
        sum(each for each, _ in lines), sum(each for _, each in lines), len(patrols), len(days),
    )  # fmt: skip
    return Ground(_together(seen), _together(passed), _together(dim), measure)


def _reaches(clip: BaseGeometry | None, *packed: bytes | None) -> bool:
    """Whether any of it lies inside: a tile is 111 m wide, and a patrol beside a place has not seen it."""
    if clip is None:
        return any(packed)
    found = (shapely.from_wkb(each) for each in packed if each)
    return any(clip.intersects(each) and not clip.touches(each) for each in found)


def _joined(packed: Iterable[bytes | None], clip: BaseGeometry | None, dimension: int) -> BaseGeometry:
    parts = [shapely.from_wkb(each) for each in packed if each]
    if not parts:  # most tiles have nothing dim and nothing passed: a city's answer has thousands of them
        return NOTHING
    union = shapely.union_all(parts)
    if clip is None:
        return union
    cut = shapely.get_parts(shapely.intersection(union, clip))
    # Ground that only touches an edge has left points and lines behind.
    return shapely.union_all([each for each in cut if shapely.get_dimensions(each) == dimension])


def _without(ground: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    return ground if ground.is_empty else shapely.difference(ground, other)


def _together(parts: Iterable[BaseGeometry]) -> BaseGeometry:
    """Polygons of all tiles side by side; tiles do not overlap, so nothing has to be worked out."""
    polygons = [
        each
        for part in parts
        for each in shapely.get_parts(part)
        if each.geom_type == "Polygon" and not each.is_empty
    ]
    return shapely.MultiPolygon(polygons)
