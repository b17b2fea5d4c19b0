"""The drawn map: numbers apart and inside, round scale bars, nothing of users' text unescaped."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.ground.view import View
from streetsight.inference.patrol.ground import Ground
from streetsight.inference.patrol.job import Run
from streetsight.inference.patrol.map import MARKER, Frame, draw_map, place_markers, round_length_m
from streetsight.inference.patrol.memory import Memory
from streetsight.inference.patrol.patrols import Frame as PatrolledFrame
from streetsight.inference.patrol.patrols import Patrol
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zones import Zone, ZoneMap
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.frame import Position
from streetsight.models.releases import Release

LON, LAT = 114.26, 30.54
SIZE = (1000.0, 800.0)
SVG = "{http://www.w3.org/2000/svg}"


@given(st.lists(st.tuples(st.floats(20, 980), st.floats(20, 780)), min_size=1, max_size=25))
def test_numbers_lie_inside_and_apart(points: list[tuple[float, float]]) -> None:
    lead: Any = SimpleNamespace()
    placed = place_markers([(lead, x, y) for x, y in points], SIZE)
    at = np.array([[each.x + each.dx, each.y + each.dy] for each in placed])
    assert ((at >= MARKER) & (at <= np.array(SIZE) - MARKER)).all()
    away = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + np.eye(len(at)) * 99
    assert away.min() > 1.5 * MARKER  # readable, even in a crowd


def test_numbers_with_room_stay_where_they_are() -> None:
    lead: Any = SimpleNamespace()
    for each in place_markers([(lead, 100.0, 100.0), (lead, 200.0, 100.0)], SIZE):
        assert abs(each.dx) + abs(each.dy) < 0.1


@pytest.mark.parametrize(
    ("about", "metres"), [(1.0, 1), (1.9, 1), (2.0, 2), (7, 5), (99, 50), (100, 100), (730, 500), (0.35, 0.2)]
)
def test_scale_bars_are_round(about: float, metres: float) -> None:
    assert round_length_m(about) == pytest.approx(metres)


def test_north_is_up_and_east_is_right() -> None:
    frame = Frame(LocalPlane(LON, LAT), -50.0, 40.0, 10.0, SIZE)
    middle, north, east = frame.xy(np.array([[LON, LAT], [LON, LAT + 1e-4], [LON + 1e-4, LAT]]))
    assert middle.tolist() == pytest.approx([500, 400])
    assert north[1] < middle[1]
    assert east[0] > middle[0]
    assert middle[1] - north[1] == pytest.approx(10 * 11.1, rel=0.01)  # ten units a metre


def run_with(card: Card, lon_lat: list[tuple[float, float]], zones: list[Zone]) -> Run:
    """A run of one patrol that drove along these positions."""
    camera = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
    coverage, frames = Coverage(), []
    for number, (lon, lat) in enumerate(lon_lat):
        pose = Pose(datetime(2026, 5, 4, 4, 0, number, tzinfo=UTC), Position(lon, lat, "gpx", 3.0, 0.0), 3.0)
        known = PatrolFrame(str(number), "n", pose, (1280, 720), Detections.empty(), card.class_names, camera)
        assert isinstance(known.view, View)
        coverage.add(known, "p")
        shot: Any = SimpleNamespace()
        frames.append(PatrolledFrame(shot, "accepted", pose, "p", known))
    rules = load_rules()
    ground = Ground(rules, ZoneMap(zones, rules.zone_kinds), (), (), (), {})
    run = Run(card, ground, Memory(), [], datetime(2026, 5, 4, tzinfo=UTC), coverage=coverage)
    run.patrols = [Patrol("<p>", "d", "monday", tuple(frames))]
    return run


def test_what_is_drawn(release: Release) -> None:
    zone = Zone('<b>"gate"', "fire_lane", shapely.box(LON, LAT, LON + 2e-4, LAT + 2e-4))
    far = Zone("elsewhere", "no_parking", shapely.box(LON + 1, LAT, LON + 1.1, LAT + 0.1))
    way = [(LON, LAT + index * 4e-5) for index in range(8)] + [(LON + 0.01, LAT)]
    drawn = draw_map(run_with(release.card, way, [zone, far]), "en")
    assert drawn is not None
    tree = ElementTree.fromstring(drawn.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" '))
    classes = [each.get("class") for each in tree.iter()]
    assert classes.count("seen") == 1
    assert classes.count("way") == 2  # a kilometre between two frames is no driven way
    assert next(each.text for each in tree.iter(f"{SVG}text")) == '<b>"gate"'
    assert "elsewhere" not in drawn
    assert classes.count("scale") == classes.count("north") == 1


def test_without_any_position_there_is_no_map(release: Release) -> None:
    assert draw_map(run_with(release.card, [], []), "en") is None
