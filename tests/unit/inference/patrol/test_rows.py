"""What is written of sightings can be read again; ellipses are those of the covariance."""

import json
import math
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.patrol.rows import ellipse_95, sighting_of, sighting_row
from streetsight.inference.places.sighting import Glimpse, Sighting

metres = st.floats(-50, 50, allow_nan=False)
moments = st.none() | st.datetimes(
    datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(timezone(timedelta(hours=8)))
)
glimpses = st.builds(
    Glimpse,
    frame_id=st.text(min_size=1),
    taken_at=moments,
    score=st.floats(0, 1),
    box_xyxy_px=st.tuples(*[st.floats(0, 4000, width=32)] * 4),
    size_wh=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    distance_m=st.none() | st.floats(0, 100),
    scorable=st.booleans(),
)
sightings = st.builds(
    Sighting,
    id=st.text(min_size=1),
    patrol_id=st.text(),
    device_id=st.text(),
    class_name=st.sampled_from(["garbage", "car"]),
    glimpses=st.lists(glimpses, min_size=1, max_size=4).map(tuple),
    first_seen=moments,
    last_seen=moments,
    lon=st.none() | st.floats(-180, 180),
    lat=st.none() | st.floats(-90, 90),
    own_m2=st.tuples(metres, metres, metres),
    shared_m2=st.tuples(metres, metres, metres),
    located_by=st.sampled_from(["ground", "camera", "nothing"]),
    width_m=st.none() | st.floats(0, 10),
    speed_mps=st.none() | st.floats(0, 10),
)


@given(sightings)
def test_a_sighting_is_read_as_it_was_written(sighting: Sighting) -> None:
    assert sighting_of(json.loads(json.dumps(sighting_row(sighting, {})))) == sighting


@pytest.mark.parametrize("bearing", [0, 30, 90, 135, 179])
def test_the_ellipse_has_the_axes_and_bearing_of_the_covariance(bearing: float) -> None:
    along = np.array([math.sin(math.radians(bearing)), math.cos(math.radians(bearing))])
    across = np.array([along[1], -along[0]])
    spread = 9 * np.outer(along, along) + 4 * np.outer(across, across)
    major, minor, found = ellipse_95((spread[0, 0], spread[0, 1], spread[1, 1]))
    assert (major, minor) == pytest.approx((3 * math.sqrt(5.991), 2 * math.sqrt(5.991)))
    assert math.sin(math.radians(found - bearing)) == pytest.approx(0, abs=1e-9)


def test_nineteen_of_twenty_lie_in_the_ellipse() -> None:
    spread = np.array([[5.0, 2.0], [2.0, 3.0]])
    major, minor, bearing = ellipse_95((5.0, 2.0, 3.0))
    points = np.random.default_rng(0).multivariate_normal([0, 0], spread, 20_000)
    turn = math.radians(bearing)
    along = points @ [math.sin(turn), math.cos(turn)]
    across = points @ [math.cos(turn), -math.sin(turn)]
    assert ((along / major) ** 2 + (across / minor) ** 2 <= 1).mean() == pytest.approx(0.95, abs=0.005)
