"""The map of a run as SVG: driven way, ground seen, zones, candidates with their uncertainty. No tiles."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from streetsight.inference.coverage.covered import MAX_STEP_M
from streetsight.inference.coverage.footprint import position_of
from streetsight.inference.drawing import ink_on
from streetsight.inference.patrol.job import Lead, Run
from streetsight.inference.patrol.patrols import Patrol
from streetsight.inference.patrol.rows import ellipse_95
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.rules.settings import ZoneKind
from streetsight.models.taxonomy import Language, default_taxonomy

Floats = NDArray[np.float64]

WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 1000.0, 380.0, 1100.0  # units of the drawing; one is about a pixel
EDGE_M, LEAST_SPAN_M = 22.0, 60.0
MARKER = 11.0  # radius
ROUNDS = 60  # of moving markers apart
SIMPLER_M = 0.25  # coverage is drawn to this
ZONES_WITHIN_M = 60.0  # of what was driven and found


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """From WGS-84 to the drawing.

    Attributes:
        plane: whose metres are drawn.
        west_m, north_m: upper left corner.
        per_m: units per metre.
        size: width, height in units.
    """

    plane: LocalPlane
    west_m: float
    north_m: float
    per_m: float
    size: tuple[float, float]

    def xy(self, lon_lat: Floats) -> Floats:
        """(n, 2) degrees as (n, 2) units; y runs down."""
        metres = self.plane.to_metres(lon_lat)
        return np.column_stack([metres[:, 0] - self.west_m, self.north_m - metres[:, 1]]) * self.per_m


@dataclass(frozen=True, slots=True)
class Marker:
    """A candidate's number, moved aside where others stand in its way.

    Attributes:
        x, y: of the place; dx, dy: from there to the number.
    """

    lead: Lead
    x: float
    y: float
    dx: float
    dy: float


def draw_map(run: Run, language: Language) -> str | None:
    """The SVG element; None when no position is known at all."""
    frame = _frame(run)
    if frame is None:
        return None
    width, height = frame.size
    markers = place_markers(_anchors(run.leads, frame), frame.size)
    parts = [
        f'<svg class="map" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f'<rect class="land" width="{width:.0f}" height="{height:.0f}"/>',
        *_ground(run, frame),
        *_zones(run, frame, language, markers),
        *(part for patrol in run.patrols for part in _way(patrol, frame)),
        *_ellipses(run.leads, frame),
        *_markers(markers, language),
        *_scale_bar(frame),
        *_north_arrow(frame),
        "</svg>",
    ]
    return "\n".join(parts)


def place_markers(anchors: Sequence[tuple[Lead, float, float]], size: tuple[float, float]) -> list[Marker]:
    """Numbers as near to their places as can be without lying on each other, inside the drawing."""
    if not anchors:
        return []
    home = np.array([[x, y] for _, x, y in anchors])
    at = home + np.array([[0.01 * math.cos(2.4 * i), 0.01 * math.sin(2.4 * i)] for i in range(len(home))])
    apart = 2 * MARKER + 2
    for _ in range(ROUNDS):
        away = at[:, None] - at[None]  # (n, n, 2)
        distance = np.hypot(away[..., 0], away[..., 1]) + np.eye(len(at)) * 1e9
        short = np.maximum(apart - distance, 0.0)
        push = (away / distance[..., None] * short[..., None]).sum(axis=1) / 2
        if not short.any():
            break
        at = np.clip(at + push, MARKER + 2, np.array(size) - MARKER - 2)
    return [
        Marker(lead, x, y, float(to[0] - x), float(to[1] - y))
        for (lead, x, y), to in zip(anchors, at, strict=True)
    ]


def round_length_m(about_m: float) -> float:
    """1, 2 or 5 times a power of ten, at most `about_m`."""
    power = 10 ** math.floor(math.log10(about_m))
    return float(next(each * power for each in (5, 2, 1) if each * power <= about_m * (1 + 1e-9)))


def _frame(run: Run) -> Frame | None:
    """Around what was driven and found."""
    points = [
        (each.lon, each.lat)
        for patrol in run.patrols
        for one in patrol.accepted
        if (each := position_of(one))
    ]
    points += [
        (place.lon, place.lat)
        for lead in run.leads
        if (place := lead.candidate.place).lon is not None and place.lat is not None
    ]
    if not points:
        return None
    degrees = np.array(points, np.float64)
    plane = LocalPlane(*np.median(degrees, axis=0).tolist())
    metres = plane.to_metres(degrees)
    middle = (metres.min(axis=0) + metres.max(axis=0)) / 2
    span = np.maximum(metres.max(axis=0) - metres.min(axis=0) + 2 * EDGE_M, LEAST_SPAN_M)
    per_m = float(min(WIDTH / span[0], MOST_HEIGHT / span[1]))
    height = float(np.clip(span[1] * per_m, LEAST_HEIGHT, MOST_HEIGHT))
    return Frame(
        plane,
        float(middle[0] - WIDTH / per_m / 2),
        float(middle[1] + height / per_m / 2),
        per_m,
        (WIDTH, height),
    )


def _ground(run: Run, frame: Frame) -> Iterator[str]:
    """What was seen on any day, above what was only passed."""
    days = [ground for day in run.coverage.days for ground in run.coverage.ground(day)]
    passed = shapely.union_all([each for _, each, _ in days])
    seen = shapely.union_all([each for each, _, _ in days])
    for name, ground in (("passed", passed), ("seen", seen)):
        if path := _path(ground, frame, SIMPLER_M):
            yield f'<path class="{name}" d="{path}"/>'


def _zones(run: Run, frame: Frame, language: Language, markers: Sequence[Marker]) -> Iterator[str]:
    """Zones hereabouts with their names, clear of the markers; the drawing cuts off what lies beyond it."""
    corners = frame.plane.to_lon_lat(
        np.array(
            [
                [frame.west_m, frame.north_m - frame.size[1] / frame.per_m],
                [frame.west_m + frame.size[0] / frame.per_m, frame.north_m],
            ]
        )
    )
    window = shapely.box(*corners.ravel())
    taken = [
        (x - MARKER, y - MARKER, x + MARKER, y + MARKER)
        for x, y in ((each.x + each.dx, each.y + each.dy) for each in markers)
    ]
    labels = []
    for zone in (*run.ground.areas, *run.ground.zones.zones):
        shown = shapely.intersection(zone.geometry, window)
        if shown.is_empty:
            continue
        kind = run.ground.rules.zone_kinds.get(zone.kind)
        name, sort = (
            (zone.name, "area") if kind is None else (_zone_name(zone.name, kind, language), _sort(kind))
        )
        outline = _path(zone.geometry, frame)
        yield f'<path class="zone {sort}" d="{outline}"><title>{escape(name)}</title></path>'
        point = shapely.point_on_surface(shown)
        x, y = frame.xy(np.array([[point.x, point.y]]))[0].tolist()
        labels.append((x, y, zone.name, sort))
    for x, y, name, sort in labels:
        if box := _free(x, y, name, taken, frame.size):
            taken.append(box)
            middle, foot = (box[0] + box[2]) / 2, box[3] - 4
            yield f'<text class="zone-name {sort}" x="{middle:.1f}" y="{foot:.1f}">{escape(name)}</text>'


def _free(
    x: float,
    y: float,
    text: str,
    taken: Sequence[tuple[float, float, float, float]],
    size: tuple[float, float],
) -> tuple[float, float, float, float] | None:
    """Where a label of 12 units' height fits beside others, near its place; None when nowhere."""
    width = sum(12.5 if ord(letter) > 0x2E80 else 7.0 for letter in text) + 6
    for down in (0, 18, -18, 36, -36, 54, -54, 72, -72):
        left = min(max(2.0, x - width / 2), size[0] - width - 2)
        top = min(max(2.0, y - 8 + down), size[1] - 18)
        box = (left, top, left + width, top + 16)
        if all(box[2] <= t[0] or box[0] >= t[2] or box[3] <= t[1] or box[1] >= t[3] for t in taken):
            return box
    return None


def _zone_name(name: str, kind: ZoneKind, language: Language) -> str:
    return f"{kind.label(language)}: {name}"


def _sort(kind: ZoneKind) -> str:
    """What a zone does, as one word for its colour."""
    if kind.masks:
        return "masks"
    return "forbids" if kind.forbids and not kind.permits else "permits" if kind.permits else "marks"


def _way(patrol: Patrol, frame: Frame) -> Iterator[str]:
    """The driven way; broken where positions lie too far apart."""
    known = [each for one in patrol.accepted if (each := position_of(one))]
    if not known:
        return
    degrees = np.array([[each.lon, each.lat] for each in known], np.float64)
    metres, xy = frame.plane.to_metres(degrees), frame.xy(degrees)
    breaks = [
        index + 1
        for index, (one, other) in enumerate(pairwise(metres))
        if float(np.hypot(*(other - one))) > MAX_STEP_M
    ]
    for run in np.split(xy, breaks):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run.tolist())
        yield f'<polyline class="way" points="{points}"><title>{escape(patrol.id)}</title></polyline>'
    x, y = xy[0].tolist()
    yield f'<circle class="start" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _anchors(leads: Iterable[Lead], frame: Frame) -> list[tuple[Lead, float, float]]:
    found = []
    for lead in leads:
        place = lead.candidate.place
        if place.lon is not None and place.lat is not None:
            x, y = frame.xy(np.array([[place.lon, place.lat]]))[0].tolist()
            found.append((lead, x, y))
    return found


def _ellipses(leads: Iterable[Lead], frame: Frame) -> Iterator[str]:
    for lead, x, y in _anchors(leads, frame):
        major, minor, bearing = ellipse_95(lead.candidate.place.covariance_m2)
        yield (
            f'<ellipse class="unsure" cx="{x:.1f}" cy="{y:.1f}" rx="{minor * frame.per_m:.1f}" '
            f'ry="{major * frame.per_m:.1f}" transform="rotate({bearing:.1f} {x:.1f} {y:.1f})" '
            f'stroke="{colour_of(lead)}" fill="{colour_of(lead)}"/>'
        )


def _markers(markers: Iterable[Marker], language: Language) -> Iterator[str]:
    """Groups that a script keeps at one size while the map is zoomed."""
    taxonomy = default_taxonomy()
    for each in markers:
        label = escape(f"{each.lead.number} {taxonomy[each.lead.candidate.class_name].label(language)}")
        gone = " gone" if each.lead.state == "gone" else ""
        colour, (x, y, dx, dy) = (
            colour_of(each.lead),
            (round(v, 1) for v in (each.x, each.y, each.dx, each.dy)),
        )
        yield (
            f'<a href="#lead-{each.lead.number}" class="marker{gone}" data-x="{x}" data-y="{y}" '
            f'transform="translate({x} {y})"><title>{label}</title>'
            f'<line x2="{dx}" y2="{dy}"/><circle class="point" r="2.5" fill="{colour}"/>'
            f'<circle class="disc" cx="{dx}" cy="{dy}" r="{MARKER:.0f}" fill="{colour}"/>'
            f'<text x="{dx}" y="{dy + 4:.1f}" fill="{ink_on(colour)}">{each.lead.number}</text></a>'
        )


def _scale_bar(frame: Frame) -> Iterator[str]:
    metres = round_length_m(frame.size[0] / frame.per_m / 5)
    length, y = metres * frame.per_m, frame.size[1] - 18
    words = f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km"
    yield (
        f'<g class="scale" data-per-metre="{frame.per_m:.4f}"><path d="M18 {y - 5:.1f}v5h{length:.1f}v-5"/>'
        f'<text x="{18 + length / 2:.1f}" y="{y - 6:.1f}">{words}</text></g>'
    )


def _north_arrow(frame: Frame) -> Iterator[str]:
    yield (
        f'<g class="north" transform="translate({frame.size[0] - 26:.1f} 14)">'
        '<path d="M0 0l8 24l-8 -6l-8 6z"/><text y="38">N</text></g>'
    )


def _path(geometry: BaseGeometry, frame: Frame, simpler_m: float = 0.0) -> str:
    """Outlines and holes of polygons; lines and points of an intersection are nothing to fill."""
    drawn = shapely.transform(geometry, frame.xy)
    if simpler_m:
        drawn = shapely.simplify(drawn, simpler_m * frame.per_m)
    rings = [
        ring
        for polygon in shapely.get_parts(drawn)
        if polygon.geom_type == "Polygon" and not polygon.is_empty
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in np.asarray(ring.coords)[:-1].tolist()) + "Z"
        for ring in rings
    )


def colour_of(lead: Lead) -> str:
    """Of its condition, as everywhere."""
    return default_taxonomy().conditions[lead.candidate.condition].colour
