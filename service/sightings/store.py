"""Stored sightings as `inference.places.Places` asks for them: cell by cell, when something comes near."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, select

from streetsight.inference.places.grid import Cell
from streetsight.inference.places.sighting import Sighting
from streetsight.service.devices.tables import Device
from streetsight.service.jobs.progress import going_on
from streetsight.service.sightings import tables
from streetsight.service.sightings.rows import sighting_of
from streetsight.service.store.sessions import ReadSession


@dataclass(slots=True, eq=False)
class SightingStore:
    """Reads sightings, and remembers of them what places do not hold.

    Attributes:
        place_of: sighting -> place, as it is stored.
        frame_of: sha256 of every frame that was come across -> its id.
        release_of: sha256 -> the release that saw what is shown of it.
    """

    session: ReadSession
    place_of: dict[str, str] = field(default_factory=dict)
    frame_of: dict[str, str] = field(default_factory=dict)
    release_of: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def load(self, cell: Cell) -> Iterable[tuple[Sighting, str]]:
        """For `Places`: what is stored of a cell, with the ids of their places."""
        going_on()
        row, column = cell
        here = tables.Sighting.cell_row == row, tables.Sighting.cell_column == column
        found = select(tables.Sighting).where(*here, tables.Sighting.retired_at.is_(None))
        return [(sighting, self.place_of[sighting.id]) for sighting in self.read(found)]

    def of_patrol(self, patrol_id: str) -> list[Sighting]:
        """What tracking made of a patrol when it was assembled last."""
        of_it = tables.Sighting.patrol_id == patrol_id, tables.Sighting.retired_at.is_(None)
        return self.read(select(tables.Sighting).where(*of_it))

    def read(self, found: Select[tables.Sighting]) -> list[Sighting]:
        """The sightings that a query finds."""
        return [self._take(row) for row in self.session.scalars(found)]

    def named(self, ids: Sequence[str]) -> list[Sighting]:
        """Sightings by their ids."""
        return self.read(select(tables.Sighting).where(tables.Sighting.id.in_(ids))) if ids else []

    def _take(self, row: tables.Sighting) -> Sighting:
        self.place_of[row.id] = row.place_id
        for each in row.glimpses:
            self.frame_of[each["frame_id"]] = each["frame"]
            self.release_of[each["frame_id"]] = each["release"]
        return sighting_of(row, self._name_of(row.device_id))

    def _name_of(self, device_id: str) -> str:
        if device_id not in self._names:
            self._names[device_id] = self.session.get_one(Device, device_id).name
        return self._names[device_id]
