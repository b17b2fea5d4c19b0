"""The fixed grid that maps count by: its cells stay where they are while a map is moved."""

from math import floor

from sqlalchemy import ColumnElement, func

from streetsight.service.auth.scope import PathColumn
from streetsight.service.candidates.tables import CELL_DEG
from streetsight.service.frames.service import Bounds

CELL_ZOOM = 12  # of `CELL_DEG`


def cell_size(zoom: int) -> float:
    """Degrees of a cell: 64 pixels of a web map at this zoom."""
    return CELL_DEG * 2.0 ** (CELL_ZOOM - zoom)


def whole_cells(bounds: Bounds, size: float) -> Bounds:
    """The box, grown to whole cells."""
    west, south, east, north = bounds
    left, right = floor((west + 180) / size), floor((east + 180) / size) + 1
    low, high = floor((south + 90) / size), floor((north + 90) / size) + 1
    return left * size - 180, low * size - 90, right * size - 180, high * size - 90


def cell_at(
    lon: PathColumn, lat: PathColumn, size: float
) -> tuple[ColumnElement[float], ColumnElement[float]]:
    """Row from the south and column from the west of the cell that a place lies in, for the database."""
    # whole numbers by rounding: `floor` is missing from some builds of SQLite, and casts differ
    return func.round((lat + 90) / size - 0.5), func.round((lon + 180) / size - 0.5)


def box_of(row: int, column: int, size: float) -> Bounds:
    """West, south, east, north of a cell."""
    west, south = column * size - 180, row * size - 90
    return west, south, west + size, south + size
