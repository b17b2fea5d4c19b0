"""Neighbourhoods on the globe: complete, symmetrical enough, and whole across the date line."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.places.grid import CELL_M, cell_of, plane_of, touched_by, window
from streetsight.inference.positions.local import LocalPlane

places = st.tuples(st.floats(-180, 180, exclude_max=True), st.floats(-75, 75))


@given(places, st.floats(0, 360), st.floats(0, 0.95))
def test_what_is_within_a_cell_width_lies_in_the_window(
    place: tuple[float, float], bearing: float, share: float
) -> None:
    turn = np.radians(bearing)
    away = np.array([np.sin(turn), np.cos(turn)]) * CELL_M * share
    lon, lat = LocalPlane(*place).to_lon_lat(away).tolist()

    assert cell_of(lon, lat) in set(window(cell_of(*place)))


@given(places)
def test_a_change_touches_every_window_that_holds_it(place: tuple[float, float]) -> None:
    cell = cell_of(*place)
    touched = set(touched_by(cell))

    around = {each for near in window(cell) for each in window(near)}
    assert {each for each in around if cell in set(window(each))} <= touched


@given(places)
def test_a_cell_s_plane_is_in_its_middle(place: tuple[float, float]) -> None:
    away = plane_of(cell_of(*place)).to_metres(np.array(place))

    assert np.abs(away).max() < CELL_M * 0.6
