"""Which moments of a clip are worth a look: one every few metres, or every so many seconds.

Frames of a standing vehicle show the same ground again, those of a fast one skip some; distance is what
counts. Where it is unknown, time has to do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SampledBy = Literal["distance", "time"]

EVERY_M = 4.0
EVERY_S = 0.5
TOLERANCE_S = 0.0005  # containers round timestamps to a millisecond


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """How far the camera has come at each moment of a clip, linear between the moments given.

    Attributes:
        offset_s: (n,) float64, strictly increasing, seconds from the clip's first picture; may reach beyond
            both of its ends.
        metres: (n,) float64, along the way from any beginning, never decreasing; NaN where unknown, and
            then nothing is known up to the neighbours.
    """

    offset_s: Floats
    metres: Floats

    def __post_init__(self) -> None:
        known = self.metres[~np.isnan(self.metres)]
        if self.offset_s.ndim != 1 or self.offset_s.shape != self.metres.shape:
            raise ValueError(
                f"offset_s and metres must be (n,), got {self.offset_s.shape}, {self.metres.shape}"
            )
        if not np.isfinite(self.offset_s).all() or (np.diff(self.offset_s) <= 0).any():
            raise ValueError("offset_s must be finite and strictly increasing")
        if np.isinf(known).any() or (np.diff(known) < 0).any():
            raise ValueError("metres must be finite or NaN, and never decrease")

    def at(self, offset_s: float) -> float:
        """Metres at a moment; NaN where unknown."""
        before = int(np.searchsorted(self.offset_s, offset_s, side="right")) - 1
        if before >= 0 and self.offset_s[before] == offset_s:
            return float(self.metres[before])  # known, even with nothing known beside it
        if not 0 <= before < len(self.offset_s) - 1:
            return math.nan
        return float(np.interp(offset_s, self.offset_s[before:][:2], self.metres[before:][:2]))

    def when(self, metres: float) -> float:
        """The first moment known to be at least that far; infinity if there is none."""
        farthest = np.fmax.accumulate(np.where(np.isnan(self.metres), -np.inf, self.metres))
        after = int(np.searchsorted(farthest, metres))
        if after == len(farthest):
            return math.inf
        end_s, end_m = self.offset_s[after], self.metres[after]
        if after == 0 or np.isnan(self.metres[after - 1]):
            return float(end_s)
        start_s, start_m = self.offset_s[after - 1], self.metres[after - 1]
        return float(start_s + (end_s - start_s) * ((metres - start_m) / (end_m - start_m)))

    def unknown_from(self, offset_s: float) -> float:
        """The first moment, not before `offset_s`, of which no distance is known."""
        edges = np.concatenate([[-np.inf], self.offset_s, [np.inf]])
        metres = np.concatenate([[np.nan], self.metres, [np.nan]])
        unknown = np.isnan(metres[:-1]) | np.isnan(metres[1:])
        starts, ends = edges[:-1][unknown] + 2 * TOLERANCE_S, edges[1:][unknown]  # known at the edge itself
        return float(max(starts[np.searchsorted(ends, offset_s)], offset_s))


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """How to choose.

    Attributes:
        travel: None to choose by time throughout.
        every_m: metres from one frame to the next, where the way is known.
        every_s: seconds from one frame to the next, where it is not.
    """

    travel: Travel | None = None
    every_m: float = EVERY_M
    every_s: float = EVERY_S

    def __post_init__(self) -> None:
        if not (0 < self.every_m < math.inf and 0 < self.every_s < math.inf):
            raise ValueError(f"spacings must be positive, got {self.every_m} m and {self.every_s} s")

    def to_json(self) -> dict[str, Any]:
        """For another process; `from_json` reads it."""
        travel = self.travel
        return {
            "every_m": self.every_m,
            "every_s": self.every_s,
            "travel": travel and {"offset_s": travel.offset_s.tolist(), "metres": travel.metres.tolist()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        travel = values["travel"]
        if travel is not None:
            travel = Travel(**{name: np.array(column, np.float64) for name, column in travel.items()})
        return cls(travel, values["every_m"], values["every_s"])

    def by(self, offset_s: float) -> SampledBy:
        """What decides at this moment."""
        known = self.travel is not None and not math.isnan(self.travel.at(offset_s))
        return "distance" if known else "time"

    def after(self, offset_s: float) -> float:
        """The earliest moment for the next frame, if the last was taken at `offset_s`; infinity for never."""
        in_time = offset_s + self.every_s
        if self.travel is None or self.by(offset_s) == "time":
            return in_time
        in_distance = self.travel.when(self.travel.at(offset_s) + self.every_m)
        return min(in_distance, self.travel.unknown_from(in_time))


class Sampler:
    """Goes along a clip and takes what is due.

    Attributes:
        next_s: nothing before this moment is wanted.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self.next_s = -math.inf

    def take(self, offset_s: float) -> SampledBy | None:
        """What this moment is taken for, or None for leaving it; moments are given in order."""
        if offset_s < self.next_s - TOLERANCE_S:
            return None
        self.next_s = self._sampling.after(offset_s)
        return self._sampling.by(offset_s)
