"""Zones drawn on a fixed camera's picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.inference.rules.image_zones import ImageZoneError, anchor, read_image_zones
from streetsight.inference.rules.settings import load_rules
from streetsight.models.taxonomy import default_taxonomy

KINDS, NAMES = load_rules().zone_kinds, default_taxonomy().names
SQUARE = "polygon: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]"


def write(tmp_path: Path, zones: str, head: str = "device: gate-3\ntime_zone: '+08:00'\n") -> Path:
    path = tmp_path / "gate-3.yaml"
    path.write_text(f"{head}zones:\n  - {{{zones}}}\n", encoding="utf-8")
    return path


def test_zones_are_read_from_yaml_and_json(tmp_path: Path) -> None:
    window = 'windows: [{from: "07:00", to: "21:00"}]'
    path = write(tmp_path, f"kind: fire_lane, name: 北门, {SQUARE}, {window}, classes: [truck]")
    zones = read_image_zones(path, KINDS, NAMES)
    (zone,) = zones.zones
    assert (zones.device, zone.name, zone.kind, zone.classes) == (
        "gate-3",
        "北门",
        "fire_lane",
        frozenset({"truck"}),
    )
    assert zone.schedule is not None
    assert zone.geometry.area == pytest.approx(0.16)
    path.write_text('{"device": "a", "zones": [{"kind": "sensitive", "polygon": [[0, 0], [1, 0], [1, 1]]}]}')
    assert read_image_zones(path, KINDS, NAMES).zones[0].name == "sensitive 1"


@pytest.mark.parametrize(
    ("zones", "says"),
    [
        (f"kind: parking, {SQUARE}", "zones.0.kind: unknown parking; known: fire_lane"),
        ("kind: fire_lane, polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]", "zones.0.polygon: Self-intersection"),
        ("kind: fire_lane, polygon: [[0, 0], [0.5, 0.5], [1, 1]]", "zones.0.polygon"),
        ("kind: fire_lane, polygon: [[0, 0], [640, 0], [640, 480]]", "less than or equal to 1"),
        ("kind: fire_lane, polygon: [[0, 0], [1, 0]]", "at least 3 items"),
        (f"kind: fire_lane, {SQUARE}, colour: red", "colour: Extra inputs are not permitted"),
        (f"kind: fire_lane, {SQUARE}, classes: [tank]", "zones.0.classes: unknown tank"),
        (f"kind: fire_lane, {SQUARE}, windows: [{{from: 7, to: 9}}]", "expected a time such as 07:30"),
    ],
)
def test_what_is_wrong_is_named(zones: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ImageZoneError, match=r"gate-3\.yaml: ") as caught:
        read_image_zones(write(tmp_path, zones), KINDS, NAMES)
    assert says in str(caught.value)


def test_hours_need_a_time_zone(tmp_path: Path) -> None:
    path = write(
        tmp_path, f'kind: fire_lane, {SQUARE}, windows: [{{from: "07:00", to: "09:00"}}]', "device: g\n"
    )
    with pytest.raises(ImageZoneError, match="hours need a time_zone"):
        read_image_zones(path, KINDS, NAMES)


@pytest.mark.parametrize("content", ["- 1", "a: [", "", "device: x"])
def test_a_file_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "zones.yaml"
    path.write_text(content)
    with pytest.raises(ImageZoneError, match=r"zones\.yaml"):
        read_image_zones(path, KINDS, NAMES)


def test_the_anchor_is_where_a_thing_meets_the_ground(glimpse: Callable[..., Any]) -> None:
    assert anchor(glimpse(0, (0, 0, 640, 360), size_wh=(1280, 720))) == (0.25, 0.5)
