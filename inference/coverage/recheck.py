"""What a later pass says about things that were there: still present, gone, not seen, or uncertain."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.coverage.footprint import position_of
from streetsight.inference.coverage.looks import Look, Looks, look_at, thing_of
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.rules import RecheckRules, default_rules
from streetsight.inference.places.fusion import matrix
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Place, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame

Floats = NDArray[np.float64]
Outcome = Literal["still_present", "gone", "not_seen", "uncertain"]

UNKNOWN_ACCURACY_M = 15.0  # of a position that does not say how good it is


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
    opened: Sequence[Place],
    places: Places,
    patrol_id: str,
    frames: Sequence[PatrolFrame],
    recall: Recall,
    present: Mapping[str, float] | None = None,
    rules: RecheckRules | None = None,
) -> list[Recheck]:
    """One outcome per place, in their order, from one later pass.

    Args:
        opened: places of `places`, as they are now, that were seen before the pass.
        places: all places hereabouts, the sightings of the pass already added, perhaps those of later ones
            too: which neighbour a sighting is, and how far the receiver is off, is decided there.
        patrol_id: the pass.
        frames: of the pass, in any order.
        present: place id -> probability that the thing is still there, such as an earlier re-check left
            it; where it is absent, the class's half-life and the time since the last sighting tell.
    """
    rules, present = rules or default_rules(), present or {}
    one_pass = _Pass.of(patrol_id, frames, places)
    return [one_pass.judge(place, present.get(place.id), recall, rules) for place in opened]


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    patrol_id: str
    places: Places
    frames: Sequence[PatrolFrame]  # with a position
    lon_lat: Floats  # (k, 2) of the frames
    began: datetime | None

    @classmethod
    def of(cls, patrol_id: str, frames: Sequence[PatrolFrame], places: Places) -> "_Pass":
        positioned = [each for each in frames if position_of(each)]
        positions = [each.pose.position for each in positioned]
        lon_lat = np.array([(each.lon, each.lat) for each in positions if each], np.float64).reshape(-1, 2)
        began = min((each.pose.taken_at for each in frames if each.pose.taken_at), default=None)
        return cls(patrol_id, places, positioned, lon_lat, began)

    def judge(self, place: Place, present: float | None, recall: Recall, rules: RecheckRules) -> Recheck:
        before = self._still_there(place, rules) if present is None else _clipped(present, rules)
        if place.lon is None or place.lat is None:
            return Recheck(place.id, "not_seen", 1 - before, 0.0, None, 0.0, 1.0, before, (), ())
        plane = LocalPlane(place.lon, place.lat)
        cameras_m = plane.to_metres(self.lon_lat)
        here, covariance, doubt = self._expected(place, cameras_m)
        looks = self._looks(place, here - cameras_m, covariance, recall, rules)
        odds = {
            each.id: _odds(plane, each, here, covariance, looks, rules)
            for each in self._candidates(place, rules)
        }
        unseen = 1 - before + before * looks.missed
        # A thing where nothing was to be seen can still have been seen.
        seen = before * max(1 - looks.missed, 0.02) * sum(odds.values())
        matched, vanished = seen / (seen + unseen), (1 - before) / unseen
        # If the shift is off by a neighbour, what was matched is not, and what was not may be.
        gone = (1 - doubt) * (1 - matched) * vanished
        gone += doubt * (matched * vanished + (1 - matched) * (1 - before))
        matched = (1 - doubt) * matched + doubt * (1 - matched) * before * (1 - looks.missed)
        return Recheck(
            place.id,
            _outcome(gone, matched, looks.covered, rules),
            gone,
            matched,
            max(odds, key=lambda each: odds[each]) if odds else None,
            looks.covered,
            looks.missed,
            before,
            looks.used,
            looks.unused,
        )

    def _expected(self, place: Place, cameras_m: Floats) -> tuple[Floats, Floats, float]:
        """Where the pass's receiver puts a place: (2,) metres from it, their (2, 2) covariance, and doubt."""
        if shift := self.places.shift_of(self.patrol_id, place):
            return np.array([shift.east_m, shift.north_m]), matrix(shift.covariance_m2), shift.doubt
        # Nothing tells the receivers' errors apart; the nearest frame states this one's.
        sigma = UNKNOWN_ACCURACY_M
        if len(cameras_m):
            position = self.frames[int(np.argmin(np.hypot(*cameras_m.T)))].pose.position
            sigma = (position.accuracy_m if position else None) or UNKNOWN_ACCURACY_M
        return np.zeros(2), matrix(place.covariance_m2) + np.eye(2) * sigma**2, 0.0

    def _looks(
        self, place: Place, away_m: Floats, covariance_m2: Floats, recall: Recall, rules: RecheckRules
    ) -> Looks:
        """Which frames should have shown a place."""
        reach = rules.useful_m + 2 * math.sqrt(float(np.linalg.eigvalsh(covariance_m2).max()))
        near = np.flatnonzero(np.hypot(away_m[:, 0], away_m[:, 1]) <= reach).tolist()
        widths = [each.width_m for each in place.sightings if each.width_m]
        thing = thing_of(place.class_name, rules, float(np.median(widths)) if widths else None)
        frames = [self.frames[each] for each in near]
        return look_at(thing, frames, away_m[near], covariance_m2, recall, rules)

    def _candidates(self, place: Place, rules: RecheckRules) -> list[Sighting]:
        """Sightings of the pass that merging took for the place, or for nothing known before."""
        around = self.places.near(place.lon or 0.0, place.lat or 0.0)
        new = [
            other
            for other in around
            if other.id != place.id
            and rules.may_be(place.class_name, other.class_name)
            and not self._earlier(other)
        ]
        return [each for one in (place, *new) for each in one.sightings if each.patrol_id == self.patrol_id]

    def _earlier(self, place: Place) -> list[Sighting]:
        """What others saw of a place before the pass; what has no time is taken for earlier."""
        return [
            each
            for each in place.sightings
            if each.patrol_id != self.patrol_id
            and (each.first_seen is None or self.began is None or each.first_seen < self.began)
        ]

    def _still_there(self, place: Place, rules: RecheckRules) -> float:
        """Probability before the pass, by the class's half-life."""
        seen = max((each.last_seen for each in self._earlier(place) if each.last_seen), default=None)
        if seen is None or self.began is None:
            return rules.prior_unknown
        days = max(0.0, (self.began - seen).total_seconds() / 86400)
        return _clipped(0.5 ** (days / rules.kind(place.class_name).half_life_days), rules)


def _odds(
    plane: LocalPlane,
    sighting: Sighting,
    here: Floats,
    covariance_m2: Floats,
    looks: Looks,
    rules: RecheckRules,
) -> float:
    """How much denser the thing's sightings lie here than those of new things and false alarms."""
    away = plane.to_metres(np.array([sighting.lon, sighting.lat], np.float64)) - here
    spread = covariance_m2 + matrix(sighting.own_m2)
    density = math.exp(-float(away @ np.linalg.solve(spread, away)) / 2)
    density /= 2 * math.pi * math.sqrt(float(np.linalg.det(spread)))
    once = len(sighting.glimpses) == 1
    alike = looks.single if once else 1 - looks.single
    share = rules.fresh_single_share if once else 1 - rules.fresh_single_share
    return density * alike / (rules.fresh_per_m2 * share)


def _outcome(gone: float, matched: float, covered: float, rules: RecheckRules) -> Outcome:
    if matched >= rules.present_at:
        return "still_present"
    if covered < rules.min_covered:
        return "not_seen"
    return "gone" if gone >= rules.gone_at else "uncertain"


def _clipped(probability: float, rules: RecheckRules) -> float:
    low, high = rules.prior_range
    return float(min(max(probability, low), high))
