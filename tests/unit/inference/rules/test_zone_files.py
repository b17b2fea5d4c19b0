"""Zone files: what is wrong with one feature is named, and costs no other."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.inference.positions.profile import Crs
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zone_files import MESSAGES, FeatureReport, ZoneFileError, read_zones
from streetsight.inference.rules.zones import ZoneMap
from streetsight.models.taxonomy import default_taxonomy

SQUARE = [[114.26, 30.54], [114.261, 30.54], [114.261, 30.541], [114.26, 30.541], [114.26, 30.54]]
BOW = [[114.26, 30.54], [114.261, 30.541], [114.261, 30.54], [114.26, 30.541], [114.26, 30.54]]
KINDS = load_rules().zone_kinds


def feature(rings: Any = None, form: str = "Polygon", **properties: Any) -> dict[str, Any]:
    geometry = {"type": form, "coordinates": [SQUARE] if rings is None else rings}
    return {"type": "Feature", "properties": {"kind": "no_parking", **properties}, "geometry": geometry}


def read(
    tmp_path: Path, *features: Any, near: tuple[float, float] | None = None, **members: Any
) -> tuple[ZoneMap, tuple[FeatureReport, ...]]:
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return read_zones(path, KINDS, default_taxonomy().names, near)


def turned(ring: list[list[float]]) -> list[list[float]]:
    return [[lat, lon] for lon, lat in ring]


URUMQI = [[87.6, 43.8], [87.61, 43.8], [87.61, 43.81], [87.6, 43.8]]


@pytest.mark.parametrize(
    ("wrong", "outcome", "detail"),
    [
        (feature([BOW]), "self_crossing", "Self-intersection"),
        (feature([SQUARE[:-1]]), "unclosed_ring", ""),
        (feature([SQUARE[:2]]), "bad_coordinates", "2 points"),
        (feature([[["114", "x"]] * 4]), "bad_coordinates", "114"),
        (feature([[[float("nan"), 1]] * 4]), "bad_coordinates", "nan"),
        (feature([]), "bad_coordinates", "none"),
        (feature("everywhere"), "bad_coordinates", "none"),
        (feature([[SQUARE[0]] * 4]), "self_crossing", ""),  # a polygon without area
        (feature(kind="no_honking"), "unknown_kind", "'no_honking'; known: fire_lane"),
        (feature(kind=None), "unknown_kind", "None"),
        (feature(kind=["a", "list"]), "unknown_kind", "list"),
        (feature(SQUARE, "LineString"), "wrong_geometry", "LineString"),
        (feature(SQUARE[0], "Point"), "wrong_geometry", "Point"),
        ({**feature(), "geometry": None}, "no_geometry", ""),
        ({**feature(), "geometry": 7}, "wrong_geometry", "int"),
        ("no feature", "not_a_feature", ""),
        ({"type": "Feature", "properties": None, "geometry": None}, "not_a_feature", ""),
        (feature([turned(SQUARE)]), "swapped_lon_lat", "30.54000, 114.26000"),
        (feature([turned(URUMQI)]), "swapped_lon_lat", "43.80000, 87.60000"),  # only the patrol tells
        (feature([[[x + 40, y] for x, y in URUMQI]]), "far_from_patrol", "3"),
        (feature([[[x * 100_000, y * 100_000] for x, y in SQUARE]]), "out_of_range", "11426"),
        (feature(classes=["car", "unicorn"]), "unknown_class", "unicorn"),
        (feature(windows=[{"from": "7", "to": "9"}], time_zone="+08:00"), "bad_window", "expected a time"),
        (feature(windows=[], time_zone="+08:00"), "bad_window", "expected a list"),
        (feature(windows=[{"from": "07:00", "to": "09:00"}], time_zone="CST?"), "bad_window", "time zone"),
        (feature(windows=[{"from": "07:00", "to": "09:00"}]), "no_time_zone", ""),
    ],
)
def test_a_wrong_feature_is_named_and_its_neighbours_are_used(
    tmp_path: Path, wrong: Any, outcome: str, detail: str
) -> None:
    near = (87.6, 43.8)
    good = feature([URUMQI], name="good")
    zones, (first, report, last) = read(tmp_path, good, wrong, good, near=near if _in_china(wrong) else None)
    assert [zone.name for zone in zones.zones] == ["good", "good"]
    assert (report.index, report.outcome, report.used) == (1, outcome, False)
    assert detail in report.detail
    assert first.outcome == last.outcome == "accepted"


def _in_china(wrong: Any) -> bool:
    """Whether the row needs the patrol's position."""
    return wrong in (feature([turned(URUMQI)]), feature([[[x + 40, y] for x, y in URUMQI]]))


@pytest.mark.parametrize(
    ("wrong", "masked"),
    [
        ([BOW], True),  # the hull of a self-crossing outline
        ([SQUARE[:-1]], True),
        ([SQUARE[:3]], True),  # a triangle that was cut short
        ([turned(SQUARE)], False),  # where it is nobody can tell
        ([[["x", "y"]]], False),
    ],
)
def test_a_faulty_sensitive_zone_masks_what_it_can(tmp_path: Path, wrong: Any, masked: bool) -> None:
    zones, (report,) = read(tmp_path, feature(wrong, kind="sensitive"))
    assert report.used is masked
    assert report.masks
    assert ("masking all of its outline's hull" if masked else "not masked, and nothing keeps") in report.say(
        "en"
    )
    inside = zones.masking(114.2605, 30.5403, (1.0, 0.0, 1.0))
    assert (inside > 0.9) is masked


def test_sensitive_zones_have_no_hours(tmp_path: Path) -> None:
    window = {"from": "07:00", "to": "09:00"}
    zones, (report,) = read(tmp_path, feature(kind="sensitive", windows=[window], classes=["car"]))
    assert (report.outcome, report.used) == ("windows_ignored", True)
    assert (zones.zones[0].schedule, zones.zones[0].classes) == (None, None)


def test_holes_parts_heights_and_names_are_read(tmp_path: Path) -> None:
    hole = [[114.2602, 30.5402], [114.2604, 30.5402], [114.2604, 30.5404], [114.2602, 30.5402]]
    other = [[x + 0.01, y, 23.5] for x, y in SQUARE]
    zones, reports = read(
        tmp_path, feature([[SQUARE, hole], [other]], "MultiPolygon", classes="truck"), time_zone="+08:00"
    )
    (zone,) = zones.zones
    assert zone.name == "no_parking 1"
    assert zone.classes == frozenset({"truck"})
    assert [len(part.interiors) for part in zone.geometry.geoms] == [1, 0]
    assert reports[0].say("en") == "in use"


def test_a_declared_system_is_converted_once_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "zones.geojson"
    asked: list[tuple[str, tuple[int, ...]]] = []

    def convert(degrees: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
        asked.append((crs, degrees.shape))
        return degrees - 0.01

    for crs in ("gcj02", "bd09", "wgs84", "cgcs2000"):
        path.write_text(
            json.dumps({"type": "FeatureCollection", "coordinates": crs, "features": [feature()]})
        )
        zones, _ = read_zones(path, KINDS, ("car",), convert=convert)
        west = zones.zones[0].geometry.bounds[0]
        assert west == pytest.approx(114.25 if crs in ("gcj02", "bd09") else 114.26)
    assert asked == [("gcj02", (5, 2)), ("bd09", (5, 2))]


def test_the_products_own_conversion_is_used_by_default(tmp_path: Path) -> None:
    drawn = np.array(SQUARE)
    systems: tuple[Crs, ...] = ("gcj02", "bd09")
    for crs in systems:
        zones, _ = read(tmp_path, feature([from_wgs84(drawn, crs).tolist()]), coordinates=crs)
        np.testing.assert_allclose(shapely.get_coordinates(zones.zones[0].geometry), drawn, atol=1e-7)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a readable JSON file"),
        ("[" * 100_000, "not a readable JSON file"),
        ('{"type": "Feature"}', "expected a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": {}}', "expected a GeoJSON FeatureCollection"),
        ("[]", "expected a GeoJSON FeatureCollection"),
        (
            '{"type": "FeatureCollection", "features": [], "coordinates": "mars"}',
            "coordinates 'mars' are not",
        ),
        ('{"type": "FeatureCollection", "features": [], "coordinates": ["gcj02"]}', "are not known"),
        (
            '{"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:4547"}}}',
            "neither WGS-84 nor CGCS2000; convert the file first",
        ),
        (
            '{"type": "FeatureCollection", "features": [], "coordinates": "bd09", "crs": {"name": "CRS84"}}',
            "crs and coordinates contradict each other",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "zones.geojson"
    path.write_text(content)
    with pytest.raises(ZoneFileError, match=says):
        read_zones(path, KINDS, ())


def test_the_old_crs_member_of_wgs84_is_taken(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert len(read(tmp_path, feature(), crs=crs)[0].zones) == 1


def test_a_missing_file_and_one_of_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ZoneFileError, match="not a readable JSON file"):
        read_zones(tmp_path / "none.geojson", KINDS, ())
    (tmp_path / "gbk.geojson").write_bytes('{"name": "禁停区"}'.encode("gbk"))
    with pytest.raises(ZoneFileError, match="not a readable JSON file"):
        read_zones(tmp_path / "gbk.geojson", KINDS, ())


def test_outcomes_are_said_in_both_languages() -> None:
    for outcome in MESSAGES:
        report = FeatureReport(0, "x", outcome, "D", False, False)
        assert report.say("en") != report.say("zh"), outcome
