"""The ground that a patrol saw, as rows: a union per tile and day."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.coverage.tiles import Tile, pieces
from streetsight.service.assembling.tracking import Tracked
from streetsight.service.jobs.progress import going_on
from streetsight.service.store.ids import new_id
from streetsight.service.store.types import now

GRID_DEG = 1e-7  # corners are kept to a centimetre


def tiles_of(tracked: Tracked, patrol_id: str, zone: tzinfo) -> list[dict[str, Any]]:
    """Rows of `CoveredTile`.

    Args:
        zone: of the city, whose midnight parts the days whatever clock a frame was written by.
    """
    coverage = Coverage(zone=zone)
    for one in tracked.passes:
        for frame in one.frames:
            going_on()
            if frame.known:
                quality = frame.shot.result.quality
                coverage.add(frame.known, one.id, quality.brightness if quality else None)
    return [
        {"id": new_id(), "created_at": now(), "patrol_id": patrol_id, "day": day, **row}
        for day in coverage.days
        for row in _tiles(coverage, day)
    ]


def _tiles(coverage: Coverage, day: Any) -> Iterator[dict[str, Any]]:
    driven: dict[Tile, list[BaseGeometry]] = defaultdict(list)
    for line in coverage.driven(day):
        for tile, piece in pieces(line):
            driven[tile].append(piece)
    dim = {tile: _packed(ground) for tile, ground in coverage.dim(day)}
    for (x, y), seen, passed, footprints in coverage.tiles(day):
        frames = len({each.frame_id for each in footprints if each.sight == "seen"})
        yield {
            "x": x, "y": y, "seen": _packed(seen), "passed": _packed(passed), "dim": dim.pop((x, y), None),
            "driven": _joined(driven.pop((x, y), [])), "frames": frames,
        }  # fmt: skip
    for x, y in sorted(dim.keys() | driven.keys()):
        yield {
            "x": x, "y": y, "seen": None, "passed": None, "dim": dim.get((x, y)),
            "driven": _joined(driven.get((x, y), [])), "frames": 0,
        }  # fmt: skip


def _packed(ground: BaseGeometry) -> bytes | None:
    if ground.is_empty:
        return None
    tidy = shapely.set_precision(ground, GRID_DEG)
    return None if tidy.is_empty else bytes(shapely.to_wkb(tidy))


def _joined(lines: list[BaseGeometry]) -> bytes | None:
    return bytes(shapely.to_wkb(shapely.union_all(lines))) if lines else None
