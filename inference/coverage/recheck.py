"""What a later pass says about things that were there: still present, gone, not seen, or uncertain."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.explaining import Fresh, Known, Seen, believe
from streetsight.inference.coverage.footprint import position_of
from streetsight.inference.coverage.looks import Look, Looks, look_at, thing_of
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.rules import RecheckRules, default_rules
from streetsight.inference.places.sighting import Covariance, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame

Floats = NDArray[np.float64]
Outcome = Literal["still_present", "gone", "not_seen", "uncertain"]

UNKNOWN_ACCURACY_M = 15.0  # of a position that does not say how good it is
WIDEST_GATE = 3.7  # standard deviations; beyond it a sighting is no candidate


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """A thing that was there.

    Attributes:
        covariance_m2: of its position on the map.
        last_seen: aware, or None.
        present: probability that it is still there, such as an earlier re-check left it; None takes it
            from the class's half-life and the time since `last_seen`.
        width_m: measured, or None.
    """

    id: str
    class_name: str
    lon: float
    lat: float
    covariance_m2: Covariance
    last_seen: datetime | None = None
    present: float | None = None
    width_m: float | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """What brings a pass's positions onto the map.

    Attributes:
        east_m, north_m: added to every position of the pass.
        covariance_m2: of what is left of the receiver's error then.
    """

    east_m: float = 0.0
    north_m: float = 0.0
    covariance_m2: Covariance = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Recheck:
    """What one pass says about one place.

    Attributes:
        gone: probability that the thing is gone; the prior where nothing was seen.
        matched: probability that `sighting_id` or another sighting of the pass is the thing.
        sighting_id: the likeliest one, or None.
        covered: probability that the pass had the place in view.
        missed: probability that the pass detects nothing although the thing is there.
        present_before: probability beforehand that it is still there.
        used: frames that should have shown it.
        unused: frame id and reason, of frames nearby that do not count.
    """

    place_id: str
    outcome: Outcome
    gone: float
    matched: float
    sighting_id: str | None
    covered: float
    missed: float
    present_before: float
    used: tuple[Look, ...]
    unused: tuple[tuple[str, str], ...]


def recheck(
    places: Sequence[OpenPlace],
    frames: Sequence[PatrolFrame],
    sightings: Sequence[Sighting],
    recall: Recall,
    shift: Shift | None = None,
    rules: RecheckRules | None = None,
) -> list[Recheck]:
    """One outcome per place, in their order, from one later pass.

    Args:
        places: all open places hereabouts: neighbours explain each other's sightings.
        frames: of the pass, in any order.
        sightings: of the pass.
        shift: brings the pass onto the map; None trusts its positions as far as they say themselves.
    """
    if not places:
        return []
    rules, one_pass = rules or default_rules(), _Pass.of(places, frames, sightings, shift)
    began = min((each.pose.taken_at for each in frames if each.pose.taken_at), default=None)
    before = [_still_there(place, began, rules) for place in places]
    looks = [one_pass.look_at(index, place, recall, rules) for index, place in enumerate(places)]
    known = [
        Known(
            one_pass.places_m[index],
            one_pass.own(place, rules),
            before[index],
            looks[index].missed,
            looks[index].single,
        )
        for index, place in enumerate(places)
    ]
    return [one_pass.judge(index, places, known, looks[index], rules) for index in range(len(places))]


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """One pass in the plane of the places, its shift applied."""

    plane: LocalPlane
    places_m: Floats  # (n, 2)
    frames: Sequence[PatrolFrame]  # with a position
    cameras_m: Floats  # (k, 2)
    sightings: Sequence[Sighting]  # with a position
    seen: Sequence[Seen]
    seen_m: Floats  # (z, 2)
    shift: Shift | None

    @classmethod
    def of(
        cls,
        places: Sequence[OpenPlace],
        frames: Sequence[PatrolFrame],
        sightings: Sequence[Sighting],
        shift: Shift | None,
    ) -> "_Pass":
        plane = LocalPlane(places[0].lon, places[0].lat)
        moved = np.array([shift.east_m, shift.north_m]) if shift else np.zeros(2)
        located = [each for each in sightings if each.lon is not None and each.lat is not None]
        positioned = [each for each in frames if position_of(each)]
        degrees = [
            (each.pose.position.lon, each.pose.position.lat) for each in positioned if each.pose.position
        ]
        seen_m = _metres(plane, [(each.lon, each.lat) for each in located]) + moved
        return cls(
            plane,
            _metres(plane, [(each.lon, each.lat) for each in places]),
            positioned,
            _metres(plane, degrees) + moved,
            located,
            [
                Seen(at, _matrix(each.own_m2), len(each.glimpses) == 1)
                for at, each in zip(seen_m, located, strict=True)
            ],
            seen_m,
            shift,
        )

    def look_at(self, index: int, place: OpenPlace, recall: Recall, rules: RecheckRules) -> Looks:
        """Which frames should have shown a place."""
        covariance = _matrix(place.covariance_m2) + self.shared(self.places_m[index])
        away = self.places_m[index] - self.cameras_m  # (k, 2)
        reach = rules.useful_m + 2 * math.sqrt(float(np.linalg.eigvalsh(covariance).max()))
        near = np.flatnonzero(np.hypot(away[:, 0], away[:, 1]) <= reach).tolist()
        return look_at(
            thing_of(place.class_name, rules, place.width_m),
            [self.frames[each] for each in near],
            away[near],
            covariance,
            recall,
            rules,
        )

    def judge(
        self,
        index: int,
        places: Sequence[OpenPlace],
        known: Sequence[Known],
        looks: Looks,
        rules: RecheckRules,
    ) -> Recheck:
        """The outcome for one place, its neighbours explained with it."""
        place, here = places[index], self.places_m[index]
        shared = self.shared(here)
        reach = WIDEST_GATE * math.sqrt(float(np.linalg.eigvalsh(known[index].own_m2 + shared).max()))
        around = [
            each
            for each in _within(self.places_m, here, rules.neighbourhood_m)
            if each == index or _kin(places[each].class_name, place.class_name, rules)
        ]
        close = [
            each
            for each in _within(self.seen_m, here, rules.neighbourhood_m + reach)
            if any(
                rules.may_be(places[other].class_name, self.sightings[each].class_name) for other in around
            )
        ]
        fits = np.array(
            [
                [rules.may_be(places[one].class_name, self.sightings[other].class_name) for other in close]
                for one in around
            ]
        ).reshape(len(around), len(close))
        belief = believe(
            around.index(index),
            [known[each] for each in around],
            [self.seen[each] for each in close],
            fits,
            shared * (1 - rules.drift_share),
            Fresh(rules.fresh_per_m2, rules.fresh_single_share),
        )
        return Recheck(
            place.id,
            _outcome(belief.gone, belief.matched, looks.covered, rules),
            belief.gone,
            belief.matched,
            self.sightings[close[belief.sighting]].id if belief.sighting is not None else None,
            looks.covered,
            looks.missed,
            known[index].present,
            looks.used,
            looks.unused,
        )

    def shared(self, here: Floats) -> Floats:
        """(2, 2) of the receiver's error at a place: the shift's, else what the nearest frame states."""
        if self.shift:
            return _matrix(self.shift.covariance_m2)
        sigma = UNKNOWN_ACCURACY_M
        if len(self.cameras_m):
            nearest = int(np.argmin(((self.cameras_m - here) ** 2).sum(axis=1)))
            position = self.frames[nearest].pose.position
            sigma = (position.accuracy_m if position else None) or UNKNOWN_ACCURACY_M
        return np.eye(2) * sigma**2

    def own(self, place: OpenPlace, rules: RecheckRules) -> Floats:
        """(2, 2) of a place against its neighbours: its own, and what the receiver drifts between them."""
        here = _metres(self.plane, [(place.lon, place.lat)])[0]
        return _matrix(place.covariance_m2) + rules.drift_share * self.shared(here)


def _outcome(gone: float, matched: float, covered: float, rules: RecheckRules) -> Outcome:
    if matched >= rules.present_at:
        return "still_present"
    if covered < rules.min_covered:
        return "not_seen"
    return "gone" if gone >= rules.gone_at else "uncertain"


def _still_there(place: OpenPlace, began: datetime | None, rules: RecheckRules) -> float:
    """Probability before the pass, by the class's half-life."""
    low, high = rules.prior_range
    if place.present is not None:
        return min(max(place.present, low), high)
    if place.last_seen is None or began is None:
        return rules.prior_unknown
    days = max(0.0, (began - place.last_seen).total_seconds() / 86400)
    return min(max(float(0.5 ** (days / rules.kind(place.class_name).half_life_days)), low), high)


def _kin(one: str, other: str, rules: RecheckRules) -> bool:
    """Whether things of two classes can compete for the same sighting."""
    return rules.may_be(one, other) or any(
        one in group and rules.may_be(member, other) for group in rules.confused for member in group
    )


def _within(points_m: Floats, here: Floats, radius_m: float) -> list[int]:
    return [int(each) for each in np.flatnonzero(((points_m - here) ** 2).sum(axis=1) <= radius_m**2)]


def _metres(plane: LocalPlane, degrees: Sequence[tuple[float | None, float | None]]) -> Floats:
    return plane.to_metres(np.array(degrees, np.float64).reshape(-1, 2))


def _matrix(covariance: Covariance) -> Floats:
    east, cross, north = covariance
    return np.array([[east, cross], [cross, north]])
