"""A grid over the globe of cells about 20 m wide: which sightings are near each other."""

import math
from collections.abc import Iterator

from streetsight.inference.positions.local import LocalPlane

Cell = tuple[int, int]  # row, column

CELL_M = 20.0  # windows of 60 m: wide enough for a pattern, short enough for one receiver error (measured)
_ROW_DEG = CELL_M / 111_000.0


def cell_of(lon: float, lat: float) -> Cell:
    """The cell that holds a WGS-84 position."""
    row = math.floor(lat / _ROW_DEG)
    return row, math.floor((lon + 180.0) % 360.0 / _column_deg(row))


def plane_of(cell: Cell) -> LocalPlane:
    """Metres around the middle of a cell."""
    row, column = cell
    return LocalPlane((column + 0.5) * _column_deg(row) - 180.0, (row + 0.5) * _ROW_DEG)


def window(cell: Cell) -> Iterator[Cell]:
    """The cell and those around it: all that lies within a cell's width of it."""
    row, column = cell
    width = _column_deg(row)
    for near in (row - 1, row, row + 1):
        step = _column_deg(near)
        columns = round(360.0 / step)
        # Rows differ in the width of their columns.
        first, last = math.floor((column - 1) * width / step), math.ceil((column + 2) * width / step) - 1
        for each in range(first, last + 1):
            yield near, each % columns


def touched_by(cell: Cell) -> Iterator[Cell]:
    """All cells whose window holds this one."""
    row, column = cell
    width = _column_deg(row)
    for near in (row - 1, row, row + 1):
        step = _column_deg(near)
        columns = round(360.0 / step)
        first, last = math.floor(column * width / step - 2), math.ceil((column + 1) * width / step + 1)
        for each in range(first, last + 1):
            yield near, each % columns


def _column_deg(row: int) -> float:
    """Width of a row's columns: a whole number of them around the globe."""
    shrink = max(math.cos(math.radians((row + 0.5) * _ROW_DEG)), 1e-3)
    return 360.0 / max(1, round(360.0 * shrink / _ROW_DEG))
