"""How far two patrols disagree about the same street: the shift between their receivers' errors.

A receiver is wrong by metres, but by nearly the same metres for everything within a hundred of them. So two
patrols see the same pattern of things, shifted. The shift that lays most things of one patrol on things of
the same class of the other is the one to believe; without it, neighbours eight metres apart could not be
told from each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.places.sighting import Covariance
from streetsight.inference.positions.drift import drift_share

Floats = NDArray[np.float64]

GATE = 11.83  # chi-squared, 2 degrees of freedom: 99.73 % of true pairs
_LEAST_M2 = np.eye(2) * 0.4**2  # no two sightings agree better, whatever they say
VISIT_S = 60.0  # a vehicle that sees a thing again so much later has come back to it
APART_M = 4.0  # shifts that differ by more are different answers, not noise
FOUND = 6.0  # logarithm of how much likelier a pair at the same place is one thing than two, at 1 m2


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The things that one patrol saw in a window.

    Attributes:
        ids: of the sightings.
        classes: of each.
        points_m: (n, 2) east, north in the window's plane.
        seen_s: (n,) when each was first seen, seconds.
        own_m2: (n, 2, 2) covariance of each, without the receiver's error.
        shared_m2: (2, 2) of the receiver's error.
    """

    ids: tuple[str, ...]
    classes: NDArray[np.str_]
    points_m: Floats
    seen_s: Floats
    own_m2: Floats
    shared_m2: Floats

    @property
    def drift_m2(self) -> Floats:
        """(n, 2, 2) how much the receiver's error differs from that in the middle of the window."""
        drift: Floats = drift_share(self.seen_s - np.median(self.seen_s))[:, None, None] * self.shared_m2
        return drift


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """What a shift makes of two patterns.

    Attributes:
        shift_m: (2,) second minus first.
        shift_m2: (2, 2) its covariance.
        doubt: probability that a shift metres away is the right one: the next likeliest against this one.
        best: for each thing of the first pattern, the id of the second's that it most likely is, and the
            squared distance in sigmas; only what lies within the gate.
    """

    shift_m: Floats
    shift_m2: Floats
    best: dict[str, tuple[str, float]]
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """From a place on the map to where one patrol's receiver puts it.

    Attributes:
        east_m, north_m: to add to the place's position.
        covariance_m2: of the sum; what is unsure of the place is in it.
        doubt: probability that it is off by metres, to some neighbour of the place.
    """

    east_m: float
    north_m: float
    covariance_m2: Covariance
    doubt: float


def pair_up(first: Pattern, second: Pattern) -> Pairing:
    """Find the shift between two patrols' patterns, and who is who under it."""
    shared = first.shared_m2 + second.shared_m2
    i, j = np.nonzero(first.classes[:, None] == second.classes[None, :])
    if not len(i):
        return Pairing(np.zeros(2), shared, {})
    apart = second.points_m[j] - first.points_m[i]  # (k, 2)
    own = (first.own_m2 + first.drift_m2)[i] + (second.own_m2 + second.drift_m2)[j] + _LEAST_M2  # (k, 2, 2)
    possible = _squared(apart, own + shared) < GATE
    i, j, apart, own = i[possible], j[possible], apart[possible], own[possible]
    if not len(i):
        return Pairing(np.zeros(2), shared, {})
    shift, shift_m2, doubt = _best_shift(i, j, apart, own, shared)
    squared = _squared(apart - shift, own + shift_m2)
    return Pairing(shift, shift_m2, _nearest(first, second, i, j, squared), doubt)


def pair_up_alone(pattern: Pattern, again: bool) -> Pairing:
    """A patrol with itself.

    The longer between two sightings, the more the receiver's error may have changed.

    Args:
        again: pair what the vehicle came back to later; otherwise pieces of what tracking lost on the way.
    """
    apart_s = np.abs(pattern.seen_s[:, None] - pattern.seen_s[None, :])
    alike = (pattern.classes[:, None] == pattern.classes[None, :]) & ((apart_s > VISIT_S) == again)
    i, j = np.nonzero(alike)
    changed = drift_share(apart_s[i, j])[:, None, None] * pattern.shared_m2
    own = pattern.own_m2[i] + pattern.own_m2[j] + changed + _LEAST_M2
    squared = _squared(pattern.points_m[j] - pattern.points_m[i], own)
    return Pairing(np.zeros(2), pattern.shared_m2, _nearest(pattern, pattern, i, j, squared))


def _best_shift(
    i: NDArray[np.int64], j: NDArray[np.int64], apart: Floats, own: Floats, shared: Floats
) -> tuple[Floats, Floats, float]:
    """The likeliest shift, its covariance and doubt: every pair proposes one, all pairs vote."""
    precision = np.linalg.inv(own)  # (k, 2, 2)
    prior = np.linalg.inv(shared)
    proposals = np.vstack([apart, np.zeros((1, 2))])  # (h, 2)
    worth = FOUND - 0.5 * np.log(np.linalg.det(own))  # (k,)
    away = apart[None] - proposals[:, None]  # (h, k, 2)
    votes = np.maximum(worth - 0.5 * np.einsum("hka,kab,hkb->hk", away, precision, away), 0.0)
    score = np.minimum(_sum_of_best(votes, i), _sum_of_best(votes, j))
    score -= 0.5 * np.einsum("ha,ab,hb->h", proposals, prior, proposals)
    chosen = int(np.argmax(score))
    others = score[((proposals - proposals[chosen]) ** 2).sum(axis=1) > APART_M**2]
    doubt = 1 / (1 + np.exp(score[chosen] - others.max())) if len(others) else 0.0
    voters = votes[chosen] > 0
    information = prior + precision[voters].sum(axis=0)
    covariance = np.linalg.inv(information)
    shift = covariance @ np.einsum("kab,kb->a", precision[voters], apart[voters])
    return shift, covariance, float(doubt)


def _sum_of_best(votes: Floats, group: NDArray[np.int64]) -> Floats:
    """(h, k) votes to (h,): each thing gives its best vote once, however many pairs it is in."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    total: Floats = np.maximum.reduceat(votes[:, order], starts, axis=1).sum(axis=1)
    return total


def _nearest(
    first: Pattern, second: Pattern, i: NDArray[np.int64], j: NDArray[np.int64], squared: Floats
) -> dict[str, tuple[str, float]]:
    best: dict[str, tuple[str, float]] = {}
    rows: Sequence[tuple[int, int, float]] = list(zip(i.tolist(), j.tolist(), squared.tolist(), strict=True))
    for a, b, distance in rows:
        own, other = first.ids[a], second.ids[b]
        if distance < GATE and own != other:
            known = best.get(own)
            if known is None or (distance, other) < (known[1], known[0]):
                best[own] = (other, distance)
    return best


def _squared(apart: Floats, covariance: Floats) -> Floats:
    """(k, 2) and (k, 2, 2) to (k,) squared Mahalanobis distances."""
    squared: Floats = np.einsum("ka,kab,kb->k", apart, np.linalg.inv(covariance), apart)
    return squared
