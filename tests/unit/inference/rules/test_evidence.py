"""Which pictures are shown, and what the evidence pair meets."""

from collections.abc import Callable
from typing import Any

import pytest

from streetsight.inference.positions.profile import DeviceProfile, ErrorsProfile, FixedPlace
from streetsight.inference.rules.candidate import Picture
from streetsight.inference.rules.evidence import check_pair, choose_pair
from streetsight.inference.rules.pictures import close_up, panorama, pictures_of
from streetsight.inference.rules.settings import load_rules

Build = Callable[..., Any]
RULES = load_rules().pictures
SMALL, MIDDLE, LARGE = (600, 300, 640, 330), (500, 250, 700, 400), (300, 100, 900, 650)
CUT, FULL = (0, 50, 900, 720), (20, 20, 1260, 700)


@pytest.mark.parametrize(
    ("boxes", "close", "wide"),
    [
        ([SMALL, MIDDLE, LARGE], LARGE, MIDDLE),
        ([SMALL, MIDDLE, CUT], MIDDLE, SMALL),  # the largest is cut off; the panorama is another frame
        ([CUT], CUT, None),  # nothing around it
        ([SMALL], SMALL, SMALL),
        ([FULL, SMALL], FULL, SMALL),
        ([FULL, FULL], FULL, None),
        ([CUT, FULL, MIDDLE, SMALL], FULL, MIDDLE),
    ],
)
def test_panorama_and_close_up(
    boxes: list[tuple[int, ...]],
    close: tuple[int, ...],
    wide: tuple[int, ...] | None,
    glimpse: Build,
    sighting: Build,
    place: Build,
) -> None:
    for order in (boxes, boxes[::-1]):
        seen = sighting(glimpses=[glimpse(index, box) for index, box in enumerate(order)])
        pictures = pictures_of(place(seen), RULES)
        best = close_up(pictures)
        around = panorama(pictures, best, RULES)
        assert best.glimpse.box_xyxy_px == close
        assert (around.glimpse.box_xyxy_px if around else None) == wide


def test_a_frame_that_cannot_be_judged_is_never_shown(glimpse: Build, sighting: Build, place: Build) -> None:
    seen = sighting(glimpses=[glimpse(0, LARGE, scorable=False), glimpse(1, SMALL)])
    assert [each.glimpse.box_xyxy_px for each in pictures_of(place(seen), RULES)] == [SMALL]


def pictures(*sightings: Any) -> list[Picture]:
    return [
        Picture(each, glimpse, glimpse.box_xyxy_px != CUT, 0.03)
        for each in sightings
        for glimpse in each.glimpses
    ]


@pytest.mark.parametrize(
    ("second", "changes", "rule", "state"),
    [
        (10, {}, "pair_interval", "met"),
        (9.5, {}, "pair_interval", "not_met"),
        (600, {}, "pair_times", "met"),
        (600, {"size_wh": (720, 1280)}, "pair_resolution", "met"),  # upright phones too
        (600, {"size_wh": (1279, 720)}, "pair_resolution", "not_met"),
        (600, {"size_wh": (4000, 700)}, "pair_resolution", "not_met"),
        (600, {}, "pair_clock", "met"),
        (600, {}, "pair_whole", "met"),
        (600, {"box": CUT}, "pair_whole", "not_met"),
        (600, {}, "pair_plate", "not_measurable"),
        (600, {}, "pair_colour", "not_measurable"),
    ],
)
def test_items_of_the_pair(
    second: float,
    changes: dict[str, Any],
    rule: str,
    state: str,
    glimpse: Build,
    sighting: Build,
    context: Build,
) -> None:
    seen = pictures(sighting(glimpses=[glimpse(0), glimpse(second, **changes)]))
    findings = {each.rule: each for each in check_pair(choose_pair(seen, context()), context())}
    assert findings[rule].state == state
    assert findings[rule].say("en")


@pytest.mark.parametrize("times", [[0], [5, 5], [None, None], [None, 0]])
def test_without_two_times_there_is_no_pair(
    times: list[float | None], glimpse: Build, sighting: Build, context: Build
) -> None:
    seen = pictures(sighting(glimpses=[glimpse(when) for when in times]))
    (finding,) = check_pair(choose_pair(seen, context()), context())
    assert (finding.rule, finding.state, finding.reason) == ("pair_times", "not_met", "one_time")


@pytest.mark.parametrize(
    ("devices", "state", "reason"),
    [
        ({"car-1": ErrorsProfile(clock_s=1.0)}, "met", "clock_close"),
        ({"car-1": ErrorsProfile(clock_s=1.1)}, "not_met", "clock_off"),
        ({}, "not_measurable", "clock_unknown"),
    ],
)
def test_the_clock_is_the_profiles(
    devices: dict[str, ErrorsProfile],
    state: str,
    reason: str,
    glimpse: Build,
    sighting: Build,
    context: Build,
) -> None:
    known = context(devices={name: DeviceProfile(device=name, errors=each) for name, each in devices.items()})
    pair = choose_pair(pictures(sighting(glimpses=[glimpse(0), glimpse(60)])), known)
    clock = next(each for each in check_pair(pair, known) if each.rule == "pair_clock")
    assert (clock.state, clock.reason) == (state, reason)


@pytest.mark.parametrize(
    ("metres", "state"),
    [(0, "met"), (4.9, "met"), (7, "uncertain"), (30, "not_met"), (None, "not_measurable")],
)
def test_two_passes_must_show_the_same_place(
    metres: float | None, state: str, sighting: Build, context: Build
) -> None:
    pair = choose_pair(pictures(sighting(0, 0.0), sighting(600, metres)), context())
    place = next(each for each in check_pair(pair, context()) if each.rule == "pair_place")
    assert place.state == state


def test_on_a_fixed_camera_the_box_must_not_move(glimpse: Build, sighting: Build, context: Build) -> None:
    fixed = DeviceProfile(device="mast", fixed=FixedPlace(lon=114.26, lat=30.54, heading_deg=0))
    known = context(devices={"mast": fixed})
    for shift, state in ((0, "met"), (49, "met"), (60, "not_met")):
        later = glimpse(60, (600 + shift, 300, 800 + shift, 440))
        seen = sighting(glimpses=[glimpse(0), later], device_id="mast")
        findings = check_pair(choose_pair(pictures(seen), known), known)
        assert next(each.state for each in findings if each.rule == "pair_place") == state


def test_the_pair_prefers_time_between_then_whole_pictures(
    glimpse: Build, sighting: Build, context: Build
) -> None:
    seen = [glimpse(0), glimpse(2), glimpse(11, CUT), glimpse(12), glimpse(14)]
    pair = choose_pair(pictures(sighting(glimpses=seen)), context())
    assert pair
    assert [each.glimpse.box_xyxy_px == CUT for each in pair] == [False, False]
    assert (pair[1].glimpse.taken_at - pair[0].glimpse.taken_at).total_seconds() >= 10  # type: ignore[operator]


def test_many_frames_are_no_trouble(glimpse: Build, sighting: Build, context: Build) -> None:
    seen = pictures(sighting(glimpses=[glimpse(float(when)) for when in range(3000)]))
    pair = choose_pair(seen, context())
    assert pair
    assert check_pair(pair, context())[1].state == "met"
