"""The file of places that runs hand on to each other: sightings, re-checks and devices as JSON lines.

    {"kind": "sighting", "id": ..., "patrol_id": ..., "class": ..., "glimpses": [...], ...}
    {"kind": "recheck", "place_id": ..., "patrol_id": ..., "outcome": "gone", ...}
    {"kind": "device", "device": "patrol-07", ...}

Places are not stored: they follow from the sightings, whatever the order of the runs.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from streetsight.inference.patrol.rows import Row, sighting_of, sighting_row
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError

_NO_ROW = (KeyError, TypeError, ValueError, ValidationError)
OUTCOMES = ("still_present", "gone", "not_seen", "uncertain")


class PlacesFileError(SpokenError):
    """A file of places cannot be used, or not be written."""


@dataclass(slots=True)
class Memory:
    """What earlier runs knew, and what this one adds.

    Attributes:
        sightings: by id.
        rechecks: by place (id of any of its sightings) and patrol.
        devices: profiles by device id.
        image_of: frame id -> name of its picture, as it was when it was seen.
    """

    sightings: dict[str, Sighting] = field(default_factory=dict)
    rechecks: dict[tuple[str, str], Row] = field(default_factory=dict)
    devices: dict[str, DeviceProfile] = field(default_factory=dict)
    image_of: dict[str, str] = field(default_factory=dict)

    def add(self, sightings: Iterable[Sighting], image_of: Mapping[str, str]) -> None:
        """What was seen; what is known already changes nothing."""
        for sighting in sightings:
            self.sightings.setdefault(sighting.id, sighting)
            for glimpse in sighting.glimpses:
                if glimpse.frame_id in image_of:
                    self.image_of[glimpse.frame_id] = image_of[glimpse.frame_id]


def read_memory(path: Path | None) -> Memory:
    """Read a file of places; a file that does not exist yet is empty.

    Raises:
        PlacesFileError: naming the line that is none of ours; nothing is left out silently.
    """
    memory = Memory()
    if path is None or not path.exists():
        return memory
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesFileError("{path}: cannot be read ({reason})", path=path, reason=error) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            _take(json.loads(line), memory)
        except _NO_ROW as error:
            raise PlacesFileError(
                "{path}: line {number} is no sighting, re-check or device of an earlier run ({reason})",
                path=path, number=number, reason=error,
            ) from error  # fmt: skip
    return memory


def write_memory(path: Path, memory: Memory) -> None:
    """Put all of it into the file: whole, or not at all.

    Raises:
        PlacesFileError: when it cannot be written; the old file is as it was.
    """
    rows = [
        *({"kind": "device", **each.model_dump(mode="json")} for _, each in sorted(memory.devices.items())),
        *({"kind": "sighting", **sighting_row(each, memory.image_of)} for each in _in_order(memory)),
        *({"kind": "recheck", **row} for _, row in sorted(memory.rechecks.items())),
    ]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content.encode())
    except OSError as error:
        raise PlacesFileError("cannot write to {path}: {reason}", path=path, reason=error.strerror) from error


def _take(row: Any, memory: Memory) -> None:
    kind = row.pop("kind")
    if kind == "sighting":
        sighting = sighting_of(row)
        names = {each["frame_id"]: each["image"] for each in row["glimpses"] if each.get("image")}
        memory.add([sighting], names)
    elif kind == "recheck":
        if row["outcome"] not in OUTCOMES:
            raise ValueError(f"outcome {row['outcome']!r}")
        memory.rechecks[str(row["place_id"]), str(row["patrol_id"])] = {**row, "gone": float(row["gone"])}
    elif kind == "device":
        profile = DeviceProfile.model_validate(row)
        memory.devices[profile.device] = profile
    else:
        raise ValueError(f"kind {kind!r}")


def _in_order(memory: Memory) -> list[Sighting]:
    return sorted(
        memory.sightings.values(),
        key=lambda each: (each.first_seen.timestamp() if each.first_seen else 0.0, each.id),
    )
