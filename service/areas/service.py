"""Areas: find, and say where a place lies."""

from streetsight.service.areas.index import area_index
from streetsight.service.store.sessions import ReadSession


def area_path_at(session: ReadSession, lon: float | None, lat: float | None) -> str | None:
    """Path of the smallest area that holds a place (WGS-84 degrees); None when none does."""
    if lon is None or lat is None:
        return None
    index = area_index(session)
    return index.path_at(lon, lat) if index else None
