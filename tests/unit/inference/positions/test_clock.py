"""The clock's offset: found, as sure as it says, and refused where nothing tells."""

import numpy as np
import pytest

from streetsight.inference.positions.clock import (
    ClockEstimate,
    clock_by_gps_time,
    clock_by_track,
    estimate_clock,
)
from streetsight.inference.positions.profile import DeviceProfile

from .conftest import START_S, WUHAN, Drive, Floats, drive_round_blocks, receiver_noise

RNG = np.random.default_rng(0)


def photos(drive: Drive, count: int = 200, noise_m: float = 0.0, seed: int = 0) -> tuple[Floats, Floats]:
    """True times and positions of photos."""
    rng = np.random.default_rng((seed, 3))
    times = np.sort(rng.uniform(drive.times_s[0] + 5, drive.times_s[-1] - 5, count))
    return times, WUHAN.to_lon_lat(drive.at(times) + receiver_noise(times, noise_m, seed + 100))


def estimate(result: ClockEstimate | str) -> ClockEstimate:
    assert isinstance(result, ClockEstimate), result
    return result


@pytest.mark.parametrize(
    "offset", [0.0, 0.3, 47.0, -47.0, 8 * 3600.0, -8 * 3600.0, 5.5 * 3600 + 12.3, 12 * 3600.0]
)
@pytest.mark.parametrize("count", [3, 200])
def test_exact_positions_tell_to_a_twentieth_of_a_second(blocks: Drive, offset: float, count: int) -> None:
    times, places = photos(blocks, count)
    found = estimate(clock_by_track(times + offset, places, blocks.track(0.2)))
    assert found.offset_s == pytest.approx(offset, abs=0.05)
    assert found.sigma_s < 0.5
    assert (found.method, found.frames_used) == ("track", count)


def test_the_stated_sigma_holds_under_correlated_noise() -> None:
    """Both receivers 3 m off per axis, for half a minute at a time."""
    share = []
    for seed in range(24):
        drive = drive_round_blocks(seed=seed)
        fixes_s = np.arange(drive.times_s[0], drive.times_s[-1], 1.0)
        track = drive.track(noise_m=receiver_noise(fixes_s, 3.0, seed))
        times, places = photos(drive, 150, 3.0, seed)
        found = estimate(clock_by_track(times + 8 * 3600, places, track))
        share.append((found.offset_s - 8 * 3600) / found.sigma_s)
        assert abs(found.offset_s - 8 * 3600) < 0.75
    assert 0.5 < np.std(share) < 1.6


def test_a_few_wild_positions_do_no_harm(blocks: Drive) -> None:
    times, places = photos(blocks)
    places[::6] += RNG.uniform(-0.05, 0.05, places[::6].shape)
    assert estimate(clock_by_track(times + 47, places, blocks.track())).offset_s == pytest.approx(47, abs=0.1)


def test_many_frames_and_fixes(blocks: Drive) -> None:
    drive = drive_round_blocks(seconds=6000)
    times, places = photos(drive, 3000)
    found = estimate(clock_by_track(times - 3600, places, drive.track(0.5)))
    assert found.offset_s == pytest.approx(-3600, abs=0.05)
    assert found.frames_used == 2000


def test_too_few(blocks: Drive) -> None:
    times, places = photos(blocks, 2)
    assert clock_by_track(times, places, blocks.track()) == "too_few"
    assert clock_by_track(np.full(5, np.nan), np.tile(places[0], (5, 1)), blocks.track()) == "too_few"


def test_another_place_or_another_day(blocks: Drive) -> None:
    times, places = photos(blocks)
    assert clock_by_track(times, places + 0.1, blocks.track()) == "no_match"
    assert clock_by_track(times + 24 * 3600, places, blocks.track()) == "no_match"


def test_a_vehicle_that_stands(blocks: Drive) -> None:
    times = START_S + np.arange(0, 300, 0.1)
    parked = Drive(times, np.zeros((len(times), 2)))
    track = parked.track(noise_m=RNG.normal(0, 0.3, (300, 2)))
    taken, places = photos(parked, 100, 3.0)
    assert clock_by_track(taken + 47, places, track) in ("no_motion", "ambiguous")


def test_a_slow_straight_walk_in_much_noise() -> None:
    times = START_S + np.arange(0, 120, 0.1)
    walk = Drive(times, np.column_stack([0.4 * (times - START_S), np.zeros(len(times))]))
    taken, places = photos(walk, 60, 8.0)
    assert clock_by_track(taken + 30, places, walk.track()) == "no_motion"


def test_laps_of_the_same_block_are_ambiguous() -> None:
    """Four laps of a square at even speed, photos of one: any lap would do."""
    times = START_S + np.arange(0, 400, 0.1)
    along = (6 * (times - START_S)) % 600
    corners = np.array([[0, 0], [150, 0], [150, 150], [0, 150], [0, 0]])
    points = np.stack(
        [np.interp(along, np.arange(0, 601, 150), corners[:, axis]) for axis in (0, 1)], axis=-1
    )
    laps = Drive(times, points)
    taken = START_S + np.arange(110, 190, 1.0)
    assert clock_by_track(taken, WUHAN.to_lon_lat(laps.at(taken)), laps.track()) == "ambiguous"


@pytest.mark.parametrize("cut", [True, False])
def test_gps_time_stamps(cut: bool) -> None:
    """Cut to whole seconds or not, one in ten from an old fix."""
    true = START_S + np.sort(RNG.uniform(0, 600, 300))
    stamps = np.floor(true) if cut else true
    stamps[::10] -= RNG.uniform(5, 60, 30).round()
    found = clock_by_gps_time(true + 47, stamps)
    assert found is not None
    assert found.offset_s == pytest.approx(47, abs=0.15)
    assert abs(found.offset_s - 47) < 3 * found.sigma_s
    assert clock_by_gps_time(true, np.full(300, np.nan)) is None


def test_who_goes_first(blocks: Drive) -> None:
    times, places = photos(blocks)
    nothing = np.full(len(times), np.nan)
    known = DeviceProfile(clock_offset_s=5.0)
    assert estimate_clock(times, times, places, blocks.track(), known).method == "profile"
    stale = times - RNG.uniform(0, 60, len(times))
    assert estimate_clock(times, stale, places, blocks.track(), DeviceProfile()).method == "track"
    assert estimate_clock(times, times, places, None, DeviceProfile()).method == "gps_time"
    assumed = estimate_clock(times, nothing, places, None, DeviceProfile())
    assert (assumed.method, assumed.offset_s, assumed.sigma_s, assumed.refusal) == ("assumed", 0.0, 0.5, None)
    lost = estimate_clock(times, nothing, places + 1, blocks.track(), DeviceProfile())
    assert (lost.method, lost.refusal) == ("assumed", "no_match")
