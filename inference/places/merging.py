"""Sightings of many patrols into places, one sighting at a time, in any order, with the same result.

Who is who is decided between pairs of patrols, window by window (`registration.py`); two sightings are linked
where each is the other's best. Linked sightings become one place, strongest links first, and never two
that one frame shows side by side. All of this is a function of the set of sightings alone: a new one only
decides which windows have to be looked at again.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from streetsight.inference.places.fusion import fuse, matrix
from streetsight.inference.places.grid import Cell, cell_of, plane_of, touched_by, window
from streetsight.inference.places.registration import Pairing, Pattern, Shift, pair_up, pair_up_alone
from streetsight.inference.places.sighting import Place, Sighting
from streetsight.inference.positions.local import LocalPlane

Pair = tuple[str, str]  # patrol ids
AGAIN = ""  # in place of the second: the same patrol on a later round


@dataclass(frozen=True, slots=True)
class Merging:
    """What may be one thing.

    Attributes:
        horizons: class -> longest time between two sightings of one thing; what stands for hours is
            another one tomorrow.
        horizon: of all other classes.
        passes: each patrol is compared with so many before it and after it, in time, at a place.
    """

    horizons: Mapping[str, timedelta] = field(
        default_factory=lambda: {
            **dict.fromkeys(("car", "van", "truck", "bus", "motorcycle", "bicycle"), timedelta(hours=12)),
            "street_vendor": timedelta(days=3),
            "person": timedelta(minutes=5),
        }
    )
    horizon: timedelta = timedelta(days=60)
    passes: int = 6


@dataclass(frozen=True, slots=True)
class Ending:
    """A thing was seen to be gone, or its issue was closed: what is there later is another one.

    Attributes:
        lon, lat: of the place, WGS-84 degrees.
        radius_m: how far its sightings may lie from there.
        at: aware.
    """

    class_name: str
    lon: float
    lat: float
    radius_m: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did: ids of places that are no more, and places that are new or different."""

    gone: frozenset[str]
    places: tuple[Place, ...]


Load = Callable[[Cell], Iterable[tuple[Sighting, str]]]


def nothing_stored(cell: Cell) -> Iterable[tuple[Sighting, str]]:
    """The store of those who keep everything in memory."""
    return ()


class Places:
    """All places, kept up to date as sightings come in.

    Work per sighting depends on what is near it, not on how much is stored (`benchmarks/places.py`).

    Args:
        load: gives what a store holds of a cell: sightings and the ids of their places. Cells are loaded
            when something comes near them, so that a city need not fit into memory.
    """

    def __init__(self, merging: Merging = Merging(), load: Load = nothing_stored) -> None:
        self.merging = merging
        self._load = load
        self._sightings: dict[str, Sighting] = {}
        self._frames: dict[str, frozenset[str]] = {}
        self._cells: dict[Cell, dict[str, list[str]]] = {}  # patrol -> sightings; only what is loaded
        self._pairings: dict[Cell, dict[Pair, Pairing]] = {}  # only where something was compared
        self._endings: dict[Cell, list[Ending]] = defaultdict(list)
        self._place_of: dict[str, str] = {}
        self._members: dict[str, set[str]] = defaultdict(set)
        self._places: dict[str, Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Place]:
        """Places in memory, by id."""
        return iter(self._places[key] for key in sorted(self._places))

    def __getitem__(self, place_id: str) -> Place:
        return self._places[place_id]

    def add(self, sightings: Iterable[Sighting]) -> Changes:
        """Take in sightings; those that are known change nothing."""
        seeds: set[str] = set()
        dirty: dict[Cell, set[str]] = defaultdict(set)
        for sighting in sightings:
            cell = self._cell(sighting)
            if cell is not None:
                self._ensure_loaded(cell)
            if sighting.id in self._sightings:
                continue
            self._keep(sighting, cell)
            seeds.add(sighting.id)
            if cell is not None:
                for each in touched_by(cell):
                    dirty[each].add(sighting.patrol_id)
        for cell, patrols in dirty.items():
            seeds |= self._compare(cell, patrols)
        return self._regroup(seeds)

    def drop(self, sighting_ids: Iterable[str]) -> Changes:
        """Forget sightings, as if they had never been: those of a patrol whose frames are gone over again."""
        seeds: set[str] = set()
        dirty: dict[Cell, set[str]] = defaultdict(set)
        for own in sighting_ids:
            sighting = self._sightings.pop(own, None)
            if sighting is None:
                continue
            del self._frames[own]
            seeds |= self._members[self._place_of[own]]
            if (cell := self._cell(sighting)) is not None:
                here = self._cells[cell]
                here[sighting.patrol_id].remove(own)
                if not here[sighting.patrol_id]:
                    del here[sighting.patrol_id]
                for each in touched_by(cell):
                    dirty[each].add(sighting.patrol_id)
        for cell, patrols in dirty.items():
            seeds |= self._compare(cell, patrols)
        return self._regroup(seeds)

    def end(self, ending: Ending) -> Changes:
        """Let nothing seen after `ending.at` be the same thing as what was there before."""
        for cell in window(cell_of(ending.lon, ending.lat)):
            self._endings[cell].append(ending)
        return self.look_again(ending.lon, ending.lat)

    def look_again(self, lon: float, lat: float) -> Changes:
        """Group what is stored around a position anew: an ending that it was grouped by may be no more."""
        seeds: set[str] = set()
        for cell in window(cell_of(lon, lat)):
            for ids in self._ensure_loaded(cell).values():
                seeds.update(ids)
        return self._regroup(seeds)

    def near(self, lon: float, lat: float) -> list[Place]:
        """Places within about 20 m of a position."""
        around = [self._ensure_loaded(cell) for cell in window(cell_of(lon, lat))]
        ids = {self._place_of[each] for here in around for members in here.values() for each in members}
        self._regroup({each for one in ids - self._places.keys() for each in self._members[one]})
        return [self._places[each] for each in sorted(ids) if each in self._places]

    def shift_of(self, patrol_id: str, place: Place) -> Shift | None:
        """From a place to where a patrol's receiver puts it; None where nothing that it saw is near.

        Each sighting foretells that by the shift between its own patrol and this one. The surest is taken;
        what the others say otherwise adds to its covariance.
        """
        plane = LocalPlane(place.lon or 0.0, place.lat or 0.0)
        points, covariances, doubts = [], [], []
        for each in place.sightings:
            cell = self._cell(each)
            pairing = self._ensure_compared(cell).get((each.patrol_id, patrol_id)) if cell else None
            if cell is None or pairing is None or each.patrol_id == patrol_id:
                continue
            pattern = self._pattern(cell, each.patrol_id)
            index = pattern.ids.index(each.id)
            # Both receivers have drifted since the middle of the window.
            covariances.append(pairing.shift_m2 + pattern.own_m2[index] + 2 * pattern.drift_m2[index])
            points.append(plane.to_metres(np.array([each.lon, each.lat], np.float64)) + pairing.shift_m)
            doubts.append(pairing.doubt)
        if not points:
            return None
        surest = int(np.argmin(np.linalg.det(covariances)))
        apart = np.array(points) - points[surest]
        (ee, en), (_, nn) = (covariances[surest] + apart.T @ apart / len(points)).tolist()
        east, north = points[surest].tolist()
        return Shift(east, north, (ee, en, nn), float(np.mean(doubts)))

    def _cell(self, sighting: Sighting) -> Cell | None:
        if sighting.lon is None or sighting.lat is None:
            return None
        return cell_of(sighting.lon, sighting.lat)

    def _keep(self, sighting: Sighting, cell: Cell | None) -> None:
        self._sightings[sighting.id] = sighting
        self._frames[sighting.id] = frozenset(each.frame_id for each in sighting.glimpses)
        if cell is not None:
            insort(self._cells[cell].setdefault(sighting.patrol_id, []), sighting.id)

    def _ensure_loaded(self, cell: Cell) -> dict[str, list[str]]:
        """A cell's sightings by patrol."""
        if cell not in self._cells:
            self._cells[cell] = {}
            for sighting, place_id in self._load(cell):
                self._keep(sighting, cell)
                self._place_of[sighting.id] = place_id
                self._members[place_id].add(sighting.id)
        return self._cells[cell]

    def _ensure_compared(self, cell: Cell) -> dict[Pair, Pairing]:
        """The pairings of a cell, worked out when they are first asked for."""
        if cell not in self._pairings:
            self._compare(cell, set())
        return self._pairings[cell]

    def _compare(self, cell: Cell, changed: set[str]) -> set[str]:
        """Pair up the patrols of a cell again where something changed; returns sightings concerned."""
        here = self._ensure_loaded(cell)
        first_time = cell not in self._pairings
        known = self._pairings.setdefault(cell, {})
        if not here:
            return set()
        patterns: dict[str, Pattern] = {}
        concerned: set[str] = set()
        wanted = self._partners(cell)
        for pair in {*wanted, *known}:
            before = known.get(pair)
            if before is not None and pair in wanted and not changed.intersection(pair):
                continue
            after = None
            if pair in wanted:
                for patrol in {*pair} - {AGAIN}:
                    if patrol not in patterns:
                        patterns[patrol] = self._pattern(cell, patrol)
                known[pair] = after = _paired(pair, patterns)
            else:
                del known[pair]
            for own in here.get(pair[0], ()):
                was = before.best.get(own) if before else None
                now = after.best.get(own) if after else None
                if was != now:
                    concerned |= {own, *(each[0] for each in (was, now) if each)}
        # What the store says of a cell may rest on links that the change has undone.
        return {one for ids in here.values() for one in ids} | concerned if first_time else concerned

    def _partners(self, cell: Cell) -> set[Pair]:
        """Which patrols are compared in a cell: neighbours in time, and each with itself."""
        first: dict[str, tuple[float, str]] = {}
        for each in window(cell):
            for patrol, ids in self._ensure_loaded(each).items():
                moment = min(_stamp(self._sightings[one].first_seen) for one in ids)
                first[patrol] = min(first.get(patrol, (moment, patrol)), (moment, patrol))
        order = [patrol for _, patrol in sorted(first.values())]
        reach = self.merging.passes
        return {
            (patrol, other)
            for index, patrol in enumerate(order)
            if patrol in self._cells[cell]
            for other in (*order[max(0, index - reach) : index + reach + 1], AGAIN)
        }

    def _pattern(self, cell: Cell, patrol: str) -> Pattern:
        ids = [one for each in window(cell) for one in self._ensure_loaded(each).get(patrol, ())]
        members = [self._sightings[one] for one in ids]
        lon_lat = np.array([[each.lon, each.lat] for each in members], np.float64)
        return Pattern(
            ids=tuple(ids),
            classes=np.array([each.class_name for each in members]),
            points_m=plane_of(cell).to_metres(lon_lat),
            seen_s=np.array([_stamp(each.first_seen) for each in members]),
            own_m2=np.array([matrix(each.own_m2) for each in members]),
            shared_m2=np.mean([matrix(each.shared_m2) for each in members], axis=0) + np.eye(2) * 1e-6,
        )

    def _links(self, own: str) -> dict[str, float]:
        """Sightings that this one is linked with, and how far apart they are in squared sigmas."""
        sighting = self._sightings[own]
        cell = self._cell(sighting)
        links: dict[str, float] = {}
        if cell is None:
            return links
        for pair, pairing in self._ensure_compared(cell).items():
            if pair[0] != sighting.patrol_id or (best := pairing.best.get(own)) is None:
                continue
            other = self._sightings[best[0]]
            back = self._ensure_compared(self._cell(other) or cell).get(pair if AGAIN in pair else pair[::-1])
            answer = back.best.get(other.id) if back else None
            if answer and answer[0] == own and self._compatible(sighting, other):
                links[other.id] = max(best[1], answer[1])
        return links

    def _compatible(self, one: Sighting, other: Sighting) -> bool:
        """Whether time lets two sightings be one thing, and no frame shows both."""
        if self._frames[one.id] & self._frames[other.id]:
            return False
        if one.first_seen is None or other.first_seen is None:
            return True
        early, late = sorted((one, other), key=lambda each: (_stamp(each.first_seen), each.id))
        assert early.last_seen is not None  # it has a first
        assert late.first_seen is not None
        if late.first_seen - early.last_seen > self.merging.horizons.get(
            one.class_name, self.merging.horizon
        ):
            return False
        cell = self._cell(one)
        return not any(
            each.class_name == one.class_name
            and early.last_seen < each.at <= late.first_seen
            and _within(each, one)
            and _within(each, other)
            for each in (self._endings.get(cell, ()) if cell else ())
        )

    def _regroup(self, seeds: set[str]) -> Changes:
        """Make the places of these sightings, and of all that hang together with them, anew."""
        links: dict[str, dict[str, float]] = {}
        lost = {each for each in seeds if each not in self._sightings}
        todo = list(seeds)
        while todo:
            own = todo.pop()
            if own in links or own in lost:
                continue
            links[own] = self._links(own)
            todo += links[own]
            if own in self._place_of:
                todo += self._members[self._place_of[own]]
        before = {self._place_of[each] for each in links.keys() | lost if each in self._place_of}
        for each in lost:
            self._place_of.pop(each, None)
        members_before = {key: self._members.pop(key) for key in before}
        was = {key: self._places.pop(key, None) for key in before}
        changed = []
        for members in self._groups(links):
            place = fuse([self._sightings[each] for each in members])
            self._places[place.id] = place
            self._members[place.id] = set(members)
            for each in members:
                self._place_of[each] = place.id
            if members_before.get(place.id) != set(members) or was.get(place.id, place) != place:
                changed.append(place)
        return Changes(frozenset(before - self._places.keys()), tuple(changed))

    def _groups(self, links: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
        """Join the linked: best vouched for first, then nearest, never two that one frame shows."""
        groups = {own: [own] for own in links}
        frames = {own: self._frames[own] for own in links}
        edges = sorted(
            (-len(those.keys() & links[b].keys()), cost, a, b)
            for a, those in links.items()
            for b, cost in those.items()
            if a < b
        )
        for _, _, a, b in edges:
            one, two = groups[a], groups[b]
            if one is two or frames[one[0]] & frames[two[0]]:
                continue
            frames[one[0]] |= frames[two[0]]
            one += two
            for each in two:
                groups[each] = one
        return [list(each) for each in {id(each): each for each in groups.values()}.values()]


def _paired(pair: Pair, patterns: Mapping[str, Pattern]) -> Pairing:
    one, other = pair
    if other == AGAIN or one == other:
        return pair_up_alone(patterns[one], again=other == AGAIN)
    return pair_up(patterns[one], patterns[other])


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _within(ending: Ending, sighting: Sighting) -> bool:
    east, north = (
        plane_of(cell_of(ending.lon, ending.lat))
        .to_metres(np.array([[ending.lon, ending.lat], [sighting.lon, sighting.lat]], np.float64))
        .T
    )
    return bool(np.hypot(east[1] - east[0], north[1] - north[0]) <= ending.radius_m)
