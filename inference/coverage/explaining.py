"""Which sighting of a pass is which known place, all neighbours and the receiver's error weighed together.

Each place is gone, missed, or is one of the sightings; each sighting is one place at most, or something new.
The probability of each place's state is summed exactly over all such explanations, and over the error that
the receiver has in common for all things hereabouts (joint probabilistic data association: Bar-Shalom,
Daum, Huang, IEEE Control Systems 29(6), 2009).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GATE = 13.8  # squared Mahalanobis distance that 0.1 % of true pairs exceed
NEAREST = 4  # sightings that one place can be
GRID_STEP_M, GRID_SIGMAS, MAX_GRID = 0.8, 3.0, 31


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A place beforehand.

    Attributes:
        east_north_m: (2,).
        own_m2: (2, 2) of its position, without what the pass's receiver adds.
        present: probability that it is still there.
        missed: probability that the pass would not detect it if so.
        single: probability that only one frame would, if any.
    """

    east_north_m: Floats
    own_m2: Floats
    present: float
    missed: float
    single: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A sighting.

    Attributes:
        east_north_m: (2,).
        own_m2: (2, 2), without what the receiver adds.
        single: it rests on one frame alone.
    """

    east_north_m: Floats
    own_m2: Floats
    single: bool


@dataclass(frozen=True, slots=True)
class Fresh:
    """Sightings that are no known place: false alarms and new things.

    Attributes:
        per_m2: density.
        single_share: of those that rest on one frame alone.
    """

    per_m2: float
    single_share: float

    def density(self, single: bool) -> float:
        """Of sightings of this kind."""
        return self.per_m2 * (self.single_share if single else 1 - self.single_share)


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a place after the pass.

    Attributes:
        gone: probability.
        matched: probability that one of the sightings is the place.
        sighting: index of the likeliest one, or None.
    """

    gone: float
    matched: float
    sighting: int | None


def believe(
    place: int,
    known: Sequence[Known],
    seen: Sequence[Seen],
    may_be: NDArray[np.bool_],
    shared_m2: Floats,
    fresh: Fresh,
) -> Belief:
    """The state of one place among its neighbours.

    Args:
        place: index in `known`.
        may_be: (known, seen) whether a sighting's class fits a place's.
        shared_m2: (2, 2) covariance of the error that all sightings of the pass have in common.
    """
    errors, weights, step = _shared_errors(shared_m2)
    likelihoods = [
        _likelihoods(each, seen, may_be[index], shared_m2, errors, step, fresh)
        for index, each in enumerate(known)
    ]
    order = [index for index in range(len(known)) if index != place] + [place]
    states: dict[frozenset[int], Floats] = {frozenset(): weights}
    outcomes: dict[int | None, float] = {}
    for position, index in enumerate(order):
        later = {each for rest in order[position + 1 :] for each in likelihoods[rest]}
        grown: dict[frozenset[int], Floats] = {}
        outcomes = {}
        for taken, weight in states.items():
            for choice, factor in _choices(known[index], likelihoods[index], taken):
                value = weight * factor
                used = (taken | {choice} if choice is not None else taken) & later
                grown[used] = grown.get(used, 0.0) + value
                outcomes[choice] = outcomes.get(choice, 0.0) + float(value.sum())
        top = max(outcomes.values())
        states = {used: value / top for used, value in grown.items()}
    total = sum(outcomes.values())
    one = known[place]
    unmatched = outcomes[None] / total
    absent = 1 - one.present
    chosen = {choice: value for choice, value in outcomes.items() if choice is not None}
    return Belief(
        gone=unmatched * absent / (absent + one.present * one.missed),
        matched=1 - unmatched,
        sighting=max(chosen, key=lambda each: chosen[each]) if chosen else None,
    )


def _choices(
    one: Known, likelihoods: dict[int, Floats], taken: frozenset[int]
) -> list[tuple[int | None, Floats | float]]:
    """What a place can be, given what its neighbours took: nothing seen, or one of the sightings."""
    detected = max(1 - one.missed, 0.02)  # a thing where nothing was to be seen can still have been seen
    return [
        (None, (1 - one.present) + one.present * one.missed),
        *((key, one.present * detected * each) for key, each in likelihoods.items() if key not in taken),
    ]


def _likelihoods(
    one: Known,
    seen: Sequence[Seen],
    may_be: NDArray[np.bool_],
    shared_m2: Floats,
    errors: Floats,
    step: float,
    fresh: Fresh,
) -> dict[int, Floats]:
    """Sighting -> (b,) density if it is this place over the density of fresh ones, for each shared error."""
    found = []
    for index in np.flatnonzero(may_be).tolist():
        other = seen[index]
        spread = one.own_m2 + other.own_m2 + np.eye(2) * step**2 / 4  # between the grid's points
        away = other.east_north_m - one.east_north_m
        total = away @ np.linalg.solve(spread + shared_m2, away)
        if total >= GATE:
            continue
        rest = away - errors  # (b, 2)
        squares = np.einsum("bi,ij,bj->b", rest, np.linalg.inv(spread), rest)
        density = np.exp(-squares / 2) / (2 * math.pi * math.sqrt(np.linalg.det(spread)))
        alike = one.single if other.single else 1 - one.single
        found.append((float(total), index, density * alike / fresh.density(other.single)))
    return {index: density for _, index, density in sorted(found, key=lambda each: each[:2])[:NEAREST]}


def _shared_errors(shared_m2: Floats) -> tuple[Floats, Floats, float]:
    """Grid over the shared error: (b, 2) metres, (b,) weights that sum to 1, and its step."""
    values, vectors = np.linalg.eigh(shared_m2)
    sigmas = np.sqrt(np.maximum(values, 0))
    if sigmas.max() < GRID_STEP_M / 4:
        return np.zeros((1, 2)), np.ones(1), 0.0
    reach = GRID_SIGMAS * sigmas.max()
    count = min(2 * math.ceil(reach / GRID_STEP_M) + 1, MAX_GRID)
    line = np.linspace(-GRID_SIGMAS, GRID_SIGMAS, count)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    weights = np.exp(-(grid**2).sum(axis=1) / 2)
    return (grid * sigmas) @ vectors.T, weights / weights.sum(), 2 * reach / (count - 1)
