"""Doubles are told from neighbours before anything is tracked."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.sightings.tracking import doubles
from streetsight.models.detections import Detections

Row = tuple[tuple[float, float, float, float], float, int]
WHOLE = (100.0, 100.0, 200.0, 200.0)


def detections(rows: Sequence[Row]) -> Detections:
    boxes, scores, classes = zip(*rows, strict=True)
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32), np.array(classes))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(WHOLE, 0.9, 0), ((120, 120, 160, 160), 0.5, 0)], [False, True]),  # a part of it
        ([(WHOLE, 0.4, 0), ((120, 120, 160, 160), 0.5, 0)], [True, False]),  # the surer one stays
        ([(WHOLE, 0.9, 0), ((120, 120, 160, 160), 0.5, 1)], [False, False]),  # another class
        ([(WHOLE, 0.9, 0), ((180, 100, 280, 200), 0.5, 0)], [False, False]),  # the next one in the row
        ([(WHOLE, 0.9, 0), (WHOLE, 0.9, 0)], [False, True]),  # the first of two alike
        # A chain: the middle one falls to the first, so the last has nothing surer to fall to.
        (
            [((0, 0, 100, 10), 0.9, 0), ((30, 0, 130, 10), 0.8, 0), ((65, 0, 165, 10), 0.7, 0)],
            [False, True, False],
        ),
    ],
)
def test_one_thing_has_one_box(rows: list[Row], expected: list[bool]) -> None:
    assert doubles(detections(rows)).tolist() == expected


boxes = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40), st.integers(1, 40)).map(
    lambda each: (each[0], each[1], each[0] + each[2], each[1] + each[3])
)
rows = st.lists(st.tuples(boxes, st.floats(0.125, 1, width=32), st.integers(0, 1)), min_size=1, max_size=8)


@given(rows)
def test_what_is_left_has_no_doubles_and_something_is_left_of_each_class(given_rows: list[Row]) -> None:
    found = detections(given_rows)
    left = found[~doubles(found)]

    assert not doubles(left).any()
    assert set(left.class_ids.tolist()) == set(found.class_ids.tolist())
