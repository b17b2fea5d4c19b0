"""Which way a clip's vehicle went by its track, what a close-up shows, what copies keep."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.patrol.copies import SIDE_PX, Copies, pack
from streetsight.inference.patrol.evidence import close_up_box
from streetsight.inference.patrol.looking import travel_of
from streetsight.inference.places.sighting import Glimpse
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Fix, build_track
from streetsight.models.frame import FrameMetadata

NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)


def clip(taken_at: datetime | None) -> Any:
    return SimpleNamespace(header=SimpleNamespace(metadata=FrameMetadata(taken_at)))


def track(*rows: tuple[float, float]) -> Any:
    """Fixes at seconds after noon, metres north."""
    return build_track(
        [Fix(NOON.timestamp() + seconds, 114.26, 30.54 + metres / 110_860) for seconds, metres in rows],
        "wgs84",
    )


def test_travel_is_measured_from_the_clips_first_picture() -> None:
    travel = travel_of(
        clip(NOON + timedelta(seconds=2)), track((0, 0), (1, 5), (2, 10), (4, 30)), DeviceProfile()
    )
    assert travel is not None
    assert travel.at(0.0) == pytest.approx(10, rel=0.01)
    assert travel.at(1.0) == pytest.approx(20, rel=0.01)


def test_a_clock_that_is_known_to_be_off_is_put_right() -> None:
    profile = DeviceProfile(clock_offset_s=2.0)
    travel = travel_of(clip(NOON + timedelta(seconds=2)), track((0, 0), (1, 5), (2, 10)), profile)
    assert travel is not None
    assert travel.at(1.0) == pytest.approx(5, rel=0.01)


def test_nobody_knows_the_way_between_segments() -> None:
    travel = travel_of(clip(NOON), track((0, 0), (1, 5), (100, 10), (101, 15)), DeviceProfile())
    assert travel is not None
    assert travel.at(0.5) == pytest.approx(2.5, rel=0.01)
    assert np.isnan(travel.at(30.0))
    assert np.isnan(travel.at(80.0))
    assert travel.at(100.5) == pytest.approx(12.5, rel=0.01)


@pytest.mark.parametrize("taken_at", [None, datetime(2026, 5, 4, 12, 0)])
def test_without_a_true_time_a_track_says_nothing(taken_at: datetime | None) -> None:
    assert travel_of(clip(taken_at), track((0, 0), (1, 5)), DeviceProfile()) is None


def test_a_time_without_an_offset_is_that_of_the_profile() -> None:
    local = datetime(2026, 5, 4, 12, 0)
    travel = travel_of(clip(local), track((0, 0), (1, 5)), DeviceProfile(time_zone="+08:00"))
    assert travel is not None
    assert travel.at(1.0) == pytest.approx(5, rel=0.01)


sides = st.floats(0, 1280)


@given(sides, sides, sides, sides)
def test_close_ups_hold_the_box_and_stay_in_the_frame(a: float, b: float, c: float, d: float) -> None:
    x0, x1 = sorted((a, b))
    y0, y1 = sorted((c * 720 / 1280, d * 720 / 1280))
    left, top, right, bottom = close_up_box(Glimpse("f", None, 1.0, (x0, y0, x1, y1), (1280, 720), None))
    assert 0 <= left <= x0
    assert 0 <= top <= y0
    assert x1 <= right <= 1280
    assert y1 <= bottom <= 720
    assert right - left >= 24
    assert bottom - top >= 24


def test_copies_are_small_and_come_back_in_any_order() -> None:
    copies = Copies()
    bright, dark = np.full((720, 1280, 3), 200, np.uint8), np.full((360, 1280, 3), 20, np.uint8)
    kept = [copies.keep(pack(each)) for each in (bright, dark)]
    for copy, height, grey in zip(reversed(kept), (135, 270), (20, 200), strict=True):
        image = copies.read(copy)
        assert image.shape == (height, SIDE_PX, 3)
        assert abs(int(image.mean()) - grey) < 3
    copies.close()
