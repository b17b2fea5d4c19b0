"""What positions and times cannot be: named, frame by frame.

All functions take positions in metres of one plane, in order of time (those about the device's clock: in
the order of the files), none missing.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_SPEED_MPS = 400 / 3.6
WHOLE_SECOND_S = 1.0  # many cameras write whole seconds
NULL_ISLAND_DEG = 0.01

_JUMP_M, _JUMP_SIGMAS, _JUMP_HASTE = 15.0, 5.0, 3.0
_STANDING_WINDOW_S, _STANDING_M, _STANDING_MPS = 5.0, 5.0, 0.5
_REVERSAL_STEP_M, _REVERSALS, _REVERSAL_WINDOW = 2.0, 3, 3
_SECOND_DEVICE_FRAMES, _SECOND_DEVICE_SHARE, _SECOND_DEVICE_SWAPS = 5, 0.1, 3
_CLOCK_BACK_S, _CLOCK_AHEAD_S, _CLOCK_SET_S = 2.0, 1800.0, 10.0
_SLOW_MPS, _DRIVING_SHARE = 2.0, 0.4


def at_null_island(lon_lat: Floats) -> Bools:
    """(n,) within a kilometre of 0, 0, where receivers without a fix say they are."""
    return np.asarray(np.abs(lon_lat).max(axis=-1) < NULL_ISLAND_DEG)


def find_strays(times_s: Floats, points_m: Floats) -> Bools:
    """(n,) positions that nothing on wheels (400 km/h) could have visited between the others.

    The most positions that one vehicle can have visited, in order, are taken to be sound.
    """
    count = len(times_s)
    if count < 2:
        return np.zeros(count, bool)
    sound = _reachable(times_s[:-1], points_m[:-1], times_s[1:], points_m[1:])
    if sound.all():
        return np.zeros(count, bool)
    starts = np.concatenate([[0], np.flatnonzero(~sound) + 1])
    ends = np.append(starts[1:], count) - 1
    best = (ends - starts + 1).astype(np.int64)
    before = np.full(len(starts), -1)
    for index in range(1, len(starts)):
        here, earlier = starts[index], ends[:index]
        linked = _reachable(times_s[earlier], points_m[earlier], times_s[here], points_m[here])
        if linked.any():
            before[index] = int(np.where(linked, best[:index], -1).argmax())
            best[index] += best[before[index]]
    stray = np.ones(count, bool)
    link = int(best.argmax())
    while link >= 0:
        stray[starts[link] : ends[link] + 1] = False
        link = int(before[link])
    return stray


def find_second_device(times_s: Floats, points_m: Floats, stray: Bools) -> Bools:
    """(n,) strays that are a vehicle of their own, seen again and again in between the others."""
    second = np.zeros(len(stray), bool)
    members = np.flatnonzero(stray)
    second[members] = ~find_strays(times_s[members], points_m[members])
    swaps = np.count_nonzero(np.diff(second[second | ~stray].astype(int)) > 0)
    enough = max(_SECOND_DEVICE_FRAMES, _SECOND_DEVICE_SHARE * len(stray))
    if second.sum() < enough or swaps < _SECOND_DEVICE_SWAPS:
        second[:] = False
    return second


def find_jumps(times_s: Floats, points_m: Floats, sigma_m: Floats) -> Bools:
    """(n,) single positions far beside the line that their neighbours draw.

    A dead end driven into and out of, or a corner, looks alike when frames are far apart in time; so the
    detour must also ask for a speed that the vehicle does not have otherwise.
    """
    jump = np.zeros(len(times_s), bool)
    if len(times_s) < 4:
        return jump
    before, here, after = points_m[:-2], points_m[1:-1], points_m[2:]
    detour = np.hypot(*(here - before).T) + np.hypot(*(after - here).T)
    lasted = np.maximum(times_s[2:] - times_s[:-2], 2 * WHOLE_SECOND_S)
    usual = np.median(np.hypot(*np.diff(points_m, axis=0).T) / np.maximum(np.diff(times_s), WHOLE_SECOND_S))
    haste = detour / lasted > _JUMP_HASTE * max(float(usual), _SLOW_MPS)
    aside = _distance_to_segment(here, before, after) > np.maximum(_JUMP_M, _JUMP_SIGMAS * sigma_m[1:-1])
    jump[1:-1] = haste & aside
    # The neighbours of a jump are drawn aside by it: only the worst of three next to each other is one.
    aside_m = np.zeros(len(times_s))
    aside_m[1:-1] = _distance_to_segment(here, before, after)
    worst = np.maximum(np.roll(aside_m, 1), np.roll(aside_m, -1)) <= aside_m
    return np.asarray(jump & worst)


def find_stationary(times_s: Floats, points_m: Floats) -> Bools:
    """(n,) frames taken while the vehicle stood: within five seconds on either side it got nowhere."""
    count = len(times_s)
    order = np.arange(count)
    first = np.searchsorted(times_s, times_s - _STANDING_WINDOW_S, "left")
    last = np.searchsorted(times_s, times_s + _STANDING_WINDOW_S, "right") - 1
    first, last = (
        np.minimum(first, np.maximum(order - 1, 0)),
        np.maximum(last, np.minimum(order + 1, count - 1)),
    )
    lasted = times_s[last] - times_s[first]
    moved = np.hypot(*(points_m[last] - points_m[first]).T)
    still = moved < np.minimum(_STANDING_MPS * lasted, _STANDING_M)
    return np.asarray(still & (lasted >= _STANDING_WINDOW_S - WHOLE_SECOND_S))


def find_zig_zag(points_m: Floats) -> Bools:
    """(n,) frames among which positions go back and forth: three reversals within seven frames."""
    count = len(points_m)
    zig_zag = np.zeros(count, bool)
    if count < 5:
        return zig_zag
    steps = np.diff(points_m, axis=0)
    lengths = np.hypot(*steps.T)
    product = (steps[:-1] * steps[1:]).sum(axis=1)
    reversal = np.zeros(count)
    reversal[1:-1] = product < -0.5 * lengths[:-1] * lengths[1:]
    reversal[1:-1] *= np.minimum(lengths[:-1], lengths[1:]) > _REVERSAL_STEP_M
    window = np.ones(2 * _REVERSAL_WINDOW + 1)
    return np.asarray(
        np.convolve(reversal, window)[_REVERSAL_WINDOW : _REVERSAL_WINDOW + count] >= _REVERSALS
    )


def split_at_clock_jumps(camera_s: Floats, points_m: Floats, gps_s: Floats) -> Ints:
    """(n,) which stretch between settings of the device's clock each frame belongs to, 0 and up.

    Args:
        camera_s: (n,) device time in the order of the files.
        points_m: (n, 2) NaN where there is no position.
        gps_s: (n,) UTC of the fix, NaN where there is none.
    """
    jumps = _against_gps(camera_s - gps_s) | _back(camera_s, points_m) | _far_ahead(camera_s, points_m)
    return np.cumsum(jumps)


def _against_gps(away: Floats) -> Bools:
    """The receiver's time beside the camera's tells outright; a late fix now and then does not."""
    jump = np.zeros(len(away), bool)
    known = np.flatnonzero(np.isfinite(away))
    for index in np.flatnonzero(np.abs(np.diff(away[known])) > _CLOCK_SET_S) + 1:
        before, after = away[known[max(index - 5, 0) : index]], away[known[index : index + 5]]
        steady = min(len(before), len(after)) > 1 or len(known) <= 3
        jump[known[index]] = steady and abs(np.median(after) - np.median(before)) > _CLOCK_SET_S
    return jump


def _back(camera_s: Floats, points_m: Floats) -> Bools:
    """Time runs back while the way goes on, and putting the frames in order of time would break the way."""
    jump = np.zeros(len(camera_s), bool)
    backwards = np.flatnonzero(np.diff(camera_s) < -_CLOCK_BACK_S) + 1
    near = _near_m(points_m)
    if len(backwards) > max(3, 0.02 * len(camera_s)):
        return jump  # the files are out of order
    for index in backwards:
        goes_on = np.hypot(*(points_m[index] - points_m[index - 1])) <= near
        overlap = camera_s[index:].max() >= camera_s[:index].min()
        swapped = np.hypot(*(points_m[0] - points_m[-1])) <= near
        jump[index] = goes_on and (overlap or not swapped)
    return jump


def _far_ahead(camera_s: Floats, points_m: Floats) -> Bools:
    """Half an hour gone within one step, in the middle of driving: no time to brake, park and set off."""
    jump = np.zeros(len(camera_s), bool)
    lasted, way = np.diff(camera_s), np.hypot(*np.diff(points_m, axis=0).T)
    if not (lasted > _CLOCK_AHEAD_S).any() or np.isnan(way).all():
        return jump
    speed = way / np.maximum(lasted, WHOLE_SECOND_S / 2)
    driving = speed > _DRIVING_SHARE * np.nanmedian(speed)
    onward = (way > _DRIVING_SHARE * np.nanmedian(way)) & (way <= _near_m(points_m))
    for index in np.flatnonzero(lasted > _CLOCK_AHEAD_S):
        around = 0 < index < len(lasted) - 1 and driving[index - 1] and driving[index + 1]
        jump[index + 1] = around and onward[index]
    return jump


def _near_m(points_m: Floats) -> float:
    """How far apart two frames that follow each other may be."""
    steps = np.hypot(*np.diff(points_m, axis=0).T)
    steps = steps[np.isfinite(steps)]
    return 3 * float(np.median(steps)) + 10 if len(steps) else 0.0


def _reachable(from_s: Floats, from_m: Floats, to_s: Floats, to_m: Floats) -> Bools:
    way = np.hypot(*(to_m - from_m).T)
    return np.asarray(way <= MAX_SPEED_MPS * np.maximum(to_s - from_s, WHOLE_SECOND_S))


def _distance_to_segment(points: Floats, start: Floats, end: Floats) -> Floats:
    line = end - start
    square = np.maximum((line**2).sum(axis=1), 1e-12)
    share = np.clip(((points - start) * line).sum(axis=1) / square, 0, 1)
    distance: Floats = np.hypot(*(points - start - share[:, None] * line).T)
    return distance
