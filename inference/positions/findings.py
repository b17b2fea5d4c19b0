"""Named outcomes of a patrol: of single frames, and of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.pose import PoseProblem
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language

Bools = NDArray[np.bool_]

PatrolProblem = Literal[
    "track_elsewhere",     # no photo lies within a kilometre of the track: another city
    "track_not_covering",  # no photo was taken while the track runs
    "track_disagrees",     # photos and track are far apart at the same moment: is `coordinates` right?
    "clock_unknown",       # the track could not tell the clock's offset; the clock was taken to be right
    "clock_jump",          # the clock was set while the vehicle drove
    "out_of_order",        # files do not lie in order of time
    "duplicates",          # the same bytes more than once
    "two_devices",         # two vehicles under one id
    "stationary",          # the vehicle never moved
]  # fmt: skip


SENTENCES: dict[PatrolProblem, str] = {
    "track_elsewhere": (
        "no photo lies within 1 km of the track, which was not used; is it of another city or another round?"
    ),
    "track_not_covering": (
        "no photo was taken while the track runs; check its date, and time_zone in the device profile"
    ),
    "track_disagrees": (
        "photos and track are far apart at the same moment ({count} photos); "
        "check coordinates and track_coordinates in the device profile"
    ),
    "clock_unknown": (
        "the track could not tell how far the camera's clock is off, and the clock was taken to be right; "
        "set clock_offset_s in the device profile"
    ),
    "clock_jump": "the device's clock was set during the patrol; {count} photos are from before or after it",
    "out_of_order": "{count} photos did not lie in order of time and were put in order",
    "duplicates": "{count} photos are byte for byte the same as an earlier one and count once",
    "two_devices": (
        "two vehicles write under one device id, {count} photos are the other's; give each its own"
    ),
    "stationary": "the vehicle never moved",
}


@dataclass(frozen=True, slots=True)
class PatrolOutcome:
    """Something about a patrol as a whole, with the names of the frames it concerns."""

    problem: PatrolProblem
    frames: tuple[str, ...] = ()

    def say(self, language: Language) -> str:
        """What happened, and what to do about it."""
        return translate(SENTENCES[self.problem], language, count=len(self.frames))


class Findings:
    """Collects what is found about frames, by name, and about their patrol."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of_frames: list[set[PoseProblem]] = [set() for _ in names]
        self.of_patrol: list[PatrolOutcome] = []
        self._names = names

    def mark(self, problem: PoseProblem, which: Bools) -> None:
        """(n,) frames that have this problem."""
        for index in np.flatnonzero(which):
            self.of_frames[index].add(problem)

    def report(self, problem: PatrolProblem, which: Bools | None = None) -> None:
        """The patrol has this problem, because of these frames."""
        concerned: list[int] = np.flatnonzero(which).tolist() if which is not None else []
        self.of_patrol.append(PatrolOutcome(problem, tuple(self._names[index] for index in concerned)))
