"""Places of the register as rows, for tests that need subjects to score."""

from datetime import UTC, datetime
from typing import Any

from shapely.geometry import box, mapping

from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.store.sessions import WriteSession

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def write_places(session: WriteSession, *places: tuple[str, str, str, tuple[float, float, float, float]],
                 **fields: Any) -> None:  # fmt: skip
    """Adds places: kind, code, name, and (west, south, east, north) in WGS-84 degrees."""
    number = len(session.query(PlaceChange).all()) + 1
    session.add(
        PlaceChange(
            number=number, action="imported", moment=LONG_AGO, kinds=sorted({kind for kind, *_ in places}),
            counts={"added": len(places)}, made_by="test", reason="test", warnings=[],
        )
    )  # fmt: skip
    usual = {
        "valid_from": LONG_AGO, "co_units": [], "five_fixed": {}, "number": number,
        "area_path": "/330106/330106003/",
    }  # fmt: skip
    for kind, code, name, bounds in places:
        middle = {"lon": (bounds[0] + bounds[2]) / 2, "lat": (bounds[1] + bounds[3]) / 2}
        shape = {"geometry": mapping(box(*bounds))}
        session.add(Place(kind=kind, code=code, name=name, **{**usual, **middle, **shape, **fields}))
    session.flush()
