import json
import math
from bisect import bisect_right
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.video.sampling import TOLERANCE_S, Sampler, Sampling, Travel

FRAME_S = 0.04


def travel(*knots: tuple[float, float]) -> Travel:
    """Of (offset in seconds, metres)."""
    offset_s, metres = np.array(knots, np.float64).reshape(-1, 2).T
    return Travel(offset_s, metres)


def taken(sampling: Sampling, seconds: float, frame_s: float = FRAME_S) -> list[tuple[float, str]]:
    sampler = Sampler(sampling)
    offsets = [index * frame_s for index in range(round(seconds / frame_s) + 1)]
    return [(offset, by) for offset in offsets if (by := sampler.take(offset))]


@st.composite
def ways(draw: st.DrawFn) -> Travel:
    """Ways that halt, race, and are unknown here and there."""
    steps = draw(st.lists(st.floats(0.05, 5), min_size=1, max_size=12))
    metres = np.cumsum(
        draw(st.lists(st.sampled_from([0.0, 0.3, 2.0, 25.0]), min_size=len(steps), max_size=len(steps)))
    )
    unknown = draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    offset_s = np.cumsum(steps) + draw(st.floats(-3, 3))
    return Travel(offset_s, np.where(unknown, np.nan, metres))


def test_a_steady_drive_gives_one_frame_every_four_metres() -> None:
    frames = taken(Sampling(travel((0, 0), (20, 100))), 20)  # 5 m/s: 4 m take 0.8 s
    assert {by for _, by in frames} == {"distance"}
    assert [round(offset, 6) for offset, _ in frames] == [round(0.8 * index, 6) for index in range(26)]


def test_standing_still_gives_one_frame() -> None:
    assert taken(Sampling(travel((0, 7), (600, 7))), 600) == [(0, "distance")]


def test_standing_in_between_gives_none() -> None:
    frames = taken(Sampling(travel((0, 0), (4, 20), (60, 20), (64, 40))), 64)
    assert not [offset for offset, _ in frames if 4.1 < offset < 60.1]


def test_without_a_way_time_decides() -> None:
    frames = taken(Sampling(every_s=0.2), 1)  # five periods of 0.04 s are not exactly 0.2
    assert [offset for offset, _ in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert {by for _, by in frames} == {"time"}


def test_where_the_way_is_unknown_time_decides() -> None:
    sampling = Sampling(travel((2, 0), (4, 10), (6, math.nan), (8, 20), (10, 30)))
    frames = taken(sampling, 12)
    by_time = [offset for offset, by in frames if by == "time"]
    assert all(offset < 2 or 4 <= offset <= 8 or offset > 10 for offset in by_time)
    assert max(np.diff([offset for offset, _ in frames])) < 0.8 + 1.5 * FRAME_S


def farthest(way: Travel, since_s: float, until_s: float) -> float:
    """Metres known to have been travelled between two moments; NaN if nothing is known at the first."""
    inside = way.metres[(way.offset_s > since_s) & (way.offset_s <= until_s)]
    known = [each for each in (*inside, way.at(since_s), way.at(until_s)) if not math.isnan(each)]
    return max(known, default=math.nan) - way.at(since_s)


@given(ways(), st.sampled_from([1.0, 4.0]), st.sampled_from([0.1, 0.5]))
def test_frames_are_as_far_apart_as_asked(way: Travel, every_m: float, every_s: float) -> None:
    offsets = [offset for offset, _ in taken(Sampling(way, every_m, every_s), 20)]
    slack_m = 25 / 0.05 * TOLERANCE_S  # at the fastest that these ways know
    for last, offset in pairwise(offsets):
        in_time = offset - last >= every_s - TOLERANCE_S - 1e-9
        unknown = math.isnan(way.at(last) + way.at(offset))
        assert farthest(way, last, offset) >= every_m - slack_m - 1e-9 or (unknown and in_time)


@given(ways(), st.sampled_from([1.0, 4.0]), st.sampled_from([0.1, 0.5]))
def test_no_stretch_is_left_out(way: Travel, every_m: float, every_s: float) -> None:
    offsets = [offset for offset, _ in taken(Sampling(way, every_m, every_s), 20)]
    for index in range(500):
        moment = index * FRAME_S
        last = offsets[bisect_right(offsets, moment) - 1]
        assert not farthest(way, last, moment) >= every_m + 1e-6
        unknown = all(math.isnan(way.at(moment - early)) for early in (0, 3 * TOLERANCE_S))
        if unknown or math.isnan(way.at(last)):
            assert moment - last < every_s + 1e-9


@given(ways())
def test_the_next_moment_is_the_first_that_is_due(way: Travel) -> None:
    """`after` is what allows to pass over pictures: nothing before it may be due."""
    sampling = Sampling(way)
    for start in (-4.0, 0.0, 1.0, 5.0):
        after = sampling.after(start)
        assert after > start
        for moment in np.linspace(start, min(after, 60.0), 50)[1:-1]:
            far = way.at(moment) - way.at(start) >= sampling.every_m + 1e-9
            late = math.isnan(way.at(moment) + way.at(start)) and moment - start > sampling.every_s + 1e-9
            assert not far
            assert not late


@given(ways())
def test_a_sampling_survives_the_way_to_another_process(way: Travel) -> None:
    there = Sampling.from_json(json.loads(json.dumps(Sampling(way, 3.0, 0.7).to_json())))
    assert there.travel is not None
    assert (there.every_m, there.every_s) == (3.0, 0.7)
    np.testing.assert_array_equal(there.travel.offset_s, way.offset_s)
    np.testing.assert_array_equal(there.travel.metres, way.metres)
    assert Sampling.from_json(json.loads(json.dumps(Sampling().to_json()))).travel is None


@pytest.mark.parametrize(
    ("offset_s", "metres", "said"),
    [
        ([0, 1], [0], "must be"),
        ([0, 0], [0, 1], "strictly increasing"),
        ([0, math.nan], [0, 1], "strictly increasing"),
        ([0, 1], [1, 0], "never decrease"),
        ([0, 1, 2], [5, math.nan, 4], "never decrease"),
        ([0, 1], [0, math.inf], "never decrease"),
    ],
)
def test_a_way_that_cannot_be_is_refused(offset_s: list[float], metres: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Travel(np.array(offset_s, np.float64), np.array(metres, np.float64))


@pytest.mark.parametrize("spacing", [{"every_m": 0}, {"every_s": -1}, {"every_m": math.inf}])
def test_a_spacing_that_cannot_be_is_refused(spacing: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Sampling(**spacing)  # type: ignore[arg-type]


def test_an_empty_way_is_an_unknown_one() -> None:
    assert taken(Sampling(Travel(np.zeros(0), np.zeros(0))), 1) == taken(Sampling(), 1)
