"""Zones drawn on the picture of a fixed camera, one YAML or JSON file per device.

device: gate-3
time_zone: "+08:00"
zones:
  - kind: fire_lane
    name: North gate
    polygon: [[0.10, 0.55], [0.62, 0.50], [0.70, 0.95], [0.05, 0.95]]   # fractions of width and height
    windows: [{from: "07:00", to: "21:00"}]                              # optional
    classes: [truck]                                                     # optional
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import shapely
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streetsight.inference.places.sighting import Glimpse
from streetsight.inference.rules.schedule import Schedule, parse_window, parse_zone
from streetsight.inference.rules.settings import ZoneKind
from streetsight.inference.rules.zones import Zone
from streetsight.models.language import SpokenError

Fraction = Annotated[float, Field(ge=0, le=1)]


class ImageZoneError(SpokenError):
    """A file of image zones cannot be used; the message names it and the zone."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageZones:
    """All zones of one device, in fractions of its upright frame."""

    device: str
    zones: tuple[Zone, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ZoneEntry(_Strict):
    kind: str
    name: str | None = None
    polygon: Annotated[list[tuple[Fraction, Fraction]], Field(min_length=3)]
    windows: list[dict[str, Any]] | None = None
    classes: list[str] | None = None


class _File(_Strict):
    device: Annotated[str, Field(min_length=1)]
    time_zone: str | None = None
    zones: list[_ZoneEntry]


def read_image_zones(path: Path, kinds: Mapping[str, ZoneKind], class_names: Collection[str]) -> ImageZones:
    """Read one device's zones. A file is drawn by hand for one camera: a fault refuses all of it.

    Raises:
        ImageZoneError: naming the file, the zone, what was expected and what it is.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ImageZoneError(
            "{path}: not a readable YAML file ({reason})", path=path, reason=error
        ) from error
    try:
        file = _File.model_validate(values)
        zones = tuple(_zone(index, entry, file, kinds, class_names) for index, entry in enumerate(file.zones))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']} (got {each['input']!r})"
            for each in error.errors()
        )
        raise ImageZoneError("{path}: {reason}", path=path, reason=faults) from error
    except ValueError as error:
        raise ImageZoneError("{path}: {reason}", path=path, reason=error) from error
    return ImageZones(file.device, zones)


def anchor(glimpse: Glimpse) -> tuple[float, float]:
    """The lower middle of the box, where a thing meets the ground, as fractions of the frame."""
    left, _, right, bottom = glimpse.box_xyxy_px
    width, height = glimpse.size_wh
    return (left + right) / 2 / width, bottom / height


def _zone(
    index: int, entry: _ZoneEntry, file: _File, kinds: Mapping[str, ZoneKind], class_names: Collection[str]
) -> Zone:
    where = f"zones.{index}"
    if entry.kind not in kinds:
        raise ValueError(f"{where}.kind: unknown {entry.kind}; known: {', '.join(kinds)}")
    if unknown := sorted(set(entry.classes or ()) - set(class_names)):
        raise ValueError(f"{where}.classes: unknown {', '.join(unknown)}")
    geometry = shapely.Polygon(entry.polygon)
    if not geometry.is_valid or geometry.area == 0:
        raise ValueError(f"{where}.polygon: {shapely.is_valid_reason(geometry)}; draw it again")
    if kinds[entry.kind].masks:  # what is masked has neither hours nor classes
        return Zone(entry.name or f"{entry.kind} {index + 1}", entry.kind, geometry)
    schedule = None
    if entry.windows:
        if file.time_zone is None:
            raise ValueError(f"{where}.windows: hours need a time_zone such as +08:00 in the file")
        schedule = Schedule(tuple(map(parse_window, entry.windows)), parse_zone(file.time_zone))
    classes = frozenset(entry.classes) if entry.classes else None
    return Zone(entry.name or f"{entry.kind} {index + 1}", entry.kind, geometry, classes, schedule)
