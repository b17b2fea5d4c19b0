"""True times of a patrol's frames, by the device's clock, its offset and the receiver's UTC."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.clock import ClockEstimate, estimate_clock
from streetsight.inference.positions.findings import Findings
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.readings import Readings
from streetsight.inference.positions.sanity import split_at_clock_jumps
from streetsight.inference.positions.tracks import Track

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_ROUNDING_S = 0.29  # of a time cut to whole seconds: 1 / sqrt(12)


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Times of n frames.

    Attributes:
        true_s: (n,) seconds since 1970 UTC; NaN where unknown.
        sigma_s: (n,) one sigma.
        trusted: (n,) False on stretches of a clock that was set, where nothing tells its offset.
        order: (n,) indices in order of time; frames without a time last, as given.
        clocks: of each stretch.
    """

    true_s: Floats
    sigma_s: Floats
    trusted: Bools
    order: Ints
    clocks: tuple[ClockEstimate, ...]


def tell_times(
    readings: Readings, plane: LocalPlane, profile: DeviceProfile, track: Track | None, findings: Findings
) -> Times:
    """Each stretch between settings of the clock has an offset of its own."""
    count = len(readings.camera_s)
    stretch = _stretches(readings, plane)
    true_s, sigma_s, trusted = readings.gps_s.copy(), np.full(count, _ROUNDING_S), np.ones(count, bool)
    clocks = []
    for each in range(int(stretch.max(initial=-1)) + 1):
        members = stretch == each
        clock = estimate_clock(
            readings.camera_s[members], readings.gps_s[members], readings.lon_lat[members], track, profile
        )
        clocks.append(clock)
        true_s[members] = readings.camera_s[members] - clock.offset_s
        sigma_s[members] = np.hypot(clock.sigma_s, np.where(readings.whole_second[members], _ROUNDING_S, 0))
        trusted[members] = clock.method in ("gps_time", "track")
    if len(clocks) > 1:
        set_again = (stretch >= 0) & (stretch != np.bincount(stretch[stretch >= 0]).argmax())
        findings.mark("clock_jump", set_again)
        findings.report("clock_jump", set_again)
    else:
        trusted[:] = True
    findings.mark("no_time", np.isnan(true_s))
    if any(clock.refusal for clock in clocks):
        findings.report("clock_unknown")
    _report_order(readings.camera_s, stretch, findings)
    # On an unset clock's own word, frames of one stretch would fall in between those of another.
    by_stretch = np.where(stretch >= 0, stretch, 0) if not trusted.all() else np.zeros(count)
    order = np.lexsort((np.arange(count), np.nan_to_num(true_s, nan=np.inf), by_stretch))
    order = np.concatenate([order[~np.isnan(true_s[order])], order[np.isnan(true_s[order])]])
    return Times(true_s, sigma_s, trusted, order, tuple(clocks))


def _stretches(readings: Readings, plane: LocalPlane) -> Ints:
    """(n,) number of the stretch between settings of the clock; -1 for frames without a camera time."""
    timed = np.flatnonzero(np.isfinite(readings.camera_s))
    stretch = np.full(len(readings.camera_s), -1)
    stretch[timed] = split_at_clock_jumps(
        readings.camera_s[timed], plane.to_metres(readings.lon_lat[timed]), readings.gps_s[timed]
    )
    return stretch


def _report_order(camera_s: Floats, stretch: Ints, findings: Findings) -> None:
    """Frames that lie behind a later one of the same stretch."""
    late = np.zeros(len(camera_s), bool)
    for each in range(int(stretch.max(initial=-1)) + 1):
        members = np.flatnonzero(stretch == each)
        late[members] = camera_s[members] < np.maximum.accumulate(camera_s[members])
    if late.any():
        findings.report("out_of_order", late)
