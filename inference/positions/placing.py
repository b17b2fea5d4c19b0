"""Positions of a patrol's frames: from track, photo or the frames around; and which of them are wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.positions.findings import Findings
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import PoseProblem
from streetsight.inference.positions.readings import Readings
from streetsight.inference.positions.sanity import (
    find_jumps,
    find_second_device,
    find_stationary,
    find_strays,
    find_zig_zag,
)
from streetsight.inference.positions.timing import Times
from streetsight.inference.positions.tracks import Track, Whereabouts, between_sigma, bracket, interpolate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BRIDGED_S = 10.0  # frames without a position lie between located ones at most this far apart
_RUN_GAP_S = 30.0  # frames farther apart in time are not on one line
_ELSEWHERE_M, _DISAGREES_M = 1000.0, 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Positions of n frames.

    Attributes:
        points_m: (n, 2) in the patrol's plane; NaN for none.
        sigma_m: (n,) one sigma per axis.
        by_track, bridged: (n,) position is the track's, or lies between those of other frames.
        run: (n,) ids of frames that one vehicle took without a break; -1 for frames without time or position.
        standing: (n,) no course is to be read from the positions.
        whereabouts: what the track says of each frame.
    """

    points_m: Floats
    sigma_m: Floats
    by_track: Bools
    bridged: Bools
    run: Ints
    standing: Bools
    whereabouts: Whereabouts | None


def is_elsewhere(readings: Readings, plane: LocalPlane, track: Track) -> bool:
    """Not one photo lies within a kilometre of the track."""
    own = plane.to_metres(readings.lon_lat[np.isfinite(readings.lon_lat).all(axis=1)])
    if not len(own):
        return False
    way = plane.to_metres(track.lon_lat)
    some = own[np.linspace(0, len(own) - 1, min(len(own), 200)).astype(int)]
    return bool(min(np.hypot(*(way - point).T).min() for point in some) > _ELSEWHERE_M)


def place_frames(
    readings: Readings, times: Times, plane: LocalPlane, track: Track | None, findings: Findings
) -> Places:
    """The track's position goes before the photo's, and both before one between others."""
    points, sigma = plane.to_metres(readings.lon_lat), readings.sigma_m.copy()
    by_track: Bools = np.zeros(len(points), bool)
    whereabouts = None
    if track is not None:
        whereabouts = track.at(np.where(times.trusted, times.true_s, np.nan))
        found = plane.to_metres(whereabouts.lon_lat)
        by_track = np.asarray(np.isfinite(found[:, 0]))
        _compare(by_track, found, points, sigma, findings)
        points = np.where(by_track[:, None], found, points)
        late = np.nan_to_num(whereabouts.speed_mps) * times.sigma_s / np.sqrt(2)  # along the way only
        stated = np.where(np.isnan(whereabouts.accuracy_m), sigma, whereabouts.accuracy_m)
        sigma = np.where(by_track, np.sqrt(stated**2 + whereabouts.between_m**2 + late**2), sigma)
        _mark_uncovered(by_track, points, times, findings)
    line = times.order[np.isfinite(times.true_s[times.order])]
    vehicle = _drop_impossible(points, sigma, times.true_s, line, findings)
    bridged = _bridge(points, sigma, times.true_s, line, vehicle)
    run = _runs(points, times.true_s, line, vehicle)
    standing = _mark_movement(points, times.true_s, line, run, findings)
    return Places(points, sigma, by_track, bridged, run, standing, whereabouts)


def _compare(by_track: Bools, found: Floats, own: Floats, sigma: Floats, findings: Findings) -> None:
    if not by_track.any():
        findings.report("track_not_covering")
    both = by_track & np.isfinite(own).all(axis=1)
    if both.any():
        apart = np.hypot(*(found - own)[both].T)
        if np.median(apart) > max(_DISAGREES_M, 5 * float(np.median(sigma[both]))):
            findings.report("track_disagrees", both)


def _mark_uncovered(by_track: Bools, points: Floats, times: Times, findings: Findings) -> None:
    """A time but no position, neither of its own nor on the track."""
    findings.mark("off_track", ~by_track & np.isnan(points[:, 0]) & np.isfinite(times.true_s))


def _drop_impossible(points: Floats, sigma: Floats, true_s: Floats, line: Ints, findings: Findings) -> Ints:
    """Take out positions that cannot be; (n,) which vehicle took each frame, 0 unless there are two."""
    vehicle = np.zeros(len(points), np.int64)
    located = line[np.isfinite(points[line, 0])]
    stray = find_strays(true_s[located], points[located])
    second = find_second_device(true_s[located], points[located], stray)
    vehicle[located[second]] = 1
    if second.any():
        findings.mark("two_devices", vehicle == 1)
        findings.report("two_devices", vehicle == 1)
    _take_out("too_fast", located[stray & ~second], points, findings)
    for each in np.unique(vehicle):
        members = line[(vehicle[line] == each) & np.isfinite(points[line, 0])]
        jump = find_jumps(true_s[members], points[members], sigma[members])
        _take_out("jump", members[jump], points, findings)
    return vehicle


def _take_out(problem: PoseProblem, which: Ints, points: Floats, findings: Findings) -> None:
    mask = np.zeros(len(points), bool)
    mask[which] = True
    findings.mark(problem, mask)
    points[which] = np.nan


def _bridge(points: Floats, sigma: Floats, true_s: Floats, line: Ints, vehicle: Ints) -> Bools:
    """Give frames between two located ones a position; which they are."""
    bridged = np.zeros(len(points), bool)
    known = line[np.isfinite(points[line, 0]) & (vehicle[line] == 0)]
    missing = line[np.isnan(points[line, 0])]
    if len(known) < 2 or not len(missing):
        return bridged
    known = known[np.append(np.diff(true_s[known]) > 0, True)]
    segment = np.concatenate([[0], np.cumsum(np.diff(true_s[known]) > BRIDGED_S)])
    columns = np.column_stack([points[known], sigma[known]])
    found = interpolate(true_s[known], columns, segment, true_s[missing])
    filled = np.isfinite(found[:, 0])
    before, after = (known[each] for each in bracket(true_s[known], true_s[missing]))
    loose = between_sigma(true_s[missing] - true_s[before], true_s[after] - true_s[missing])
    which = missing[filled]
    points[which], sigma[which] = found[filled, :2], np.hypot(found[filled, 2], loose[filled])
    bridged[which] = True
    return bridged


def _runs(points: Floats, true_s: Floats, line: Ints, vehicle: Ints) -> Ints:
    run = np.full(len(points), -1)
    started = 0
    for each in np.unique(vehicle):
        members = line[(vehicle[line] == each) & np.isfinite(points[line, 0])]
        if len(members):
            gaps = np.abs(np.diff(true_s[members])) > _RUN_GAP_S
            run[members] = started + np.concatenate([[0], np.cumsum(gaps)])
            started = int(run[members].max()) + 1
    return run


def _mark_movement(points: Floats, true_s: Floats, line: Ints, run: Ints, findings: Findings) -> Bools:
    stationary, zig_zag = np.zeros(len(points), bool), np.zeros(len(points), bool)
    for each in range(int(run.max(initial=-1)) + 1):
        members = line[run[line] == each]
        stationary[members] = find_stationary(true_s[members], points[members])
        zig_zag[members] = find_zig_zag(points[members])
    zig_zag &= ~stationary
    findings.mark("stationary", stationary)
    findings.mark("zig_zag", zig_zag)
    if (run >= 0).any() and stationary[run >= 0].all():
        findings.report("stationary")
    return stationary | zig_zag
