"""Illegal parking: where a vehicle stands, that it stands, and for how long."""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest
import shapely

from streetsight.inference.places.sighting import Sighting
from streetsight.inference.positions.profile import DeviceProfile, FixedPlace
from streetsight.inference.rules.image_zones import ImageZones
from streetsight.inference.rules.parking import judge_parking
from streetsight.inference.rules.schedule import Schedule, parse_window
from streetsight.inference.rules.zones import Zone

Build = Callable[..., Any]
CHINA = timezone(timedelta(hours=8))
WIDE = (-30, -30, 30, 30)
FAR = (60, 60, 90, 90)


def hours(start: str, end: str) -> Schedule:
    return Schedule((parse_window({"from": start, "to": end}),), CHINA)


@pytest.mark.parametrize(
    ("class_name", "zones", "decides"),
    [
        ("car", [("no_parking", WIDE)], None),
        ("car", [("no_parking", FAR)], "outside_zones"),
        ("car", [], "no_zones"),
        ("car", [("vending_permitted", WIDE)], "no_zones"),
        ("car", [("no_parking", WIDE), ("motor_bays", (-8, -8, 8, 8))], "permitted_bay"),
        ("car", [("no_parking", WIDE), ("non_motor_bays", (-8, -8, 8, 8))], None),  # bays, but not for it
        ("bicycle", [("no_parking", WIDE), ("non_motor_bays", (-8, -8, 8, 8))], "permitted_bay"),
        ("bicycle", [("motor_bays", (-8, -8, 8, 8))], None),
        ("car", [("non_motor_bays", (-8, -8, 8, 8))], None),
        ("car", [("motor_bays", (-8, -8, 8, 8)), ("non_motor_bays", FAR)], "permitted_bay"),
        ("car", [("fire_lane", WIDE), ("motor_bays", (-8, -8, 8, 8))], None),  # a fire lane stays one
        (
            "car",
            [("no_parking", (-30, -30, 0, 30)), ("no_parking", (0, -30, 30, 30))],
            None,
        ),  # on their border
        ("car", [("no_parking", (1.0, -30, 30, 30))], "likelier_outside"),
        ("car", [("no_parking", (0.3, -30, 30, 30))], None),  # near enough that a person should look
    ],
)
def test_the_zone_decides(
    class_name: str,
    zones: list[tuple[str, tuple[float, ...]]],
    decides: str | None,
    sighting: Build,
    place: Build,
    zone: Build,
    context: Build,
) -> None:
    there = place(sighting(0), sighting(3600), class_name=class_name)
    opinion = judge_parking(there, context(*(zone(*each) for each in zones)))
    assert (opinion.refused.reason if opinion.refused else None) == decides
    assert not opinion.needs_second_look or decides


def test_an_inexact_position_is_uncertain_and_says_how_likely(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    there = place(sighting(0), sighting(3600), sigma_m=4)
    opinion = judge_parking(there, context(zone("no_parking", (-3, -30, 30, 30))))
    where = opinion.findings[0]
    assert (where.rule, where.state, where.reason) == ("zone", "uncertain", "perhaps_in_zone")
    assert opinion.probability == pytest.approx(0.773, abs=0.001)  # of 0.75 sigmas
    assert "77.3% likely inside no_parking" in where.say("en")


def test_a_zone_may_concern_some_classes_only(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    trucks = context(zone("no_parking", classes=frozenset({"truck"})))
    for class_name, refused in (("truck", False), ("car", True)):
        there = place(sighting(0), sighting(3600), class_name=class_name)
        assert (judge_parking(there, trucks).refused is not None) is refused


@pytest.mark.parametrize(
    ("sightings", "speed", "state", "reason", "second_look"),
    [
        ([0], None, "not_measurable", "one_pass", True),
        ([0, 299], 0.0, "not_met", "passes_too_close", True),
        ([0, 300], 0.0, "met", "passes_apart", False),
        ([0, 60, 301], 0.2, "met", "passes_apart", False),
        ([0, 73 * 3600], None, "not_measurable", "one_pass", True),  # says nothing about standing
        ([0, 40 * 3600, 73 * 3600], 0.0, "met", "passes_apart", False),
        ([None, None], None, "not_measurable", "no_time", True),
        ([0, None], None, "not_measurable", "one_pass", True),
    ],
)
def test_dwell_of_a_patrol(
    sightings: list[float | None],
    speed: float | None,
    state: str,
    reason: str,
    second_look: bool,
    sighting: Build,
    place: Build,
    zone: Build,
    context: Build,
) -> None:
    seen = [sighting(when, id=f"{index}", speed_mps=speed) for index, when in enumerate(sightings)]
    opinion = judge_parking(place(*seen), context(zone("no_parking")))
    dwell = opinion.findings[2]
    assert (dwell.state, dwell.reason) == (state, reason)
    assert opinion.needs_second_look is second_look
    assert opinion.refused is None


def test_what_moved_is_never_a_lead(sighting: Build, place: Build, zone: Build, context: Build) -> None:
    passes = [sighting(0, speed_mps=2.3), sighting(3600, speed_mps=4.0)]
    opinion = judge_parking(place(*passes), context(zone("no_parking")))
    assert opinion.refused
    assert opinion.refused.reason == "moving"


@pytest.mark.parametrize("speed", [4.0, None])
def test_only_passes_that_saw_it_stand_count(
    speed: float | None, sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    passes = [sighting(0, speed_mps=0.3), sighting(3600, speed_mps=speed)]
    opinion = judge_parking(place(*passes), context(zone("no_parking")))
    assert opinion.needs_second_look
    assert opinion.findings[2].reason == "one_pass"


def test_a_long_track_of_a_moving_camera_is_no_dwell(
    glimpse: Build, sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    jam = sighting(glimpses=[glimpse(10.0 * step) for step in range(100)])
    assert judge_parking(place(jam), context(zone("no_parking"))).needs_second_look


@pytest.mark.parametrize(
    ("zone_hours", "bay_hours", "times", "decides"),
    [
        (("07:00", "20:00"), None, [0, 3600], None),  # 12:00 and 13:00
        (("07:00", "09:00"), None, [0, 3600], "outside_zones"),
        (("07:00", "12:30"), None, [0, 3600], "second look"),  # only the first pass counts
        (None, ("19:00", "07:00"), [0, 3600], None),  # a bay for the night
        (None, ("19:00", "07:00"), [9 * 3600, 10 * 3600], "permitted_bay"),
        (("07:00", "20:00"), None, [None], "no_time"),
    ],
)
def test_hours_count_for_each_frame(
    zone_hours: tuple[str, str] | None,
    bay_hours: tuple[str, str] | None,
    times: list[float | None],
    decides: str | None,
    sighting: Build,
    place: Build,
    zone: Build,
    context: Build,
) -> None:
    zones = [zone("no_parking", schedule=hours(*zone_hours) if zone_hours else None)]
    if bay_hours:
        zones.append(zone("motor_bays", schedule=hours(*bay_hours)))
    opinion = judge_parking(place(*(sighting(when) for when in times)), context(*zones))
    said = opinion.refused.reason if opinion.refused else "second look" if opinion.needs_second_look else None
    assert said == decides


def test_the_graver_zone_gives_code_and_weight(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    there = place(sighting(0), sighting(3600))
    opinion = judge_parking(there, context(zone("no_parking", WIDE), zone("fire_lane")))
    assert opinion.zone == ("fire_lane", "fire_lane")
    assert opinion.sub_type
    assert opinion.sub_type[0] == "fire_lane"
    unsure = judge_parking(there, context(zone("no_parking", WIDE), zone("fire_lane", (-0.2, -30, 30, 30))))
    assert unsure.zone == ("no_parking", "no_parking")  # certain goes before grave


def test_without_a_position_nothing_is_measured(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    nowhere = place(sighting(0, None), sighting(3600, None), east=None)
    opinion = judge_parking(nowhere, context(zone("no_parking")))
    assert opinion.refused
    assert (opinion.refused.state, opinion.refused.reason) == ("not_measurable", "no_position")


# --- fixed cameras ---

LANE = shapely.box(0.4, 0.5, 0.8, 1.0)  # the anchor of the builder's box is (0.547, 0.611)


def on_camera(kind: str = "fire_lane") -> dict[str, ImageZones]:
    return {"gate-3": ImageZones("gate-3", (Zone("North gate", kind, LANE),))}


@pytest.fixture
def watched(glimpse: Build, sighting: Build) -> Callable[..., Sighting]:
    def build(seconds: list[float], shift_px: float = 0, **changes: Any) -> Any:
        seen = [
            glimpse(when, (600 + shift_px * i, 300, 800 + shift_px * i, 440))
            for i, when in enumerate(seconds)
        ]
        return sighting(None, None, glimpses=seen, device_id="gate-3", patrol_id="gate-3", **changes)

    return build


@pytest.mark.parametrize(
    ("tracks", "seconds", "met"),
    [
        ([(list(range(0, 61, 5)), 0)], 60, True),
        ([(list(range(0, 60, 5)), 0)], 55, False),
        ([(list(range(0, 61, 5)), 20)], 10, False),  # rolls through: within 0.25 of its width for 10 s
        ([(list(range(0, 31, 5)), 0), (list(range(40, 71, 5)), 0)], 70, True),  # the track broke
        ([(list(range(0, 31, 5)), 0), (list(range(61, 91, 5)), 0)], 30, False),  # gone for longer than 30 s
        ([(list(range(0, 61, 5)), 0), ([12, 17, 22], 60)], 60, True),  # another one drives past it
    ],
)
def test_dwell_on_a_fixed_camera(
    tracks: list[tuple[list[float], float]],
    seconds: float,
    met: bool,
    watched: Build,
    place: Build,
    context: Build,
) -> None:
    seen = [watched(when, shift, id=f"{index}") for index, (when, shift) in enumerate(tracks)]
    opinion = judge_parking(place(*seen, east=None), context(image_zones=on_camera()))
    dwell = opinion.findings[2]
    if tracks[0][1]:  # the frames that leave the zone are not counted as there
        assert dwell.reason == "left_too_soon"
    assert (dwell.state == "met") is met
    assert dwell.values["seconds"] == seconds
    assert (opinion.refused is None) is met
    assert not opinion.needs_second_look or not met


def test_a_box_outside_the_drawn_zone_is_outside(watched: Build, place: Build, context: Build) -> None:
    left = watched(list(range(0, 120, 5)))
    elsewhere = {"gate-3": ImageZones("gate-3", (Zone("gate", "fire_lane", shapely.box(0, 0, 0.3, 0.3)),))}
    opinion = judge_parking(place(left, east=None), context(image_zones=elsewhere))
    assert opinion.refused
    assert opinion.refused.reason == "outside_zones"


def test_a_fixed_camera_on_the_map_measures_dwell_too(
    glimpse: Build, sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    profile = DeviceProfile(device="mast", fixed=FixedPlace(lon=114.26, lat=30.54, heading_deg=0))
    seen = sighting(glimpses=[glimpse(when) for when in range(0, 90, 10)], device_id="mast")
    opinion = judge_parking(place(seen), context(zone("no_parking"), devices={"mast": profile}))
    assert opinion.findings[2].reason == "stood_on_camera"
    assert opinion.refused is None
